#!/usr/bin/env bash
# A configuration that names only data is trained by the recipe: the same on any number of ranks, stated in the log and
# kept with the run, which goes on by it; a key that is set wins. ranks: 0
. tests/support/cli.sh

cat >mine.yaml <<'YAML'
run: {seed: 7}
data:
  train: [{store: corpus.h5}]
  eval: [{store: corpus.h5, split: test}]
eval: {every: 0, pool: 30, bootstrap: 10}
YAML
cp mine.yaml other.yaml
echo 'optim: {beta2: 0.99}' >>other.yaml
RANKS=0
qctx synth --out corpus --questions 120 --seed 3 >/dev/null 2>&1
expect 0 "" qctx embed corpus --out corpus.h5 --dim 32

# What a recipe sets, as the run has it: "dropout 0.3", a line each.
settings() {
    sed -nE '/^(model|loss|optim|batch):/,/^eval:/ s/^  (sides|layers|hidden|dropout|candidates|lr|weight_decay|epochs): */\1 /p;
        s/^  caution: */caution /p; s/^  guard: \[\]/guard none/p' "runs/$1/config.yaml" | sort
}
# The same, as the log says it.
said() { sed -nE 's/^.*recipe: ([a-z]+\..*) \(.*\)$/\1/p' "runs/$1/log.txt" | tr ',' '\n' | sed 's/^.*\.\([a-z]\)/\1/' | sort; }
alike() { [[ -n $1 && $1 == "$2" ]]; }

for ranks in 1 3; do
    RANKS=$ranks expect 0 "recipe: auto, by 68 training questions that ask for 68 contexts, of 1 source, vectors of 32" \
        qctx train mine.yaml run.name=on$ranks batch.steps=3
done
check "1 and 3 ranks set the same" cmp runs/on1/config.yaml <(sed 's/name: on3/name: on1/' runs/on3/config.yaml)
check "the log says what the run has" alike "$(said on1)" "$(settings on1)"
RANKS=0
expect 0 "recipe: auto" qctx info runs/on1
expect 0 "recipe: auto" qctx info mine.yaml

# What is set, in the file or on the command line, wins.
expect 0 "" qctx train mine.yaml run.name=set batch.epochs=1 model.hidden=24 optim.lr=5e-4
check "set keys win" grep -qE '^  hidden: 24$' runs/set/config.yaml
check "and are not said to be the recipe's" test -z "$(grep -E 'recipe: .*(hidden|optim.lr|epochs)' runs/set/log.txt)"
check "the others are" alike "$({ said set; printf 'epochs 1\nhidden 24\nlr 0.0005\n'; } | sort)" "$(settings set)"
expect 0 "" qctx train other.yaml run.name=none batch.epochs=1
check "beside other keys there is no recipe" test -z "$(said none)"
check "but the defaults" grep -qE '^  hidden: 1024$' runs/none/config.yaml
expect 0 "recipe: auto, by" qctx train other.yaml run.name=asked batch.steps=3 --recipe auto
check "unless it is asked for" alike "$(settings asked)" "$(settings on1)"
expect 0 "" qctx train mine.yaml run.name=off batch.epochs=1 --recipe none
check "and none where none is wanted" alike "$(settings off)" "$(settings none)"
expect 2 "--recipe" qctx train mine.yaml --recipe best

# Negatives of its own take the place of all contexts, and the run can be read again.
echo 'negatives: {count: 2, depth: 20}' | cat mine.yaml - >mined.yaml
expect 0 "loss.candidates batch (negatives are mined)" qctx train mined.yaml run.name=mined batch.steps=3
expect 0 "recipe: auto" qctx info runs/mined
expect 0 "resuming from" qctx train mined.yaml run.name=mined batch.steps=4 --resume

# Three questions, of which none can be held out, show no gain: the run is the encoder alone, unless that is not asked.
printf 'question,answer\nhow is rent paid,by the month\nwho feeds owls,the keeper\nwhere is the key,under a stone\n' >three.csv
RANKS=0 qctx import --out three --split train three.csv >/dev/null 2>&1
echo 'data: {train: [{corpus: three}]}' >three.yaml
expect 0 "warning: no questions are held out and none evaluated, so that nothing can show a gain" qctx train three.yaml
check "it ends as no head" grep -q "Kept: epoch 20 at strength 0," runs/three/log.txt
check "and says why" grep -q "Strength 0 is no head: nothing could show a gain" runs/three/log.txt
check "so does its summary" grep -qE '"strength": 0(\.0)?[,}]?$' runs/three/summary.json
expect 0 "Kept: epoch 20 at strength 1," qctx train three.yaml run.name=trusting eval.caution=0

# A run goes on by what was set when it began, also where the recipe would set something else by now.
expect 0 "" qctx train mine.yaml run.name=long batch.epochs=1
expect 0 "resuming from" qctx train mine.yaml run.name=long batch.epochs=2 --resume
check "it has the longer course" grep -qE '^  epochs: 2$' runs/long/config.yaml
expect 0 "resuming from" qctx train mine.yaml run.name=set --resume
check "a run that set keys keeps them" grep -qE '^  hidden: 24$' runs/set/config.yaml
expect 7 "model.hidden: was 24, now it is 25" qctx train mine.yaml run.name=set --resume model.hidden=25
expect 7 "run.recipe: was auto, now it is none" qctx train other.yaml optim.beta2=0.999 run.name=on1 --resume batch.steps=3

# Heads that start from others have their shape.
expect 0 "starts from the head of runs/set" qctx train mine.yaml run.name=warm batch.epochs=1 model.start=runs/set
check "of that width" grep -qE '^  hidden: 24$' runs/warm/config.yaml

# A sweep's trials have the defaults unless they ask; what is halved needs its epochs.
cat >sweep.yaml <<'YAML'
config: mine.yaml
out: sweeps
method: grid
parameters: {optim.lr: {values: [1e-3]}}
YAML
expect 0 "" qctx sweep sweep.yaml name=plain batch.epochs=1
check "trials have the defaults" grep -rqE '^  hidden: 1024$' sweeps/plain --include=config.yaml
expect 0 "" qctx sweep sweep.yaml name=asks run.recipe=auto batch.epochs=1
check "unless they ask" grep -rqE '^  hidden: 512$' sweeps/asks --include=config.yaml
echo 'early_terminate: {type: hyperband, min_iter: 1, eta: 2}' >>sweep.yaml
expect 3 "early_terminate: counts epochs, which run.recipe leaves to the data; set batch.epochs" qctx sweep sweep.yaml \
    name=halves run.recipe=auto
