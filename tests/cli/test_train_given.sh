#!/usr/bin/env bash
# Training with hard negatives that files give: each question's own join its batch, the same on any number of ranks where
# it is asked to, and going on to the same bits; what is wrong with a file is said by its name. ranks: 0
. tests/support/cli.sh

cat >config.yaml <<'YAML'
run: {seed: 7}
data: {train: [{store: corpus.h5, negatives: all.tsv}]}
model: {hidden: 32, sides: shared, dropout: 0}
loss: {direction: question}
optim: {warmup: 1, lr: 1e-2}
batch: {size: 24, epochs: 3}
negatives: {from: file, count: 1000}
checkpoint: {steps: 1, keep: 100}
eval: {every: 0, tune: 0}
YAML
RANKS=0 qctx synth --out corpus --questions 160 --seed 3 >/dev/null 2>&1
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

# Every context that answers a training question, listed for each of them: that is loss.candidates: corpus.
sed 1d corpus/qrels/train.tsv | cut -f 1,2 | awk -F '\t' '
    { question[NR] = $1; context[NR] = $2 }
    END {
        print "query-id\tcorpus-id"
        for (q = 1; q <= NR; q++) for (c = 1; c <= NR; c++) print question[q] "\t" context[c]
    }' >all.tsv
RANKS=2 expect 0 "Results: runs/all" qctx train config.yaml run.name=all
check "those that answer are told" grep -qE "all.tsv: [0-9]+ more that answer their question, or equal one that does" runs/all/log.txt
check "and how many there are" grep -qE "negatives: up to 1000 a question, of [0-9]{4,} that files list" runs/all/log.txt
RANKS=0 expect 0 "Results: runs/corpus" qctx train config.yaml run.name=corpus 'data.train=[{store: corpus.h5}]' \
    negatives.count=0 negatives.from=mined loss.candidates=corpus
check "all of the corpus as a list is the corpus" alike all corpus

# What mine writes; some lines of unknown ids and of other splits.
RANKS=0 expect 0 "" qctx mine corpus.h5 --count 5 --depth 60 --margin 1 --out mined.tsv
{ cat mined.tsv; printf 'nobody\tc1\nq0\tnothing\n'; sed -n 2p corpus/qrels/dev.tsv | cut -f 1,2; } >given.tsv
given=(config.yaml 'data.train=[{store: corpus.h5, negatives: given.tsv}]' negatives.count=2 run.reproducible=true)
for ranks in 1 2 4; do
    RANKS=$ranks expect 0 "Results: runs/on$ranks" qctx train "${given[@]}" run.name=on$ranks
done
check "unknown ids are counted, and the first is named" grep -qF "1 of unknown questions and 1 of unknown contexts are left \
out; the first: given.tsv:$(grep -n nobody given.tsv | cut -d : -f 1): question 'nobody'" runs/on4/log.txt
check "1 and 2 ranks" same_bits on1 on2
check "4 and 2 ranks" same_bits on4 on2

# The corpus's own file, under its usual name or compressed, needs no key.
mkdir corpus/negatives && gzip -c given.tsv >corpus/negatives/train.tsv.gz
RANKS=0 expect 0 "Results: runs/own" qctx train "${given[@]}" run.name=own 'data.train=[{corpus: corpus}]' \
    'data.encoder=corpus.h5'
check "and gives the same" same_bits own on2

steps=$(losses on2 | wc -l)
for step in $((steps / 3)) $((steps / 2)); do
    rm -rf runs/cut && cp -r runs/on2 runs/cut && rm runs/cut/summary.json runs/cut/checkpoints/best.h5
    for file in runs/cut/checkpoints/step-*.h5; do
        number=${file##*step-}
        [[ 10#${number%.h5} -le $step ]] || rm "$file"
    done
    RANKS=4 expect 0 "Results: runs/cut" qctx train "${given[@]}" run.name=cut --resume
    check "resumed behind step $step of $steps" same_bits cut on2
done
cp given.tsv was.tsv && sed -i 3d given.tsv
RANKS=2 expect 7 "or on other negatives" qctx train "${given[@]}" run.name=on2 batch.epochs=4 --resume
mv was.tsv given.tsv

# Judgements serve as they are: those of grade 0.
awk -F '\t' 'NR == 1 { print $0 "\tscore"; next } { print $0 "\t0" }' mined.tsv >judged.tsv
sed 1d corpus/qrels/train.tsv >>judged.tsv
RANKS=0 expect 0 "Results: runs/judged" qctx train "${given[@]}" run.name=judged \
    'data.train=[{store: corpus.h5, negatives: judged.tsv}]'
check "and give the same" same_bits judged on2

RANKS=2
expect 4 "no.tsv" qctx train "${given[@]}" run.name=x 'data.train=[{store: corpus.h5, negatives: no.tsv}]'
expect 6 "no source of data.train has a file of negatives" qctx train "${given[@]}" run.name=x 'data.train=[{store: corpus.h5}]'
expect 6 "corpus/qrels/train.tsv: judges all its" qctx train "${given[@]}" run.name=x \
    'data.train=[{store: corpus.h5, negatives: corpus/qrels/train.tsv}]'
printf 'q0\tc1\nq0\n' >bad.tsv
expect 5 "bad.tsv:2: expected question id, context id and perhaps a score, found 1 column" qctx train "${given[@]}" \
    run.name=x 'data.train=[{store: corpus.h5, negatives: bad.tsv}]'
expect 3 "'corpus/train' names a file of negatives, which is read with negatives.from: file" qctx train "${given[@]}" \
    run.name=x negatives.from=mined
expect 3 "negatives.from: file needs negatives.count" qctx train "${given[@]}" run.name=x negatives.count=0
expect 3 "negatives are for data.train, and 'corpus/dev' has some" qctx train "${given[@]}" run.name=x \
    'data.eval=[{store: corpus.h5, negatives: given.tsv}]'
check "nothing is left of what was refused" test ! -e runs/x
