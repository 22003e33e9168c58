#!/usr/bin/env bash
# Sweeps on groups of ranks: the same numbers however they are run, failures kept, shares, refusals. ranks: 0
. tests/support/cli.sh

qctx synth --out corpus --questions 400 --seed 3 >/dev/null 2>&1
cat >base.yaml <<'END'
data: {train: [{corpus: corpus}], eval: [{corpus: corpus}], cache: stores}
model: {hidden: 8}
batch: {size: 64, epochs: 3}
eval: {tune: 0.2, bootstrap: 50}
END
cat >grid.yaml <<'END'
config: base.yaml
method: grid
metric: {name: top1, goal: maximize}
parameters:
  optim.lr: {values: [1e-3, 1e-2, 3e-2]}
  model.form: {values: [residual, plain]}
END

# What the trials of a sweep gave, by the ledger, in the order of their numbers.
numbers() {
    grep '"event":"finished"' "$1/ledger.jsonl" |
        sed -E 's/.*"trial":([0-9]+),(.*)"seconds".*/\1 \2/' | sort -n
}

# A run's curve without the time it took.
curve() {
    sed -E 's/,?"seconds":[^,}]*//' "$1/metrics.jsonl"
}

same_curves() {
    curve "$1" >one && curve "$2" >other && test -s one && cmp one other
}

finished_once() {
    local trial
    for ((trial = 0; trial < $2; trial++)); do
        [[ $(grep -c "\"event\":\"finished\",\"trial\":$trial," "$1/ledger.jsonl") = 1 ]] || return 1
    done
}

same_numbers() {
    numbers "$1" >one && numbers "$2" >other && test -s one && cmp one other
}

# The same numbers in groups of one rank, whoever takes what; the corpus is embedded once.
expect 0 "6 of 6 trials finished" qctx sweep grid.yaml name=by1
check "one store was made" test "$(find stores -name '*.h5' | wc -l)" = 1
RANKS=2 expect 0 "grid of 6 trials: 6 finished" qctx sweep grid.yaml name=by2
RANKS=3 expect 0 "grid of 6 trials: 6 finished" qctx sweep grid.yaml name=by3
for name in by2 by3; do
    check "$name has the numbers of one rank" same_numbers sweeps/by1 "sweeps/$name"
    check "$name finished each trial once" finished_once "sweeps/$name" 6
    check "trial 4 of $name has the curve that it has on one rank" \
        same_curves sweeps/by1/trials/0004 "sweeps/$name/trials/0004"
done
check "a trial's words stand in its log" grep -qE " 3/3( +[0-9.]+){5}" sweeps/by2/trials/0001/log.txt
check "the results are kept" cmp <(qctx sweep table sweeps/by2) sweeps/by2/results.md
check "also as CSV" cmp <(qctx sweep table sweeps/by2 --format csv) sweeps/by2/results.csv

# Groups of two, and a rank that is left over; the best trial alone, on as many ranks, gives the same curve.
RANKS=2 expect 0 "6 finished" qctx sweep grid.yaml name=pairs ranks_per_trial=2
RANKS=3 expect 0 "1 rank stays idle" qctx sweep grid.yaml name=odd ranks_per_trial=2
check "with an idle rank nothing changes" same_numbers sweeps/pairs sweeps/odd
expect 3 "ranks_per_trial: 2, but the job has 1" qctx sweep grid.yaml name=none ranks_per_trial=2
qctx sweep best sweeps/pairs >best.yaml
RANKS=2 expect 0 "held out" qctx train best.yaml
best=$(ls runs)
check "the best trial alone is the one of the sweep" same_curves "runs/$best" "sweeps/pairs/trials/${best#*-}"

# A sweep that is done is done; more trials are added to it, another sweep file is not.
expect 0 "sweep sweeps/by1: 6 of 6 trials finished" qctx sweep grid.yaml name=by1
expect 0 "4 finished" qctx sweep grid.yaml name=grown run_cap=4
check "no more than run_cap" test "$(numbers sweeps/grown | wc -l)" = 4
expect 0 "6 finished" qctx sweep grid.yaml name=grown
check "it has grown" same_numbers sweeps/by1 sweeps/grown
expect 7 "optim.lr" qctx sweep grid.yaml name=by1 'parameters.optim.lr={values: [1e-3, 1e-2]}'
expect 7 "epochs" qctx sweep grid.yaml name=by1 batch.epochs=4
expect 0 "4 finished" qctx sweep grid.yaml name=by1 run_cap=4 batch.epochs=4 --force

# Trials that fail are kept with their error, and the others go on; where all fail, the sweep does.
cat >fails.yaml <<'END'
config: base.yaml
method: grid
metric: {name: top1, goal: maximize}
parameters:
  batch.size: {values: [64, 100000]}
  optim.lr: {values: [1e-3, 1e30]}
