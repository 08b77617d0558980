#!/usr/bin/env bash
# Runs a job whose ranks are hosts of their own as far as the network goes: each in a network namespace with its own address, joined by a
# bridge. Needs root, iproute2 and Open MPI. Usage: namespaces.sh 4 dotnet StarCluster.dll --context 1024
set -euo pipefail
hosts=$1
shift
work=$(mktemp -d)
cleanup() {
    for ((i = 1; i <= hosts; i++)); do
        # A launcher's daemon whose network has gone may still be there, and would keep the namespace alive.
        for process in $(ip netns pids "star$i" 2>/dev/null); do kill -KILL "$process" 2>/dev/null || true; done
        ip netns del "star$i" 2>/dev/null || true
    done
    ip link del starbridge 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

ip link add starbridge type bridge
ip address add 10.77.0.254/24 dev starbridge
ip link set starbridge up
for ((i = 1; i <= hosts; i++)); do
    ip netns add "star$i"
    ip link add "starout$i" type veth peer name eth0 netns "star$i"
    ip link set "starout$i" master starbridge up
    ip netns exec "star$i" ip address add "10.77.0.$i/24" dev eth0
    ip netns exec "star$i" ip link set eth0 up
    ip netns exec "star$i" ip link set lo up
    echo "10.77.0.$i slots=1" >> "$work/hostfile"
done

# In place of ssh: enter the host's namespace, with a name of its own so that nothing takes two of them for one machine.
cat > "$work/enter" <<'AGENT'
#!/usr/bin/env bash
while [[ $1 == -* ]]; do shift; done
host=${1##*.}
shift
exec ip netns exec "star$host" unshare --uts bash -c "hostname star$host; $*"
AGENT
chmod +x "$work/enter"

OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --hostfile "$work/hostfile" -n "$hosts" --map-by node --bind-to none \
    --mca plm_rsh_agent "$work/enter" --mca plm_rsh_no_tree_spawn 1 --mca oob_tcp_if_include 10.77.0.0/24 \
    --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 "$@"
