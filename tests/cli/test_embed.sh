#!/usr/bin/env bash
# Embeds a small corpus and describes what comes out. ranks: 3
. tests/support/cli.sh

# Starting mpirun takes longer than the work: what is not about ranks runs without it.
alone() {
    RANKS=0 qctx "$@"
}

mkdir -p corpus/qrels empty
for i in 0 1 2 3; do
    echo "{\"_id\": \"c$i\", \"title\": \"t$i\", \"text\": \"context number $i tells of rivers\"}" >>corpus/corpus.jsonl
    echo "{\"_id\": \"q$i\", \"text\": \"what does number $i tell?\"}" >>corpus/queries.jsonl
    printf 'q%s\tc%s\t1\n' "$i" "$i" >>corpus/qrels/train.tsv
done

expect 0 "4 questions and 4 contexts embedded by hashing" qctx embed corpus --out stores/a.h5
expect 8 "--force" alone embed corpus --out stores/a.h5
expect 0 "version 2, verified: whole" qctx embed --verify stores/a.h5
expect 2 "--verify writes no store" alone embed --verify stores/a.h5 --out b.h5
head -c 9000 stores/a.h5 >cut.h5
expect 5 "cut.h5: the store is truncated, or longer than it was" qctx embed --verify cut.h5
expect 0 "embedded" qctx embed corpus --out stores/a.h5 --force
expect 0 "embedded" alone embed corpus --out half.h5 --dtype float16 --dim 64 --fit train
expect 0 "embedded" qctx embed corpus --out b.h5 --encoder stores/a.h5
check "the encoder of a store makes the same vectors" \
    diff <(alone info --json stores/a.h5 | sed 's/.*"checksum"//') <(alone info --json b.h5 | sed 's/.*"checksum"//')

printf 'data: {dtype: float16, encoder: stores/a.h5}\n' >one.yaml
printf 'encoder: {tune: true}\ndata: {encoder: [hashing, corpus]}\n' >tuned.yaml
expect 0 "embedded" alone embed corpus --out by_config.h5 --config one.yaml
expect 0 "dtype:                float16" alone info by_config.h5
check "a configuration names the encoder of a store" diff \
    <(alone info stores/a.h5 | grep fingerprint) <(alone info by_config.h5 | grep fingerprint)
expect 2 "--config describes the encoder, and so do other options" \
    alone embed corpus --out c.h5 --config one.yaml --encoder hashing
expect 3 "encoder.tune" alone embed corpus --out c.h5 --config tuned.yaml
expect 2 "--out is missing" alone embed corpus
expect 2 "leave it away" alone embed corpus --out c.h5 --encoder b.h5 --dim 64
expect 2 "" alone embed corpus --out c.h5 --dtype float8
expect 3 "unknown encoder 'hashin'" alone embed corpus --out c.h5 --encoder hashin
expect 6 "corpus: there is no split 'trian'; it has train" qctx embed corpus --out c.h5 --fit trian
cp output said
check "the hint names the nearest" grep -q "did you mean 'train'?" said
mkdir -p other/qrels
cp corpus/*.jsonl other/
cp corpus/qrels/train.tsv other/qrels/test.tsv
expect 0 "learns from all 4 contexts of a corpus that has no split 'train'" alone embed other --out other.h5
expect 0 "learnt from 4 contexts" alone embed other --out other.h5 --force --fit test
expect 4 "" qctx embed absent --out c.h5
expect 4 "" qctx embed corpus --out corpus/corpus.jsonl/c.h5
check "nothing half-written" test ! -e c.h5 -a ! -e c.h5.partial -a ! -e a.h5.partial

expect 0 "dim:                  64" qctx info half.h5
expect 0 "dtype:                float16" alone info half.h5
expect 0 "contexts:             4" alone info corpus
expect 0 '"unit_length":true' alone info --json b.h5
expect 0 '| `data.train` |' alone info --config-reference
expect 0 "encoder: hashing" alone info "$project/configs/demo.yaml"
expect 4 "No such file" alone info absent
expect 5 "neither a corpus" alone info empty
expect 5 "neither a store" alone info corpus/corpus.jsonl
expect 2 "expected a path" alone info
head -c 3000 b.h5 >torn.h5
expect 5 "torn.h5" qctx info torn.h5
