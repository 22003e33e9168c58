#!/usr/bin/env bash
# A rank that stops answering (SIGSTOP), in training, in an evaluation, in embedding: after run.hang_timeout the job ends
# with 11, the message names the rank, its host and the phase, and no process is left.
#
#   tests/faults/silent.sh [RANKS...]
. "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

tried=0 good=0
limit=60

# silence RANK PHASE SECONDS: stops a rank of the job that runs, and looks at how the others end.
silence() {
    local rank=$1 phase=$2 began=$SECONDS ended=true
    kill_rank "$rank" STOP
    end_job || ended=false
    tried=$((tried + 1))
    if $ended && [[ $code = 11 ]] && grep -qE "rank $rank .*$(hostname)" job.log && grep -qE "$phase" job.log; then
        good=$((good + 1))
    else
        echo "rank $rank of $ranks silent in $phase: code $code after $((SECONDS - began)) s, all gone: $ended"
        last_words 15
    fi
}

write_config
"$program" synth --out large --questions 60000 --seed 3 >/dev/null 2>&1
[[ $# -gt 0 ]] || set -- 2 3 4
for ranks in "$@"; do
    for ((rank = 0; rank < ranks; rank++)); do
        rm -rf runs
        start "$ranks" train config.yaml --force run.hang_timeout=2 batch.epochs=100000 eval.every=0 checkpoint.every=0
        wait_for grep -q untrained job.log
        pause 300
        silence "$rank" "training|step"
        rm -rf runs
        start "$ranks" train config.yaml --force run.hang_timeout=2 eval.bootstrap=60000 batch.epochs=1000
        wait_for grep -q 'epoch  *1/' job.log
        pause 300
        silence "$rank" "evaluat|step"
        rm -rf runs stores
        start "$ranks" train config.yaml --force run.hang_timeout=2 "data.train=[{corpus: large, split: train}]" \
            data.eval=[]
        wait_for grep -q 'encoder hashing learnt' job.log
        silence "$rank" "embedding"
    done
done
cat >sweep.yaml <<'YAML'
config: config.yaml
method: grid
parameters: {run.seed: {values: [1, 2]}, run.hang_timeout: {value: 2}}
YAML
rm -rf stores
ranks=2
start 2 sweep sweep.yaml "data.train=[{corpus: large, split: train}]" data.eval=[]
wait_for grep -q 'encoder hashing learnt' job.log
silence 1 "embedding"
start 2 sweep sweep.yaml batch.epochs=2 --force
wait_for grep -q '"finished"' sweeps/sweep/ledger.jsonl
silence 0 "end of the sweep|step"
echo "silent ranks: $good of $tried jobs ended with 11 and a name"
((good == tried))
