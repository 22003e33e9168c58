/* A small checkpoint with something in every field. */
#ifndef QCTX_TESTS_MADE_CHECKPOINT_H
#define QCTX_TESTS_MADE_CHECKPOINT_H

#include "qctx/run/checkpoint.h"

/* Borrows static arrays that the next call fills with the same values. */
qctx_checkpoint made_checkpoint(void);

/* Writes it under `path`, sealed, on rank 0; all ranks wait. Collective. */
void write_checkpoint(const char *path, const qctx_checkpoint *checkpoint);

#endif
