#include "qctx/data/sampler.h"

#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/base/rng.h"
#include "sampler_internal.h"

static bool is_permutation(const qctx_sampling *how)
{
    if (how->run > 1 || how->one_source)
        return false;
    for (int64_t s = 0; s < how->source_count; s++)
        if (how->weights[s] != 1.0)
            return false;
    return true;
}

static qctx_status refuse_batch(const qctx_sampler *sampler, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_DATA, "batch.size: a batch of %lld is larger than the training data (%lld question%s%s)",
              (long long)sampler->how.batch, (long long)sampler->rows, qctx_plural(sampler->rows),
              sampler->rows == sampler->how.count ? "" : " an epoch, by the sources' weights");
    if (sampler->rows < 2)
        return qctx_hint(error, "a question is contrasted with others: train on two at least");
    return qctx_hint(error, "set batch.size to at most %lld, or leave it out: then it follows from the data",
                     (long long)sampler->rows);
}

qctx_status qctx_sampler_create(const qctx_sampling *how, qctx_sampler *sampler, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *sampler = (qctx_sampler){.how = *how, .rows = how->count, .batches = how->count / how->batch, .epoch = -1};
    if (!is_permutation(how))
        status = sampler_work_create(sampler, error);
    if (status == QCTX_OK && sampler->batches == 0)
        status = refuse_batch(sampler, error);
    if (status == QCTX_OK) {
        sampler->order = qctx_alloc(sampler->rows, sizeof *sampler->order, "the order of the samples", error);
        status = sampler->order == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    if (status != QCTX_OK)
        qctx_sampler_destroy(sampler);
    return status;
}

void qctx_sampler_destroy(qctx_sampler *sampler)
{
    sampler_work_destroy(sampler->work);
    free(sampler->order);
    sampler->work = NULL;
    sampler->order = NULL;
}

int64_t qctx_sampler_batches(const qctx_sampler *sampler)
{
    return sampler->batches;
}

const int64_t *qctx_sampler_batch(qctx_sampler *sampler, int64_t epoch, int64_t index)
{
    if (sampler->epoch != epoch && sampler->work != NULL)
        sampler_deal(sampler, epoch);
    else if (sampler->epoch != epoch)
        qctx_rng_permutation(sampler->order, sampler->how.count, sampler->how.seed, QCTX_STREAM_ORDER, (uint64_t)epoch);
    sampler->epoch = epoch;
    return sampler->order + index * sampler->how.batch;
}
