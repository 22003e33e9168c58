# ranks: 2
# log.txt in the run's folder: what the log said, once, by rank 0; behind it what the resumed run says, and a failure.
source tests/support/cli.sh

RANKS=0 expect 0 "questions" qctx synth --out corpus --questions 200 --seed 1
cat >run.yaml <<'END'
data: {train: [{corpus: corpus}], eval: [{corpus: corpus}]}
batch: {size: 32, epochs: 2}
model: {hidden: 8}
eval: {bootstrap: 10}
END
RANKS=0 expect 0 "questions" qctx synth --out other --questions 200 --seed 2
RANKS=2
expect 0 "chosen among all contexts of their corpora, 400 in all" qctx train run.yaml run.name=two eval.tune=0.1 \
    "data.train=[{corpus: corpus}, {corpus: other}]" batch.steps=1
qctx train run.yaml >results 2>heard
sed -E 's/^[0-9-]{10}T[0-9:]{8}Z //' runs/run/log.txt >kept
check "what was heard was kept" bash -c 'grep -vxFf kept heard; test $? = 1'
check "the layout, too" grep -q "^2 ranks x " kept
check "and how it ended" cmp <(tail -n 2 results) <(tail -n 2 kept)
check "with what was kept" grep -qE "^(Kept|No epoch)" kept
check "each line has its time" bash -c '! grep -vE "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z " runs/run/log.txt'
check "once" test "$(grep -cE ' 1/2 ' runs/run/log.txt)" = 1

expect 0 "Results" qctx train run.yaml --resume batch.epochs=3
check "both are there" test "$(grep -cE ' 1/2 ' runs/run/log.txt)$(grep -cE ' 3/3 ' runs/run/log.txt)" = 11
check "that it went on" grep -q "Z resuming from " runs/run/log.txt
expect 0 "Results" qctx train run.yaml --force
check "begun anew" test "$(grep -cE ' 3/3 ' runs/run/log.txt)" = 0

expect 12 "diverges" qctx train run.yaml run.name=lost optim.lr=10 optim.warmup=0 loss.logit_scale.max=1e6 \
    optim.clip_norm=0 batch.epochs=60 optim.kind=sgd
check "the failure is kept" grep -q "Z qctx-dist: .*diverge" runs/lost/log.txt

rm runs/run/log.txt && mkdir runs/run/log.txt
expect 0 "the run goes on without its log" qctx train run.yaml --resume batch.epochs=4
