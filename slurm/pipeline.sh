#!/usr/bin/env bash
# Hands in a whole experiment at once: import, then embed, then train, then eval, each job after the one before has
# ended well. Where one fails, those behind it are cancelled. Prints the numbers of the jobs.
#
#   slurm/pipeline.sh configs/squad.yaml train-v1.1.json dev-v1.1.json
#
# What to change first, here or in the environment:
PARTITION=${PARTITION:-}          # empty: the cluster's default
ACCOUNT=${ACCOUNT:-}              # empty: yours
TIME=${TIME:-02:00:00}            # of each start; embed and train go on in the next where it is not enough
NODES=${NODES:-2}                 # of embed, train and eval; import takes one core
TASKS=${TASKS:-4}                 # ranks a node
CORES=${CORES:-8}                 # of a rank
NAME=${NAME:-}                    # of corpus, store and run; empty: the configuration's file name
EMBED=${EMBED:-}                  # more options for embed; the encoder is that of the configuration
TRAIN=${TRAIN:-}                  # more keys for train, such as "optim.lr=5e-4 batch.epochs=5"
# QCTX and LAUNCHER are passed on, see slurm/common.sh.
set -euo pipefail

if [[ $# -ne 3 ]]; then
    echo "usage: slurm/pipeline.sh CONFIG TRAIN_FILE DEV_FILE" >&2
    exit 2
fi
config=$1 train_file=$2 dev_file=$3
NAME=${NAME:-$(basename "${config%.*}")}
corpus=corpora/$NAME store=stores/$NAME.h5 runs=runs
export QCTX=${QCTX:-build/qctx-dist} QCTX_SLURM
QCTX_SLURM=$(cd "$(dirname "$0")" && pwd)
scripts=$QCTX_SLURM

for file in "$config" "$train_file" "$dev_file"; do
    if [[ ! -r $file ]]; then
        echo "$file: cannot be read" >&2
        exit 2
    fi
done

site=(--parsable --time="$TIME" ${PARTITION:+--partition="$PARTITION"} ${ACCOUNT:+--account="$ACCOUNT"})
layout=(--nodes="$NODES" --ntasks-per-node="$TASKS" --cpus-per-task="$CORES")

# submit NAME AFTER OPTION...: hands a job in, after another has ended well where AFTER is not empty; its number is $id.
submit() {
    local stage=$1 after=$2
    shift 2
    id=$(sbatch "${site[@]}" --job-name="$NAME-$stage" --output=%x-%j.out --open-mode=append \
        ${after:+--dependency=afterok:"$after" --kill-on-invalid-dep=yes} "$@")
    id=${id%%;*}
    echo "$stage $id"
}

# A corpus is made anew: importing takes seconds, and an interrupted one leaves nothing.
submit import "" --nodes=1 --ntasks=1 --cpus-per-task=1 "$scripts/command.sbatch" \
    import --out "$corpus" --split train "$train_file" --split dev "$dev_file" --force
# shellcheck disable=SC2086
submit embed "$id" "${layout[@]}" "$scripts/embed.sbatch" "$corpus" --out "$store" --config "$config" \
    --force $EMBED
# shellcheck disable=SC2086
submit train "$id" "${layout[@]}" "$scripts/train.sbatch" "$config" run.name="$NAME" run.out="$runs" \
    "data.train=[{store: $store, split: train}]" "data.eval=[{store: $store, split: dev}]" $TRAIN
submit eval "$id" "${layout[@]}" "$scripts/command.sbatch" eval "$runs/$NAME"
