#!/usr/bin/env bash
# Sweeps that are killed or told to stop at any moment go on where they were, to the numbers of an unbroken one. ranks: 0
. tests/support/cli.sh
. "$project/tests/support/jobs.sh"

# Whether as many unfinished trials as there are ranks, or all that are left, have a checkpoint that is newer than the
# job: so each that is worked on has advanced. One that has finished says nothing of the one taken after it.
all_advanced() {
    local trial ended=0 advanced=0
    for trial in {0..5}; do
        if grep -q "\"event\":\"finished\",\"trial\":$trial," "sweeps/$1/ledger.jsonl"; then
            ended=$((ended + 1))
        elif find "sweeps/$1/trials/000$trial" -name 'step-*.h5' -newer marker 2>/dev/null | grep -q .; then
            advanced=$((advanced + 1))
        fi
    done
    [[ $advanced -ge $2 || $advanced -ge $((6 - ended)) ]]
}

numbers() {
    grep '"event":"finished"' "$1/ledger.jsonl" |
        sed -E 's/.*"trial":([0-9]+),(.*)"seconds".*/\1 \2/' | sort -n
}

same_numbers() {
    numbers "$1" >one && numbers "$2" >other && test -s one && cmp one other
}

curve() {
    sed -E 's/,?"seconds":[^,}]*//' "$1/metrics.jsonl"
}

# All trials of a sweep have the curves of the unbroken one's, every step once and in order.
same_curves() {
    local trial
    for trial in sweeps/unbroken/trials/*; do
        cmp <(curve "$trial") <(curve "$1/trials/${trial##*/}") || return 1
    done
}

check_all() {
    check "$1 has the numbers of the unbroken sweep" same_numbers sweeps/unbroken "sweeps/$1"
    check "$1 has its curves" same_curves "sweeps/$1"
    check "$1 has its table" cmp <(sed -E '/^# Sweep/d; s/[0-9.]+ +\|$//' sweeps/unbroken/results.md) \
        <(sed -E '/^# Sweep/d; s/[0-9.]+ +\|$//' "sweeps/$1/results.md")
}

RANKS=0 qctx synth --out corpus --questions 1000 --seed 3 >/dev/null 2>&1
cat >base.yaml <<'END'
data: {train: [{corpus: corpus}], eval: [{corpus: corpus}], cache: stores}
model: {hidden: 32}
batch: {size: 64, epochs: 6}
eval: {tune: 0.2, bootstrap: 50, every: 2}
checkpoint: {steps: 5}
END
cat >grid.yaml <<'END'
config: base.yaml
method: grid
metric: {name: mrr, goal: maximize}
parameters:
  optim.lr: {values: [1e-3, 1e-2]}
  run.seed: {values: [1, 2, 3]}
END
expect 0 "6 finished" qctx sweep grid.yaml name=unbroken

# SIGKILL of all at random moments, each time on another number of ranks; but for the first time, behind a checkpoint,
# since trials that are killed three times without one are given up.
RANDOM=${QCTX_TEST_SEED:-$$}
kills=0
for attempt in {1..5}; do
    many=$((1 + RANDOM % 3))
    touch marker
    start $many sweep grid.yaml name=killed
    wait_for grep -q "^sweep sweeps/killed" job.log
    [[ $attempt = 1 ]] || wait_for all_advanced killed $many
    sleep "0.$(printf %03d $((RANDOM % 300)))"
    kill -0 "$job" 2>/dev/null && kills=$((kills + 1))
    kill_job
done
check "some were killed" test "$kills" -ge 1
RANKS=2 expect 0 "6 finished" qctx sweep grid.yaml name=killed
check_all killed

# Asked to stop: the code means "go on with me", and nothing is lost.
codes=
for attempt in {1..4}; do
    touch marker
    start 2 sweep grid.yaml name=stopped
    wait_for grep -q "^sweep sweeps/stopped" job.log
    sleep "0.$(printf %03d $((200 + RANDOM % 500)))"
    kill -USR1 "$job" 2>/dev/null
    wait "$job"
    code=$?
    codes="$codes $code"
    [[ $code = 75 || $code = 0 ]] || cat job.log
    [[ $code = 75 ]] || break
    grep -q "the same command goes on" job.log || break
done
RANKS=2 expect 0 "6 finished" qctx sweep grid.yaml name=stopped
check "it was asked to stop and did ($codes)" grep -qE '^( 75)+( 0)?$' <<<"$codes"
check_all stopped

# While it runs (here: stands still), anybody may look on, but nobody may replace it or take its trials.
start 2 sweep grid.yaml name=watched
wait_for grep -q '"event":"finished"' sweeps/watched/ledger.jsonl
# shellcheck disable=SC2046
kill -STOP $(cat ranks)
expect 0 "best so far" qctx sweep status sweeps/watched
expect 0 "name: watched-000" qctx sweep best grid.yaml name=watched
expect 0 "| trial" qctx sweep table sweeps/watched
if grep -q '"finished"' sweeps/watched/ledger.jsonl && [[ $(numbers sweeps/watched | wc -l) -lt 6 ]]; then
    expect 8 "another process is at work" timeout 20 "$program" sweep grid.yaml name=watched --force
    # A ledger that cannot be read does not say who works; the locks do.
    bytes=$(stat -c %s sweeps/watched/ledger.jsonl)
    echo 'no ledger' >>sweeps/watched/ledger.jsonl
    expect 8 "another process is at work" timeout 20 "$program" sweep grid.yaml name=watched --force
    truncate -s "$bytes" sweeps/watched/ledger.jsonl
fi
# shellcheck disable=SC2046
kill -CONT $(cat ranks)
wait "$job"
check "it ends well" test $? = 0
check_all watched

# A trial that kills whoever takes it is given up after three times.
mkdir -p sweeps/deadly
cp sweeps/unbroken/{sweep,config}.yaml sweeps/deadly/
head -n 1 sweeps/unbroken/ledger.jsonl >sweeps/deadly/ledger.jsonl
for take in 1 2; do echo '{"event":"taken","trial":0,"step":0}' >>sweeps/deadly/ledger.jsonl; done
printf '{"event":"tak' >>sweeps/deadly/ledger.jsonl
sed -i 's/^name:.*/name: deadly/' sweeps/deadly/sweep.yaml
expect 0 "5 finished, 1 failed" qctx sweep grid.yaml name=deadly
check "its end says so" grep -q "died three times" sweeps/deadly/ledger.jsonl
