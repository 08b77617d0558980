namespace TextDecoder.Weights;

/// <summary>
/// A model that cannot be decoded with: its file is damaged, or it needs something that this decoder does not do.
/// The message is one sentence for the person who chose the file.
/// </summary>
sealed class ModelException(string message, Exception? cause = null) : Exception(message, cause);
