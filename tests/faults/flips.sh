#!/usr/bin/env bash
# Damages a checkpoint and a store everywhere: bits flipped, cut, appended; attributes of the checkpoint changed and its
# hash made anew; and puts other things in its place. The reader, and whoever resumes, must see each of them.
#
#   tests/faults/flips.sh [COUNT [SEED [CHECKPOINT]]]
. "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

count=${1:-1000} seed=${2:-1}
bad=0
write_config 300
"$program" train config.yaml batch.epochs=3 batch.size=100 checkpoint.steps=1 >job.out 2>job.log || exit 1
mapfile -t steps < <(steps_kept runs/run)
newest=$(checkpoint_of runs/run "${steps[-1]}")
before=$(checkpoint_of runs/run "${steps[-2]}")

cp "${3:-$newest}" damaged.h5
"$BUILD/tests/faults/flips" damaged.h5 "$count" "$seed" || bad=1
"$BUILD/tests/faults/heads" damaged.h5 "$count" "$seed" || bad=1
# Of a plain head, narrower than its input: another form or another side would not fit it.
"$program" train config.yaml batch.epochs=1 run.name=plain model.form=plain model.output=24 >job.out 2>job.log || exit 1
cp runs/plain/checkpoints/best.h5 damaged.h5
"$BUILD/tests/faults/heads" damaged.h5 "$count" "$seed" || bad=1
rm -r runs/plain
rm damaged.h5
cp stores/*.h5 damaged.h5
"$BUILD/tests/faults/flips" damaged.h5 "$((2 * count))" "$seed" || bad=1
rm damaged.h5

# Whether the run is resumed from the checkpoint before, with a word about the newest, and goes on to its end. (A folder
# in the way of the last checkpoint ends it: that is nothing to remove unasked.)
goes_on() {
    timeout "$limit" "$program" train config.yaml batch.epochs=3 batch.size=100 checkpoint.steps=1 --resume \
        >job.out 2>job.log || [[ -d $newest ]] || return 1
    grep -qF "$newest" job.log && grep -qF "resuming from $before" job.log
}

# refused WHAT: the thing at $newest is no checkpoint to info, and the one before it is resumed from.
tried=0 refused=0
refused() {
    tried=$((tried + 1))
    timeout "$limit" "$program" info "$newest" >info.out 2>info.log
    if [[ $? = 0 ]] || ! grep -qF "$newest" info.log; then
        echo "info accepts $1, or does not name the file:"
        cat info.out info.log
    elif ! goes_on; then
        echo "resuming beside $1 ended otherwise:"
        cat job.log
    else
        refused=$((refused + 1))
    fi
    rm -rf runs
    cp -r whole runs
}

rm runs/run/summary.json
cp -r runs whole
: >"$newest"
refused "an empty file"
rm "$newest" && mkdir "$newest"
refused "a folder"
rm "$newest" && mkfifo "$newest"
refused "a pipe"
rm "$newest" && ln -s nowhere "$newest"
refused "a dead link"
rm "$newest" && ln -s /dev/zero "$newest"
refused "a device"
head -c 4096 /dev/urandom >"$newest"
refused "random bytes"
cp corpus/queries.jsonl "$newest"
refused "another file"
echo "in the place of a checkpoint: $refused of $tried refused"
((bad == 0 && refused == tried))
