#!/usr/bin/env bash
# Training that is stopped and killed anywhere goes on to the very bits of an unbroken run. ranks: 0
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

cat >config.yaml <<'YAML'
run: {name: run, seed: 7}
data:
  train: [{corpus: corpus, split: train}]
  eval: [{corpus: corpus, split: dev}]
model: {hidden: 32, dropout: 0.1}
optim: {lr: 1e-3, warmup: 5}
batch: {size: 100, epochs: 12}
eval: {pool: 50, every: 2, bootstrap: 100, tune: 0.1}
checkpoint: {every: 3, steps: 20, keep: 2}
YAML
RANKS=0 qctx synth --out corpus --questions 1000 --seed 3 >/dev/null 2>&1

newest() {
    printf '%s\n' "$1"/run/checkpoints/step-*.h5 | tail -n 1
}

# All that two runs must have in common: each bit of parameters and optimiser, the curve, the results.
outcome() {
    local file
    for file in "$(newest "$1")" "$1/run/checkpoints/best.h5"; do
        RANKS=0 qctx info --json "$file" | sed -E 's/"(path|seconds|ranks|threads)":[^,}]*//g; s/"config":"[^"]*"//'
    done
    sed -E 's/"seconds":[0-9.e+-]+//' "$1/run/metrics.jsonl"
    sed -n '/"best"/,/"plan"/p' "$1/run/summary.json"
}

# The clock of a run goes on over interruptions.
seconds_grow() {
    sed -nE 's/.*"seconds":([0-9.e+-]+).*/\1/p' "$1/run/metrics.jsonl" | awk '$1 < last { exit 1 } { last = $1 }'
}

# interrupt RANKS RUN SIGNAL SETTING...: a job that goes on with a run and is stopped (USR1 to one rank) or killed (all
# of them) at a random moment after it began to listen. The exit code is $code; a job may be faster than that.
interrupt() {
    local ranks=$1 run=$2 signal=$3
    shift 3
    start "$ranks" train config.yaml "run.out=$run" --resume auto "$@"
    wait_for grep -q "^steps:" job.log
    sleep "0.$(printf %03d $((RANDOM % 300)))"
    if [[ $signal = KILL ]]; then
        kill_job
        code=137
    else
        kill -USR1 "$(tail -n 1 ranks)" 2>/dev/null
        wait "$job"
        code=$?
    fi
    interrupted=$((interrupted + (code != 0)))
}

# A run of $1 ranks after up to four interruptions; the settings are those of the unbroken run.
RANDOM=${QCTX_TEST_SEED:-$$}
for ranks in 1 2 3; do
    interrupted=0
    RANKS=$ranks expect 0 "difference" qctx train config.yaml run.out=whole$ranks
    for signal in USR1 KILL USR1 KILL; do
        interrupt "$ranks" parts$ranks "$signal"
        case $code in 0 | 137) ;; *) check "a job that is stopped says so ($code)" test "$code" = 75 ;; esac
        [[ $code != 75 ]] || check "and how to go on" grep -qE "goes on|begins again" job.log
    done
    check "$interrupted of 4 jobs were interrupted at $ranks ranks" test "$interrupted" -ge 2
    RANKS=$ranks expect 0 "difference" qctx train config.yaml run.out=parts$ranks --resume auto
    check "$ranks ranks, interrupted, end as the unbroken run" diff <(outcome whole$ranks) <(outcome parts$ranks)
    check "the seconds of its curve never go back" seconds_grow parts$ranks
done

# The same bits on any number of ranks: each goes on where another was stopped.
same="run.reproducible=true batch.epochs=4 batch.size=160"
RANKS=2 expect 0 "difference" qctx train config.yaml run.out=wholes $same
for ranks in 4 1 2; do
    # shellcheck disable=SC2086
    interrupt "$ranks" mixed USR1 $same
done
RANKS=8 expect 0 "difference" qctx train config.yaml run.out=mixed --resume auto $same
check "4, 1, 2 and 8 ranks end as 2 that were not interrupted" diff <(outcome wholes) <(outcome mixed)

