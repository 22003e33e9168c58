/*
 * The contexts that a question is contrasted with beside those of its batch, where loss.candidates asks for it: all
 * that answer a training question, each content once, in the order of sources and rows.
 *
 * A context that no training question asks for (of a title that is held out, or of a tuning question) is not among
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

#endif
