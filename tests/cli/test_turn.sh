#!/usr/bin/env bash
# Commands that need the same cached store at once: one makes it, the others wait for it. ranks: 0
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

RANKS=0
expect 0 "" qctx synth --out corpus --questions 20000 --seed 3
cat >config.yaml <<'YAML'
data: {train: [{corpus: corpus}]}
model: {hidden: 16}
batch: {size: 512, epochs: 1, steps: 2}
eval: {every: 0, tune: 0}
YAML

lock() { compgen -G "stores/.corpus-*.h5.lock" >lock; }

# hold COMMAND...: a first job, stopped as soon as the store is its own to make; its process is $holder.
hold() {
    rm -rf stores
    start 1 "$@"
    wait_for lock
    first=$job
    holder=$(cat ranks)
    kill -STOP "$holder"
    check "the first job makes the store: $(cat job.log)" test "$(compgen -G "stores/*.h5")" = ""
    mv job.log first.log
}

# second RANKS COMMAND...: another one, which waits.
second() {
    start "$@"
    wait_for grep -q "waiting for" job.log
    check "it says for whom: $(cat job.log)" grep -q "waiting for stores/corpus-.*process $holder on $(hostname)" job.log
}

made() { compgen -G "stores/*.h5"; }

for ranks in 1 3; do
    hold train config.yaml run.name=first
    second "$ranks" train config.yaml run.name=second
    kill -TERM "$(tail -n 1 ranks)"
    wait "$job"
    check "one that waits is stopped, code $?: $(cat job.log)" grep -q "stopped by SIGTERM" job.log
    check "no rank is left" all_gone

    second "$ranks" train config.yaml run.name=second
    kill -CONT "$holder"
    wait "$first"
    check "the first one ends, code $?: $(cat first.log)" test -e runs/first/summary.json
    wait "$job"
    check "the second one ends, code $?: $(cat job.log)" grep -q "reusing stores/corpus-" job.log
    check "one store, and nothing beside it: $(ls -A stores)" test "$(ls -A stores | wc -l)" = 1
    rm -rf runs
done

# Who waits makes the store where the first one is killed.
hold train config.yaml run.name=first
second 2 train config.yaml run.name=second
kill -KILL "$holder" "$first"
wait "$job"
check "the second one ends, code $?: $(cat job.log)" test -e runs/second/summary.json
check "one store, and nothing beside it: $(ls -A stores)" test "$(ls -A stores | wc -l)" = 1

# Likewise the stores of joined encoders, and those of a search.
rm -rf runs
expect 0 "" qctx synth --out few/corpus --questions 1000 --seed 3
joined=(train config.yaml "data.train=[{corpus: few/corpus}]"
    "data.encoder=[hashing, $project/tests/fixtures/models/bert_mean]")
hold "${joined[@]}" run.name=first
second 1 "${joined[@]}" run.name=second
kill -CONT "$holder"
wait "$first"
wait "$job"
check "the second one ends, code $?: $(cat job.log)" grep -q "reusing stores/corpus-" job.log
hold search --encoder hashing --corpus corpus "A question?"
second 2 search --encoder hashing --corpus corpus "A question?"
kill -CONT "$holder"
wait "$first"
wait "$job"
check "the second search ends, code $?: $(cat job.log)" grep -q "reusing stores/corpus-" job.log
check "with five answers" grep -q "^ *5  " job.log
