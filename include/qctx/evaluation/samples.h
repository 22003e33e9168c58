/*
 * A few questions, to be looked at as a head is trained: what it ranks first among all contexts of the corpus, and
 * where the right context stands.
 */
#ifndef QCTX_EVALUATION_SAMPLES_H
#define QCTX_EVALUATION_SAMPLES_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/evaluation/evaluate.h"

/* The texts are the caller's: qctx_samples_free. */
typedef struct {
    char *id; /* of the question, and its text */
    char *question;
    char *first;      /* text of the context that is ranked first */
    int64_t position; /* of the best right context, from 1 */
} qctx_sample;

/*
 * samples [count] = those of questions asked[count] of the set, whose rows are a store's; each must have a right
 * context that is there. The same on all ranks. Collective. Errors: MEMORY, IO.
 */
qctx_status qctx_samples_find(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                              double relevant, const int64_t *asked, int64_t count, qctx_sample *samples,
                              qctx_error *error);
void qctx_samples_free(qctx_sample *samples, int64_t count);

/* Whether a question has a right context that is there: one of grade `relevant` or above. Local. */
bool qctx_samples_may_ask(const qctx_eval_set *set, double relevant, int64_t question);

#endif
