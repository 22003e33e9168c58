# ranks: 2
# The order of the questions: runs of neighbours, sources with weights, batches of one source; the same on any number of
# ranks and after a stop, and what of it cannot be.
source tests/support/cli.sh

RANKS=0 expect 0 "questions" qctx synth --out places --questions 300 --seed 1
for ((i = 0; i < 90; i++)); do
    printf 'where does lamp %d stand\tLamp %d stands in room %d.\n' $i $i $((i * 7 % 90))
done >lamps.tsv
RANKS=0 expect 0 "90 questions" qctx import --out lamps --split train lamps.tsv
cat >run.yaml <<'END'
data:
  train: [{corpus: places}, {corpus: lamps}]
  encoder: hashing
batch: {size: 24, epochs: 3}
model: {hidden: 16}
eval: {bootstrap: 10, tune: 0.1}
run: {reproducible: true}
END

# The losses of all steps, which tell which questions were in them.
losses() { sed -nE '/"event": ?"step"/s/.*"loss": ?([^,]*),.*/\1/p' "runs/$1/metrics.jsonl"; }
same() { # WHAT RUN OTHER
    losses "$2" >one
    losses "$3" >other
    check "$1" bash -c 'test -s one && cmp one other'
}

RANKS=2
expect 0 "steps: " qctx train run.yaml run.name=plain
cp output said
check "without any of it the log does not speak of the order" bash -c '! grep -qE "^(order|epoch):" said'

all=('data.train=[{corpus: places, weight: 0.5}, {corpus: lamps, weight: 2}]' batch.run=8 batch.one_source=true)
expect 0 "order: runs of 8 questions of one title; " qctx train run.yaml run.name=two "${all[@]}"
cp output said
check "those without titles are counted" grep -qE "title; [0-9]+ of [0-9]+ have none: these as they stand in their source" said
check "one source is said" grep -q "order: a batch has questions of one source" said
lamps=$(sed -nE 's/.* 2 x ([0-9]+) of lamps.train$/\1/p' said)
places=$(sed -nE 's/.*: 0.5 x ([0-9]+) of places.train, .*/\1/p' said)
check "an epoch's length is said: half of the places and twice the lamps" \
    grep -q "epoch: $(((places + 1) / 2 + 2 * lamps)) questions: 0.5 x $places of places/train, 2 x $lamps of lamps/train" said
check "and has the whole batches of each" \
    grep -q "steps: $((3 * (((places + 1) / 2) / 24 + 2 * lamps / 24))) of 24 questions" said
RANKS=0 expect 0 "order: runs" qctx train run.yaml run.name=alone "${all[@]}"
same "one rank sees the same batches as two" two alone
RANKS=4 expect 0 "order: runs" qctx train run.yaml run.name=four "${all[@]}"
same "and so do four" two four

# In the midst of an epoch; with a schedule that does not know how long the run is.
all+=(optim.schedule=constant optim.warmup=0)
expect 0 "order: runs" qctx train run.yaml run.name=whole "${all[@]}"
RANKS=1 expect 0 "steps: 7 of" qctx train run.yaml run.name=parts "${all[@]}" batch.steps=7
expect 0 "resuming from" qctx train run.yaml run.name=parts "${all[@]}" --resume
same "a run in two parts sees the same batches" whole parts
expect 7 "batch.run: was 8, now it is 4" qctx train run.yaml run.name=parts "${all[@]}" batch.run=4 --resume

expect 0 "order: no context has a title: runs of 8 questions as they stand in their source" qctx train run.yaml \
    run.name=lamps 'data.train=[{corpus: lamps}]' batch.run=8 batch.steps=2
expect 0 "order: runs of 8 questions of one title" qctx train run.yaml run.name=places 'data.train=[{corpus: places}]' \
    batch.run=8 batch.steps=2
expect 0 "batch.run: a run of 64 is longer than a batch of 24, whose questions may all be neighbours" qctx train run.yaml \
    run.name=long batch.run=64 batch.steps=2

# What cannot be.
refused() { # EXIT TEXT OVERRIDE...
    local code=$1 text=$2
    shift 2
    expect "$code" "$text" qctx train run.yaml run.name=none "$@"
}
refused 3 "data.train[0].weight: expected a number in (0, 1000], found '0'" 'data.train=[{corpus: lamps, weight: 0}]'
refused 3 "data.train[0].weight: expected a number in (0, 1000], found '-1'" 'data.train=[{corpus: lamps, weight: -1}]'
refused 3 "weight is for data.train, and 'lamps/dev' has one" 'data.eval=[{corpus: lamps, weight: 2}]'
refused 3 "batch.run: expected a whole number in [1, 16777216], found '0'" batch.run=0
refused 6 "batch.one_source: a batch of 100 is larger than lamps/train, which has $lamps training questions" \
    batch.one_source=true batch.size=100
refused 6 "(14 questions an epoch, by the sources' weights)" \
    'data.train=[{corpus: lamps, weight: 0.15, limit: 100}]' eval.tune=0 batch.size=24
expect 0 "of 16 questions (auto)" qctx train run.yaml run.name=auto batch.size=auto batch.one_source=true \
    'data.train=[{corpus: places}, {corpus: lamps, limit: 30}]' batch.steps=2
