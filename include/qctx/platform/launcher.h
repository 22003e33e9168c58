/*
 * What started this process, as far as the environment tells: an mpiexec, srun, or a shell. Reads variables alone,
 * without MPI.
 */
#ifndef QCTX_PLATFORM_LAUNCHER_H
#define QCTX_PLATFORM_LAUNCHER_H

#include <stdint.h>

/*
 * Lets MPI start as a process by itself where SLURM brings it no PMI, or has started one task, such as the shell of
 * `srun --pty`: Open MPI, which knows SLURM by SLURM_NODELIST, takes any step for a job whose processes srun started
 * for it, and ends. Before MPI starts. Local.
 */
void qctx_launcher_leave_slurm(void);

/* How many processes were started together, by what the nearest launcher says. */
typedef struct {
    int64_t processes;    /* 0: several, and it is not said how many */
    const char *variable; /* that says so; NULL where none does, with processes 1 */
} qctx_launched;

/*
 * The variables of Open MPI, MVAPICH2, MPICH and Intel MPI, PMIx, and a step of SLURM, in this order; what SLURM says
 * of an allocation or of an interactive shell is no launch. Local. Cannot fail.
 */
qctx_launched qctx_launcher_launched(void);

#endif
