/* What the encoder learns: document frequencies, the mean length, the largest norm. */
#include <math.h>
#include <stdlib.h>

#include "hashing_internal.h"
#include "qctx/base/order.h"
#include "qctx/platform/stop.h"

/* A thread joins its counts when so many have come, and then when they have doubled: most features come again. */
enum { COMPACT_FROM = 1 << 20 };

static qctx_status count_features(const hashing_state *state, hashing_analyser *analyser, int64_t index, void *argument,
                                  qctx_error *error)
{
    const hashing_counts *features = &analyser->features;
    hashing_counts *df = &analyser->df;
    qctx_status status = qctx_stop_check(error);

    (void)state, (void)index, (void)argument;
    analyser->total_length += analyser->length;
    /* Growing doubles the capacity: joining first, at the moment of growing, keeps the memory near the result's. */
    if (df->count + features->count > df->capacity && df->count >= COMPACT_FROM)
        hashing_counts_compact(df, 0);
    for (int64_t i = 0; i < features->count && status == QCTX_OK; i++)
        status = hashing_counts_add(df, features->items[i].hash, 1, error);
    return status;
}

static qctx_status take_features(hashing_analyser *analyser, void *argument, qctx_error *error)
{
    hashing_state *learned = argument;
    qctx_status status = QCTX_OK;

    learned->total_length += analyser->total_length;
    hashing_counts_compact(&analyser->df, 0);
    for (int64_t i = 0; i < analyser->df.count && status == QCTX_OK; i++)
        status = hashing_counts_add(&learned->df, analyser->df.items[i].hash, analyser->df.items[i].count, error);
    return status;
}

static qctx_status measure_norm(const hashing_state *state, hashing_analyser *analyser, int64_t index, void *argument,
                                qctx_error *error)
{
    (void)index, (void)argument;
    analyser->largest_norm = fmax(analyser->largest_norm, hashing_sum_context(state, analyser));
    return qctx_stop_check(error);
}

static qctx_status take_norm(hashing_analyser *analyser, void *argument, qctx_error *error)
{
    double *largest = argument;

    (void)error;
    *largest = fmax(*largest, analyser->largest_norm);
    return QCTX_OK;
}

/* Two passes: norms need the mean length of all ranks' contexts, and features take more room than texts. */
qctx_status hashing_fit(void *opaque, qctx_comm *comm, const char *const *texts, int64_t count, qctx_error *error)
{
    hashing_state *state = opaque;
    hashing_state learned = *state;
    int64_t first, own;
    qctx_status status = QCTX_OK;

    learned.df = (hashing_counts){0};
    learned.contexts = count;
    learned.total_length = 0;
    learned.largest_norm = 0.0;
    if (count == 0)
        status = qctx_fail(error, QCTX_ERR_DATA, "there are no contexts to fit the hashing encoder to");
    qctx_share(count, qctx_comm_rank(comm), qctx_comm_size(comm), &first, &own);
    if (status == QCTX_OK)
        status = hashing_for_each(state, texts + first, own, count_features, take_features, &learned, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;

    qctx_comm_sum_int64(comm, &learned.total_length, 1);
    status = hashing_counts_merge(comm, &learned.df, HASHING_LEAST_DF, error);
    if (status != QCTX_OK)
        goto out;

    status = hashing_for_each(&learned, texts + first, own, measure_norm, take_norm, &learned.largest_norm, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;
    qctx_comm_max_double(comm, &learned.largest_norm, 1);

    free(state->df.items);
    *state = learned;
    learned.df = (hashing_counts){0};
out:
    free(learned.df.items);
    return status;
}
