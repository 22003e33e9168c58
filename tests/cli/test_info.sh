# ranks: 2
# info of a run, finished, stopped and going on, and of folders of runs. What needs no ranks runs without mpirun.
source tests/support/cli.sh

cat >small.yaml <<'YAML'
run: {seed: 7}
data:
  train: [{corpus: corpus, split: train}]
  eval: [{corpus: corpus, split: dev}]
model: {hidden: 16}
optim: {warmup: 1}
batch: {size: 100, epochs: 2}
eval: {pool: 30, bootstrap: 50, tune: 0.05}
YAML
alone() { RANKS=0 qctx "$@"; }
first_line_is() { [[ $(head -n 1 "$2") = "$1" ]]; }
narrow() { awk 'length > 80 { exit 1 }' "$1"; }

check "a corpus" alone synth --out corpus --questions 400 --seed 3
alone train small.yaml >trained 2>log
check "a run" test -f runs/small/summary.json

# The table first, as train printed it, then the rest without those figures again.
heading="corpus/dev: 40 questions, pools of 30, the last of 10 (consecutive)"
expect 0 "state:                finished" alone info runs/small
alone info runs/small >described
check "the table comes first" first_line_is "$heading" described
check "as train printed it" diff <(sed '/^ *$/,$d' described) <(head -n "$(grep -n 'mean position' trained | tail -n 1 | cut -d: -f1)" trained)
check "its figures once" test "$(grep -c 'ndcg' described)" = 0
qctx info runs/small >both
check "two ranks print what one prints" diff described both

# A run that has no summary: how far it is, and what was measured last.
cp -r runs/small runs/stopped
rm runs/stopped/summary.json
expect 0 "Stopped in epoch 2 of 2, after 6 steps; evaluated last in epoch 2:" alone info runs/stopped
expect 0 "$heading" alone info runs/stopped
printf '{"event":"step","st' >>runs/stopped/metrics.jsonl
expect 0 "after 6 steps" alone info runs/stopped
exec 9>>runs/stopped/lock
flock 9
expect 0 "Running in epoch 2 of 2" alone info runs/stopped
exec 9>&-
mkdir runs/begun
cp runs/small/config.yaml runs/begun
expect 0 "Stopped in epoch 0 of 2, after 0 steps; no table yet." alone info runs/begun
# Within its second epoch one is over.
cp -r runs/stopped runs/within
sed -i '/"epoch":2/q' runs/within/metrics.jsonl
check "the last line is a step of epoch 2" grep -q '^{"event":"step","step":4,"epoch":2,' <(tail -n 1 runs/within/metrics.jsonl)
expect 0 "Stopped in epoch 2 of 2, after 4 steps; evaluated last in epoch 1:" alone info runs/within

# Two runs of other figures, by hand: 60 and 40 of 100 first, and other pools that do not compare.
with_top1() { # NAME TOP1 POOL
    cp -r runs/small "runs/$1"
    sed -E "s/\"pool\": [0-9]+/\"pool\": $3/; /\"head\": \{/,\$s/(\"value\": )[0-9.]+/\1$2/" \
        runs/small/summary.json >"runs/$1/summary.json"
}
with_top1 better 0.6 30
with_top1 worse 0.4 30
with_top1 "a-name-that-is-longer-than-its-column" 0.5 30
with_top1 other-pools 0.9 20
with_top1 strict 0.7 '30, "relevant": 2.0, "gain": "linear"'
with_top1 steep 0.7 '30, "relevant": 1.0, "gain": "exponential"'
echo '{' >runs/worse/metrics.jsonl
mkdir runs/notes
touch runs/list.txt
cp -r runs/small runs/broken
echo '{' >runs/broken/summary.json
expect 0 "and 2 that are neither run, corpus, store nor sweep" alone info runs
cp output listed
check "the width of a page" narrow listed
order() { grep -E '^(better|worse|small) ' listed; }
check "the best first" diff <(order | awk '{ print $1 }') <(order | sort -s -k4,4nr | awk '{ print $1 }')
check "all three" test "$(order | wc -l)" = 3
check "60 of 100" grep -qE '^better +finished +2/2 +60\.0 ' listed
check "other pools, grades and gains in tables of their own" test "$(grep -c '^run  ' listed)" = 5
check "the grade in its heading" grep -qF "right from grade 2 on" listed
check "their heading" grep -qF "corpus/dev: 40 questions, pools of 20 (consecutive)" listed
check "a run within its second epoch" grep -qE '^within +stopped +1/2 ' listed
check "a run that was stopped behind it" grep -qE '^stopped +stopped +2/2 ' listed
check "a run without figures" grep -qE '^begun +stopped +0/2 ' listed
check "a broken one is named" grep -qF "runs/broken/summary.json" listed
qctx info runs >both
check "two ranks list what one lists" diff listed both
expect 0 '"name":"better"' alone info --json runs
expect 0 "stores: corpus-" alone info stores
mkdir mixed
cp -r corpus mixed/one
expect 0 "corpora: one" alone info mixed

# A sweep's folder has a config.yaml too, and is no run; its trials are.
mkdir -p sweeps/s/trials
cp small.yaml sweeps/s/config.yaml
touch sweeps/s/sweep.yaml sweeps/s/ledger.jsonl
cp -r runs/small sweeps/s/trials/0001
expect 5 "qctx-dist sweep status sweeps/s" alone info sweeps/s
expect 0 "sweeps: s" alone info sweeps
check "it is no run" test "$(grep -c stopped output)" = 0
expect 0 "0001" alone info sweeps/s/trials
expect 5 "sweeps/s: is a sweep, not a run" alone eval sweeps/s
expect 5 "its runs are in sweeps/s/trials" alone search sweeps/s word

printf 'config: small.yaml\nname: s\nparameters: {optim.lr: [1e-3, 1e-2]}\n' >s.yaml
expect 5 "s.yaml: is a sweep file, not a configuration" qctx info s.yaml
expect 5 "qctx-dist sweep status s.yaml" alone info s.yaml
printf 'run: {telepathy: true}\n' >bad.yaml
expect 3 "telepathy" alone info bad.yaml

# A run's files, and digits.
expect 5 "it belongs to a run: qctx-dist info runs/small" alone info runs/small/log.txt
alone info --json runs/small runs >digits 2>log
check "no more digits than mean something" test "$(grep -cE '\.0*[1-9][0-9]{9}' digits)" = 0

# Several paths: a wrong one is named after the others, and the exit code says so.
expect 4 "nosuch: No such file or directory" qctx info nosuch corpus small.yaml
qctx info nosuch corpus small.yaml >others 2>log
check "the others are described" grep -qE '^kind: +configuration' others
check "under their names" grep -qx "corpus:" others
expect 5 "neither" alone info small.yaml runs/notes
alone info --json corpus stores/*.h5 >lines 2>log
check "a store says its version, and what of it is verified" grep -q '"version": *2, *"verified": *"whole"' lines
check "a line of JSON each" test "$(grep -c '^{"kind":' lines)" = 2
