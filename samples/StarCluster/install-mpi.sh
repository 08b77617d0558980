#!/usr/bin/env bash
# Installs what `mpirun` jobs need on Debian and Ubuntu: Open MPI's launcher and its C library. Any other MPI 3 library does as well.
set -euo pipefail
[ "$(id -u)" -eq 0 ] && sudo= || sudo=sudo
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends openmpi-bin libopenmpi-dev
mpirun --version | head -n 1
