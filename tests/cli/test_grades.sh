# ranks: 2
# BEIR's conventions from the files to the figures: grades, contexts and queries that are missing, queries that are
# documents. The figures are pytrec_eval's (0.5) for the run files that are written here, the mean over the queries of
# ndcg_cut_10, recip_rank, recall_5 and recall_10; with a threshold those for relevance_level.
source tests/support/cli.sh

mkdir -p graded/qrels own/qrels
line() { printf '{"_id": "%s", "text": "%s"}\n' "$@"; }
{
    line d1 "The tower is made of iron and stands in Paris."
    line d2 "The tower of iron was painted seven times."
    line d3 "A bridge of stone crosses the river in Prague."
    line d4 "The bridge was closed after the flood of the river."
    line d5 "Bees make honey and wax."
    line d6 "Honey keeps for years in a jar."
} >graded/corpus.jsonl
{
    line q1 "tower of iron in Paris"
    line q2 "bridge over the river"
    line q3 "how long does honey keep"
    line q4 "who painted the tower"
    line q5 "wax of bees"
} >graded/queries.jsonl
printf 'query-id\tcorpus-id\tscore\nq1\td2\t3\nq1\td1\t1\nq1\td5\t0\nq2\td4\t2\nq2\tlost\t3\nq3\td6\t1\nq4\tlost\t2\nq5\td5\t0\nq9\td1\t1\n' \
    >graded/qrels/test.tsv
printf 'q1\td1\t1\nq2\td3\t2\nq3\td6\t2\nq4\td2\t2\n' >graded/qrels/train.tsv
printf 'q8\td1\t1\n' >graded/qrels/other.tsv
cat >graded.yaml <<'YAML'
data:
  train: [{corpus: graded, split: train}]
  eval: [{corpus: graded, split: test}]
model: {hidden: 8}
batch: {size: 2, epochs: 1}
eval: {candidates: corpus, tune: 0, bootstrap: 10}
YAML
told() { # FIGURE: of no head
    sed -n '/"no_head": {/,$p' told.json | grep -A 1 "\"$1\"" | sed -nE 's/.*"value": ([0-9.e-]+).*/\1/p' | head -n 1
}
near() { awk "BEGIN { d = $1 - $2; exit !(d < 1e-6 && d > -1e-6) }"; }
figures() { # NDCG MRR RECALL5 RECALL10 NAME
    check "$5: nDCG@10 $(told ndcg@10)" near "$(told ndcg@10)" "$1"
    check "$5: MRR@10 $(told mrr@10)" near "$(told mrr@10)" "$2"
    check "$5: recall@5 $(told recall@5)" near "$(told recall@5)" "$3"
    check "$5: recall@10 $(told recall@10)" near "$(told recall@10)" "$4"
}

expect 0 "left out 2 judgements of questions that are not in queries.jsonl" qctx train graded.yaml
cp output said
check "missing contexts are counted" grep -q "2 judged contexts are not in corpus.jsonl" said
check "questions that nothing answers are counted" grep -q "left out 1 question of splits that no context answers" said
expect 6 "the split 'other' has no question with an answer: of 1 judgements, 1 are of unknown questions" \
    qctx eval runs/graded --source graded --split other
expect 0 "test: 4 questions" qctx eval runs/graded --run-file graded.trec
qctx eval runs/graded --json >told.json 2>log
figures 0.566496577 0.750000000 0.625000000 0.625000000 "graded"
qctx train graded.yaml run.name=strict eval.relevant=2 eval.gain=exponential data.min_grade=2 >log 2>&1
check "pairs below data.min_grade are left out" grep -q "1 training questions have no context of the corpus" log
qctx eval runs/strict --json >told.json 2>log
figures 0.511790429 0.375000000 0.375000000 0.375000000 "exponential, from 2"
expect 6 "graded/test: eval.relevant: no context of the 4 questions to evaluate has a grade of 7 or more; their grades are 1 to 3" \
    qctx train graded.yaml run.name=none eval.relevant=7

# Queries that are documents under their own ids; d3 is judged to answer itself.
cp graded/corpus.jsonl own/corpus.jsonl
sed -n '1p;3p;5p' graded/corpus.jsonl >own/queries.jsonl
printf 'd1\td2\t1\nd3\td4\t1\nd3\td3\t1\nd5\td6\t1\n' >own/qrels/test.tsv
cp own/qrels/test.tsv own/qrels/train.tsv
sed 's/graded/own/' graded.yaml >own.yaml
expect 0 "own id is left out of the lists of 2 questions" qctx train own.yaml
cp output said
check "what stays is counted" grep -q "that has the question's own id stays for 1 question that it answers" said
check "questions that are trained on and measured are warned of once" \
    test "$(grep -c "warning: own/test: 3 of its 3 questions are trained on (own/train): its table flatters" said)" = 1
expect 0 "graded/test: epoch and strength are chosen by 4 of its 4 questions (eval.tune_split): its table flatters" \
    qctx train graded.yaml run.name=chosen eval.tune_split=test
expect 0 "graded/test: 4 of its 4 questions are trained on" qctx train graded.yaml run.name=trained \
    'data.train=[{corpus: graded, split: train}, {corpus: graded, split: test, limit: 4}]'
expect 0 "test: 3 questions" qctx eval runs/own --run-file own.trec --depth 6
check "no query lists itself but the one that it answers" \
    test "$(awk '$1 == $3 { print $1 }' own.trec)" = d3
check "lists are full without it" test "$(wc -l <own.trec)" = 16
qctx eval runs/own --json >told.json 2>log
figures 1.000000000 1.000000000 1.000000000 1.000000000 "own documents"
expect 0 "test: 3 questions" qctx train own.yaml run.name=all eval.ignore_identical_ids=false
qctx eval runs/all --run-file all.trec --json >told.json 2>log
check "with the key, every query lists itself" test "$(awk '$1 == $3' all.trec | wc -l)" = 3
figures 0.753953169 0.666666667 1.000000000 1.000000000 "own documents kept"

# Questions that share contexts, 42 with one of their own and one for every three: those of 8 held-out ones are left
# out, which is said where they are many. With one context for all, single questions are held out and none is left out.
shared() { # NAME CONTEXTS: every question is answered by its own context and by one of so many
    local i
    mkdir -p "$1/qrels"
    for ((i = 0; i < 42; i++)); do line "c$i" "Lamp $i stands in room $((i * 7 % 42))."; done >"$1/corpus.jsonl"
    for ((i = 0; i < $2; i++)); do line "s$i" "House $i has rooms."; done >>"$1/corpus.jsonl"
    for ((i = 0; i < 42; i++)); do line "q$i" "where does lamp $i stand"; done >"$1/queries.jsonl"
    for ((i = 0; i < 42; i++)); do printf 'q%d\tc%d\t1\nq%d\ts%d\t1\n' $i $i $i $((i % $2)); done >"$1/qrels/train.tsv"
    sed "s/graded/$1/; s/split: test/split: train/; s/tune: 0/tune: auto/" graded.yaml >"$1.yaml"
}
shared threes 14
shared one 1
expect 0 "of 42 training questions, since they share contexts with those that are held out" qctx train threes.yaml
expect 0 "those of the 8 that are held out are trained on as well" qctx train one.yaml
cp output said
check "no question is lost" grep -q "data: 34 training questions, 8 held out" said
