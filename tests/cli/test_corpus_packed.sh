#!/usr/bin/env bash
# A BEIR folder whose files are compressed is the same corpus as the plain one. ranks: 2
. tests/support/cli.sh

alone() {
    RANKS=0 qctx "$@"
}

mkdir -p plain/qrels
for i in 0 1 2 3 4 5 6 7; do
    echo "{\"_id\": \"c$i\", \"text\": \"context number $i tells of the river $((i * i))\"}" >>plain/corpus.jsonl
    echo "{\"_id\": \"q$i\", \"text\": \"what does number $i tell?\"}" >>plain/queries.jsonl
    printf 'q%s\tc%s\t1\n' "$i" "$i" | tee -a plain/qrels/train.tsv >>plain/qrels/dev.tsv
done
cp -r plain other && mv other packed
gzip packed/corpus.jsonl packed/queries.jsonl packed/qrels/*.tsv

expect 0 "contexts:             8" alone info packed
expect 0 "dev:" alone info packed
check "the same corpus, by its fingerprint" diff \
    <(alone info --json plain | sed 's/"path":"[^"]*"//') <(alone info --json packed | sed 's/"path":"[^"]*"//')
expect 0 "8 questions and 8 contexts embedded" qctx embed packed --out packed.h5
expect 0 "embedded" qctx embed plain --out plain.h5
check "the same store, by its bytes" cmp plain.h5 packed.h5

# Measured alone, an encoder learns from the split train, and the corpus is read once for all of it.
printf 'nobody\tc0\t1\n' | gzip >>packed/qrels/dev.tsv.gz
expect 0 "encoder hashing learnt from 8 contexts" qctx eval --encoder hashing packed --candidates corpus
check "what is wrong with it is said once" test "$(grep -c "not in queries.jsonl" output)" = 1
gzip -c plain/qrels/dev.tsv >packed/qrels/dev.tsv.gz

cat >run.yaml <<'YAML'
data: {train: [{corpus: packed}], eval: [{corpus: packed}]}
batch: {size: 2, epochs: 1}
optim: {warmup: 0}
eval: {candidates: corpus, tune: 0}
model: {hidden: 8}
YAML
expect 0 "packed/dev" qctx train run.yaml
expect 0 "packed/dev" alone eval runs/run
expect 0 "packed/train" alone eval runs/run --source packed --split train
expect 0 "context number" alone search runs/run "number 3"
expect 0 "embedded" alone embed packed --out again.h5 --encoder packed.h5

if command -v zstd >/dev/null; then
    cp -r plain zst
    zstd -q --rm zst/corpus.jsonl zst/queries.jsonl zst/qrels/*.tsv
    expect 0 "embedded" qctx embed zst --out zst.h5
    check "the same store out of zstd" cmp plain.h5 zst.h5
else
    skip "zstd is not installed"
fi

# What is cut is no corpus with fewer lines.
cp -r packed cut
head -c 100 packed/corpus.jsonl.gz >cut/corpus.jsonl.gz
expect 5 "corpus.jsonl.gz: compressed (gzip)" qctx info cut

# Two forms of one file may differ, and nobody can tell which is meant.
cp -r packed twice
cp plain/corpus.jsonl twice
expect 5 "twice: corpus.jsonl is there in several forms" qctx info twice
cp -r packed twice_split
cp plain/qrels/dev.tsv twice_split/qrels
expect 5 "qrels: dev is there in several forms" qctx info twice_split

# import replaces what is a corpus, in whatever form.
printf 'question\tcontext\nWho?\tI am.\nWhere?\tHere it is.\n' >pairs.tsv
expect 8 "exists already" alone import --out packed --split train pairs.tsv
expect 0 "2 questions" alone import --out packed --force --split train pairs.tsv
