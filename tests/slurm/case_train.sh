# Sourced by run.sh: one job of training each that is preempted, cancelled in two ways, out of time, and robbed of a rank,
# under srun and mpirun, most of them at the same time.

two="--nodes=1 --ntasks-per-node=2 --time=10 --partition=low"
# shellcheck disable=SC2086
{
    submit $two --nodelist=n1 "$project/slurm/train.sbatch" train.yaml run.name=preempted
    preempted=$job
    LAUNCHER=mpirun submit $two --nodelist=n2 --time=1 --signal=B:USR1@30 "$project/slurm/train.sbatch" train.yaml \
        run.name=out_of_time
    out_of_time=$job
    LAUNCHER=mpirun submit $two --nodelist=n2 "$project/slurm/train.sbatch" train.yaml run.name=cancelled
    cancelled=$job
}

# Held in the middle of a step until its time limit comes near.
check "a job for the time limit is in the middle" wait_for 60 in_the_middle runs/out_of_time
xargs kill -STOP <"ranks-$out_of_time"

check "a job for preemption is in the middle" wait_for 60 in_the_middle runs/preempted
submit --partition=high --nodelist=n1 --exclusive --ntasks=1 --time=1 --output=high.out --wrap "sleep 1"
high=$job

check "a job to cancel is in the middle" wait_for 60 in_the_middle runs/cancelled
scancel "$cancelled"
# shellcheck disable=SC2086
submit $two --nodelist=n2 "$project/slurm/train.sbatch" train.yaml run.name=stopped
stopped=$job

check "the job of high ends well" wait_for 60 is "$high" JobState COMPLETED
check "the preempted job is requeued" begin_now "$preempted"

check "the cancelled job ends" wait_for 40 is_over "$cancelled"
check "its state is CANCELLED" is "$cancelled" JobState CANCELLED
check "it left a checkpoint" left_in_the_middle runs/cancelled
check "its script was told" says "$cancelled" "SIGTERM"

check "a job to stop by a signal is in the middle" wait_for 60 in_the_middle runs/stopped
scancel --signal=TERM "$stopped"
check "the job that got TERM ends" wait_for 40 is_over "$stopped"
check "its state is FAILED" is "$stopped" JobState FAILED
check "its code is 75" is "$stopped" ExitCode 75:0
check "it was not requeued" is "$stopped" Restarts 0
check "it left a checkpoint, too" left_in_the_middle runs/stopped

# shellcheck disable=SC2086
submit $two "$project/slurm/train.sbatch" train.yaml run.name=killed
killed=$job
check "a job to lose a rank is in the middle" wait_for 60 in_the_middle runs/killed
kill -KILL "$(tail -n 1 "ranks-$killed")"
check "the job that lost a rank ends" wait_for 40 is_over "$killed"
check "its state is FAILED, too" is "$killed" JobState FAILED
check "it left a checkpoint as well" left_in_the_middle runs/killed

# Handed in again, what was stopped goes on, here over both nodes.
both="--nodes=2 --ntasks-per-node=1 --time=10 --partition=low"
# shellcheck disable=SC2086
{
    LAUNCHER=mpirun submit $both "$project/slurm/train.sbatch" train.yaml run.name=cancelled
    again_mpirun=$job
    submit $both "$project/slurm/train.sbatch" train.yaml run.name=stopped
    again_srun=$job
}

check "the time limit comes near" wait_for 70 says "$out_of_time" "SIGUSR1"
xargs kill -CONT <"ranks-$out_of_time"
check "the job out of time is requeued by its script" begin_now "$out_of_time"
# A busy machine may want more than the minute that is the least SLURM knows.
scontrol update JobId="$out_of_time" TimeLimit=10

for job in "$preempted" "$out_of_time" "$again_mpirun" "$again_srun"; do
    check "job $job ends" wait_for 90 is_over "$job"
    check "job $job is COMPLETED with 0:0" is "$job" JobState COMPLETED
done
check "the preempted one started twice" is "$preempted" Restarts 1
check "the one out of time started twice" is "$out_of_time" Restarts 1
check "preempted: the weights and the curve of the unbroken run" same_run runs/preempted runs/unbroken
check "out of time: the weights and the curve of the unbroken run" same_run runs/out_of_time runs/unbroken
check "cancelled, then mpirun over two nodes: the weights and the curve of the unbroken run" \
    same_run runs/cancelled runs/unbroken
check "stopped, then srun over two nodes: the weights and the curve of the unbroken run" \
    same_run runs/stopped runs/unbroken
for job in "$preempted" "$high" "$cancelled" "$stopped" "$killed" "$again_mpirun" "$again_srun" "$out_of_time"; do shown "$job"; done >>jobs
