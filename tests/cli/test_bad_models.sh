#!/usr/bin/env bash
# Model folders that are broken in one place each: one message with file, what was expected and what was found, once
# and with the same exit code alone and on several ranks, and no store. ranks: 3
. tests/support/cli.sh

check "a corpus" "$program" synth --out corpus --questions 30 --seed 1

# broken NAME: a copy of the model of that name, to be spoilt.
broken() {
    rm -rf broken && cp -r "$project/tests/fixtures/models/$1" broken
}
# refused CODE TEXT HINT: embedding with the copy is refused with both ("" for any hint), once, and leaves nothing.
refused() {
    RANKS=0 expect "$1" "qctx-dist: broken$2" qctx embed corpus --encoder broken --out store.h5
    expect "$1" "qctx-dist: broken$2" qctx embed corpus --encoder broken --out store.h5
    mv output said
    [[ -z $3 ]] || check "a hint: $3" grep -F "hint: $3" said
    check "said once" test "$(grep -c '^qctx-dist:' said)" = 1
    check "no store" test -z "$(find . -name 'store.h5*')"
}
# Bytes are replaced by as many, so that nothing else in a file moves.
replace() { # FILE OLD NEW
    LC_ALL=C sed -i "s/$2/$3/" "broken/$1"
}
cut_short() { # FILE BYTES
    head -c "$2" "broken/$1" >part && mv part "broken/$1"
}

broken bert_mean
replace model.safetensors layer.0.attention.self.query.weight layer.0.attention.self.qeury.weight
refused 5 "/model.safetensors: tensor 'encoder.layer.0.attention.self.query.weight' is missing among 39 tensors, \
expected it with the shape [32, 32]" "the nearest name in the file is 'encoder.layer.0.attention.self.qeury.weight'"

broken bert_mean
replace config.json '"intermediate_size": 40' '"intermediate_size": 44'
refused 5 "/model.safetensors: tensor 'encoder.layer.0.intermediate.dense.weight': found the shape [40, 32], \
expected [44, 32]" "what is expected follows from the configuration"

broken bert_mean
replace config.json '"model_type": "bert"' '"model_type": "t5"'
refused 3 "/config.json: 'model_type' is 't5', which is not supported; supported: bert, distilbert, roberta, mpnet, \
clip, clip_text_model" ""

broken bert_mean
cp "$project/tests/fixtures/models/bert_cased_sharded/tokenizer.json" broken
refused 7 ": the tokenizer gives ids up to 339, but broken/model.safetensors has embeddings for 320 tokens, ids up to \
319" "the tokenizer's files are of another model"

broken bert_mean
cut_short model.safetensors 30000
refused 5 "/model.safetensors: tensor '" "the file is cut short: fetch it again"
cut_short model.safetensors 100
refused 5 "/model.safetensors: the header's length is" "the file is cut short"
cut_short model.safetensors 0
refused 5 "/model.safetensors: the file has 0 bytes, expected at least 8" "the file is cut short: fetch it again"

broken bert_mean
cut_short config.json 100
refused 5 "/config.json:" "check that the file is complete"

broken bert_mean
cut_short tokenizer.json 1000
refused 5 "/tokenizer.json:" "check that the file is complete"

broken bert_cased_sharded
rm broken/model-00002-of-00002.safetensors
refused 4 "/model-00002-of-00002.safetensors: cannot open for reading" "model.safetensors.index.json names it"
