#!/usr/bin/env bash
# The project's batch scripts on a real SLURM (tests/slurm/cluster.sh): preempted, cancelled, out of time, as an array
# and as a pipeline. Prints each check and closes with "N passed, N failed".
#
#   tests/slurm/run.sh             all; BUILD=build by default
#   tests/slurm/run.sh pipeline    only the case of this name
set -u
cd "$(dirname "$0")/../.." || exit 1
project=$PWD
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
program=$BUILD/qctx-dist
. tests/slurm/cluster.sh

passed=0 failed=0 skipped=0
started=$SECONDS
close() {
    echo "test-slurm took $((SECONDS - started)) s"
    echo "$passed passed, $failed failed$([[ $skipped = 0 ]] || echo ", $skipped skipped")"
    [[ $failed = 0 ]]
}

if ! cluster_install; then
    echo "skipped: SLURM and munge are not installed and cannot be installed here"
    skipped=1
    close
    exit
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/qctx-slurm-XXXXXX")
# Whether no process is left of the cluster or its jobs, all of which know its configuration.
nothing_is_left() {
    ! grep -lsF "SLURM_CONF=$folder/" /proc/[0-9]*/environ
}
finish() {
    trap - EXIT
    cd / && cluster_stop
    check "nothing is left running" wait_for 10 nothing_is_left
    [[ $failed = 0 ]] || tail -n 20 "$folder"/*.out "$folder"/cluster/*.log
    [[ -n ${KEEP:-} ]] || rm -rf "$folder"
    close
}
trap 'finish; exit' EXIT
trap 'exit 130' INT TERM

# Root, containers and more ranks than cores are normal here; shared memory of two "nodes" on one machine would collide.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,tcp OMPI_MCA_odls_base_sigkill_timeout=4
export QCTX=$folder/program QCTX_SLURM=$project/slurm

# check NAME COMMAND...: the command succeeds.
check() {
    local name=$1
    shift
    if "$@" >"$folder/check.out" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name: $*"
        sed 's/^/  | /' "$folder/check.out" | tail -n 30
    fi
}

# submit OPTION...: hands a job in; its number is $job.
submit() {
    job=$(sbatch --parsable --mem-per-cpu=0 --cpus-per-task=1 "$@")
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < until)) || return 1
        sleep 0.2
    done
}

field() { # JOB NAME: of scontrol show job
    scontrol -o show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
}
is() { # JOB NAME VALUE
    [[ $(field "$1" "$2") = "$3" ]]
}
is_over() {
    case $(field "$1" JobState) in COMPLETED | CANCELLED | FAILED | TIMEOUT | NODE_FAIL | PREEMPTED) return 0 ;; esac
    return 1
}
shown() { # JOB: a line of the table at the end
    scontrol -o show job "$1" | tr ' ' '\n' | grep -E '^(JobId|JobName|JobState|Restarts|ExitCode|Partition|NodeList)=' |
        xargs
}
# A requeued job would wait for two minutes. Some seconds it must wait: nodes take what starts within the second in which
# they ended the job before for the job that was ended.
begin_now() { # JOB
    wait_for 40 is "$1" JobState PENDING && scontrol update JobId="$1" StartTime=now+3seconds
}
says() { # JOB TEXT
    grep -qF -- "$2" ./*-"$1".out
}
# Of a run's folder: it has a checkpoint, and no result yet.
in_the_middle() {
    compgen -G "$1/checkpoints/step-*.h5" >/dev/null && [[ ! -e $1/summary.json ]]
}
newest() { # FOLDER: its newest checkpoint
    printf '%s\n' "$1"/checkpoints/step-*.h5 | tail -n 1
}
left_in_the_middle() { # FOLDER: stopped well: what is there is a whole checkpoint
    in_the_middle "$1" && "$program" info "$(newest "$1")"
}
checksum() { # FOLDER
    "$program" info "$(newest "$1")" | grep -i checksum
}
curve() { # FOLDER
    sed -E 's/"seconds":[0-9.e+-]+//' "$1/metrics.jsonl"
}
same_run() { # FOLDER FOLDER: the same weights, the same curve
    [[ -n $(checksum "$2") && $(checksum "$1") = "$(checksum "$2")" ]] && diff <(curve "$1") <(curve "$2")
}

cd "$folder" || exit 1
# Ranks leave their number, so that a test can hold them: a job that is held meets its time limit in the middle of a
# step without keeping the machine's cores busy until then.
cat >program <<SCRIPT
#!/usr/bin/env bash
echo \$\$ >>"$folder/ranks-\$SLURM_JOB_ID"
exec "$program" "\$@"
SCRIPT
chmod +x program

cat >train.yaml <<'YAML'
run: {seed: 7}
data:
  train: [{corpus: corpus, split: train}]
  eval: [{corpus: corpus, split: dev}]
model: {hidden: 128}
optim: {lr: 1e-3, warmup: 5}
batch: {size: 512, epochs: 25}
eval: {pool: 100, every: 5, bootstrap: 100}
checkpoint: {every: 0, steps: 20, minutes: 0, keep: 2}
YAML
"$program" synth --out corpus --questions 6000 --seed 3 >/dev/null 2>&1
OMP_NUM_THREADS=1 mpirun -np 2 "$program" train train.yaml run.name=unbroken >unbroken.log 2>&1
check "an unbroken run, to compare with" test -s runs/unbroken/summary.json

cluster_started() { cluster_start "$folder/cluster"; }
check "a controller and two nodes" cluster_started
[[ $failed = 0 ]] || exit 1

for part in "$project"/tests/slurm/case_${1:-*}.sh; do
    . "$part"
done

check "no job is left" test -z "$(squeue -h)"
sed 's/^/  /' jobs
