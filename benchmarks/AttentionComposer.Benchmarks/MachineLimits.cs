using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AttentionComposer.Benchmarks;

/// <summary>What a kernel is held against.</summary>
enum Limit
{
    /// <summary>Bytes a second that the threads can read from memory.</summary>
    Read,

    /// <summary>Float32 operations a second in independent multiply-adds between registers.</summary>
    MultiplyAdd,
}

/// <summary>
/// Measures what the machine can do at this moment. On a shared machine that changes by a factor of two within minutes, so a
/// limit is sampled between any two kernels.
/// </summary>
sealed unsafe class MachineLimits : IDisposable
{
    const long BufferBytes = 512L << 20;   // far above any last-level cache
    const int Stride = 128;                // floats a step of the read loop: eight vectors of 512 bits
    const int ChainSteps = 8_000_000;      // some 13 ms: as long as a read sample, and longer than a time slice
    const int Chains = 12;                 // latency times ports is 8 or 10 on the processors in use

    readonly HugePageBuffer _buffer = new(BufferBytes / sizeof(float));
    readonly ThreadTeam _team;
    readonly long _share;
    readonly float[] _sink;
    readonly Action<int> _read, _multiplyAdd;

    public MachineLimits(int threads, int[] cores)
    {
        _team = new ThreadTeam(threads, cores);
        _share = _buffer.Length / threads / Stride * Stride;
        _sink = new float[threads * 16];
        _read = Read;
        _multiplyAdd = MultiplyAdd;
        _team.Time(Touch);
    }

    /// <summary>One sample: bytes or operations a second.</summary>
    public double Sample(Limit limit) => limit == Limit.Read
        ? _share * sizeof(float) * _team.Size / _team.Time(_read)
        : 2.0 * Width * Chains * ChainSteps * _team.Size / _team.Time(_multiplyAdd);

    static int Width => Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated ? 8 : 4;

    void Touch(int member)
    {
        // Untouched pages would all be the one page of zeros.
        float* from = _buffer.Pointer + member * _share;
        for (long i = 0; i < _share; i++)
            from[i] = (uint)(i * 2654435761) >> 16;
    }

    void Read(int member)
    {
        float* from = _buffer.Pointer + member * _share;
        _sink[member * 16] = Vector512.IsHardwareAccelerated ? Sum512(from, _share)
            : Vector256.IsHardwareAccelerated ? Sum256(from, _share)
            : Sum128(from, _share);
    }

    void MultiplyAdd(int member) => _sink[member * 16] = Vector512.IsHardwareAccelerated ? Chains512()
        : Vector256.IsHardwareAccelerated ? Chains256()
        : Chains128();

