#!/usr/bin/env bash
# Contexts are embedded with their titles in front, by every encoder, or without where that is asked; a store or a head
# of the one kind is never taken for the other. ranks: 2
. tests/support/cli.sh

alone() {
    RANKS=0 qctx "$@"
}

# The same town eight times, but for the title; `joined` has by hand what encoders are to see, `alone` the texts.
mkdir -p titled/qrels joined/qrels texts/qrels
i=0
for town in Aldbrook Bexmoor Cornwick Dunsley Elmstead Farholt Gorsefield Hazelby; do
    text="It is a town with a mill, a church and $((i / 2)) inns; the river floods it in spring."
    echo "{\"_id\": \"c$i\", \"title\": \"$town\", \"text\": \"$text\"}" >>titled/corpus.jsonl
    echo "{\"_id\": \"c$i\", \"text\": \"$town $text\"}" >>joined/corpus.jsonl
    echo "{\"_id\": \"c$i\", \"text\": \"$text\"}" >>texts/corpus.jsonl
    echo "{\"_id\": \"q$i\", \"text\": \"where is $town?\"}" | tee -a titled/queries.jsonl joined/queries.jsonl \
        >>texts/queries.jsonl
    printf 'q%s\tc%s\t1\n' "$i" "$i" | tee -a titled/qrels/train.tsv joined/qrels/train.tsv titled/qrels/dev.tsv \
        >>texts/qrels/train.tsv
    i=$((i + 1))
done

# The hash of all rows of a store: equal for equal vectors.
rows() {
    alone info --json "$1" | sed 's/.*"checksum":"\([0-9a-f]*\)".*/\1/'
}

# same NAME OPTIONS...: with these options, titles give the vectors of the joined corpus, and --no-titles of the texts.
same() {
    local name=$1
    shift
    expect 0 "with titles" qctx embed titled --out titled.h5 --force "$@"
    expect 0 "embedded" alone embed joined --out joined.h5 --force "$@"
    check "$name: titles in front" test "$(rows titled.h5)" = "$(rows joined.h5)"
    expect 0 "embedded" qctx embed titled --out left_out.h5 --force --no-titles "$@"
    expect 0 "embedded" alone embed texts --out texts.h5 --force "$@"
    check "$name: texts alone" test "$(rows left_out.h5)" = "$(rows texts.h5)"
    check "$name: two kinds of vectors" test "$(rows left_out.h5)" != "$(rows titled.h5)"
}
model=$project/tests/fixtures/models/bert_mean
# A run's model is read outside of the working folder only where this names it.
export QCTX_MODELS=$project/tests/fixtures/models
same model --encoder "$model" --context-prompt "passage: "
same joined --encoder hashing --encoder "$model"
same hashing

expect 0 "titles:               joined" alone info titled.h5
expect 0 "titles:               left out" alone info left_out.h5
alone info joined.h5 >described
check "a corpus without titles has nothing to say of them" bash -c '! grep -q titles: described'
alone embed joined --out other.h5 --no-titles >/dev/null 2>&1
check "and its store is the same either way" cmp joined.h5 other.h5

# A store in the way, or one whose encoder is to be used, says how it differs.
expect 8 "embedded without their titles, and this command puts them in front" alone embed titled --out left_out.h5
expect 7 "embedded without their titles, and titles are to be put in front" \
    qctx embed titled --out new.h5 --encoder left_out.h5
expect 0 "embedded" alone embed titled --out new.h5 --encoder left_out.h5 --no-titles
expect 7 "titles in front, and titles are to be left out" \
    alone embed titled --out new2.h5 --encoder titled.h5 --no-titles
expect 2 "--config describes the encoder" alone embed titled --out new3.h5 --config run.yaml --no-titles

cat >run.yaml <<'YAML'
data: {train: [{corpus: titled}], eval: [{corpus: titled}]}
batch: {size: 2, epochs: 1}
optim: {warmup: 0}
eval: {candidates: corpus, tune: 0}
model: {hidden: 8}
YAML
expect 0 "top-1         100.0" qctx train run.yaml
expect 0 "Dunsley" alone search runs/run "where is Dunsley?" --top 1
expect 0 "top-1         12.5" qctx train run.yaml run.name=texts data.titles=false
check "two stores in the cache" test "$(ls stores | wc -l)" = 2
expect 0 "top-1         12.5" alone eval runs/texts
printf 'data: {train: [{corpus: titled}], titles: false}\n' >texts.yaml
expect 0 "embedded" alone embed titled --out configured.h5 --config texts.yaml
expect 0 "titles:               left out" alone info configured.h5

# Stores as sources: made as the configuration has it, or refused.
stores='data.train=[{store: left_out.h5}]'
expect 7 "left_out.h5: its contexts were embedded without their titles, and data.titles is true" \
    qctx train run.yaml run.name=s "$stores" 'data.eval=[]'
expect 0 "Results:" alone train run.yaml run.name=s "$stores" 'data.eval=[]' data.titles=false
expect 7 "titles in front, and data.titles is false" \
    alone train run.yaml run.name=t 'data.train=[{store: titled.h5}]' 'data.eval=[]' data.titles=false
expect 7 "was made by encoder" alone eval runs/run --source left_out.h5 --split train

# A model's vectors have one fingerprint with titles and without.
expect 0 "embedded" alone embed titled --out model_texts.h5 --encoder "$model" --no-titles
expect 0 "embedded" alone embed titled --out model_titles.h5 --encoder "$model"
expect 0 "Results:" alone train run.yaml run.name=model "data.encoder=$model"
expect 0 "top-1" alone eval runs/model --source model_titles.h5 --split train
expect 7 "model_texts.h5: its contexts were embedded without their titles, and data.titles is true" \
    qctx eval runs/model --source model_texts.h5 --split train
expect 7 "the head was trained on the others" alone eval runs/model --source model_texts.h5 --split train
expect 0 "reusing" alone train run.yaml run.name=again "data.encoder=$model"
expect 0 "embedded" alone train run.yaml run.name=model2 "data.encoder=$model" data.titles=false
expect 7 "embedded without their titles, and data.titles is true" \
    alone train run.yaml run.name=u data.encoder=left_out.h5

# Searching and measuring what is no source of the run.
expect 7 "embedded without their titles, and the run has data.titles: true" \
    qctx search runs/model --store model_texts.h5 "where is Dunsley?"
expect 0 "Dunsley" alone search runs/model --store model_titles.h5 "where is Dunsley?"
expect 7 "titles in front, and the run has data.titles: false" \
    alone search runs/model2 --store model_titles.h5 "where is Dunsley?"
expect 0 "top-1" qctx eval left_out.h5 --split train
expect 0 "top-1" alone eval titled.h5 --split train
expect 7 "model_titles.h5: its contexts were embedded with their titles" \
    alone eval model_texts.h5 model_titles.h5 --split train

# A sweep of an earlier program, which kept a configuration without the key, embedded texts alone.
cat >sweep.yaml <<'YAML'
config: run.yaml
name: s
method: grid
parameters: {optim.lr: {values: [0.001, 0.01]}}
YAML
expect 0 "" alone sweep sweep.yaml
sed -i '/titles:/d' sweeps/s/config.yaml
expect 7 "data.titles: was false, now it is true" alone sweep sweep.yaml
