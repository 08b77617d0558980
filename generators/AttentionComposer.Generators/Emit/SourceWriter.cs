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

    public override string ToString() => _text.ToString();
}
