#!/usr/bin/env bash
# Kills sweeps at random, once or twice each: all ranks at any time, one rank inside a write of the ledger, or one of two
# jobs that share the trials. The same commands go on, and in the end each trial must be finished exactly once, with the
# results of the sweep that nobody killed.
#
#   tests/faults/sweeps.sh [SWEEPS [SEED]]
. "$(dirname "${BASH_SOURCE[0]}")/jobs.sh"

wanted=${1:-20} seed=${2:-1}
RANDOM=$seed
trials=6
kills=0 lost=0 twice=0 wrong=0 same=0
declare -A by_kind=([all]=0 [ledger]=0 [shared]=0)

numbers() {
    grep '"event":"finished"' sweeps/grid/ledger.jsonl | sed -E 's/.*"trial":([0-9]+),(.*)"seconds".*/\1 \2/' | sort -n
}

complain() {
    wrong=$((wrong + 1))
    echo "seed $seed, sweep $sweep ($kind, $ranks ranks): $*"
    last_words 12
    [[ -z ${QCTX_FAULT_KEEP:-} ]] || cp -r "$folder" "$QCTX_FAULT_KEEP"
}

write_config 1000
sed -i 's/^run:.*/run: {seed: 7}/; s/epochs: 12/epochs: 4/; s/minutes: 0/steps: 3/' config.yaml
cat >grid.yaml <<'YAML'
config: config.yaml
method: grid
metric: {name: mrr, goal: maximize}
parameters:
  optim.lr: {values: [1e-3, 1e-2]}
  run.seed: {values: [1, 2, 3]}
YAML

ranks=2 sweep=0 kind=unbroken
strike none 0 sweeps/grid/ledger.jsonl QCTX_FAULT_RANK=1
start 2 sweep grid.yaml
all_begun 2
began=$(now)
if ! end_job || [[ $code != 0 ]]; then
    complain "the unbroken sweep ended with $code"
    exit 1
fi
# How many calls a rank makes, and how long it works, depends on what the others take.
took=$((($(now) - began) * 2 / 3)) calls=$((($(wc -l <notes) + 1) / 2)) unbroken=$(numbers)
fault=()

# Kills the sweep as $kind says; false where it ended before.
kill_once() {
    case $kind in
    ledger)
        draw "$calls"
        strike kill $((drawn + 1)) sweeps/grid/ledger.jsonl "QCTX_FAULT_RANK=$((RANDOM % ranks))"
        start "$ranks" sweep grid.yaml
        end_job || complain "a hang"
        fault=()
        [[ -s notes ]]
        ;;
    *)
        share=
        [[ $kind = all ]] || share="--index 0 --of 2"
        draw "$took"
        start "$ranks" sweep grid.yaml $share
        all_begun "$ranks"
        pause "$drawn"
        kill -0 "$job" 2>/dev/null || {
            end_job
            return 1
        }
        kill_all || complain "ranks outlive SIGKILL"
        ;;
    esac
}

for ((sweep = 1; sweep <= wanted; sweep++)); do
    kinds=(all ledger shared)
    draw 3
    kind=${kinds[drawn]}
    draw 3
    ranks=$((drawn + 1))
    rm -rf sweeps
    other=
    if [[ $kind = shared ]]; then
        "$program" sweep grid.yaml --index 1 --of 2 >other.log 2>&1 &
        other=$!
    fi
    for ((k = 0; k <= RANDOM % 2; k++)); do
        kill_once && kills=$((kills + 1)) by_kind[$kind]=$((by_kind[$kind] + 1))
    done
    if [[ -n $other ]]; then
        wait "$other" || complain "the job beside a killed one ended with $?: $(tail -n 3 other.log)"
    fi
    start "$ranks" sweep grid.yaml
    end_job || complain "a hang of the sweep that goes on"
    [[ $code = 0 ]] || complain "the sweep that goes on ended with $code"
    finished=$(numbers | cut -d' ' -f1)
    missing=$((trials - $(sort -u <<<"$finished" | wc -l)))
    repeated=$(uniq -d <<<"$finished" | wc -l)
    lost=$((lost + missing)) twice=$((twice + repeated))
    if [[ $(numbers) = "$unbroken" ]]; then
        same=$((same + 1))
    else
        complain "other results: $missing trials missing, $repeated finished twice"
        diff <(numbers) <(echo "$unbroken")
    fi
done
echo "$wanted sweeps killed $kills times (${by_kind[all]} all ranks, ${by_kind[ledger]} inside a write of the ledger," \
    "${by_kind[shared]} one of two jobs): $same with the same results, $lost trials lost, $twice finished twice"
((same == wanted && lost + twice + wrong == 0))
