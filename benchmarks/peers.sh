#!/usr/bin/env bash
# Measures this library and the peers (ggml, ONNX Runtime) alternately, so that both see the same noise, and prints one table.
#   benchmarks/peers.sh [PEERS] [options of the benchmark program, e.g. decode --rounds 5 --markdown FILE]
# PEERS (argument or environment): a folder with the peers' setup.sh and run.sh. Nothing of the peers is in this repository.
# PEERS_DIR: where their packages are unpacked and their drivers built (default: attention-peers under the temporary folder).
# One round takes about four minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
peers=${PEERS:-}
if [ $# -gt 0 ] && [ -d "$1" ]; then
    peers=$1
    shift
fi
if [ -z "$peers" ] || [ ! -f "$peers/run.sh" ]; then
    echo "peers.sh: no peers in '${peers}': name the folder that holds their setup.sh and run.sh, as PEERS=FOLDER or as the first argument." >&2
    echo "          This library alone: dotnet run -c Release --project $here/AttentionComposer.Benchmarks -- all" >&2
    exit 1
fi
export PEERS_DIR=${PEERS_DIR:-${TMPDIR:-/tmp}/attention-peers}
[ -x "$PEERS_DIR/peer_ort" ] || "$peers/setup.sh" >&2
case " $* " in
    *" --rounds "*) ;;
    *) set -- --rounds 3 "$@" ;;
esac
exec dotnet run -c Release --project "$here/AttentionComposer.Benchmarks" -- "$@" --peers "$peers"