END
RANKS=2 expect 0 "1 finished, 3 failed" qctx sweep fails.yaml
check "with code and message" grep -q '"failed","trial":2,"code":6,"message":"batch.size: a batch of 100000' sweeps/fails/ledger.jsonl
check "also that which diverged" grep -qE '"failed","trial":1,"code":1[02],' sweeps/fails/ledger.jsonl
expect 0 "0000" bash -c "'$program' sweep best sweeps/fails | grep name:"
RANKS=2 expect 6 "all trials have failed, the first one by: batch.size" qctx sweep fails.yaml name=lost \
    'parameters.batch.size={values: [90000, 100000]}'
expect 6 "no trial has a result yet" qctx sweep best sweeps/lost
expect 4 "cannot" qctx sweep grid.yaml name=nowhere 'data.train=[{corpus: nowhere}]'

# Two shares of one sweep at the same time, and one after the other.
RANKS=1 qctx sweep grid.yaml name=shared --index 0 --of 2 >share.log 2>&1 &
RANKS=1 expect 0 "" qctx sweep grid.yaml name=shared --index 1 --of 2
wait $! && passed=$((passed + 1)) || { failed=$((failed + 1)) && cat share.log; }
check "shares together have the numbers of all" same_numbers sweeps/by2 sweeps/shared
check "each trial was finished once" finished_once sweeps/shared 6
check "who finished last wrote the results" test -s sweeps/shared/results.md
expect 0 "this share is done; 2 of 6 trials finished" qctx sweep grid.yaml name=late --index 2 --of 3
check "no results before all is done" test ! -e sweeps/late/results.md
expect 0 "2 finished, 4 to begin" qctx sweep status sweeps/late
expect 0 "6 finished" qctx sweep grid.yaml name=late

# Halving: all begin, few reach the end, and what they give is what they give without halving.
cat >halves.yaml <<'END'
config: base.yaml
method: random
run_cap: 9
metric: {name: top1, goal: maximize}
parameters: {optim.lr: {min: 1e-4, max: 1e-1, distribution: log_uniform_values}}
early_terminate: {type: hyperband, min_iter: 1, eta: 3}
END
RANKS=2 expect 0 "paused" qctx sweep halves.yaml batch.epochs=4
check "every trial reached the first rung" test "$(grep -c '"paused".*"rung":0' sweeps/halves/ledger.jsonl)" = 9
check "few reached the end" test "$(numbers sweeps/halves | wc -l)" -le 3 -a "$(numbers sweeps/halves | wc -l)" -ge 1
last=$(numbers sweeps/halves | head -n 1 | cut -d ' ' -f 1)
sed '/early_terminate/d' halves.yaml >whole.yaml
expect 0 "9 finished" qctx sweep whole.yaml batch.epochs=4
check "a trial that paused has the curve of one that did not" \
    same_curves "sweeps/halves/trials/000$last" "sweeps/whole/trials/000$last"
RANKS=2 expect 0 "9 finished" qctx sweep whole.yaml name=tpe method=bayes

# A ledger that no sweep wrote is named with its line.
cp -r sweeps/late sweeps/damaged
sed -i '3s/"trial":[0-9]*/"trial":"x"/' sweeps/damaged/ledger.jsonl
expect 5 "sweeps/damaged/ledger.jsonl:3" qctx sweep grid.yaml name=damaged
expect 5 "sweeps/damaged/ledger.jsonl:3" qctx sweep status sweeps/damaged

# Links in a sweep's folder, which may be a stranger's, are not followed: nothing is made, read or shown where they lead.
mkdir victim
echo "secret: one" >victim.yaml
for name in trials trials/0005 sweep.yaml config.yaml; do
    rm -rf sweeps/linked && cp -r sweeps/late sweeps/linked
    sed -i '/"trial":5[,}]/d' sweeps/linked/ledger.jsonl
    rm -r "sweeps/linked/$name"
    ln -s "$folder/victim$([[ $name != *.yaml ]] || echo .yaml)" "sweeps/linked/$name"
    for words in "grid.yaml name=linked" "grid.yaml name=linked --force" "status sweeps/linked" "table sweeps/linked"; do
        # shellcheck disable=SC2086
        expect 4 "sweeps/linked/$name: is a symbolic link" qctx sweep $words
        cp output said
        check "nothing of it is shown" test "$(grep -c secret said)" = 0
    done
    check "the link to $name is still there" test -L "sweeps/linked/$name"
done
check "nothing was made outside" test -z "$(ls -A victim)"
mkdir -p sweeps/bare && ln -s "$folder/victim" sweeps/bare/trials
RANKS=2 expect 4 "sweeps/bare/trials: is a symbolic link" qctx sweep grid.yaml name=bare
check "nor in a folder where nothing has begun" test -z "$(ls -A victim)" -a ! -e sweeps/bare/ledger.jsonl

expect 2 "--index and --of come together" qctx sweep grid.yaml --index 0
expect 2 "expected 0 to 1" qctx sweep grid.yaml --index 2 --of 2
expect 2 "other jobs of the array" qctx sweep grid.yaml --index 1 --of 2 --force
expect 2 "is not an override" qctx sweep grid.yaml other.yaml
expect 2 "which sweep?" qctx sweep best
expect 4 "no sweep has begun there" qctx sweep status grid.yaml name=never
