namespace ILGPU.Execution;

/// <summary>A kernel did what a GPU would answer with nonsense or never end: it left a view, diverged at a barrier, asked for too much shared memory.</summary>
sealed class KernelException(string message, Exception inner) : InvalidOperationException(message, inner);
