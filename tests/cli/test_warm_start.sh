# ranks: 2
# A run that starts from another run's head: begins at that run's figures, and fits it or says why not.
source tests/support/cli.sh

RANKS=0 expect 0 "questions" qctx synth --out corpus --questions 400 --seed 1
cat >run.yaml <<'END'
data: {train: [{corpus: corpus}], eval: [{corpus: corpus}]}
batch: {size: 32, epochs: 8}
model: {hidden: 64}
optim: {lr: 1e-3, warmup: 5}
eval: {bootstrap: 10, tune: 0.3}
END
RANKS=2
expect 0 "Kept: epoch" qctx train run.yaml run.name=first
figures() { RANKS=0 qctx eval "$1" --json 2>/dev/null | grep -v '"strength"'; }
figures runs/first >first.json

# Steps that change nothing: what the warm run measures before its first step, and keeps, is the other's best.
expect 0 "starts from the head of runs/first (epoch " qctx train run.yaml run.name=warm model.start=runs/first \
    optim.lr=1e-30 batch.epochs=1
cp output said
check "the start is kept, in a line of no more than 80 columns" \
    grep -qx "No epoch did better than the head that the run started from on the questions" said
check "both hold out the same questions" bash -c '! grep -q "favours the start" said'
check "the start has its row, not the untrained one's" bash -c 'grep -q "^start " said && ! grep -q "^untrained" said'
value_at() { # RUN STEP: what the choice of that step found
    sed -nE "/\"event\":\"choice\",\"step\":$2,/s/.*\"value\":([0-9.e-]+).*/\\1/p" "runs/$1/metrics.jsonl"
}
best=$(sed -nE '/"best": \{/,/\}/s/.*"value": ([0-9.e-]+).*/\1/p' runs/first/summary.json)
check "epoch 0 has the other's best figure, $best, and not the untrained one, $(value_at first 0)" \
    bash -c "test '$(value_at warm 0)' = '$best' && test '$(value_at first 0)' != '$best'"
figures runs/warm >warm.json
check "and its table" cmp first.json warm.json
check "the summary says from where" grep -q '"start": "runs/first"' runs/warm/summary.json
check "or that it started from nothing" grep -q '"start": null' runs/first/summary.json
expect 0 'runs/first' qctx info runs/warm

expect 0 "warning: runs/first may have been trained on questions that are held out here" qctx train run.yaml \
    run.name=seed run.seed=5 model.start=runs/first batch.steps=1

# By a checkpoint, on one rank; a resumed run wants the other no more.
RANKS=0 expect 0 "starts from the head of runs/first/checkpoints/best.h5" qctx train run.yaml run.name=again \
    model.start=runs/first/checkpoints/best.h5 batch.epochs=1
mv runs/first elsewhere
expect 0 "resuming from" qctx train run.yaml run.name=again model.start=runs/first/checkpoints/best.h5 \
    batch.epochs=2 --resume
expect 4 "runs/first: there is no such run" qctx train run.yaml run.name=none model.start=runs/first
mv elsewhere runs/first

# What does not fit is named with both values.
refused() { # TEXT OVERRIDE...
    local text=$1
    shift
    expect 7 "$text" qctx train run.yaml run.name=none model.start=runs/first "$@"
}
refused "model.hidden 64, this run's 32; expected the same" model.hidden=32
refused "model.layers 2, this run's 3" model.layers=3
refused "model.form residual, this run's plain" model.form=plain
refused "model.sides both, this run's shared" model.sides=shared
refused "model.activation relu, this run's gelu" model.activation=gelu
RANKS=0 expect 0 "questions" qctx synth --out other --questions 100 --seed 2
refused "the encoder hashing-" "data.train=[{corpus: other}]" "data.eval=[]"
mv output said
check "with what makes it another" grep -q "hint: the built-in encoder learns from its corpus" said
RANKS=0 refused "hint: set data.titles as the other run has it" data.titles=false
# What the configuration alone tells is told before a corpus is opened, let alone embedded.
refused "model.hidden 64, this run's 32" model.hidden=32 "data.train=[{corpus: gone}]"
expect 4 "runs/gone: there is no such run" qctx train run.yaml run.name=none model.start=runs/gone \
    "data.train=[{corpus: gone}]"
check "nothing was begun" test ! -e runs/none