    // 3 to 5 % above what the hardware prefetches by itself; a limit that a kernel can beat would be none.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void PrefetchStride(float* address)
    {
        const int Ahead = 1024;   // floats; 2 to 8 KiB are alike on Zen 5
        if (!Sse.IsSupported)
            return;
        for (int line = 0; line < Stride; line += 16)
            Sse.Prefetch0(address + Ahead + line);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Sum512(float* from, long count)
    {
        Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (float* end = from + count; from < end; from += Stride)
        {
            PrefetchStride(from);
            s0 += Vector512.Load(from);
            s1 += Vector512.Load(from + 16);
            s2 += Vector512.Load(from + 32);
            s3 += Vector512.Load(from + 48);
            s4 += Vector512.Load(from + 64);
            s5 += Vector512.Load(from + 80);
            s6 += Vector512.Load(from + 96);
            s7 += Vector512.Load(from + 112);
        }
        return Vector512.Sum(s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Sum256(float* from, long count)
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (float* end = from + count; from < end; from += Stride)
        {
            PrefetchStride(from);
            s0 += Vector256.Load(from) + Vector256.Load(from + 64);
            s1 += Vector256.Load(from + 8) + Vector256.Load(from + 72);
            s2 += Vector256.Load(from + 16) + Vector256.Load(from + 80);
            s3 += Vector256.Load(from + 24) + Vector256.Load(from + 88);
            s4 += Vector256.Load(from + 32) + Vector256.Load(from + 96);
            s5 += Vector256.Load(from + 40) + Vector256.Load(from + 104);
            s6 += Vector256.Load(from + 48) + Vector256.Load(from + 112);
            s7 += Vector256.Load(from + 56) + Vector256.Load(from + 120);
        }
        return Vector256.Sum(s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Sum128(float* from, long count)
    {
        Vector128<float> s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        for (float* end = from + count; from < end; from += 32)
        {
            s0 += Vector128.Load(from);
            s1 += Vector128.Load(from + 4);
            s2 += Vector128.Load(from + 8);
            s3 += Vector128.Load(from + 12);
            s4 += Vector128.Load(from + 16);
            s5 += Vector128.Load(from + 20);
            s6 += Vector128.Load(from + 24);
            s7 += Vector128.Load(from + 28);
        }
        return Vector128.Sum(s0 + s1 + (s2 + s3) + (s4 + s5 + (s6 + s7)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Chains512()
    {
        Vector512<float> x = Vector512.Create(0.999999f), y = Vector512.Create(1e-7f);
        Vector512<float> a0 = Vector512.Create(0f), a1 = Vector512.Create(1f), a2 = Vector512.Create(2f), a3 = Vector512.Create(3f);
        Vector512<float> a4 = Vector512.Create(4f), a5 = Vector512.Create(5f), a6 = Vector512.Create(6f), a7 = Vector512.Create(7f);
        Vector512<float> a8 = Vector512.Create(8f), a9 = Vector512.Create(9f), a10 = Vector512.Create(10f), a11 = Vector512.Create(11f);
        for (int i = 0; i < ChainSteps; i++)
        {
            a0 = Vector512.FusedMultiplyAdd(a0, x, y);
            a1 = Vector512.FusedMultiplyAdd(a1, x, y);
            a2 = Vector512.FusedMultiplyAdd(a2, x, y);
            a3 = Vector512.FusedMultiplyAdd(a3, x, y);
            a4 = Vector512.FusedMultiplyAdd(a4, x, y);
            a5 = Vector512.FusedMultiplyAdd(a5, x, y);
            a6 = Vector512.FusedMultiplyAdd(a6, x, y);
            a7 = Vector512.FusedMultiplyAdd(a7, x, y);
            a8 = Vector512.FusedMultiplyAdd(a8, x, y);
            a9 = Vector512.FusedMultiplyAdd(a9, x, y);
            a10 = Vector512.FusedMultiplyAdd(a10, x, y);
            a11 = Vector512.FusedMultiplyAdd(a11, x, y);
        }
        return Vector512.Sum(a0 + a1 + (a2 + a3) + (a4 + a5 + (a6 + a7)) + (a8 + a9 + (a10 + a11)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Chains256()
    {
        Vector256<float> x = Vector256.Create(0.999999f), y = Vector256.Create(1e-7f);
        Vector256<float> a0 = Vector256.Create(0f), a1 = Vector256.Create(1f), a2 = Vector256.Create(2f), a3 = Vector256.Create(3f);
        Vector256<float> a4 = Vector256.Create(4f), a5 = Vector256.Create(5f), a6 = Vector256.Create(6f), a7 = Vector256.Create(7f);
        Vector256<float> a8 = Vector256.Create(8f), a9 = Vector256.Create(9f), a10 = Vector256.Create(10f), a11 = Vector256.Create(11f);
        for (int i = 0; i < ChainSteps; i++)
        {
            a0 = Vector256.FusedMultiplyAdd(a0, x, y);
            a1 = Vector256.FusedMultiplyAdd(a1, x, y);
            a2 = Vector256.FusedMultiplyAdd(a2, x, y);
            a3 = Vector256.FusedMultiplyAdd(a3, x, y);
            a4 = Vector256.FusedMultiplyAdd(a4, x, y);
            a5 = Vector256.FusedMultiplyAdd(a5, x, y);
            a6 = Vector256.FusedMultiplyAdd(a6, x, y);
            a7 = Vector256.FusedMultiplyAdd(a7, x, y);
            a8 = Vector256.FusedMultiplyAdd(a8, x, y);
            a9 = Vector256.FusedMultiplyAdd(a9, x, y);
            a10 = Vector256.FusedMultiplyAdd(a10, x, y);
            a11 = Vector256.FusedMultiplyAdd(a11, x, y);
        }
        return Vector256.Sum(a0 + a1 + (a2 + a3) + (a4 + a5 + (a6 + a7)) + (a8 + a9 + (a10 + a11)));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static float Chains128()
    {
        Vector128<float> x = Vector128.Create(0.999999f), y = Vector128.Create(1e-7f);
        Vector128<float> a0 = Vector128.Create(0f), a1 = Vector128.Create(1f), a2 = Vector128.Create(2f), a3 = Vector128.Create(3f);
        Vector128<float> a4 = Vector128.Create(4f), a5 = Vector128.Create(5f), a6 = Vector128.Create(6f), a7 = Vector128.Create(7f);
        Vector128<float> a8 = Vector128.Create(8f), a9 = Vector128.Create(9f), a10 = Vector128.Create(10f), a11 = Vector128.Create(11f);
        for (int i = 0; i < ChainSteps; i++)
        {
            a0 = Vector128.FusedMultiplyAdd(a0, x, y);
            a1 = Vector128.FusedMultiplyAdd(a1, x, y);
            a2 = Vector128.FusedMultiplyAdd(a2, x, y);
            a3 = Vector128.FusedMultiplyAdd(a3, x, y);
            a4 = Vector128.FusedMultiplyAdd(a4, x, y);
            a5 = Vector128.FusedMultiplyAdd(a5, x, y);
            a6 = Vector128.FusedMultiplyAdd(a6, x, y);
            a7 = Vector128.FusedMultiplyAdd(a7, x, y);
            a8 = Vector128.FusedMultiplyAdd(a8, x, y);
            a9 = Vector128.FusedMultiplyAdd(a9, x, y);
            a10 = Vector128.FusedMultiplyAdd(a10, x, y);
            a11 = Vector128.FusedMultiplyAdd(a11, x, y);
        }
        return Vector128.Sum(a0 + a1 + (a2 + a3) + (a4 + a5 + (a6 + a7)) + (a8 + a9 + (a10 + a11)));
    }

    public void Dispose()
    {
        _team.Dispose();
        _buffer.Dispose();
    }
}
