#include "qctx/data/sampler.h"

#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"

qctx_status qctx_sampler_create(int64_t count, int64_t batch, uint64_t seed, qctx_sampler *sampler, qctx_error *error)
{
    if (batch > count) {
        qctx_fail(error, QCTX_ERR_DATA, "batch.size: a batch of %lld is larger than the training data (%lld questions)",
                  (long long)batch, (long long)count);
        if (count < 2)
            return qctx_hint(error, "a question is contrasted with others: train on two at least");
        return qctx_hint(error, "set batch.size to at most %lld, or leave it out: then it follows from the data",
                         (long long)count);
    }
    *sampler = (qctx_sampler){.count = count, .batch = batch, .seed = seed, .epoch = -1};
    sampler->order = qctx_alloc(count, sizeof *sampler->order, "the order of the samples", error);
    return sampler->order == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

void qctx_sampler_destroy(qctx_sampler *sampler)
{
    free(sampler->order);
    sampler->order = NULL;
}

int64_t qctx_sampler_batches(const qctx_sampler *sampler)
{
    return sampler->count / sampler->batch;
}

const int64_t *qctx_sampler_batch(qctx_sampler *sampler, int64_t epoch, int64_t index)
{
    if (sampler->epoch != epoch) {
        qctx_rng_permutation(sampler->order, sampler->count, sampler->seed, QCTX_STREAM_ORDER, (uint64_t)epoch);
        sampler->epoch = epoch;
    }
    return sampler->order + index * sampler->batch;
}
