#!/usr/bin/env bash
# Measures what 50 declared pipelines add to a clean build on 2 cores.
#   benchmarks/build-time.sh [ROUNDS]    (default: 3)
# The project is written to a temporary folder: 10 kinds of pipelines (plain, windowed, capped, biased, two 16-bit formats, two functions, SparQ) in 5 shapes.
# It is built as a user builds it (Release, the SDK's analyzers on), with the declarations and without, each time from an empty obj folder:
#   cold: the compiler starts for this build alone; warm: it has built the same project before, as it has in an editor or in repeated builds.
# Restoring packages and building this library are not part of any figure. The compiler's server is one of our own, on the same 2 cores.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
rounds=${1:-3}
work=$(mktemp -d)
cores="0,1"
server="build-time-$$"
compilers="$(dirname "$(readlink -f "$(command -v dotnet)")")/sdk/$(dotnet --version)/Roslyn/bincore"
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
trap 'dotnet "$compilers/VBCSCompiler.dll" -pipename:"$server" -shutdown >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

dotnet build "$repository/src/AttentionComposer" -c Release -v:q >/dev/null
dotnet build "$repository/generators/AttentionComposer.Generators" -c Release -v:q >/dev/null

cat > "$work/FiftyPipelines.csproj" <<END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <OutputType>Exe</OutputType>
    <Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <Compile Remove="Pipelines.cs" Condition="'\$(Pipelines)' == 'false'" />
    <Reference Include="$repository/src/AttentionComposer/bin/Release/net10.0/AttentionComposer.dll" />
    <Analyzer Include="$repository/generators/AttentionComposer.Generators/bin/Release/netstandard2.0/AttentionComposer.Generators.dll" />
  </ItemGroup>
</Project>
END
echo 'Console.WriteLine("Built.");' > "$work/Program.cs"

# Every kind of pipeline in one shape.
declare_shape() { # head size, query heads, key/value heads
    local attention="Attention(HeadDim = $1, QueryHeads = $2, KeyValueHeads = $3)" shape="Of$1x$2x$3"
    while IFS='|' read -r name attributes; do
        echo "[$attention, $attributes] public sealed partial class $name$shape;"
    done <<END
Plain|Causal
Windowed|Causal, SlidingWindow(4096), Sinks(4)
Capped|Causal, SoftCap(50f)
Sloped|Causal, Alibi
Half|Causal, KvCache(KvFormat.Float16)
BrainFloat|Causal, SlidingWindow(1024), KvCache(KvFormat.BFloat16)
Everything|Causal, SlidingWindow(4096), Sinks(4), SoftCap(50f), Alibi, KvCache(KvFormat.Float16)
Sparse|Causal, SparQ(Rank = 32, TopK = 128)
END
    cat <<END
[$attention]
public sealed partial class Packed$shape(int[] document)
{
    readonly int[] _document = document;
    [Mask] bool Visible(int query, int key) => key <= query && _document[query] == _document[key];
}
[$attention]
public sealed partial class Biased$shape(float[] slopes)
{
    readonly float[] _slopes = slopes;
    [Score] float Distance(float score, int head, int query, int key) => score + _slopes[head] * (key - query);
}
END
}

{
    echo "using AttentionComposer;"
    echo "namespace FiftyPipelines;"
    declare_shape 64 12 12
    declare_shape 64 32 8
    declare_shape 128 32 8
    declare_shape 128 16 2
    declare_shape 80 8 8
} > "$work/Pipelines.cs"
dotnet restore "$work" -v:q >/dev/null

build() { # whether to use the server, whether to compile the declarations; prints seconds
    rm -rf "$work/obj/Release" "$work/bin"
    local begin=$(date +%s.%N)
    taskset -c "$cores" dotnet build "$work" -c Release --no-restore -v:q \
        -p:UseSharedCompilation="$1" -p:SharedCompilationId="$server" -p:Pipelines="$2" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    echo "$(date +%s.%N) $begin" | awk '{ print $1 - $2 }'
}

median() { sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

printf '%-6s %10s %10s %10s\n' "" "without" "with 50" "added"
for name in cold warm; do
    shared=$([ $name = warm ] && echo true || echo false)
    if [ $name = warm ]; then build true true >/dev/null; build true true >/dev/null; fi
    : > "$work/without"; : > "$work/with"
    for ((round = 0; round < rounds; round++)); do
        build "$shared" false >> "$work/without"
        build "$shared" true >> "$work/with"
    done
    without=$(median < "$work/without"); with=$(median < "$work/with")
    echo "$name $without $with" | awk '{ printf "%-6s %8.1f s %8.1f s %8.1f s\n", $1, $2, $3, $3 - $2 }'
done
