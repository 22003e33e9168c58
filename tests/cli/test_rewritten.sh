#!/usr/bin/env bash
# A store that is written to while a command reads it ends the command on all ranks, with its name. ranks: 0
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

RANKS=0
for name in good strange; do
    expect 0 "" qctx synth --out $name --questions 6000 --seed ${#name}
    expect 0 "" qctx embed $name --dim 256 --out $name.h5
done

# A run that lasts until it is stopped, with a checkpoint of every epoch.
cat >config.yaml <<'YAML'
data: {train: [{store: used.h5}]}
model: {hidden: 64}
batch: {size: 512, epochs: 100000}
eval: {every: 0, tune: 0}
YAML

cut_short() { truncate -s 10000 used.h5; }
begin_anew() { cat strange.h5 >used.h5; }
change_in_place() { dd if=strange.h5 of=used.h5 bs=64k seek=20 skip=20 count=10 conv=notrunc status=none; }
# The name is another file's then: who has the old one mapped goes on with it.
rename_over() { cp strange.h5 other.h5 && mv other.h5 used.h5; }

last_of() { find "runs/$1/checkpoints" -name 'step-*.h5' 2>/dev/null | sort | tail -n 1; }
begun() { test -n "$(last_of "$1")"; }
went_on() { test "$(last_of "$1")" != "$2"; }

# train_under NAME RANKS CHANGE: begins a training, whose store is changed when the first checkpoint is there.
train_under() {
    rm -rf "runs/$1"
    cp good.h5 used.h5
    start "$2" train config.yaml run.name="$1"
    wait_for begun "$1"
    "$3"
}

# refused COMMAND...: the job ends with 7 on all ranks and names the store, once.
refused() {
    local code
    wait "$job"
    code=$?
    check "$*: code 7, not $code: $(tail -n 5 job.log)" test "$code" = 7
    check "$*: the store is named once: $(cat job.log)" test "$(grep -c "^qctx-dist: used.h5: was written to while" job.log)" = 1
    check "$*: no rank is left" all_gone
}

while read -r ranks change; do
    train_under "$change" "$ranks" "$change"
    refused train at "$ranks" ranks, "$change"
    check "the last good checkpoint is named" grep -q "last checkpoint from before is runs/$change/checkpoints/" job.log
done <<'END'
1 cut_short
2 begin_anew
3 change_in_place
3 cut_short
END

# What was kept is whole, and goes on with the store as it was, not with another.
begin_anew
expect 7 "was trained on vectors" qctx train config.yaml run.name=cut_short --resume
cp good.h5 used.h5
step=$(basename "$(last_of cut_short)" .h5)
expect 0 "resuming from runs/cut_short" qctx train config.yaml run.name=cut_short --resume \
    batch.steps=$((10#${step#step-} + 1))

train_under renamed 2 rename_over
before=$(last_of renamed)
wait_for went_on renamed "$before"
kill -TERM "$(tail -n 1 ranks)"
wait "$job"
check "a run whose store was renamed over is stopped by hand, code $?" grep -q "stopped by SIGTERM" job.log
check "it went on" went_on renamed "$before"
expect 7 "was trained on vectors" qctx train config.yaml run.name=renamed --resume

# An evaluation prints nothing of what it read.
cp good.h5 used.h5
expect 0 "" qctx train config.yaml run.name=short batch.steps=1
for ranks in 1 3; do
    for change in cut_short change_in_place; do
        cp good.h5 used.h5
        start "$ranks" eval runs/short --source used.h5 --split train --candidates corpus --strengths
        wait_for grep -q "thread" job.log
        "$change"
        refused eval at "$ranks" ranks, "$change"
        check "no table is printed" test "$(grep -c "top-1" job.log)" = 0
    done
done

# A search answers until then, and no more.
for ranks in 1 2; do
    cp good.h5 used.h5
    mkfifo "questions.$ranks"
    mpirun -np "$ranks" bash -c 'echo $$ >>ranks; exec "$0" "$@"' "$program" search runs/short \
        >job.log 2>&1 <"questions.$ranks" &
    job=$!
    exec {questions}>"questions.$ranks"
    echo "Who pays?" >&"$questions"
    wait_for grep -q "^ *5  " job.log
    cut_short
    echo "Who pays?" >&"$questions"
    refused search at "$ranks" ranks
    check "one question was answered" test "$(grep -c "^ *5  " job.log)" = 1
    exec {questions}>&-
done

# A sweep ends as a whole: no trial of it has failed.
cp good.h5 used.h5
cat >swept.yaml <<'YAML'
config: config.yaml
out: .
method: grid
parameters:
  optim.lr: {values: [0.001, 0.002]}
  eval.tune: {value: 0.1}
YAML
start 2 sweep swept.yaml
until [[ -n $(find swept -name 'step-*.h5' 2>/dev/null) ]] || ! kill -0 "$job"; do sleep 0.01; done
change_in_place
refused sweep
check "trials were begun, and none has failed" \
    test "$(grep -c '"begun"' swept/ledger.jsonl),$(grep -c '"failed"' swept/ledger.jsonl)" = 2,0
