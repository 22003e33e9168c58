#!/usr/bin/env bash
# Training by a teacher's scores: it says whose questions have some, learns them, is the same bits on any number of
# ranks where it is asked to, and refuses or counts what does not fit. ranks: 0
. tests/support/cli.sh

cat >config.yaml <<'YAML'
run: {seed: 7}
data: {train: [{store: corpus.h5}], teacher: teacher.tsv}
model: {hidden: 32, dropout: 0.1, sides: shared}
optim: {warmup: 1, lr: 3e-3}
batch: {size: 48, epochs: 4}
eval: {every: 0, tune: 0}
YAML
RANKS=0 qctx synth --out corpus --questions 300 --seed 3 >/dev/null 2>&1
RANKS=0 expect 0 "" qctx embed corpus --out corpus.h5 --dim 32

# The right context of each training question before those of the four questions behind it; every fifth is left out.
awk -F '\t' 'NR > 1 { q[n] = $1; c[n++] = $2 }
    END {
        print "query-id\tcorpus-id\tscore"
        for (i = 0; i < n; i++)
            for (k = 0; k < 5 && i % 5; k++)
                print q[i] "\t" c[(i + k) % n] "\t" (k ? 4 - k : 9)
    }' corpus/qrels/train.tsv >teacher.tsv
awk -F '\t' 'NR > 1 { print "{\"question\": \"" $1 "\", \"context\": \"" $2 "\", \"score\": " $3 "}" }' \
    teacher.tsv >teacher.jsonl

checksum() {
    RANKS=0 qctx info "$(printf '%s\n' "runs/$1"/checkpoints/step-*.h5 | tail -n 1)" | sed -nE 's/^checksum: *//p'
}
same_bits() { [[ -n $(checksum "$1") && $(checksum "$1") == $(checksum "$2") ]]; }
distilled() { sed -nE 's/.*"event": *"step".*"distill_loss": *([^,}]*).*/\1/p' "runs/$1/metrics.jsonl"; }
falls() { distilled "$1" | awk 'NR == 1 { first = $1 } { last = $1 } END { exit !(NR > 5 && last < first * 0.8) }'; }

RANKS=2 expect 0 "training questions have scored contexts, 5.0 each; the others have" qctx train config.yaml run.name=two
questions=$(sed -nE 's/.*teacher: ([0-9]+) of ([0-9]+) training.*/\1 \2/p' output)
cp output log
check "four of five questions have lists ($questions)" \
    awk -v both="$questions" 'BEGIN { split(both, n, " "); exit !(n[1] > 0.79 * n[2] && n[1] < 0.81 * n[2]) }'
check "the plan tells of the lists" grep -q 'a step with up to [0-9]* scored contexts a rank takes' log
check "the loss by the teacher falls" falls two
sed 's/, teacher: teacher.tsv//' config.yaml >alone.yaml
RANKS=2 expect 0 "" qctx train alone.yaml run.name=none
check "without a teacher there is no such loss" test -z "$(distilled none)"
check "a teacher changes what is trained" test "$(checksum two)" != "$(checksum none)"
RANKS=2 expect 0 "" qctx train config.yaml run.name=margins loss.distill.kind=margin_mse loss.distill.weight=0.01
check "the margins' loss falls" falls margins
RANKS=2 expect 0 "" qctx train alone.yaml run.name=jsonl \
    'data.train=[{store: corpus.h5, teacher: teacher.jsonl}]'
check "JSONL, named by the source, says the same" same_bits jsonl two

for ranks in 1 2 4; do
    RANKS=$ranks expect 0 "" qctx train config.yaml run.name=on$ranks run.reproducible=true batch.steps=6
done
check "1 and 2 ranks" same_bits on1 on2
check "4 and 2 ranks" same_bits on4 on2

RANKS=0
cp teacher.tsv kept.tsv
sed -i '$ s/9$\|[0-3]$/7/' teacher.tsv
expect 7 "other scores, under the same names" qctx train config.yaml run.name=two batch.epochs=5 --resume
mv kept.tsv teacher.tsv
expect 7 "loss.distill.weight: was 1, now it is 2" qctx train config.yaml run.name=two loss.distill.weight=2 --resume

# Lines that are not used are counted.
{
    cat teacher.tsv
    printf 'nobody\tc1\t1\n'
    sed -nE '2s/^([^\t]*)\t.*/\1\tnothing\t1/p; 3s/\t[^\t]*$/\t-4/p' teacher.tsv
} >odd.tsv
expect 0 "odd.tsv: 1 score left out: their questions are not in the corpus" qctx train config.yaml run.name=odd \
    data.teacher=odd.tsv batch.steps=2
cp output log
check "contexts" grep -q 'odd.tsv: 1 score left out: their contexts are not in the corpus' log
check "overruled" grep -q 'odd.tsv: 1 score overruled by a later line with another score' log

sed '5s/\t[^\t]*$/\tnan/' teacher.tsv >nan.tsv
expect 5 "nan.tsv:5: the score 'nan' is not finite" qctx train config.yaml run.name=x data.teacher=nan.tsv
RANKS=2 expect 5 "nan.tsv:5: the score 'nan' is not finite" qctx train config.yaml run.name=x data.teacher=nan.tsv
expect 4 "none.tsv: cannot open" qctx train config.yaml run.name=x data.teacher=none.tsv
sed '2,$ s/^/x/' teacher.tsv >others.tsv
expect 6 "gives no training question a list of scored contexts" qctx train config.yaml run.name=x \
    data.teacher=others.tsv
expect 3 "loss.distill.weight: is for a teacher" qctx train alone.yaml run.name=x loss.distill.weight=2
expect 3 "data.teacher: is for one source, and data.train has 2" qctx train config.yaml run.name=x \
    'data.train=[{store: corpus.h5}, {store: corpus.h5, split: test}]'
expect 3 "data.teacher: the source of data.train names a teacher, too" qctx train config.yaml run.name=x \
    'data.train=[{store: corpus.h5, teacher: teacher.tsv}]'
expect 3 "data.eval: teacher is for data.train, and 'mine' has one" qctx train config.yaml run.name=x \
    'data.eval=[{store: corpus.h5, name: mine, teacher: teacher.tsv}]'
expect 3 "or shorter lists of the teacher" qctx train config.yaml run.name=x run.memory=50kB
