#!/usr/bin/env bash
# A command that waits for the other end of a pipe, or for what it gives, stops when it is asked to. ranks: 0
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

RANKS=0
expect 0 "" qctx synth --out corpus --questions 600 --seed 3
expect 0 "" qctx embed corpus --dim 64 --out store.h5
cat >config.yaml <<'YAML'
data: {train: [{store: store.h5}]}
model: {hidden: 16}
batch: {size: 100, epochs: 1, steps: 2}
eval: {every: 0, tune: 0}
YAML
expect 0 "" qctx train config.yaml run.name=small

mkfifo pipe
mkdir piped
mkfifo piped/corpus.jsonl
cp -r corpus/queries.jsonl corpus/qrels piped/

# asked SIGNAL RANKS COMMAND...: ends with 75 when the signal reaches one of its ranks.
asked() {
    local name=$1 ranks=$2 code
    shift 2
    start "$ranks" "$@"
    # It says nothing before it waits; a signal that comes sooner does as well.
    sleep 1
    wait_for test "$(wc -l <ranks)" = "$ranks"
    kill "-$name" "$(tail -n 1 ranks)"
    wait "$job"
    code=$?
    check "$name, $ranks ranks, $*: code $code: $(cat job.log)" test "$code" = 75
    check "no rank is left" all_gone
}
asked TERM 1 train pipe
asked INT 2 train pipe
asked TERM 2 search runs/small --text pipe "A question?"
asked USR1 3 embed piped --out made.h5
asked TERM 1 sweep pipe
asked TERM 1 import --out imported --split train pipe
asked INT 2 import --out imported --split train pipe

# One that is open, and has given something.
exec {held}<>pipe
asked TERM 1 train pipe
echo "data:" >&"$held"
asked TERM 2 train pipe
echo '["Who?", "She."]' >&"$held"
asked INT 1 import --out imported --split train pipe
exec {held}>&-
check "nothing is left of the import" test -z "$(find . -name '*imported*')"

# What comes late, and in pieces, is taken whole.
(sleep 0.3 && for line in 1 2 3 4; do sed -n "${line}p" config.yaml && sleep 0.2; done) >pipe &
expect 0 "" qctx train pipe run.name=late
for pack in cat gzip; do
    $pack <corpus/corpus.jsonl >packed
    (sleep 0.3; head -c 1 packed; sleep 0.3; tail -c +2 packed) >piped/corpus.jsonl &
    expect 0 "" qctx embed piped --dim 64 --out made.h5 --force
    check "$pack: the store is that of the corpus" cmp made.h5 store.h5
done
