/* A corpus and its vectors, as small as they can be with something of everything, and their store on the way to it. */
#ifndef QCTX_TESTS_TINY_STORE_H
#define QCTX_TESTS_TINY_STORE_H

#include "qctx/store/store_writer.h"

/* Valid as long as the process. The encoder is the built-in one, fitted. */
const qctx_store_description *tiny_store_description(void);
const qctx_store_batches *tiny_store_batches(void);

/* Puts all batches that are not done, or those of the bits `wanted` among them. Local. */
qctx_status tiny_store_put(qctx_store_writer *writer, unsigned wanted, qctx_error *error);

/* Writes the store under `path`: whole, or partial as a job leaves it that failed after the batches `wanted`. Local. */
void tiny_store_write(const char *path);
void tiny_store_write_partial(const char *path, unsigned wanted);

#endif
