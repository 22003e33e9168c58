/*
 * Which examples stand in which batch: a pure function of (seed, epoch, step), so
 * that neither the number of ranks nor a resume changes what is trained on.
 *
 * An epoch is an order of examples, cut into batches of the global size; the short
 * rest of an epoch is left out (it would weigh its rows more than the others), and
 * falls to other batches in the next epoch.
 *
 * The order is a random permutation. With runs above 1, neighbours stay together: each
 * group of each source is cut into runs, from a random offset on that is drawn anew in
 * each epoch, so that its first run and its last may be shorter, and the order is a
 * random permutation of the runs. Where a batch ends, a run is cut, too.
 *
 * A source of weight w is an endless row of passes over its examples, of which each
 * epoch takes the next w times its length. With w = 1 an epoch has each example once; else
 * those of a part of a pass are drawn at random, and each once before any of them comes again.
 */
#ifndef QCTX_DATA_SAMPLER_H
#define QCTX_DATA_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

/* What is dealt out, and how. The arrays are borrowed as long as the sampler is used. */
typedef struct {
    int64_t count; /* examples */
    int64_t batch; /* global batch size, in [1, examples of an epoch] */
    uint64_t seed;
    int64_t run;            /* neighbours in a row; 1: none, and `groups` is not looked at */
    bool one_source;        /* a batch has examples of one source alone */
    int64_t source_count;   /* 0: all examples are of one, of weight 1 */
    const int32_t *source;  /* [count] ascending, each below source_count */
    const double *weights;  /* [source_count] above 0 */
    const uint64_t *groups; /* [count] equal for examples of one source that are neighbours; their order is that of the
                               examples */
} qctx_sampling;

typedef struct {
    qctx_sampling how;
    int64_t rows;              /* of an epoch */
    int64_t batches;           /* of an epoch */
    int64_t epoch;             /* whose order is held; −1 at first */
    int64_t *order;            /* [rows] */
    struct sampler_work *work; /* NULL: an epoch is a permutation of all examples */
} qctx_sampler;

/*
 * Local. The caller frees it with qctx_sampler_destroy. Errors: DATA (a batch larger than what an epoch has, or with
 * one_source than what it has of each source), MEMORY.
 */
qctx_status qctx_sampler_create(const qctx_sampling *how, qctx_sampler *sampler, qctx_error *error);
void qctx_sampler_destroy(qctx_sampler *sampler);

/* Batches of an epoch, at least 1. Local. */
int64_t qctx_sampler_batches(const qctx_sampler *sampler);

/*
 * The examples of batch `index` of `epoch`, [batch], borrowed until the next call with another epoch. Local.
 */
const int64_t *qctx_sampler_batch(qctx_sampler *sampler, int64_t epoch, int64_t index);

/* How many examples an epoch has of a source of `count` examples and this weight: at least 1. Local. */
int64_t qctx_sampler_share(int64_t count, double weight);

#endif
