using System.Text;

namespace AttentionComposer.Generators.Emit;

/// <summary>Text with indentation and '\n' line ends.</summary>
sealed class SourceWriter
{
    const int IndentSize = 4;

    readonly StringBuilder _text = new();
    int _indent;

    /// <summary>Writes lines, each at the present indentation on top of its own.</summary>
    public void Write(string lines)
    {
        foreach (string line in lines.Replace("\r", "").Split('\n'))
        {
            if (line.Length > 0)
                _text.Append(' ', _indent * IndentSize).Append(line);
            _text.Append('\n');
        }
    }

    public void Blank() => _text.Append('\n');

    /// <summary>Writes lines and an opening brace; what follows is indented.</summary>
    public void Open(string lines)
    {
        Write(lines);
        Write("{");
        _indent++;
    }

    /// <summary>Takes back a blank line, if one was written last.</summary>
    public void TrimBlank()
    {
        if (_text.Length > 1 && _text[_text.Length - 1] == '\n' && _text[_text.Length - 2] == '\n')
            _text.Length--;
    }

    public void Close()
    {
        _indent--;
        Write("}");
    }

    /// <summary>Indents the one statement behind a line.</summary>
    public void Nested(string line, string statement)
    {
        Write(line);
        _indent++;
        Write(statement);
        _indent--;
    }

    /// <summary>Writes statements, under a condition if there is one.</summary>
    public void Guarded(string? condition, params string[] statements)
    {
        if (condition is null)
        {
            foreach (string statement in statements)
                Write(statement);
        }
        else if (statements.Length == 1)
            Nested($"if ({condition})", statements[0]);
        else
        {
            Open($"if ({condition})");
            foreach (string statement in statements)
                Write(statement);
            Close();
        }
    }

    public override string ToString() => _text.ToString();
}
