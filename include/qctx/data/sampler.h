/*
 * Which examples stand in which batch: a pure function of (seed, epoch, step), so
 * that neither the number of ranks nor a resume changes what is trained on.
 *
 * An epoch is a permutation of all examples, cut into batches of the global size;
 * the short rest of an epoch is left out (it would weigh its rows more than the
 * others), and falls to other batches in the next epoch.
 */
#ifndef QCTX_DATA_SAMPLER_H
#define QCTX_DATA_SAMPLER_H

#include <stdint.h>

#include "qctx/base/status.h"

typedef struct {
    int64_t count; /* examples */
    int64_t batch; /* global batch size, in [1, count] */
    uint64_t seed;
    int64_t epoch;  /* whose order is held; −1 at first */
    int64_t *order; /* [count] */
} qctx_sampler;

/* Local. The caller frees it with qctx_sampler_destroy. Errors: DATA (a batch larger than the data), MEMORY. */
qctx_status qctx_sampler_create(int64_t count, int64_t batch, uint64_t seed, qctx_sampler *sampler, qctx_error *error);
void qctx_sampler_destroy(qctx_sampler *sampler);

/* Batches of an epoch, at least 1. Local. */
int64_t qctx_sampler_batches(const qctx_sampler *sampler);

/*
 * The examples of batch `index` of `epoch`, [batch], borrowed until the next call with another epoch. Local.
 */
const int64_t *qctx_sampler_batch(qctx_sampler *sampler, int64_t epoch, int64_t index);

#endif
