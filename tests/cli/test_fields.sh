#!/usr/bin/env bash
# Fields of contexts as a user has them: several by one encoder, stores of one field, runs that are searched, evaluated
# and moved, documents that lack a field, and what is refused. ranks: 2
. tests/support/cli.sh

alone() {
    RANKS=0 qctx "$@"
}

# Doors by number; in which town they are only the paragraph says.
mkdir -p doors/qrels plain/qrels
printf 'query-id\tcorpus-id\tscore\n' | tee doors/qrels/train.tsv plain/qrels/dev.tsv >doors/qrels/dev.tsv
i=0
for town in Aldbrook Bexmoor Cornwick Dunsley Elmstead Farholt Gorsefield Hazelby; do
    for door in red green blue; do
        text="The $door door is open."
        echo "{\"_id\": \"c$i\", \"title\": \"\", \"text\": \"$text\", \"town\": \"$town has three doors.\"}" >>doors/corpus.jsonl
        echo "{\"_id\": \"c$i\", \"title\": \"\", \"text\": \"$town has doors. $text\"}" >>plain/corpus.jsonl
        echo "{\"_id\": \"q$i\", \"text\": \"which $door door of $town?\"}" | tee -a plain/queries.jsonl >>doors/queries.jsonl
        printf 'q%s\tc%s\t1\n' "$i" "$i" | tee -a doors/qrels/dev.tsv plain/qrels/dev.tsv >>doors/qrels/train.tsv
        i=$((i + 1))
    done
done
cat >run.yaml <<EOF
data:
  train: [{corpus: doors}]
  eval: [{corpus: doors}]
  encoder: [hashing, {model: hashing, field: town, weight: 0.8}]
batch: {size: 8, epochs: 1}
eval: {candidates: corpus}
EOF

# shows EXPRESSION COMMAND...: the command prints a line of that form.
shows() {
    local expression=$1
    shift
    "$@" >shown 2>&1 </dev/null
    check "$* shows $expression" grep -E -- "$expression" shown
}

expect 0 "joined from the stores of 2 fields by 1 encoder, 1024 floats" qctx train run.yaml
check "the run keeps its entries" grep -q 'encoder: \[hashing, {model: hashing, field: town, weight: 0.8}\]' \
    runs/run/config.yaml
expect 0 "100.0" alone eval runs/run
shows "1  0.[0-9]+ The blue door" alone search runs/run "blue door of Farholt" --no-head

# By hand: without the town, a question finds one of eight equal texts.
expect 0 "embedded by hashing" alone embed doors --out texts.h5
shows "^top-1 +12.5" alone eval texts.h5
expect 0 "contexts by town" qctx embed doors --out towns.h5 --field town
shows "^top-1 +33.3" alone eval towns.h5
shows "field: +town" alone info towns.h5
expect 0 "contexts by title+text, town" qctx embed doors --out both.h5 --config run.yaml
shows "^top-1 +100.0" alone eval both.h5
check "both ways to the same encoder" test \
    "$(alone info both.h5 | grep 'encoder fingerprint')" = "$(alone info stores/doors-*.h5 | grep joined- | tail -1)"

# A store that was made by hand is a source; its run knows the field.
expect 0 "Results: runs/towns" qctx train run.yaml data.train='[{store: towns.h5}]' data.eval='[]' \
    data.encoder=hashing run.name=towns
printf 'Cornwick has a mill.\n\nDunsley has an inn.\n' >notes.txt
expect 0 "notes.txt: no context has the field 'town'; their texts stand for it" \
    alone search runs/towns --text notes.txt "what is in Dunsley?"
shows "1  0.[0-9]+ Dunsley has an inn" alone search runs/towns --text notes.txt "what is in Dunsley?"

# Other documents without the field, with the run's encoder; and the run somewhere else.
expect 0 "plain: no context has the field 'town'" qctx eval runs/run --source plain
expect 0 "reusing" qctx eval runs/run --source plain
mkdir moved && mv runs/run moved/run && mv stores moved/stores && mv doors gone
QCTX_STORES=moved/stores expect 0 "100.0" alone eval moved/run
mv gone doors

# Weights that are chosen stand in the log, the table, the configuration and the summary of the run.
expect 0 "Weights that encoder.tune chose: hashing 1, hashing (town) " qctx train run.yaml run.name=tuned \
    data.encoder='[hashing, {model: hashing, field: town}]' encoder.tune=true eval.tune=0.5
for file in log.txt config.yaml summary.json; do
    check "$file has the weights" grep -E "hashing 1, hashing \(town\) [0-9]" runs/tuned/$file
done
expect 0 "weights as they were chosen when that was made: hashing 1, hashing (town)" qctx train run.yaml \
    run.name=again data.encoder='[hashing, {model: hashing, field: town}]' encoder.tune=true eval.tune=0.5
expect 0 "100.0" alone eval runs/tuned

# What is refused, and what is counted.
expect 6 "no context has the field 'twon'; found text, town" qctx embed doors --out no.h5 --field twon
expect 6 "did you mean 'town'?" qctx train run.yaml data.encoder='{model: hashing, field: twon}' run.name=no
expect 7 "embedded by their 'town', and data.encoder says 'text'" \
    alone embed doors --out no.h5 --encoder towns.h5 --field text
expect 2 "so do other options" alone embed doors --out no.h5 --config run.yaml --field town
sed 's/, "town": "Aldbrook[^"]*"//' doors/corpus.jsonl >fewer.jsonl && mv fewer.jsonl doors/corpus.jsonl
expect 0 "3 of 24 contexts have no 'town'; their text stands for it" qctx embed doors --out fewer.h5 --field town
