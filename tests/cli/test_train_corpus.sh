#!/usr/bin/env bash
# Training whose questions meet all contexts of the corpus: it says what that costs, goes on to the same bits, is the
# same on any number of ranks where it is asked to, and refuses what has no use for it. ranks: 0
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

cat >config.yaml <<'YAML'
run: {seed: 7}
data: {train: [{store: corpus.h5}]}
model: {hidden: 32, dropout: 0.1, sides: shared}
loss: {candidates: corpus, direction: question}
optim: {warmup: 1}
batch: {size: 48, epochs: 3}
eval: {every: 0, tune: 0}
YAML
RANKS=0 qctx synth --out corpus --questions 300 --seed 3 >/dev/null 2>&1
RANKS=0 expect 0 "" qctx embed corpus --out corpus.h5 --dim 32

checksum() {
    RANKS=0 qctx info "$(printf '%s\n' "runs/$1"/checkpoints/step-*.h5 | tail -n 1)" | sed -nE 's/^checksum: *//p'
}
same_bits() { [[ -n $(checksum "$1") && $(checksum "$1") == $(checksum "$2") ]]; }
losses() { sed -nE 's/.*"event": *"step".*"loss": *([^,}]*).*/\1/p' "runs/$1/metrics.jsonl"; }
alike() {
    paste <(losses "$1") <(losses "$2") |
        awk '{ d = $1 - $2; if (NF != 2 || d > 1e-5 || d < -1e-5) { print; bad = 1 } } END { exit bad || NR < 6 }'
}

RANKS=2 expect 0 "Results: runs/full" qctx train config.yaml run.name=full loss.similarity=full
contexts=$(sed -nE "s/.*a step against the corpus's ([0-9]+) contexts takes a rank.*/\1/p" output)
check "the plan tells what a question meets ($contexts)" test "${contexts:-0}" -gt 100
for scheme in rows ring; do
    RANKS=3 expect 0 "Results: runs/$scheme" qctx train config.yaml run.name=$scheme loss.similarity=$scheme
    check "$scheme on 3 ranks gives the losses of full on 2" alike $scheme full
done
RANKS=2 expect 0 "Results: runs/batch" qctx train config.yaml run.name=batch loss.candidates=batch
check "the corpus is harder than the batch" test \
    "$(losses full | head -n 1 | cut -c1-6 | tr -d .)" -gt "$(losses batch | head -n 1 | cut -c1-6 | tr -d .)"

same="run.reproducible=true"
for ranks in 1 2 4; do
    # shellcheck disable=SC2086
    RANKS=$ranks expect 0 "Results: runs/on$ranks" qctx train config.yaml run.name=on$ranks $same
done
check "1 and 2 ranks" same_bits on1 on2
check "4 and 2 ranks" same_bits on4 on2

# Stopped by its own step limit and resumed on other ranks.
mkdir -p parts
# shellcheck disable=SC2086
start 2 train config.yaml run.name=parts checkpoint.steps=2 batch.epochs=3 $same
wait_for grep -q "^steps:" job.log
kill -USR1 "$(tail -n 1 ranks)" 2>/dev/null
wait "$job"
# shellcheck disable=SC2086
RANKS=4 expect 0 "Results: runs/parts" qctx train config.yaml run.name=parts checkpoint.steps=2 $same --resume auto
check "a run that was stopped ends as the unbroken one" same_bits parts on2
# shellcheck disable=SC2086
RANKS=2 expect 7 "loss.candidates: was corpus, now it is batch" qctx train config.yaml run.name=parts $same \
    loss.candidates=batch --resume

RANKS=0
expect 3 "loss.kind: soft has no contexts beside those of the batch's questions" qctx train config.yaml run.name=x \
    loss.direction=both loss.kind=soft
expect 3 "loss.direction: contexts that answer no question of the batch" qctx train config.yaml run.name=x \
    loss.direction=context
expect 3 "a step of 48 questions against the corpus's $contexts contexts needs on 1 rank" qctx train config.yaml \
    run.name=x run.memory=50kB
