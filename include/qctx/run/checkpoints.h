/*
 * Keeps the checkpoints of a run in its folder: checkpoints/step-000000800.h5, the newest `keep` of them, and best.h5.
 *
 * Writing overlaps the next steps: qctx_checkpoints_keep copies what is to be kept (rank 0 encodes the file's bytes),
 * and a thread of rank 0 writes, syncs and renames them, then removes what is too old. The thread calls neither MPI nor
 * HDF5. A failure of it is reported, on all ranks, by the next call. One is under way at a time.
 */
#ifndef QCTX_RUN_CHECKPOINTS_H
#define QCTX_RUN_CHECKPOINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"
#include "qctx/run/checkpoint.h"

typedef struct qctx_checkpoints qctx_checkpoints;

/* Where the run folder `run` has its checkpoint of step `step`, and its best.h5; freshly allocated. Local. */
char *qctx_checkpoints_step_path(const char *run, int64_t step, qctx_error *error);
char *qctx_checkpoints_best_path(const char *run, qctx_error *error);

/* The step of the newest of them by name, whole or not; 0 without one. Local. Cannot fail. */
int64_t qctx_checkpoints_newest_step(const char *run);

/*
 * For the run folder `run`, which exists; makes its folder of checkpoints and removes what a kill left half-written
 * there, and all checkpoints unless `resume`. Collective. The caller destroys it. Errors: IO, SPACE, MEMORY.
 */
qctx_status qctx_checkpoints_create(qctx_comm *comm, const char *run, int64_t keep, bool resume,
                                    qctx_checkpoints **created, qctx_error *error);

/*
 * Begins to keep a checkpoint of step `checkpoint->progress.step`; the values are the caller's again on return. Waits
 * for the one before. Collective. Errors: those of the one before, MEMORY.
 */
qctx_status qctx_checkpoints_keep(qctx_checkpoints *checkpoints, const qctx_checkpoint *checkpoint, qctx_error *error);

/* The same for best.h5: parameters and strength of `checkpoint` only. Collective. Errors: as qctx_checkpoints_keep. */
qctx_status qctx_checkpoints_keep_best(qctx_checkpoints *checkpoints, const qctx_checkpoint *checkpoint,
                                       qctx_error *error);

/* Waits until all is on the disk. Collective. Errors: IO, SPACE. */
qctx_status qctx_checkpoints_wait(qctx_checkpoints *checkpoints, qctx_error *error);

/* Waits, without a word about failures. NULL-safe. Local. */
void qctx_checkpoints_destroy(qctx_checkpoints *checkpoints);

/*
 * Reads the newest checkpoint of a run folder that is whole. One that is torn, damaged or unreadable is named in a
 * warning, and the one before it is tried. `*path` is its path, the caller's to free, or NULL where the folder holds no
 * checkpoint. Collective. Errors: DATA (there are checkpoints, but none is whole), IO, MEMORY.
 */
qctx_status qctx_checkpoints_read_newest(qctx_comm *comm, const char *run, qctx_checkpoint *checkpoint, char **path,
                                         qctx_error *error);

#endif
