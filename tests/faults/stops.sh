#!/usr/bin/env bash
# How long a run needs to stop: it is told at random moments, from its opening to its end, and the time is taken until
# all ranks are gone. It must leave with 75 (mpirun that got a TERM says 1), and a checkpoint of its very last step.
#
#   tests/faults/stops.sh [MOMENTS [SEED [CONFIG [KEY=VALUE ...]]]]
#
# CONFIG is of a run in the folder where this is called; what it leaves goes elsewhere. Without one a small run is made
# up. Keys make a phase as frequent as wanted: checkpoint.steps=1 writes all the time. SECONDS_MOST (5) is the longest
# that a stop may take.
moments=${1:-8} seed=${2:-1} config=${3:-} here=$PWD
shift $(($# < 3 ? $# : 3))
. "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"
if [[ -n $config ]]; then
    ln -s "$here"/* .
else
    write_config
    config=config.yaml
    set -- batch.epochs=60 checkpoint.steps=1 "$@"
fi
RANDOM=$seed
limit=${LIMIT:-3600} most=$((${SECONDS_MOST:-5} * 1000))
train=(train "$config" run.out=stopped --force "$@")
tried=0 good=0 before=0
declare -A times

# The line that says where the run stopped.
said() {
    grep -oE "stopped by SIG[A-Z0-9]+ after step [0-9]+ of [0-9]+|no step was taken yet" job.log | tail -n 1
}

# Whether what the job left is what it says: code, and a whole checkpoint of the step after which it stopped.
left_in_order() {
    local expected=75 path
    [[ $signal != TERM || $target != mpirun ]] || expected=1
    [[ $code = "$expected" && -n $(said) ]] || return 1
    [[ $(said) != "no step"* ]] || return 0
    path=$(grep -oE 'nothing is lost, [^ ]+\.h5' job.log | tail -n 1 | cut -d' ' -f4)
    "$program" info "$path" >job.out && [[ $path = *$(printf 'step-%09d' "$(said | cut -d' ' -f6)").h5 ]]
}

# tell SIGNAL TARGET MOMENT: to mpirun or to rank 1, so many milliseconds after all ranks have begun.
tell() {
    signal=$1 target=$2
    start 2 "${train[@]}"
    all_begun 2
    pause "$3"
    kill -0 "$job" 2>/dev/null || {
        end_job
        return
    }
    local began ranks_gone over
    began=$(now)
    if [[ $target = mpirun ]]; then kill "-$signal" "$job"; else kill_rank 1 "$signal"; fi
    all_gone
    ranks_gone=$(($(now) - began))
    end_job
    over=$(($(now) - began))
    # mpirun passes a TERM on after a second, in which a run may end.
    ! grep -q '^Results' job.out || return
    tried=$((tried + 1))
    times[$signal-$target]+="$ranks_gone "
    ! said | grep -q 'no step' || before=$((before + 1))
    if left_in_order && ((over < most)); then
        good=$((good + 1))
    else
        echo "$signal to $target after $3 ms: code $code, $over ms:"
        last_words
    fi
    printf '%s to %s after %d ms: ranks gone after %d ms, mpirun after %d ms; %s\n' "$signal" "$target" "$3" \
        "$ranks_gone" "$over" "$(said)"
}

began=$(now)
start 2 "${train[@]}"
end_job && [[ $code = 0 ]] || {
    echo "the undisturbed run ended with $code"
    last_words
    exit 1
}
took=$(($(now) - began))
for ((moment = 0; moment < moments; moment++)); do
    for how in "TERM mpirun" "USR1 mpirun" "TERM rank"; do
        draw "$took"
        # shellcheck disable=SC2086
        tell $how "$drawn"
    done
done
for how in "${!times[@]}"; do
    tr ' ' '\n' <<<"${times[$how]}" | grep . | sort -n |
        awk -v how="$how" '{ t[NR] = $1 } END { printf "%s: %d times, ranks gone after %d to %d ms, median %d\n", how, NR, t[1], t[NR], t[int((NR + 1) / 2)] }'
done
echo "stops: $good of $tried in order, $before of them before the first step"
((good == tried && tried > 0))
