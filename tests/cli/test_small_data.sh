#!/usr/bin/env bash
# Only `data` is set: what batch, warm-up and held-out questions follow from, of any size of data. ranks: 1 2
. tests/support/cli.sh

# pairs N: a question about each of N things, in words that its answer does not share, as a support FAQ has them.
pairs() {
    local i
    echo question,answer
    for ((i = 0; i < $1; i++)); do
        echo "\"How is thing$i paid, $((i * 7919 % 1000))?\",\"Invoices of thing$i go out monthly, as $((i * 104729 % 1000)) says.\""
    done
}

# setting KEY: as it stands in the run's configuration.
setting() {
    sed -n "s/^  $1: //p" runs/"$2"/config.yaml
}

printf 'data:\n  train: [{corpus: corpus}]\n  eval: [{corpus: corpus, split: test}]\nmodel: {hidden: 32}\n' >only.yaml

# 240 train: 48 are held out, and 192 · 20 / 100 are 38: 32 at 6 an epoch. 8 train: 1 is held out, and 7 make one of 4.
for case in 300:32:12 50:16:4 10:4:2; do
    IFS=: read -r count batch warmup <<<"$case"
    rm -rf corpus
    pairs "$count" >faq.csv
    RANKS=0 qctx import --out corpus --holdout 0.1,0.1 faq.csv >/dev/null 2>&1
    qctx train only.yaml "run.name=faq$count" >table.txt 2>log.txt
    check "$count pairs end with a table" grep -q "^top-1 .*\[" table.txt
    check "$count pairs make batches of $batch" test "$(setting size "faq$count")" = "$batch"
    check "$count pairs have a warm-up of $warmup" test "$(setting warmup "faq$count")" = "$warmup"
    check "the summary of $count pairs says so" grep -q "\"batch\": $batch," "runs/faq$count/summary.json"
    check "the log of $count pairs says so" grep -q "questions (auto), " log.txt
    check "the choice of $count pairs is among all contexts" grep -q '"candidates": "corpus"' "runs/faq$count/summary.json"
    check "the epochs of $count pairs fit a terminal" awk '/^(epoch|no head|untrained| *[0-9]+\/20)  / && length > 80 { exit 1 }' log.txt
    check "$count pairs have a row for each epoch" test "$(grep -cE "^ +[0-9]+/20 +[0-9.]+ " log.txt)" = 20
done
check "few steps are warned of" grep -q "warning: 20 steps are few for a head to learn in: 7 questions are little" log.txt

# Where the corpus stays, questions are held out by themselves as dev and test are, and the table says of what kind it
# is. 60 of 120 contexts have three questions, the others one: of test's, some ask for what training asks for, some not.
rm -rf corpus
{ pairs 120; pairs 60 | sed 's/How is/When is/'; pairs 60 | sed 's/How is/Why is/'; } | awk 'NR == 1 || !/^question,/' >faq.csv
RANKS=0 qctx import --out corpus --holdout 0.1,0.2 --by question faq.csv >/dev/null 2>&1
qctx train only.yaml run.name=stays >table.txt 2>log.txt
check "the held-out questions are of that kind" grep -q "the corpus stays: like those of the other splits, the 33 held-out questions ask" log.txt
known=$(sed -nE 's/^([0-9]+) ask for contexts that training questions ask for, ([0-9]+) for others\.$/\1 \2/p' table.txt)
check "the table tells known contexts from others" test "$((${known% *} + ${known#* }))" = 48
check "and shows them apart" grep -qE "^Apart: +${known% *} of known contexts +${known#* } of others$" table.txt
check "so does info" test "$(RANKS=0 qctx info runs/stays 2>/dev/null | grep -c '^Apart: ')" = 1
grep -A3 '^Apart: ' table.txt >apart.txt
qctx eval runs/stays 2>/dev/null | grep -A3 '^Apart: ' >measured.txt
check "and eval, with the same figures" cmp apart.txt measured.txt
qctx eval runs/stays --json 2>/dev/null >measured.json
check "also in JSON" python3 -c "import json; found = json.load(open('measured.json'))[0]['novelty']
assert found['known']['questions'] == ${known% *} and found['others']['questions'] == ${known#* }"
qctx train only.yaml run.name=new data.train='[{corpus: corpus, split: dev}]' data.eval='[{corpus: corpus, split: dev}]' eval.tune=0 \
    >table.txt 2>log.txt
check "and says where all are known" grep -q "^New questions: training questions ask for the same contexts.$" table.txt

# What was set stays as it was: all that the log and the configuration say is of it.
rm -rf corpus
pairs 300 >faq.csv
RANKS=0 qctx import --out corpus --holdout 0.1,0.1 faq.csv >/dev/null 2>&1
qctx train only.yaml run.name=set batch.size=128 optim.warmup=3 eval.tune=0.05 >/dev/null 2>log.txt
check "a batch that is set is taken" test "$(setting size set) $(setting warmup set)" = "128 3"
check "the warning names the batch that would make more steps" grep -q "20 steps are few .*: batch.size 32 would make 140 of them" log.txt
expect 6 "set batch.size to at most 192, or leave it out" qctx train only.yaml run.name=large batch.size=512

# Without a source to measure, the figures of what chose stand for no table: 48 questions, as the epochs were chosen.
printf 'data: {train: [{corpus: corpus}]}\nmodel: {hidden: 32}\n' >unmeasured.yaml
qctx train unmeasured.yaml run.name=unmeasured >table.txt 2>log.txt
chosen=$(python3 -c 'import json; best = json.load(open("runs/unmeasured/summary.json"))["best"]
print("%.1f without and %.1f" % (100 * best["no_head"], 100 * best["value"]))')
check "what is not measured is said" grep -q "^No data.eval: nothing was measured on unseen questions. On the 48 that$" table.txt
check "with what the choice reached" grep -q "^chose, top-1 $chosen with the head, which flatters it.$" table.txt
check "and what measures it" grep -q "^hint: qctx-dist eval runs/unmeasured --source CORPUS --split test$" table.txt
qctx train unmeasured.yaml run.name=blind eval.tune=0 >table.txt 2>log.txt
check "nor is there anything without questions that choose" grep -q "on unseen questions.$" table.txt

# A run that goes on keeps its batch, though more epochs would make another one.
check "a run begins" qctx train only.yaml run.name=goes_on batch.steps=6
check "it goes on" qctx train only.yaml run.name=goes_on batch.epochs=40 --resume
check "with the batch that it had" test "$(setting size goes_on) $(setting epochs goes_on)" = "32 40"
expect 7 "batch.size: was 32, now it is 64" qctx train only.yaml run.name=goes_on batch.size=64 --resume

# Some held-out questions are shown: at position 1 where the answer of the same thing is ranked first, and only there.
qctx train only.yaml run.name=shown eval.predictions=7 batch.epochs=3 >/dev/null 2>log.txt
grep '"event":"predictions"' runs/shown/metrics.jsonl | grep -oE '"id":[^}]*}' >shown.txt
check "seven questions are shown at each of four evaluations" test "$(wc -l <shown.txt)" = 28
check "the log shows them, too" test "$(grep -cE '^ +[0-9]+  How is thing[0-9]+ ' log.txt)" = 28
check "the right one is first at position 1 alone" awk '{
    match($0, /How is thing[0-9]+/); asked = substr($0, RSTART + 7, RLENGTH - 7)
    match($0, /Invoices of thing[0-9]+/); first = substr($0, RSTART + 12, RLENGTH - 12)
    if ((asked == first) != /"position":1,/) exit 1
}' shown.txt
