using System.Reflection;
using System.Runtime.InteropServices;

namespace AttentionComposer.Mpi;

/// <summary>
/// The C library of MPI, found at run time. Implementations agree on the functions and not on the handles, which the standard leaves open.
/// </summary>
/// <remarks>
/// <para>In Open MPI a handle is the address of an exported object: <c>MPI_COMM_WORLD</c> is <c>&amp;ompi_mpi_comm_world</c>. In MPICH and its
/// kin (Intel MPI, MVAPICH) it is a 32-bit number from <c>mpi.h</c>, fixed since their common ABI of 2014. Both pass as <c>nint</c>: on 64-bit
/// little-endian machines a callee that wants 32 bits reads the lower half of the register, and one that writes 32 bits through a pointer
/// fills the lower half of a variable that starts as 0.</para>
/// <para>A status is 24 bytes in Open MPI and 20 in MPICH, and "no status" is another pointer in each: a buffer that is large enough for
/// both is given instead and not read.</para>
/// </remarks>
static unsafe partial class MpiLibrary
{
    const string Library = "mpi";

    /// <summary>Threads may call at once: the watch runs beside the work.</summary>
    public const int ThreadMultiple = 3;

    /// <summary>Bytes that hold any implementation's status.</summary>
    public const int StatusBytes = 64;

    const int ErrorTextBytes = 1024; // MPI_MAX_ERROR_STRING is 256 in Open MPI, 512 in MPICH

    static readonly string[] s_names = OperatingSystem.IsMacOS()
        ? ["libmpi.dylib", "libmpi.40.dylib", "libmpi.12.dylib"]
        : ["libmpi.so.40", "libmpich.so.12", "libmpi.so.12", "libmpi.so"]; // Open MPI 4 and 5, MPICH on Debian, MPICH's ABI, whatever is installed for development

    static readonly nint s_library = Load();
    static readonly bool s_isOpenMpi = s_library != 0 && NativeLibrary.TryGetExport(s_library, "ompi_mpi_comm_world", out _);

    // Runs before the first import is called, which asks for the library by the name that only this resolver knows.
    static MpiLibrary() =>
        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) => name == Library ? s_library : 0);

    /// <summary>Whether there is an MPI library on this machine.</summary>
    public static bool IsInstalled => s_library != 0;

    public static nint World => s_isOpenMpi ? Export("ompi_mpi_comm_world") : 0x44000000;

    public static nint Byte => s_isOpenMpi ? Export("ompi_mpi_byte") : 0x4c00010d;

    static nint ErrorsReturn => s_isOpenMpi ? Export("ompi_mpi_errors_return") : 0x54000001;

    /// <summary>Makes a communicator's calls return their errors, which end the process otherwise.</summary>
    public static void ReturnErrors(nint communicator) => Check(SetErrorHandler(communicator, ErrorsReturn), "MPI_Comm_set_errhandler");

    /// <exception cref="MpiException">The call has failed.</exception>
    public static void Check(int code, string function)
    {
        if (code == 0)
            return;
        byte* text = stackalloc byte[ErrorTextBytes];
        string reason = ErrorString(code, text, out int length) == 0 ? System.Text.Encoding.UTF8.GetString(text, length) : $"error {code}";
        throw new MpiException($"{function} failed: {reason}");
    }

    static nint Export(string name) => NativeLibrary.GetExport(s_library, name);

    static nint Load()
    {
        foreach (string name in s_names)
            if (NativeLibrary.TryLoad(name, out nint library))
                return library;
        return 0;
    }

    [LibraryImport(Library, EntryPoint = "MPI_Init_thread")]
    public static partial int InitThread(nint argc, nint argv, int required, out int provided);

    [LibraryImport(Library, EntryPoint = "MPI_Finalize")]
    public static partial int Finish();

    [LibraryImport(Library, EntryPoint = "MPI_Abort")]
    public static partial int Abort(nint communicator, int code);

    [LibraryImport(Library, EntryPoint = "MPI_Error_string")]
    private static partial int ErrorString(int code, byte* text, out int length);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_set_errhandler")]
    private static partial int SetErrorHandler(nint communicator, nint handler);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_rank")]
    public static partial int Rank(nint communicator, out int rank);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_size")]
    public static partial int Size(nint communicator, out int size);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_dup")]
    public static partial int Duplicate(nint communicator, ref nint copy);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_split")]
    public static partial int Split(nint communicator, int color, int key, ref nint part);

    [LibraryImport(Library, EntryPoint = "MPI_Comm_free")]
    public static partial int Free(ref nint communicator);

    [LibraryImport(Library, EntryPoint = "MPI_Type_create_hvector")]
    public static partial int CreateStrided(int count, int length, nint stride, nint type, ref nint strided);

    [LibraryImport(Library, EntryPoint = "MPI_Type_commit")]
    public static partial int Commit(ref nint type);

    [LibraryImport(Library, EntryPoint = "MPI_Type_free")]
    public static partial int FreeType(ref nint type);

    [LibraryImport(Library, EntryPoint = "MPI_Ibarrier")]
    public static partial int Barrier(nint communicator, ref nint request);

    [LibraryImport(Library, EntryPoint = "MPI_Ibcast")]
    public static partial int Broadcast(void* data, int count, nint type, int root, nint communicator, ref nint request);

    [LibraryImport(Library, EntryPoint = "MPI_Igatherv")]
    public static partial int Gather(
        void* sent, int sentCount, nint sentType, void* received, int* counts, int* offsets, nint type, int root, nint communicator, ref nint request);

    [LibraryImport(Library, EntryPoint = "MPI_Isend")]
    public static partial int Send(void* data, int count, nint type, int to, int tag, nint communicator, ref nint request);

    [LibraryImport(Library, EntryPoint = "MPI_Irecv")]
    public static partial int Receive(void* data, int count, nint type, int from, int tag, nint communicator, ref nint request);

    [LibraryImport(Library, EntryPoint = "MPI_Test")]
    public static partial int Test(ref nint request, out int done, byte* status);

    [LibraryImport(Library, EntryPoint = "MPI_Cancel")]
    public static partial int Cancel(ref nint request);
}
