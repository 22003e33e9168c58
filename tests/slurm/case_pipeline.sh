# Sourced by run.sh: import, embed, train and eval as jobs that wait for each other, also when one of them is requeued
# on the way, and not when one fails.

pairs() { # FIRST LAST: questions and contexts that say the same thing in other words
    awk -v first="$1" -v last="$2" 'BEGIN { for (i = first; i <= last; i++) printf \
        "{\"question\": \"who founded town%d by lake%d\", \"context\": \"town%d was established by clan%d\"}\n", \
        i, i % 97, i, i % 97 }'
}
pairs 1 4000 >train.jsonl
pairs 5001 5500 >dev.jsonl
# Left to the cases of its own, data come from the store that the pipeline makes.
sed -e '/^data:/,/eval: \[{corpus/d' train.yaml >pipeline.yaml

export TIME=10 NODES=1 TASKS=2 CORES=1 SBATCH_MEM_PER_CPU=0
NAME=piped "$project/slurm/pipeline.sh" pipeline.yaml train.jsonl dev.jsonl >stages 2>stages.err
check "the pipeline names its four jobs" test "$(awk '{print $1}' stages | xargs)" = "import embed train eval"
mapfile -t stage < <(awk '{print $2}' stages)

check "its training is in the middle" wait_for 60 in_the_middle runs/piped
scancel --batch --signal=USR1 "${stage[2]}"
check "told to move, it is requeued by its script" begin_now "${stage[2]}"
check "what comes behind still waits" is "${stage[3]}" JobState PENDING
for job in "${stage[@]}"; do
    check "job $job ends" wait_for 60 is_over "$job"
    check "job $job is COMPLETED" is "$job" JobState COMPLETED
done
check "the training started twice" is "${stage[2]}" Restarts 1
check "the last job shows the table" says "${stage[3]}" "difference"
OMP_NUM_THREADS=1 mpirun -np 2 "$program" train pipeline.yaml run.name=by_hand \
    "data.train=[{store: stores/piped.h5, split: train}]" \
    "data.eval=[{store: stores/piped.h5, split: dev}]" >by_hand.log 2>&1
check "the weights and the curve are those of the commands run by hand" same_run runs/piped runs/by_hand
for job in "${stage[@]}"; do shown "$job"; done >>jobs

echo "no JSON" >bad.jsonl
NAME=bad "$project/slurm/pipeline.sh" pipeline.yaml bad.jsonl dev.jsonl >stages 2>&1
mapfile -t stage < <(awk '{print $2}' stages)
check "a file that cannot be read fails its job" wait_for 30 is "${stage[0]}" JobState FAILED
check "with the program's own code" is "${stage[0]}" ExitCode 5:0
for job in "${stage[@]:1}"; do
    check "job $job behind it is cancelled" wait_for 40 is "$job" JobState CANCELLED
done
unset TIME NODES TASKS CORES SBATCH_MEM_PER_CPU
