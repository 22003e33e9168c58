# Sourced by the scripts of this folder: jobs that are killed, stopped or kept from writing, and what they leave behind.

set -u
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$project/$BUILD ;; esac
program=$BUILD/qctx-dist
interposer=$BUILD/tests/faults/interposer.so

# More ranks than cores, root, and containers are all normal here, as in tests/run.sh.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
export OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMP_NUM_THREADS=1
# What is preloaded comes before the sanitizer's own library.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0:detect_leaks=0

# In memory where possible: what is tried here is not the disk's speed.
if [[ -z ${QCTX_TEST_TMP:-} && -w /dev/shm ]]; then
    QCTX_TEST_TMP=/dev/shm
fi
folder=$(mktemp -d "${QCTX_TEST_TMP:-/tmp}/qctx-faults-XXXXXX")
cd "$folder" || exit 1
# Ranks that are killed together with their mpirun leave their shared memory behind: here it goes with the folder.
export OMPI_MCA_btl_vader_backing_directory=$folder
job=
clean_up() {
    [[ -z $job ]] || kill_all
    cd / && rm -rf "$folder"
}
trap clean_up EXIT
# A job that needs longer hangs. (Seconds; a case here takes a few.)
limit=${LIMIT:-120}
# What the next job is struck by: settings of the interposer, or nothing.
fault=()

# Starts the program at $1 ranks in the background: mpirun is $job, its ranks and their processes are lines of the file
# `ranks`, its messages in job.log, its results in job.out.
start() {
    local ranks=$1
    shift
    : >ranks
    # shellcheck disable=SC2016
    mpirun -np "$ranks" bash -c 'echo "$OMPI_COMM_WORLD_RANK $$" >>ranks; exec env "$@"' - "${fault[@]}" \
        "$program" "$@" >job.out 2>job.log </dev/null &
    job=$!
}

# strike WHAT CALL FOLDER: the next jobs are struck at this call on files of a folder. More settings may follow.
strike() {
    local what=$1 at=$2 where=$3
    shift 3
    rm -f notes
    fault=("LD_PRELOAD=$interposer" "QCTX_FAULT_FOLDER=$folder/$where" "QCTX_FAULT_WHAT=$what" "QCTX_FAULT_AT=$at"
        "QCTX_FAULT_NOTES=$folder/notes" "$@")
}

# Whether a process is there and not only waits to be forgotten.
lives() {
    local fields
    read -r -a fields <"/proc/$1/stat" && [[ ${fields[2]} != Z ]]
} 2>/dev/null

processes() {
    cut -d' ' -f2 ranks
}

# Waits until no rank is left; false where one outlives its job by 20 s, which is then killed.
all_gone() {
    local process deadline=$((SECONDS + 20)) gone=true
    for process in $(processes); do
        while lives "$process" && ((SECONDS < deadline)); do sleep 0.02; done
        if lives "$process"; then
            gone=false
            kill -KILL "$process" 2>/dev/null
        fi
    done
    $gone
}

# Kills mpirun and all ranks at once.
kill_all() {
    # shellcheck disable=SC2046
    kill -KILL "$job" $(processes) 2>/dev/null
    wait "$job" 2>/dev/null
    job= code=killed
    all_gone
}

kill_rank() {
    kill "-${2:-KILL}" "$(sed -n "s/^$1 //p" ranks)" 2>/dev/null
}

# Waits for the end of the job, whose exit code is then $code. False where it hangs, or leaves a process behind.
end_job() {
    local deadline=$((SECONDS + limit))
    while kill -0 "$job" 2>/dev/null; do
        if ((SECONDS >= deadline)); then
            kill_all
            code=hang
            return 1
        fi
        sleep 0.02
    done
    wait "$job"
    code=$?
    job=
    all_gone
}

# What the program said at last in job.log, without mpirun's words.
last_words() {
    sed '/^-----*$/,/^-----*$/d' job.log | tail -n "${1:-8}" | cut -c 1-300 | sed 's/^/    /'
}

# Waits until all ranks have begun, or the job has ended.
all_begun() {
    while [[ $(wc -l <ranks) -lt $1 ]] && kill -0 "$job" 2>/dev/null; do sleep 0.01; done
}

# Waits until a command succeeds, or the job has ended.
wait_for() {
    until "$@" 2>/dev/null || ! kill -0 "$job" 2>/dev/null; do sleep 0.02; done
}

# Milliseconds now, and a pause of so many.
now() {
    echo $((${EPOCHREALTIME/./} / 1000))
}
pause() {
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

# draw N: a number below N into $drawn. (Not printed: a subshell would draw the same one again and again.)
draw() {
    drawn=$(((RANDOM << 15 | RANDOM) % $1))
}

# The steps of the checkpoints of a run, the newest last.
steps_kept() {
    local file
    for file in "$1"/checkpoints/step-*.h5; do
        [[ -e $file ]] && basename "$file" .h5 | sed -E 's/step-0*([0-9])/\1/'
    done
}

# Changes one bit of the byte at $2 of a file.
flip_byte() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %02x $((byte ^ 1 << RANDOM % 8)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

checkpoint_of() {
    printf '%s/checkpoints/step-%09d.h5' "$1" "$2"
}

# All that an unbroken run and a resumed one must have in common: every bit of the parameters and of the optimiser's
# state, of the curve, of the results. Times differ.
outcome() {
    local last
    last=$(steps_kept "$1" | tail -n 1)
    echo "last step $last"
    "$program" info "$(checkpoint_of "$1" "$last")" | grep -vE '^(path|seconds)'
    "$program" info "$1/checkpoints/best.h5" | grep -vE '^(path|seconds)'
    sed -E 's/"seconds":[0-9.e+-]+//' "$1/metrics.jsonl"
    sed -n '/"best"/,/"plan"/p' "$1/summary.json"
    ls "$1"
    find "$1" -name '*.partial'
} 2>&1

# A configuration of a run of some seconds on a made-up corpus: run.out is runs, its name run.
write_config() {
    "$program" synth --out corpus --questions "${1:-1500}" --seed 3 >/dev/null 2>&1
    cat >config.yaml <<'YAML'
run: {name: run, seed: 7, hang_timeout: 30}
data:
  train: [{corpus: corpus, split: train}]
  eval: [{corpus: corpus, split: dev}]
model: {hidden: 64}
optim: {lr: 1e-3, warmup: 5}
batch: {size: 150, epochs: 12}
eval: {pool: 50, every: 1, bootstrap: 100, tune: 0.1}
checkpoint: {every: 1, keep: 2, minutes: 0}
YAML
}
