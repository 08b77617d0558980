namespace TextDecoder;

/// <summary>A command line that cannot be carried out. The message is for the person who typed it.</summary>
sealed class CommandException(string message) : Exception(message);
