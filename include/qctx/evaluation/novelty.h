/*
 * How new questions are to a head: new questions to contexts that it was trained to find, or to others. The two say
 * different things of a head, and tables show them apart.
 */
#ifndef QCTX_EVALUATION_NOVELTY_H
#define QCTX_EVALUATION_NOVELTY_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/platform/comm.h"

/* What a question asks for: a context that training questions ask for, another of a title that theirs have, or neither.
 */
typedef enum { QCTX_NEW_QUESTION, QCTX_NEW_CONTEXT, QCTX_NEW_TITLE, QCTX_NOVELTY_COUNT } qctx_novelty_class;
extern const char *const qctx_novelty_names[];

typedef struct {
    int64_t counts[QCTX_NOVELTY_COUNT]; /* questions of each class; all 0: it is not known */
    qctx_comparison known;              /* of NEW_QUESTION alone, and of all others, where there are both */
    qctx_comparison others;
} qctx_novelty;

/* Whether anything is known. Local. */
bool qctx_novelty_is_known(const qctx_novelty *novelty);

/* Whether there are questions on both sides, which `known` and `others` compare. Local. */
bool qctx_novelty_is_mixed(const qctx_novelty *novelty);

/*
 * Counts classes [count] of questions and compares two systems on both sides, by base and head [count,
 * QCTX_METRIC_COUNT], as qctx_metrics_compare does. Collective. Errors: MEMORY.
 */
qctx_status qctx_novelty_compare(qctx_comm *comm, const unsigned char *classes, const double *base, const double *head,
                                 int64_t count, int64_t resamples, uint64_t seed, qctx_novelty *novelty,
                                 qctx_error *error);

#endif
