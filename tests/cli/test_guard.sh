#!/usr/bin/env bash
# Guards: sources on which the head that is chosen must not lose. Log, tables and files say what they did to the choice,
# the same on any number of ranks and after a resume; what is no guard is refused. ranks: 0
. tests/support/cli.sh

# The corpus asks in other words than its contexts have; the guard's questions are words of theirs.
RANKS=0 qctx synth --out corpus --questions 600 --seed 3 >/dev/null 2>&1
awk 'BEGIN {
    srand(5); print "question\tcontext"
    for (i = 0; i < 400; i++) {
        question = context = ""
        for (w = 0; w < 12; w++) {
            word = sprintf("w%d", int(rand() * 3000))
            context = context " " word
            if (w < 4) question = question " " word
        }
        print question "\t" context
    }
}' >words.tsv
RANKS=0 expect 0 "400 questions" qctx import --out words --split dev words.tsv
RANKS=0 expect 0 "" qctx embed corpus --out corpus.h5 --dim 64
RANKS=0 expect 0 "" qctx embed words --out words.h5 --encoder corpus.h5
cat >config.yaml <<'YAML'
run: {seed: 2, reproducible: true}
data: {train: [{store: corpus.h5}], eval: [{store: corpus.h5, split: test}]}
model: {hidden: 64}
optim: {lr: 1e-2}
batch: {size: 32, epochs: 5}
eval: {guard: [{store: words.h5}]}
checkpoint: {keep: 9}
YAML

RANKS=0 expect 0 "Results: runs/free" qctx train config.yaml run.name=free eval.guard=[]
mv output free.log
check "no guard, no word of any" bash -c '! grep -qi guard free.log'
RANKS=0 expect 0 "The head LOSES in" qctx eval runs/free --source words.h5
RANKS=2 expect 0 "The guard words/dev limited the choice. Without it: epoch" qctx train config.yaml run.name=guarded
mv output guarded.log
check "the log names the guard" grep -q "the head loses on the 400 questions of words/dev" guarded.log
check "and the strengths that it did not allow" grep -Eq '^ +[1-5]/5 .* 0\.[0-9]+ \((1|0.5)\)' guarded.log
check "its table stands behind the others" test "$(grep -n '^A guard: ' guarded.log | cut -d: -f1)" -gt \
    "$(grep -n '^corpus/test: ' guarded.log | cut -d: -f1)"
check "and says that nothing is lost" bash -c '! sed -n "/^words\/dev:/,/^Kept/p" guarded.log | grep -q LOSES'

guards() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["guards"])' "runs/$1/summary.json"; }
figure() {
    python3 - "runs/$1/summary.json" "$2" <<'PYTHON'
import json, sys
print(eval(sys.argv[2], {"s": json.load(open(sys.argv[1]))}))
PYTHON
}
check "the free run would have taken what the guard did not allow" test \
    "$(figure free 's["best"]["epoch"], s["best"]["value"]')" = \
    "$(figure guarded 's["guards"]["without"]["epoch"], s["guards"]["without"]["value"]')"
check "which is worth more where it is chosen" test \
    "$(figure guarded 's["guards"]["without"]["value"] > s["best"]["value"] > s["best"]["no_head"]')" = True
check "the guard's table is marked" test \
    "$(figure guarded '[(r["source"], r.get("guard", False)) for r in s["results"]]')" = \
    "[('corpus/test', False), ('words/dev', True)]"
check "no metric of it loses by its interval" test "$(figure guarded \
    'all(v["high"] >= 0 for k, v in s["results"][1]["difference"].items() if k != "mean_position")')" = True
check "without guards there are none" test "$(figure free 's["guards"]')" = None

RANKS=3 expect 0 "Results: runs/on3" qctx train config.yaml run.name=on3
check "3 ranks choose as 2 do" test "$(guards on3)$(figure on3 's["best"]')" = \
    "$(guards guarded)$(figure guarded 's["best"]')"
# Goes on from the middle, behind the epoch that would have been chosen without the guard.
cp -r runs/on3 runs/parts
sed -i 's/name: on3/name: parts/' runs/parts/config.yaml
rm runs/parts/summary.json
for checkpoint in runs/parts/checkpoints/step-*.h5; do
    step=${checkpoint##*-}
    [[ $((10#${step%.h5})) -le 44 ]] || rm "$checkpoint"
done
RANKS=2 expect 0 "resuming from" qctx train config.yaml run.name=parts --resume
RANKS=0 expect 7 "eval.guard: was [{store: words.h5, split: dev" qctx train config.yaml run.name=parts --resume eval.guard=[]
check "a run that goes on chooses as the unbroken one" test "$(guards parts)$(figure parts 's["best"]')" = \
    "$(guards guarded)$(figure guarded 's["best"]')"

RANKS=0
expect 0 "A guard: the head was chosen so as not to lose here." qctx info runs/guarded
mv output info.log
check "info names what limited" grep -q "limited by: *words/dev" info.log
expect 0 "words/dev: 400 questions" qctx eval runs/guarded
mv output eval.log
check "eval marks it" grep -q "^A guard" eval.log
expect 0 '"guard": true' qctx eval runs/guarded --json
expect 0 "corpus/test" qctx eval runs/guarded --candidates corpus --run-file lists.trec
expect 0 "corpus/test" qctx info runs
mv output runs.log
check "runs are not compared by guards" bash -c '! grep -q words/dev runs.log'

expect 6 "eval.guard: corpus/train is trained on (corpus/train of data.train)" qctx train config.yaml run.name=x \
    'eval.guard=[{store: corpus.h5, split: train, limit: 9}]'
cp corpus.h5 copy.h5
expect 6 "eval.guard: copy/train is trained on" qctx train config.yaml run.name=x \
    'eval.guard=[{store: copy.h5, split: train}]'
# Another corpus of the same questions: one more context does not make it another.
cp -r corpus more
echo '{"_id": "one-more", "text": "A context that nobody asks for."}' >>more/corpus.jsonl
RANKS=0 expect 0 "" qctx embed more --out more.h5 --encoder corpus.h5
RANKS=2 expect 6 "of more/train are trained on (corpus/train of data.train)" qctx train config.yaml run.name=x \
    'eval.guard=[{store: more.h5, split: train}]'
expect 0 "of its 9 questions are trained on (corpus/train): its table flatters the head" qctx train config.yaml \
    run.name=flattered batch.steps=1 eval.guard=[] 'data.eval=[{store: more.h5, split: train, limit: 9}]'
expect 6 "there is no split 'tset'" qctx train config.yaml run.name=x 'eval.guard=[{store: words.h5, split: tset}]'
expect 3 "model.form: plain has none" qctx train config.yaml run.name=x model.form=plain
expect 3 "eval.guard: needs questions to choose by" qctx train config.yaml run.name=x eval.tune=0 data.eval=[]
expect 3 "are both called 'corpus/test'" qctx train config.yaml run.name=x \
    'eval.guard=[{store: corpus.h5, split: test}]'
expect 3 "weight is for data.train" qctx train config.yaml run.name=x 'eval.guard=[{store: words.h5, weight: 2}]'
check "nothing is left of what was refused" test ! -e runs/x
