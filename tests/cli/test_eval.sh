# ranks: 2
# eval and search on a small trained head: protocols, outputs, what is refused. What needs no ranks runs without mpirun.
source tests/support/cli.sh

cat >config.yaml <<'YAML'
run: {name: small, seed: 7}
data:
  train: [{corpus: corpus, split: train}]
  eval: [{corpus: corpus, split: dev}]
model: {hidden: 16}
optim: {warmup: 1}
batch: {size: 100, epochs: 1}
eval: {pool: 20, bootstrap: 50}
YAML
alone() { RANKS=0 qctx "$@"; }
check "a corpus" alone synth --out corpus --questions 400 --seed 3
check "a head" alone train config.yaml

# The table, and its JSON, with and without mpirun.
expect 0 "pools of 20 (consecutive)" alone eval runs/small
expect 0 "pools of 7, the last of 5 (shuffled)" alone eval runs/small --pool 7 --order shuffled
expect 0 "against all contexts of the split" alone eval runs/small --candidates split
expect 0 "corpus/test: 40 questions" alone eval runs/small --source corpus --split test
expect 0 "at strength 1.00." alone eval runs/small/checkpoints/step-*.h5
expect 0 "difference" alone eval runs/small/checkpoints/best.h5
check "a best head is at its own strength" test "$(grep -c 'at strength' output)" = 0
expect 0 "top-1, head" alone eval runs/small --strengths
alone eval runs/small --candidates corpus --json >alone.json 2>/dev/null
qctx eval runs/small --candidates corpus --json --run-file run.trec --predictions questions.jsonl >both.json 2>log
check "two ranks print what one prints" diff alone.json both.json

# An evaluator of four lines agrees with the table.
scored() { # FIGURE: MRR@10 or recall@10 of the run by the qrels
    awk -v figure="$1" '
        FNR == NR { if ($3 + 0 > 0) { right[$1, $2] = 1; wanted[$1]++ } next }
        !($1 in seen) { seen[$1] = 1; place = 0 }
        ++place <= 10 && ($1, $3) in right { found[$1]++; if (!($1 in first)) first[$1] = 1 / place }
        END { for (q in wanted) { n++; sum += figure == "mrr" ? first[q] : found[q] / wanted[q] } print sum / n }
        ' corpus/qrels/dev.tsv run.trec
}
told() { # FIGURE: the value of the head in the JSON
    sed -n '/"head": {/,$p' both.json | grep -A 1 "\"$1\"" | sed -nE 's/.*"value": ([0-9.e-]+).*/\1/p' | head -n 1
}
near() { awk "BEGIN { d = $1 - $2; exit !(d < 1e-5 && d > -1e-5 && $1 > 0) }"; }
check "MRR@10 of the run file: $(scored mrr), told $(told mrr@10)" near "$(scored mrr)" "$(told mrr@10)"
check "recall@10 of the run file: $(scored recall), told $(told recall@10)" near "$(scored recall)" "$(told recall@10)"
check "the scores of a question strictly fall" \
    awk '$1 == q && $5 + 0 >= last { exit 1 } { q = $1; last = $5 + 0 }' run.trec
check "the run's name is the tag of every line" awk '$6 != "small" || NF != 6 { exit 1 }' run.trec
check "questions to read" grep -qE '"group":"(won|lost|both_wrong|both_right)","id":"q[0-9]+"' questions.jsonl
check "their count" grep -qE '^\{"source":"corpus/dev","questions":40,"candidates":"corpus","won":[0-9]+,"lost":' questions.jsonl

expect 8 "run.trec: exists already" alone eval runs/small --candidates corpus --run-file run.trec
expect 0 "difference" alone eval runs/small --candidates split --run-file run.trec --depth 3 --force
# Whether a command succeeds within seconds.
wait_until() {
    for _ in {1..100}; do "$@" && return; sleep 0.05; done
    return 1
}
gone() {
    alone eval runs/small --candidates corpus --run-file - --predictions kept.jsonl 2>log | true
    [[ ${PIPESTATUS[0]} = 4 && ! -e kept.jsonl ]] && ls -A | grep -c kept.jsonl | grep -qx 0 && grep -q "standard output: cannot write: Broken pipe" log
}
expect 2 "need lists over more than a pool" alone eval runs/small --run-file other.trec
expect 2 "--depth needs --run-file" alone eval runs/small --candidates split --depth 100
expect 2 "both name same.x" alone eval runs/small --candidates split --run-file same.x --predictions ./same.x
expect 2 "both name same.x" alone eval --encoder hashing corpus --candidates split --run-file same.x --predictions same.x
expect 4 "no/such.trec: cannot open for writing" qctx eval runs/small --candidates split --run-file no/such.trec

