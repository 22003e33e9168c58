/*
 * The contexts that a question is contrasted with beside those of its batch: the whole corpus, where loss.candidates
 * asks for it, or those that are listed for each question.
 *
 * The whole corpus is all that answers a training question, each content once, in the order of sources and rows. A
 * context that no training question asks for (of a title that is held out, or of a tuning question) is not among
 * them: as nobody's answer it would only ever be pushed away from questions, and those who ask for it would no longer
 * find it.
 */
#ifndef QCTX_DATASET_NEGATIVES_H
#define QCTX_DATASET_NEGATIVES_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/dataset/examples.h"

/* Where such a context stands. */
typedef struct {
    uint64_t content;
    int64_t row;    /* in the source's store */
    int32_t source; /* index into the training sources */
} qctx_negative;

typedef struct {
    int64_t count;
    qctx_negative *list; /* [count] */
} qctx_negatives;

/* Lists them. The caller frees the list, also after a failure. Local. Errors: MEMORY. */
qctx_status qctx_negatives_build(const qctx_examples *examples, qctx_negatives *negatives, qctx_error *error);
void qctx_negatives_free(qctx_negatives *negatives);

/* Contexts listed by example, whoever found them: mined (mining/mine) or given. */
typedef struct {
    qctx_negatives pool; /* all of them, each content once, ascending by content */
    int64_t examples;
    int64_t *offsets; /* [examples + 1] into places */
    int64_t *places;  /* [offsets[examples]] in the pool, in the order of the list */
} qctx_listed_negatives;

/*
 * Makes the lists of contexts listed[offsets[i] … offsets[i + 1] − 1] of each example i; of copies of a content the
 * first by source and row stands in the pool. The caller frees them, also after a failure. Local. Errors: MEMORY.
 */
qctx_status qctx_listed_negatives_make(int64_t examples, const int64_t *offsets, const qctx_negative *listed,
                                       qctx_listed_negatives *lists, qctx_error *error);
void qctx_listed_negatives_free(qctx_listed_negatives *lists);

/* How many examples have fewer than `count` listed. Local. */
int64_t qctx_listed_negatives_short(const qctx_listed_negatives *lists, int64_t count);

#endif
