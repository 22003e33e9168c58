/* What the files of the sampler share: sampler.c (what others call), sampler_deal.c (runs, weights, one source). */
#ifndef QCTX_DATA_SAMPLER_INTERNAL_H
#define QCTX_DATA_SAMPLER_INTERNAL_H

#include "qctx/data/sampler.h"

/* Makes sampler->work, and sets rows and batches by it. Errors: MEMORY. */
qctx_status sampler_work_create(qctx_sampler *sampler, qctx_error *error);
void sampler_work_destroy(struct sampler_work *work);

/* sampler->order = that of an epoch. */
void sampler_deal(qctx_sampler *sampler, int64_t epoch);

#endif