# Standard output has the file and nothing else, at any number of ranks; tables go with the messages.
alone eval runs/small --candidates split --depth 3 --run-file - >piped.trec 2>log
check "the file on standard output" diff run.trec piped.trec
check "the table among the messages" grep -q "difference" log
qctx eval runs/small --candidates split --depth 3 --run-file /dev/stdout 2>log >piped.trec
check "the same of two ranks, by another name" diff run.trec piped.trec
alone eval runs/small --candidates split --depth 3 --run-file >(cat >one) --predictions - 2>log >two
check "one into a pipe, the other to standard output" wait_until diff run.trec one
check "with nothing before it" test "$(head -c 10 two)" = '{"source":'
expect 2 "--json and --predictions both go to standard output" alone eval runs/small --candidates split --json --predictions -
expect 2 "both name -" alone eval runs/small --candidates split --run-file - --predictions /dev/stdout
expect 13 "/dev/full: cannot write: No space left" qctx eval runs/small --candidates split --run-file /dev/full
check "a reader that goes away is an error, and leaves nothing" gone
expect 2 "'-' is a stream, this file is written in any order" alone embed corpus --out -
expect 2 "'-': a corpus is a folder" alone import --out - --split train corpus/queries.jsonl

# Of two at once one writes: the other is refused before its work, or at its end where it could not know.
mkfifo held
alone eval runs/small --candidates split --run-file twice.trec --predictions held >/dev/null 2>first.log &
until [[ -e .twice.trec.lock ]]; do sleep 0.02; done
expect 8 "twice.trec.lock: another process is at work here" alone eval runs/small --candidates split --run-file twice.trec --force
echo mine >twice.trec
cat held >/dev/null
wait $!
check "the one that wrote on is refused, too" test $? = 8
check "by what came there meanwhile" grep -q "twice.trec: exists by now" first.log
check "which stays as it is, alone" test "$(cat twice.trec)" = mine -a "$(ls -A | grep -c twice.trec)" = 1
check "none of them wrote" test ! -e same.x -a ! -e -
expect 4 "no/such.trec" alone eval runs/small --candidates split --run-file no/such.trec
expect 4 "there is no such corpus or store" alone eval runs/small --source nosuch
expect 5 "neither a corpus nor a store" alone eval runs/small --source config.yaml
expect 6 "no split 'nosuch'" alone eval runs/small --source corpus --split nosuch
# A store of another encoder is refused before anything is embedded; one of the run's needs nothing else.
check "a store of a smaller encoder" alone embed corpus --out other.h5 --dim 64
check "a store of the run's encoder" alone embed corpus --out mine.h5 --encoder "$(echo stores/corpus-*.h5)"
before=$(ls stores)
expect 7 "other.h5: was made by encoder" alone eval runs/small --source other.h5
expect 0 "mine/dev: " alone eval runs/small --source mine.h5
check "nothing was embedded" test "$before" = "$(ls stores)"
mv stores away
expect 0 "mine/dev: " alone eval runs/small --source mine.h5
mv away stores
expect 2 "--split needs --source" alone eval runs/small --split dev
expect 4 "no such run" alone eval runs/nosuch
expect 2 "too few arguments" alone eval

# What is no run, and more than one.
expect 5 "config.yaml: is a configuration, not a run" alone eval config.yaml
expect 5 "name its run: runs/small" alone eval config.yaml
expect 5 "runs: is a folder of runs, not a run" alone eval runs
expect 5 "name one of them, such as runs/small" alone search runs word
expect 2 "'runs/other' is one too many" alone eval runs/small runs/other

