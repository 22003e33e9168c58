/*
 * Training examples: the questions of all training sources as one list, less
 * those held out to choose epoch and strength.
 *
 * One example is one question with all its right contexts; a step takes one of them, drawn anew in each epoch, and
 * the others are no negatives for the question. Nor are contexts that are no pairs but no wrong answers either: those
 * judged below data.min_grade, and the one that has the question's own id.
 */
#ifndef QCTX_DATASET_EXAMPLES_H
#define QCTX_DATASET_EXAMPLES_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/dataset/hold_out.h"
#include "qctx/dataset/opened.h"
#include "qctx/platform/comm.h"

typedef struct {
    int64_t count;
    int32_t *source;   /* [count] index into the training sources, ascending */
    int64_t *question; /* [count] row in the source's store */
    int64_t *offsets;  /* [count + 1] into contexts and content */
    int64_t *pairs;    /* [count] how many of an example's contexts, its first, may be drawn; NULL: all */
    int64_t *contexts; /* [offsets[count]] rows in the source's store */
    uint64_t *content; /* [offsets[count]] equal for equal contexts, also across stores */
    uint64_t *titles;  /* [count] equal for examples whose (first) context is of one title; 0: it has none */
} qctx_examples;

typedef struct {
    qctx_examples examples;
    qctx_held_out held_out;
    qctx_examples held_out_examples; /* the same questions as examples, of which a loss can be taken */
} qctx_training_set;

/*
 * Builds the training set of a config from its opened sources; no held-out context stands in any example. Every rank
 * builds the same. Collective. Errors: DATA (nothing left to train on; no such split), IO, MEMORY.
 */
qctx_status qctx_training_set_build(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                                    qctx_training_set *set, qctx_error *error);
void qctx_training_set_free(qctx_training_set *set);

/*
 * A hash of what examples train on: their pairs, and all vectors of the stores of `opened` that these are rows of. No
 * paths, ranks or machines are in it; it is never 0. Local. Cannot fail.
 */
int64_t qctx_examples_fingerprint(const qctx_examples *examples, const qctx_opened *opened);

/* How many of an example's contexts, its first, may be drawn. Local. */
int64_t qctx_examples_pairs(const qctx_examples *examples, int64_t example);

/* The most contexts that one of the examples has. Local. */
int64_t qctx_examples_most_contexts(const qctx_examples *examples);

#endif