# Stopped in the evaluation of its untrained start, which is made long here.
long="eval.bootstrap=300000 batch.epochs=1"
RANKS=2 expect 0 "difference" qctx train config.yaml run.out=patient $long
# shellcheck disable=SC2086
start 2 train config.yaml run.out=early $long
wait_for grep -q "^steps:" job.log
kill -USR1 "$(tail -n 1 ranks)"
wait "$job"
check "it stops before its first step: $(cat job.log)" grep -q "after step 0 of" job.log
RANKS=2 expect 0 "resuming from early/run/checkpoints/step-000000000.h5" \
    qctx train config.yaml run.out=early $long --resume
check "a run that stopped before its first step ends as the unbroken one" diff <(outcome patient) <(outcome early)

# Other ranks without that are allowed, with a word.
cp -r whole1 fewer && rm "$(newest fewer)"
RANKS=2 expect 0 "its last bits may differ" qctx train config.yaml run.out=fewer --resume
check "the curve still has every step once" test \
    "$(grep -c '"event":"step"' fewer/run/metrics.jsonl)" = "$(grep -c '"event":"step"' whole1/run/metrics.jsonl)"

# The newest checkpoint is damaged: the one before it leads to the same end.
cp -r whole2 damaged
printf 'X' | dd of="$(newest damaged)" bs=1 seek=5000 conv=notrunc status=none
RANKS=2 expect 0 "taking the one before it" qctx train config.yaml run.out=damaged --resume
check "a run whose newest checkpoint was damaged ends as the unbroken one" diff <(outcome whole2) <(outcome damaged)

# A run that is done prints its tables again.
RANKS=2 expect 0 "difference" qctx train config.yaml run.out=parts2 --resume=auto
check "and stays what it was" diff <(outcome whole2) <(outcome parts2)

# What auto begins, and what it refuses.
RANKS=0
rm -rf parts1/run/checkpoints
expect 7 "optim.lr: was 0.001, now it is 0.002" qctx train config.yaml run.out=parts1 optim.lr=2e-3 --resume auto
expect 7 "optim.lr: was 0.001, now it is 0.002" qctx train config.yaml run.out=whole1 optim.lr=2e-3 --resume auto
expect 4 "no checkpoint to resume from" qctx train config.yaml run.out=parts1 --resume
RANKS=2 expect 8 "parts1/run: holds results, but no checkpoint to resume from" \
    qctx train config.yaml run.out=parts1 --resume auto
check "and keeps them" test -s parts1/run/summary.json
cp -r whole1 pruned && rm pruned/run/checkpoints/step-*.h5
RANKS=2 expect 8 "replace them with --force" qctx train config.yaml run.out=pruned --resume auto
check "and the best epoch" test -s pruned/run/checkpoints/best.h5
rm pruned/run/summary.json parts1/run/summary.json
RANKS=2 expect 0 "pruned/run: holds checkpoints/best.h5, but no checkpoint to resume from; the run begins anew" \
    qctx train config.yaml run.out=pruned --resume auto
RANKS=1 expect 0 "difference" qctx train config.yaml run.out=parts1 --resume auto
check "a run without checkpoints and results begins anew" diff <(outcome whole1) <(outcome parts1)
expect 2 "'always' is not 'auto', the only word that it takes" qctx train config.yaml --resume=always
expect 2 "--resume takes only the word auto" qctx train config.yaml --resume autp

# A curve that somebody has cut is not gone on with.
cp -r whole1 cut && sed -i '/"step":7,/d' cut/run/metrics.jsonl
expect 6 "expected step 7" qctx train config.yaml run.out=cut --resume

# Two jobs on one folder: the second is refused, whatever it is allowed.
start 1 train config.yaml run.out=shared
wait_for grep -q "^steps:" job.log
kill -STOP "$(cat ranks)"
for how in "" --resume "--resume auto" --force; do
    # shellcheck disable=SC2086
    expect 8 "run" qctx train config.yaml run.out=shared $how
done
expect 8 "another process is at work here" qctx train config.yaml run.out=shared --force
kill_job
RANKS=1 expect 0 "difference" qctx train config.yaml run.out=shared --resume auto
check "shared ends as an unbroken run" diff <(outcome whole1) <(outcome shared)
