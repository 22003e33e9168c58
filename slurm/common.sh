# Sourced by the batch scripts of this folder: how the program is found, launched, told to stop, and its job requeued.
#
# What may be set in the environment of sbatch (it is passed on by --export=ALL, the default):
#   QCTX       the program                                          (build/qctx-dist where sbatch is called)
#   LAUNCHER   srun (Open MPI with PMIx) or mpirun; both take the layout from SLURM           (srun)
#   OMPI_MCA_odls_base_sigkill_timeout  seconds that mpirun leaves its ranks after a TERM; it takes twice as long
#              itself, so stay below half of the cluster's KillWait (30 s by default)         (10)

QCTX=${QCTX:-build/qctx-dist}
LAUNCHER=${LAUNCHER:-srun}
export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout:-10}

# One OpenMP thread per core of a rank. srun does not inherit --cpus-per-task.
threads=${SLURM_CPUS_PER_TASK:-1}
export OMP_NUM_THREADS=$threads

if [[ ! -x $QCTX ]]; then
    echo "$QCTX: no such program; build it (make), or set QCTX to where it is installed" >&2
    exit 2
fi

# The exit code of a program that stopped in good order and can be resumed.
readonly STOPPED=75
step="" heard=""

# The launcher is handed USR1 whatever was heard: srun and mpirun both pass it to all ranks. A TERM would make mpirun
# kill them after a few seconds and forget their exit code.
hear() {
    heard=$1
    echo "job $SLURM_JOB_ID: SIG$1 at $(date +%T), telling the ranks to stop"
    [[ -z $step ]] || kill -USR1 "$step" 2>/dev/null || true
}

# Becomes the launcher of "$@".
launch() {
    case $LAUNCHER in
    srun) exec srun --mpi=pmix -K -c "$threads" --cpu-bind=cores "$@" ;;
    mpirun) exec mpirun --map-by "slot:PE=$threads" --bind-to core "$@" ;;
    *) echo "LAUNCHER=$LAUNCHER: expected srun or mpirun" >&2 && exit 2 ;;
    esac
}

# Runs the program with these arguments on all ranks of the job and returns its exit code. Bash runs a trap only when no
# command is in the foreground, and a signal ends `wait` early: so the step runs behind, and is waited for again.
run_step() {
    local code
    trap 'hear USR1' USR1
    trap 'hear TERM' TERM
    echo "job $SLURM_JOB_ID, start $((${SLURM_RESTART_COUNT:-0} + 1)), $(date '+%F %T'):" \
        "${SLURM_JOB_NUM_NODES:-1} nodes, ${SLURM_NTASKS:-1} ranks of $threads threads, $LAUNCHER"
    launch "$QCTX" "$@" &
    step=$!
    while :; do
        wait "$step" && code=0 || code=$?
        kill -0 "$step" 2>/dev/null || break
    done
    echo "job $SLURM_JOB_ID: the step ended with code $code at $(date +%T)"
    return "$code"
}

# Whether a program that stopped by itself did so because the job's time is nearly over.
time_is_up() {
    [[ -n ${SLURM_JOB_END_TIME:-} ]] && ((SLURM_JOB_END_TIME - $(date +%s) < 180))
}

# Ends the job by the exit code of its step. One that was stopped is handed in again, unless a person wanted its end:
# a TERM comes with scancel (then there is nothing to go on with) and with preemption (then SLURM requeues by itself),
# and a step that was stopped without this script hearing anything was sent its signal by hand.
finish() {
    local code=$1 id=$SLURM_JOB_ID
    [[ -z ${SLURM_ARRAY_JOB_ID:-} ]] || id=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
    if [[ $code = "$STOPPED" ]] && { [[ $heard = USR1 ]] || { [[ -z $heard ]] && time_is_up; }; }; then
        echo "job $id: requeued, goes on with its next start"
        # Requeuing ends this very script by TERM.
        trap '' TERM
        scontrol requeue "$id" || echo "job $id: cannot be requeued; hand it in again to go on" >&2
    elif [[ $code = "$STOPPED" ]]; then
        echo "job $id: stopped; it goes on when SLURM requeues it (after preemption), or when it is handed in again"
    fi
    exit "$code"
}
