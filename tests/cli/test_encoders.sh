#!/usr/bin/env bash
# Model folders and joined encoders from end to end: train, search, and a model that is gone. ranks: 2
. tests/support/cli.sh

alone() {
    RANKS=0 qctx "$@"
}

mkdir models
cp -r "$project/tests/fixtures/models/bert_mean" models/tiny
expect 0 "300 questions" alone synth --out corpus --questions 300 --seed 1
cat >run.yaml <<'END'
data: {train: [{corpus: corpus}], eval: [{corpus: corpus, split: dev}], encoder: [hashing, models/tiny]}
encoder: {tune: true}
model: {layers: 1}
batch: {size: 32, epochs: 1, steps: 2}
eval: {tune: 0.3, bootstrap: 10}
END

expect 0 "weights chosen: hashing 1, models/tiny" qctx train run.yaml
expect 0 "reusing stores/corpus-" alone search runs/run "who founded it?"
check "a store for each encoder, and one of both" test "$(ls stores/*.h5 | wc -l)" = 3
joined=$(grep -l '"parts"' stores/*.h5)
expect 0 "weight:           1" alone info "$joined"
expect 0 "model:            models/tiny" alone info "$joined"
expect 0 '"precision":"float32"' alone info --json "$joined"

mv models elsewhere
expect 3 "no such folder or store" alone search runs/run "who founded it?"
export QCTX_MODELS=elsewhere
expect 0 "  1  " alone search runs/run "who founded it?"
unset QCTX_MODELS
mv elsewhere models

expect 0 "epoch" qctx train run.yaml run.name=single data.encoder=models/tiny encoder.tune=false
stores=$(ls stores/*.h5 | wc -l)
cp -r models other
echo '{"max_seq_length": 7}' >other/tiny/sentence_bert_config.json
mv models/tiny models/kept
export QCTX_MODELS=other
expect 7 "models/tiny: is the encoder 'pretrained-" alone search runs/single "who founded it?"
check "the model that is another one embeds nothing" test "$(ls stores/*.h5 | wc -l)" = "$stores"
unset QCTX_MODELS
mv models/kept models/tiny

expect 0 "embedded by joined" qctx embed corpus --out two.h5 --encoder hashing --encoder models/tiny --weights 1,0.5
expect 0 "weight:           0.5" alone info two.h5
expect 0 "embedded by joined" alone embed corpus --out again.h5 --encoder two.h5
expect 0 "embedded by pretrained" alone embed corpus --out short.h5 --encoder models/tiny --dim 8 --context-prompt ''
expect 0 "dim:                  8" alone info short.h5
expect 2 "--pooling is for model folders" alone embed corpus --out c.h5 --pooling cls
expect 2 "one number for each" alone embed corpus --out c.h5 --encoder models/tiny --weights 1
expect 2 "not a list of numbers" alone embed corpus --out c.h5 --encoder hashing --encoder models/tiny --weights 1,x
expect 2 "named twice" alone embed corpus --out c.h5 --encoder hashing --encoder hashing
expect 2 "stands alone" alone embed corpus --out c.h5 --encoder hashing --encoder two.h5
expect 5 "is a model folder" alone info models/tiny
expect 3 "is no model folder" alone embed corpus --out c.h5 --encoder models
