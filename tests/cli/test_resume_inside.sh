#!/usr/bin/env bash
# A run is resumed by what is inside its files, not by their names, and links in its folder are not followed. ranks: 0
. tests/support/cli.sh

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

RANKS=1 expect 0 "difference" qctx train config.yaml run.out=whole1
RANKS=0

# Under the same names other vectors, or other answers: neither is what the run was trained on.
cp -r whole1 changed
cp -r corpus kept
sed -i '1s/"text": "[^"]*"/"text": "Who wrote another question?"/' corpus/queries.jsonl
expect 7 "changed/run: was trained on other vectors or answers than data.train has now" \
    qctx train config.yaml run.out=changed --resume batch.epochs=13
cp kept/queries.jsonl corpus/
awk -F '\t' -v OFS='\t' 'FNR == NR { if (FNR == 2) first = $2; if (FNR == 30) last = $2; next }
    FNR == 2 { $2 = last } FNR == 30 { $2 = first } 1' kept/qrels/train.tsv kept/qrels/train.tsv >corpus/qrels/train.tsv
expect 7 "was trained on other vectors or answers" qctx train config.yaml run.out=changed --resume auto batch.epochs=13
rm -r corpus && mv kept corpus
expect 0 "difference" qctx train config.yaml run.out=changed --resume batch.epochs=13

# The step inside counts, not the name: of the two that are kept the renamed one is passed over, alone it is refused.
cp -r whole1 renamed
mv "$(printf '%s\n' renamed/run/checkpoints/step-*.h5 | head -n 1)" renamed/run/checkpoints/step-000000999.h5
expect 0 "step-000000999.h5: is the checkpoint of step" qctx train config.yaml run.out=renamed --resume
cp -r whole1 renamed2
mv "$(newest renamed2)" kept.h5 && rm renamed2/run/checkpoints/step-*.h5
mv kept.h5 renamed2/run/checkpoints/step-000000002.h5
expect 7 "its name says 2: it was renamed" qctx train config.yaml run.out=renamed2 --resume auto
check "and it is still there" test -e renamed2/run/checkpoints/step-000000002.h5

# What links in a stranger's run lead to is neither shown nor written to.
cp -r whole1 planted
printf 'secret one\nsecret two\n' >victim
for name in metrics.jsonl config.yaml; do
    mv "planted/run/$name" aside && ln -s ../../victim "planted/run/$name"
    expect 4 "$name: is a symbolic link, and not followed" qctx train config.yaml run.out=planted --resume auto batch.epochs=13
    check "nothing of it is shown" test "$(grep -c secret output)" = 0
    rm "planted/run/$name" && mv aside "planted/run/$name"
done
rm -f planted/run/summary.json
ln -sf ../../victim planted/run/metrics.jsonl
qctx info planted/run >shown 2>&1
check "nor by info" test "$(grep -c secret shown)" = 0
check "which says why" grep -q "metrics.jsonl: is a symbolic link" shown
check "nor written to" test "$(wc -l <victim)" = 2
