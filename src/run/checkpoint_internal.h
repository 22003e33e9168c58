/*
 * What the files of a checkpoint share: checkpoint.c (the whole), checkpoint_header.c (the bytes in front, by which it
 * is verified), checkpoint_attributes.c and checkpoint_arrays.c (what the HDF5 file holds), checkpoint_progress.c
 * (whether a run can have come that far).
 */
#ifndef QCTX_RUN_CHECKPOINT_INTERNAL_H
#define QCTX_RUN_CHECKPOINT_INTERNAL_H

#include "qctx/run/checkpoint.h"

#define CHECKPOINT_SCHEMA "qctx-checkpoint"

enum { CHECKPOINT_FRONT = 512 /* bytes before the HDF5 file */ };

/* By which a mean of shares may be above 1. */
#define CHECKPOINT_ROUNDING 1e-9

/*
 * All attributes, to and from an open file; `path` is for messages. What was read before a failure is the checkpoint's,
 * to be freed with it. Local. Errors: those of HDF5, MEMORY; reading also FORMAT, DATA, and MISMATCH of a file whose
 * way of taking steps is no longer known.
 */
qctx_status checkpoint_write_attributes(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error);
qctx_status checkpoint_read_attributes(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint,
                                       qctx_error *error);

/* All arrays likewise; they are read after the attributes, which say their shapes, from a file of `bytes` bytes. */
qctx_status checkpoint_write_arrays(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error);
qctx_status checkpoint_read_arrays(const qctx_h5 *file, const char *path, int64_t bytes, qctx_checkpoint *checkpoint,
                                   qctx_error *error);

/*
 * Whether the attributes of the run's progress agree with each other and with the arrays; both are read. Local. Errors:
 * FORMAT.
 */
qctx_status checkpoint_check_progress(const char *path, const qctx_checkpoint *checkpoint, qctx_error *error);

/*
 * The whole file's bytes, verified against their header: the HDF5 file begins at CHECKPOINT_FRONT and is as it was
 * written. The caller frees image->bytes. Local. Errors: IO, MEMORY, FORMAT, DATA.
 */
qctx_status checkpoint_load(const char *path, qctx_h5_image *image, qctx_error *error);

#endif
