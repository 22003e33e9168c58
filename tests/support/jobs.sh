# Sourced after cli.sh: jobs in the background, to be stopped and killed.

# Starts the program at $1 ranks in the background: mpirun is $job, its ranks are in the file `ranks`, its log in job.log.
start() {
    local ranks=$1
    shift
    : >ranks >job.log
    # shellcheck disable=SC2016
    mpirun -np "$ranks" bash -c 'echo $$ >>ranks; exec "$0" "$@"' "$program" "$@" >job.log 2>&1 </dev/null &
    job=$!
}

# Whether a process is there and not only waits to be forgotten.
lives() {
    local fields
    read -r -a fields <"/proc/$1/stat" && [[ ${fields[2]} != Z ]]
} 2>/dev/null

# Kills the whole job at once, and waits until no rank is left.
kill_job() {
    local rank
    # shellcheck disable=SC2046
    kill -KILL "$job" $(cat ranks) 2>/dev/null
    wait "$job" 2>/dev/null
    for rank in $(cat ranks); do
        while lives "$rank"; do sleep 0.02; done
    done
}

# Whether no rank is left, or will be within seconds.
all_gone() {
    local rank
    for rank in $(cat ranks); do
        for _ in {1..100}; do
            lives "$rank" || continue 2
            sleep 0.1
        done
        return 1
    done
}

# Waits until a command succeeds, or the job has ended.
wait_for() {
    until "$@" 2>/dev/null || ! kill -0 "$job" 2>/dev/null; do sleep 0.01; done
}