# An encoder alone: its figures are those of no head in the run's table, from the store that train has made.
alone eval runs/small --json >run.json 2>log
alone eval --encoder hashing corpus --pool 20 --json >alone.json 2>log
of_no_head() { sed -n '/"no_head": {/,/^    }/p' "$1" | grep '"value"' | tr -d ', '; }
check "figures there are" test "$(of_no_head alone.json | wc -l)" = 8
check "the values of no head" diff <(of_no_head alone.json) <(of_no_head run.json)
check "no head's columns" test "$(grep -c '"head"' alone.json)" = 0
check "nothing else is embedded" test "$(ls stores | wc -l)" = 1
qctx eval --encoder hashing corpus --candidates corpus >both.txt 2>log
expect 0 "              hashing" alone eval --encoder hashing corpus --candidates corpus --run-file enc.trec --predictions enc.jsonl
cp output one.txt
check "two ranks measure what one does" diff <(grep '\[' both.txt) <(grep '\[' one.txt)
check "tagged by the encoder" awk '$6 != "hashing" { exit 1 }' enc.trec
check "right and wrong" grep -qE '"wrong":[0-9]+,"right":[0-9]+' enc.jsonl
alone eval stores/corpus-*.h5 --split test >of_store 2>log
alone eval --encoder hashing corpus --split test >of_corpus 2>log
check "a store's vectors alone" diff <(sed 1,2d of_store) <(sed 1,2d of_corpus)
cp -r corpus untrained
rm untrained/qrels/train.tsv
expect 0 "learnt from $(wc -l <corpus/corpus.jsonl) contexts" alone eval --encoder hashing untrained
alone eval --encoder hashing corpus untrained >two 2>log
check "two corpora, two tables" test "$(grep -c '^top-1 ' two)" = 2
rm stores/untrained-*.h5
expect 2 "is a store, which holds the vectors of its own encoder" alone eval --encoder hashing mine.h5
expect 2 "take one source" alone eval --encoder hashing corpus untrained --candidates split --run-file two.trec
expect 2 "more than a pool, and take one source, here are 2" alone eval --encoder hashing corpus untrained --run-file two.trec
expect 2 "--candidates split, and name one corpus" alone eval --encoder hashing corpus untrained --predictions two.jsonl
expect 2 "an encoder alone has no head" alone eval --encoder hashing corpus --strengths
expect 2 "--source is for a run" alone eval --encoder hashing corpus --source corpus
expect 4 "there is no such corpus or store" alone eval --encoder hashing nosuch
check "a path gets no hint" test "$(grep -c "keys are of" output)" = 0
expect 4 "hint: keys are of a run's configuration" alone eval --encoder hashing corpus eval.pool=20
# A blank in an id is found before anything is measured.
cp -r corpus blank
sed -i 's/"_id": *"q/"_id": "the q/' blank/queries.jsonl
sed -i 's/^q\([0-9]\)/the q\1/' blank/qrels/*.tsv
expect 6 "the question id 'the q" qctx eval --encoder hashing blank --candidates corpus --run-file blank.trec
check "and no table is lost" test "$(grep -c "positions of" output)" = 0
expect 0 "              hashing" alone eval --encoder hashing blank --candidates corpus
expect 6 "there is no split 'nosuch'" alone eval --encoder hashing corpus --split nosuch

# Search, once and again and again.
expect 0 "  1 " qctx search runs/small "who founded the company?" --top 2
check "the width of a page" awk 'length > 80 { exit 1 }' output
printf 'The tower was designed by Sauvestre. The firm built it.\n' >notes.txt
expect 0 '"text":"The tower was designed by Sauvestre."' qctx search runs/small "who designed it?" --text notes.txt --json
expect 0 "  2 " alone search runs/small "tower" --text notes.txt --no-head
expect 6 "the question has no words" alone search runs/small " "
expect 4 "nosuch.txt" alone search runs/small word --text nosuch.txt
expect 2 "did you mean '--text'" alone search runs/small word --txt notes.txt

# A head that was trained on other vectors.
check "another corpus" alone synth --out corpus --questions 400 --seed 4 --force
expect 7 "the head was trained on" alone eval runs/small
expect 7 "the head was trained on" alone search runs/small word
