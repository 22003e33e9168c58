# ranks: 1
# The main job from end to end on a small synthetic corpus, at 1 to 5 ranks.
source tests/support/cli.sh

cat >config.yaml <<'YAML'
run: {name: small, seed: 7}
data:
  train: [{corpus: corpus, split: train}]
  eval: [{corpus: corpus, split: dev}]
model: {hidden: 64}
optim: {lr: 1e-3, warmup: 5}
batch: {size: 150, epochs: 10}
eval: {pool: 50, every: 5, bootstrap: 100, tune: 0.1}
checkpoint: {every: 5, keep: 1}
YAML

expect 0 "" qctx synth --out corpus --questions 1500 --seed 3
expect 8 "corpus: exists already" qctx synth --out corpus --questions 1500 --seed 3

# losses RUN: the loss of every step, a line each.
losses() {
    sed -nE 's/.*"event":"step".*"loss":([0-9.e+-]+).*/\1/p' "$1/metrics.jsonl"
}

# agree A B BOUND: the numbers of two files differ by at most BOUND, relative, line by line.
agree() {
    paste "$1" "$2" | awk -v bound="$3" '
        NF != 2 { print "line " NR ": not a pair"; bad = 1 }
        { d = $1 - $2; if (d < 0) d = -d; if (d > bound * $1) { print "line " NR ": " $1 " and " $2; bad = 1 } }
        END { if (NR < 50) { print "only " NR " steps"; bad = 1 } exit bad }'
}

# Sums are rounded in another order at every number of ranks. gelu, because a unit of relu that flips at zero makes
# a jump of such a difference.
for ranks in 1 2 3 4 5; do
    RANKS=$ranks expect 0 "difference" qctx train config.yaml "run.out=runs$ranks" batch.steps=50 \
        model.activation=gelu eval.every=0
    losses "runs$ranks/small" >"losses$ranks"
    check "the losses of $ranks ranks are those of one" agree losses1 "losses$ranks" 1e-5
done

RANKS=2 expect 0 "The head gains in top-1" qctx train config.yaml
for file in config.yaml metrics.jsonl summary.json checkpoints/best.h5 checkpoints/step-000000070.h5; do
    check "the run holds $file" test -s "runs/small/$file"
done
check "old checkpoints go" test ! -e runs/small/checkpoints/step-000000035.h5
check "nothing half-written stays" bash -c '! find . -name "*.partial" | grep .'

# A second start is refused; another run of the same corpus reuses its store.
expect 8 "this run exists already" qctx train config.yaml
RANKS=2 expect 0 "reusing" qctx train config.yaml run.out=again checkpoint.keep=2

# Killed after its checkpoint of epoch 5, the run goes on to the bits of the unbroken one, with every step once.
cp -r again unbroken
rm again/small/checkpoints/step-000000070.h5 again/small/summary.json
state() { # FILE: all that info tells of a checkpoint, the checksum of parameters and optimiser too
    RANKS=0 qctx info --json "$1" | sed -E 's/"(path|seconds)": *[^,}]*//g'
}
RANKS=2 expect 7 "optim.lr: was 0.001, now it is 0.002" \
    qctx train config.yaml run.out=again optim.lr=2e-3 checkpoint.keep=2 --resume
RANKS=2 expect 0 "resuming from again/small/checkpoints/step-000000035.h5" \
    qctx train config.yaml run.out=again checkpoint.keep=2 --resume
check "the resumed head is that of the unbroken run" \
    diff <(state again/small/checkpoints/step-000000070.h5) <(state unbroken/small/checkpoints/step-000000070.h5)
curve() {
    sed -E 's/"seconds":[0-9.e+-]+//' "$1/small/metrics.jsonl"
}
check "the resumed curve is that of the unbroken run" diff <(curve again) <(curve unbroken)

# A run that ended in the middle of an epoch (8 steps each) goes on in the middle of it.
short="optim.schedule=constant eval.every=0"
RANKS=2 expect 0 "" qctx train config.yaml run.out=whole batch.steps=20 $short
RANKS=2 expect 0 "" qctx train config.yaml run.out=parts batch.steps=12 $short
RANKS=2 expect 0 "step 12" qctx train config.yaml run.out=parts batch.steps=20 $short --resume
check "the curve of both parts is that of the whole" \
    diff <(curve parts | grep '"event":"step"') <(curve whole | grep '"event":"step"')
RANKS=2 expect 4 "no checkpoint to resume from" qctx train config.yaml run.out=fresh --resume

# The golden figures: a head that learned something that no head does not know.
figure() { # FILE SYSTEM: top-1 of the first table
    sed -n "/\"$2\"/,\$p" "$1" | sed -nE 's/.*"value": *([0-9.]+).*/\1/p' | head -n 1
}
no_head=$(figure runs/small/summary.json no_head)
head=$(figure runs/small/summary.json head)
check "the head ($head) is clearly above no head ($no_head)" \
    awk "BEGIN { exit !($head > $no_head + 0.05 && $no_head > 0.2) }"

# eval gives the same table at any number of ranks. (Only standard output is compared: mpirun forwards the two
# streams apart, in any order.)
for ranks in 1 3; do
    RANKS=$ranks qctx eval runs/small >"table$ranks" 2>messages
    check "eval at $ranks ranks shows a table" grep -q "difference" "table$ranks"
done
check "the table does not depend on the ranks" diff table1 table3

RANKS=2 expect 0 "" qctx search runs/small "who founded it?"
expect 0 "encoder" qctx info runs/small
expect 0 "questions" qctx info corpus
expect 0 "residual" qctx info runs/small/checkpoints/best.h5

# Bad input on the way.
expect 3 "did you mean" qctx train config.yaml optim.warmupp=3
expect 6 "larger than the training data" qctx train config.yaml run.out=x batch.size=100000
expect 7 "model.output" qctx train config.yaml run.out=x model.output=12
expect 6 "no split 'nosuch'" qctx train config.yaml run.out=x 'data.train=[{corpus: corpus, split: nosuch}]'
expect 12 "the run diverges" qctx train config.yaml run.out=diverged optim.lr=1 eval.every=0
expect 10 "not finite" qctx train config.yaml run.out=infinite model.form=plain optim.kind=sgd optim.lr=1e30 \
    optim.clip_norm=0 loss.normalize=false
check "a refused run leaves no folder" test ! -e x
