#include "qctx/evaluation/novelty.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"

const char *const qctx_novelty_names[] = {
    [QCTX_NEW_QUESTION] = "question", [QCTX_NEW_CONTEXT] = "context", [QCTX_NEW_TITLE] = "title", NULL};

bool qctx_novelty_is_known(const qctx_novelty *novelty)
{
    return novelty->counts[QCTX_NEW_QUESTION] + novelty->counts[QCTX_NEW_CONTEXT] + novelty->counts[QCTX_NEW_TITLE] > 0;
}

bool qctx_novelty_is_mixed(const qctx_novelty *novelty)
{
    return novelty->counts[QCTX_NEW_QUESTION] > 0 &&
           novelty->counts[QCTX_NEW_CONTEXT] + novelty->counts[QCTX_NEW_TITLE] > 0;
}

/* The rows of one side, one behind the other; returns how many they are. */
static int64_t take(const unsigned char *classes, bool known, const double *values, int64_t count, double *taken)
{
    int64_t used = 0;

    for (int64_t i = 0; i < count; i++)
        if ((classes[i] == QCTX_NEW_QUESTION) == known)
            memcpy(taken + used++ * QCTX_METRIC_COUNT, values + i * QCTX_METRIC_COUNT,
                   QCTX_METRIC_COUNT * sizeof *values);
    return used;
}

qctx_status qctx_novelty_compare(qctx_comm *comm, const unsigned char *classes, const double *base, const double *head,
                                 int64_t count, int64_t resamples, uint64_t seed, qctx_novelty *novelty,
                                 qctx_error *error)
{
    double *taken[2] = {qctx_alloc(count * QCTX_METRIC_COUNT, sizeof *taken[0], "figures", error),
                        qctx_alloc(count * QCTX_METRIC_COUNT, sizeof *taken[1], "figures", error)};
    qctx_status status = taken[0] == NULL || taken[1] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    *novelty = (qctx_novelty){0};
    for (int64_t i = 0; i < count; i++)
        novelty->counts[classes[i]]++;
    status = qctx_agree(comm, status, error);
    for (int side = 0; side < 2 && status == QCTX_OK && qctx_novelty_is_mixed(novelty); side++) {
        const bool known = side == 0;
        const int64_t used = take(classes, known, base, count, taken[0]);

        take(classes, known, head, count, taken[1]);
        status = qctx_metrics_compare(comm, taken[0], taken[1], used, resamples, seed,
                                      known ? &novelty->known : &novelty->others, error);
    }
    free(taken[0]);
    free(taken[1]);
    return status;
}
