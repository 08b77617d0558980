#!/usr/bin/env bash
# Makes artifacts/gpu-benchmark: a folder for a machine with a card and without .NET, on which artifacts/gpu-benchmark/run is the one command.
# Options go to dotnet, for instance -p:RestoreAdditionalProjectSources=FOLDER where ILGPU's packages are not in the feed.
set -euo pipefail
cd "$(dirname "$0")/../.."
dotnet publish benchmarks/AttentionComposer.Ilgpu.Benchmarks -c Release -r linux-x64 --self-contained -p:WithIlgpu=true \
    -p:PublishSingleFile=true -p:EnableCompressionInSingleFile=true -o artifacts/gpu-benchmark "$@"
ln -sf AttentionComposer.Ilgpu.Benchmarks artifacts/gpu-benchmark/run
