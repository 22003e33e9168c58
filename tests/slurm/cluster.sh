# Sourced: a SLURM cluster of one controller and two virtual nodes on this machine, apart from whatever else runs here.
#
#   cluster_install          Debian's packages where they are missing; fails where that cannot be done
#   cluster_start FOLDER     starts it with configuration, state and logs in FOLDER, and waits until the nodes are idle
#   cluster_stop             ends what cluster_start started, and nothing else
#
# Two partitions over the same nodes: jobs of `high` preempt those of `low`, which are requeued. The nodes claim four
# cores each, whatever the machine has. Keys, sockets and ports are the cluster's own.

cluster_pids=()

cluster_install() {
    local sudo="" program missing=""
    for program in munged slurmctld slurmd srun; do
        command -v "$program" >/dev/null || PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || missing=yes
    done
    [[ -n $missing ]] || return 0
    command -v apt-get >/dev/null || return 1
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null && sudo="sudo -n" || return 1
    fi
    echo "installing slurm-wlm and munge"
    # The services of these packages are not wanted here: where they cannot be started, that is no failure.
    $sudo apt-get update -qq &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null
}

# cluster_free_ports COUNT: the first of so many ports in a row that nobody listens at.
cluster_free_ports() {
    local count=$1 first port
    for _ in {1..50}; do
        first=$((20000 + RANDOM % 10000))
        for ((port = first; port < first + count; port++)); do
            (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue 2
        done
        echo "$first"
        return 0
    done
    return 1
}

# The daemons stay children of this shell, so that their numbers are known to be theirs.
cluster_daemon() {
    local log=$1
    shift
    "$@" >>"$log" 2>&1 </dev/null &
    cluster_pids+=($!)
}

cluster_configure() {
    local folder=$1 port=$2 user host
    user=$(id -un) host=$(hostname)
    cat >"$folder/slurm.conf" <<CONF
ClusterName=qctx
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmctldPidFile=$folder/slurmctld.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmdLogFile=$folder/slurmd-%n.log
SlurmdSpoolDir=$folder/spool-%n
TmpFS=$folder/tmp-%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=200000,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=20
MinJobAge=3600
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/jobs.log
JobAcctGatherType=jobacct_gather/none
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=4 RealMemory=64000
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=4 RealMemory=64000
PartitionName=low Nodes=n1,n2 Default=YES PriorityTier=1 PreemptMode=REQUEUE MaxTime=INFINITE OverSubscribe=NO
PartitionName=high Nodes=n1,n2 PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE OverSubscribe=NO
CONF
}

cluster_start() {
    local folder=$1 port node
    PATH=$PATH:/usr/sbin:/sbin
    port=$(cluster_free_ports 3) || return 1
    mkdir -p "$folder"/{state,spool-n1,spool-n2,tmp-n1,tmp-n2}
    (umask 077 && head -c 64 /dev/urandom >"$folder/munge.key")
    cluster_configure "$folder" "$port"
    export SLURM_CONF=$folder/slurm.conf
    # --force: in a folder of /tmp munged would otherwise ask for other rights.
    cluster_daemon "$folder/munged.out" munged --foreground --force --key-file="$folder/munge.key" \
        --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" --seed-file="$folder/munged.seed" \
        --log-file="$folder/munged.log"
    for _ in {1..100}; do
        [[ -S $folder/munge.socket ]] && break
        sleep 0.05
    done
    cluster_daemon "$folder/slurmctld.out" slurmctld -D -i
    for node in n1 n2; do cluster_daemon "$folder/slurmd.out" slurmd -D -N "$node"; done
    for _ in {1..100}; do
        [[ $(sinfo -h -N -p low -t idle -o %N 2>/dev/null | sort -u | wc -l) = 2 ]] && return 0
        sleep 0.2
    done
    echo "the cluster did not start:" >&2
    tail -n 5 "$folder"/*.log "$folder"/*.out >&2
    return 1
}

cluster_stop() {
    local pid i
    [[ ${#cluster_pids[@]} -gt 0 ]] || return 0
    scancel --user="$(id -un)" --signal=KILL 2>/dev/null
    scancel --user="$(id -un)" 2>/dev/null
    # Steps are the children of nodes; nodes end only when theirs have ended.
    for _ in {1..100}; do
        [[ -z $(squeue -h 2>/dev/null) ]] && break
        sleep 0.1
    done
    # Nodes and controller first, who needs munged to the last.
    for ((i = ${#cluster_pids[@]} - 1; i >= 0; i--)); do
        kill "${cluster_pids[i]}" 2>/dev/null
        wait "${cluster_pids[i]}" 2>/dev/null
    done
    cluster_pids=()
    unset SLURM_CONF
}
