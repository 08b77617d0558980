#!/usr/bin/env bash
# Makes artifacts/gpu-benchmark: a folder for a machine with a card and without .NET, on which artifacts/gpu-benchmark/run is the one command; and artifacts/gpu-benchmark.tar.xz,
# the same small enough to carry beside this repository, whose golden vectors it uses: tar xJf artifacts/gpu-benchmark.tar.xz
# Options go to dotnet, for instance -p:RestoreAdditionalProjectSources=FOLDER where ILGPU's packages are not in the feed.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=artifacts/gpu-benchmark
rm -rf "$folder" "$folder.tar.xz"
dotnet publish benchmarks/AttentionComposer.Ilgpu.Benchmarks -c Release -r linux-x64 --self-contained -p:WithIlgpu=true \
    -p:PublishSingleFile=true -p:DebugType=none -p:PublishDocumentationFiles=false -o "$folder" "$@"
cat > "$folder/run" <<'END'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
[ -e "$here/golden" ] || ln -s ../../tests/golden "$here/golden"
exec "$here/AttentionComposer.Ilgpu.Benchmarks" "$@"
END
chmod +x "$folder/run"
tar cJf "$folder.tar.xz" --exclude="$folder/golden" "$folder"
ls -lh "$folder.tar.xz"
