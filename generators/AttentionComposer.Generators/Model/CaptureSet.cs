using System.Collections.Generic;

namespace AttentionComposer.Generators.Model;

/// <summary>What all functions of a pipeline read of it, each thing once.</summary>
sealed class CaptureSet(NameScope names)
{
    readonly Dictionary<string, Capture> _byAccess = [];
    readonly List<string> _order = [];

    public IEnumerable<Capture> All
    {
        get
        {
            foreach (string access in _order)
                yield return _byAccess[access];
        }
    }

    /// <summary>The capture of what the pipeline's own code reads as <paramref name="access"/>.</summary>
    public Capture Add(string access, ExprType type, int rank, bool isMemory, StoredType? stored)
    {
        if (!_byAccess.TryGetValue(access, out Capture capture))
        {
            string last = access.Substring(access.LastIndexOf('.') + 1);
            capture = new Capture(names.Take(last), access, type, rank, isMemory) { Stored = stored };
            names.Reserve(NamesOf(capture));
            _byAccess.Add(access, capture);
            _order.Add(access);
        }

        return capture;
    }

    /// <summary>What a capture's own name and lengths are called.</summary>
    public static string[] NamesOf(Capture capture) =>
        [capture.Name, capture.Name + "Rows", capture.Name + "Columns", capture.Name + "Length0", capture.Name + "Length1", capture.Name + "Length2"];

    /// <summary>Notes that a function divides by a scalar.</summary>
    public void MarkDivisor(Capture capture) => _byAccess[capture.Access] = _byAccess[capture.Access] with { IsDivisor = true };
}
