/* What writing (checkpoints.c), the folder (checkpoints_folder.c) and reading (checkpoints_read.c) share. */
#ifndef QCTX_RUN_CHECKPOINTS_INTERNAL_H
#define QCTX_RUN_CHECKPOINTS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

/* The folder of checkpoints in the run folder `run`; freshly allocated, or NULL. */
char *checkpoints_folder(const char *run, qctx_error *error);

/* Refuses a link in the place of the folder of checkpoints, or of `file` in it. Local. Errors: IO, MEMORY. */
qctx_status checkpoints_refuse_links(const char *run, const char *file, qctx_error *error);

/*
 * The steps of a run's checkpoints, newest first, freshly allocated; none where there is no folder of them. Local.
 * Errors: IO, MEMORY.
 */
qctx_status checkpoints_list(const char *run, int64_t **steps, int64_t *count, qctx_error *error);

/* Removes what a kill left half-written, and all checkpoints unless `resume`. Local. Errors: IO, MEMORY. */
qctx_status checkpoints_clean(const char *run, bool resume, qctx_error *error);

/*
 * Once that of step `written` is safe: removes the checkpoints of later steps, which were damaged, since the run went
 * on from before them, and all but the newest `keep`. What cannot be removed stays: the run is not in danger. Local.
 */
void checkpoints_prune(const char *run, int64_t written, int64_t keep);

#endif
