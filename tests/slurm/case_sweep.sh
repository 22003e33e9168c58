# Sourced by run.sh: a sweep as an array of two jobs, one of which is told to move in the middle.

if ! "$program" sweep --help >/dev/null 2>&1; then
    skipped=$((skipped + 1))
    echo "skipped: this build has no sweeps"
    return
fi

sed -e 's/epochs: 25/epochs: 12/; s/every: 5,/every: 2,/' train.yaml >trial.yaml
cat >sweep.yaml <<'YAML'
config: trial.yaml
method: grid
metric: {name: top1, goal: maximize}
parameters:
  optim.lr: {values: [1e-3, 3e-3]}
  model.hidden: {values: [64, 128]}
YAML

submit --array=0-1 --nodes=1 --ntasks-per-node=1 --time=10 "$project/slurm/sweep.sbatch" sweep.yaml
array=$job
trial_begun() { compgen -G "sweeps/sweep/trials/*/checkpoints/step-*.h5"; }
check "a trial is in the middle" wait_for 60 trial_begun
scancel --batch --signal=USR1 "${array}_1"
check "the share that is told to move is requeued by its script" begin_now "${array}_1"
for share in 0 1; do
    check "share $share ends" wait_for 90 is_over "${array}_$share"
    check "share $share is COMPLETED" is "${array}_$share" JobState COMPLETED
done
check "the second share started twice" is "${array}_1" Restarts 1

finished_once() {
    [[ $(grep -oE '"event": ?"finished".*' sweeps/sweep/ledger.jsonl | grep -oE '"trial": ?[0-9]+' | sort | uniq -c |
        awk '{print $1}' | xargs) = "1 1 1 1" ]]
}
check "each trial finished once" finished_once
check "the table is there" test -s sweeps/sweep/results.csv
OMP_NUM_THREADS=1 "$program" sweep sweep.yaml out=by_hand >sweep.log 2>&1
for trial in 0000 0001 0002 0003; do
    check "trial $trial is that of a sweep in one piece" same_run "sweeps/sweep/trials/$trial" \
        "by_hand/sweep/trials/$trial"
done
for share in 0 1; do shown "${array}_$share"; done >>jobs
