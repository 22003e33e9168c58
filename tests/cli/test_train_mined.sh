#!/usr/bin/env bash
# Training with hard negatives: it says what is mined and what that costs, is the same on any number of ranks where it
# is asked to, goes on to the same bits from within an epoch, and refuses what has no use for it. ranks: 0
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

cat >config.yaml <<'YAML'
run: {seed: 7}
data: {train: [{store: corpus.h5}]}
model: {hidden: 32, dropout: 0.1, sides: shared}
optim: {warmup: 1, lr: 1e-2}
batch: {size: 48, epochs: 4}
negatives: {count: 3, depth: 20, every: 2}
checkpoint: {steps: 1, keep: 100}
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
        awk '{ d = $1 - $2; if (NF != 2 || d > 1e-5 || d < -1e-5) { print; bad = 1 } } END { exit bad || NR < 8 }'
}

RANKS=2 expect 0 "Results: runs/full" qctx train config.yaml run.name=full loss.similarity=full
cp output told
check "the plan tells how many join a step" grep -qE "a step with up to 144 hard negatives takes a rank" told
check "and what mining is" grep -qE \
    "negatives: 3 a question, mined among the best 20 of [0-9]+ contexts before every 2 epochs, .* GFLOP" told
check "each mining is told, with those that have too few" test \
    "$(grep -cE 'negatives mined in .* s: of [0-9]+ questions [0-9]+ (has|have) fewer than 3' told)" = 2
check "its time is among the summary's" grep -qE '"mine": *0\.[0-9]*[1-9]' runs/full/summary.json
for scheme in rows ring; do
    RANKS=3 expect 0 "Results: runs/$scheme" qctx train config.yaml run.name=$scheme loss.similarity=$scheme
    check "$scheme on 3 ranks gives the losses of full on 2" alike $scheme full
done
RANKS=2 expect 0 "Results: runs/none" qctx train config.yaml run.name=none negatives.count=0
check "what is mined is harder than the batch" test \
    "$(losses full | head -n 1 | cut -c1-6 | tr -d .)" -gt "$(losses none | head -n 1 | cut -c1-6 | tr -d .)"

same="run.reproducible=true"
for ranks in 1 2 4; do
    # shellcheck disable=SC2086
    RANKS=$ranks expect 0 "Results: runs/on$ranks" qctx train config.yaml run.name=on$ranks $same
done
check "1 and 2 ranks" same_bits on1 on2
check "4 and 2 ranks" same_bits on4 on2

# As a killed run leaves its folder behind step $1: within an epoch, at the end of one whose negatives serve for another,
# and where they are mined anew. Each goes on to the end of the unbroken run.
steps=$(losses on2 | wc -l)
for step in 1 $((steps / 4)) $((steps / 4 + 1)) $((steps / 2)) $((steps - 1)); do
    rm -rf runs/cut && cp -r runs/on2 runs/cut && rm runs/cut/summary.json runs/cut/checkpoints/best.h5
    for file in runs/cut/checkpoints/step-*.h5; do
        number=${file##*step-}
        [[ 10#${number%.h5} -le $step ]] || rm "$file"
    done
    # shellcheck disable=SC2086
    RANKS=4 expect 0 "Results: runs/cut" qctx train config.yaml run.name=cut $same --resume
    check "resumed behind step $step of $steps" same_bits cut on2
    check "with the same curve" diff <(losses cut) <(losses on2)
done
# shellcheck disable=SC2086
RANKS=2 expect 7 "negatives.margin: was 0.95, now it is 0.9" qctx train config.yaml run.name=cut $same \
    negatives.margin=0.9 --resume

RANKS=0
# Deeper than the corpus is the whole of it; a corpus that has one context has none to mine.
expect 0 "Results: runs/deep" qctx train config.yaml run.name=deep negatives.depth=100000
printf 'question\tcontext\nwho?\tthe one text\nwhat?\tthe one text\nhow?\tthe one text\n' >one.tsv
expect 0 "" qctx import --out one --split train one.tsv
expect 0 "no context is left for any question" qctx train config.yaml run.name=one 'data.train=[{corpus: one}]' \
    batch.size=2 model.output=0
cp output told
check "and says so of all its questions" grep -q "of 3 questions 3 have fewer than 3" told
expect 3 "negatives.count: is for loss.candidates: batch" qctx train config.yaml run.name=x loss.candidates=corpus
expect 3 "negatives.depth: expected at least negatives.count, 3, found 2" qctx train config.yaml run.name=x \
    negatives.depth=2
expect 3 "loss.kind: soft has no contexts beside those" qctx train config.yaml run.name=x loss.kind=soft
expect 3 "with up to 144 hard negatives needs on 1 rank" qctx train config.yaml run.name=x run.memory=50kB
