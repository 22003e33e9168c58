# ranks: 1
# What started the program, told by hand: shells of SLURM, in which it runs alone, and the mpiexec of another MPI, whose
# processes each find themselves alone.
source tests/support/cli.sh
RANKS=0

# A shell of `srun --pty`, as SLURM 22.05 surrounds it; of one task in an allocation of four.
allocation="SLURM_JOB_ID=7 SLURM_JOBID=7 SLURM_NNODES=1 SLURM_NODELIST=n1 SLURM_JOB_NODELIST=n1 SLURM_TASKS_PER_NODE=4"
step="SLURM_STEP_ID=0 SLURM_STEPID=0 SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_STEP_NODELIST=n1
      SLURM_SRUN_COMM_PORT=36877"

# A batch script that is handed in from anywhere else says what it is missing, with SLURM or without.
for script in train embed sweep command; do
    expect 2 "./slurm: no common.sh there; call sbatch from the project's folder, or set QCTX_SLURM to where it is" \
        env -u SLURM_SUBMIT_DIR -u QCTX_SLURM bash "$project/slurm/$script.sbatch" config.yaml
done
expect 2 "$folder/slurm: no common.sh there" \
    env -u QCTX_SLURM SLURM_SUBMIT_DIR="$folder" bash "$project/slurm/train.sbatch" config.yaml
expect 2 "build/qctx-dist: no such program" \
    env -u QCTX QCTX_SLURM="$project/slurm" bash "$project/slurm/train.sbatch" config.yaml

# shellcheck disable=SC2086
{
    expect 0 "200 questions" env $allocation $step SLURM_NTASKS=1 "$program" synth --out corpus --questions 200
    expect 0 "questions" env $allocation $step SLURM_NTASKS=1 SLURM_STEP_NUM_TASKS=1 "$program" info corpus
    expect 0 "questions" env SLURM_JOB_ID=7 SLURM_NODELIST=n1 $step SLURM_NTASKS=1 "$program" info corpus
    printf 'question\tcontext\nwho?\tshe.\n' >pairs.tsv
    expect 0 "1 question," env $allocation $step SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4 SLURM_PTY_PORT=40000 \
        "$program" import --out pairs --split train pairs.tsv
    cat >small.yaml <<'END'
data: {train: [{corpus: corpus}], eval: [{corpus: corpus}]}
batch: {size: 32, epochs: 1}
model: {hidden: 8}
END
    expect 0 "Results: runs/a" env $allocation $step SLURM_NTASKS=1 "$program" train small.yaml run.name=a
    expect 0 "  1  0." env $allocation $step SLURM_NTASKS=1 "$program" search runs/a "who?"
    # salloc and sbatch: many tasks, none of them started yet; and salloc's interactive step.
    expect 0 "Results: runs/b" env $allocation SLURM_NTASKS=4 SLURM_PROCID=0 "$program" train small.yaml run.name=b
    expect 0 "Results: runs/c" env $allocation SLURM_NTASKS=4 SLURM_STEP_ID=4294967290 SLURM_STEPID=4294967290 \
        "$program" train small.yaml run.name=c

    # Four tasks of an srun that brings no PMI.
    expect 7 "one of 4 by SLURM_NTASKS," env $allocation $step SLURM_NTASKS=4 "$program" train small.yaml run.name=d
    expect 7 "srun --mpi=pmix" env $allocation $step SLURM_NTASKS=4 "$program" synth --out other
}
# The mpiexec of MPICH or Intel MPI, and that of Open MPI where the program has another.
expect 7 "one of 4 by PMI_SIZE, but rank 0 of 1" env PMI_SIZE=4 PMI_RANK=2 "$program" train small.yaml run.name=d
expect 7 "env -u MPI_LOCALNRANKS" env MPI_LOCALNRANKS=2 "$program" embed corpus
expect 7 "one of 2 by OMPI_COMM_WORLD_SIZE," env OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=1 "$program" eval runs/a
expect 7 "one of several by PMIX_RANK" env PMIX_RANK=3 "$program" sweep small.yaml
check "nothing was written" test ! -e runs/d -a ! -e other
expect 0 "warning: this process is one of 4 by PMI_SIZE" env PMI_SIZE=4 PMI_RANK=2 "$program" info runs/a
expect 0 "usage:" env PMI_SIZE=4 PMI_RANK=2 "$program" train --help
# What is one process, and what its own mpirun started.
expect 0 "Results: runs/e" env PMI_SIZE=1 PMI_RANK=0 "$program" train small.yaml run.name=e
expect 0 "Results: runs/f" env PMI_SIZE=4 mpirun -np 2 "$program" train small.yaml run.name=f
