#!/usr/bin/env bash
# loss.recovery: a reproducible run has the same bits on any number of ranks, a resumed run keeps to it, and it is
# refused where there is nothing to hold a projected vector against. ranks: 0
. tests/support/cli.sh

cat >config.yaml <<'YAML'
run: {seed: 7, reproducible: true}
data: {train: [{store: corpus.h5}]}
model: {hidden: 32}
loss: {recovery: 5}
batch: {size: 48, epochs: 2}
eval: {every: 0, tune: 0}
YAML
RANKS=0 qctx synth --out corpus --questions 300 --seed 3 >/dev/null 2>&1
RANKS=0 expect 0 "" qctx embed corpus --out corpus.h5 --dim 32

checksum() {
    RANKS=0 qctx info "$(printf '%s\n' "runs/$1"/checkpoints/step-*.h5 | tail -n 1)" | sed -nE 's/^checksum: *//p'
}
same_bits() { [[ -n $(checksum "$1") && $(checksum "$1") == $(checksum "$2") ]]; }

for ranks in 1 2 4; do
    RANKS=$ranks expect 0 "Results: runs/on$ranks" qctx train config.yaml run.name=on$ranks
done
check "1 and 2 ranks" same_bits on1 on2
check "4 and 2 ranks" same_bits on4 on2

RANKS=0
expect 0 "Results: runs/free" qctx train config.yaml run.name=free loss.recovery=0
check "it does something" test "$(checksum free)" != "$(checksum on1)"
expect 7 "loss.recovery: was 5, now it is 0" qctx train config.yaml run.name=on1 loss.recovery=0 batch.epochs=3 --resume
expect 7 "holds projected vectors of 16 against the encoder's of 32" qctx train config.yaml run.name=x \
    model.form=plain model.output=16
expect 3 "loss.recovery: expected a number ≥ 0" qctx train config.yaml run.name=x loss.recovery=-1
check "nothing is left of what was refused" test ! -e runs/x
