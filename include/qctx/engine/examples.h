/*
 * Training examples: the questions of all training sources as one list, less
 * those held out to choose epoch and strength.
 *
 * One example is one question with all its right contexts; a step takes one of them, drawn anew in each epoch, and
 * the others are no negatives for the question.
 */
#ifndef QCTX_ENGINE_EXAMPLES_H
#define QCTX_ENGINE_EXAMPLES_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/engine/config.h"
#include "qctx/engine/evaluate.h"
#include "qctx/engine/sources.h"
#include "qctx/platform/comm.h"

typedef struct {
    int64_t count;
    int32_t *source;   /* [count] index into the training sources */
    int64_t *question; /* [count] row in the source's store */
    int64_t *offsets;  /* [count + 1] into contexts and content */
    int64_t *contexts; /* [offsets[count]] rows in the source's store */
    uint64_t *content; /* [offsets[count]] equal for equal contexts, also across stores */
} qctx_examples;

/* Held-out questions of one training source, with the arrays that `set` borrows. */
typedef struct {
    qctx_eval_set set;
    int64_t *questions;
    int64_t *offsets;
    int64_t *contexts;
} qctx_tuning;

typedef struct {
    qctx_examples examples;
    int64_t tuning_count; /* training sources with held-out questions; 0 with eval.tune 0 */
    qctx_tuning *tuning;
    int64_t tuning_questions; /* in all of them */
} qctx_training_set;

/* The questions of an opened source, up to its limit, for evaluation. Borrows from the source. Local. */
qctx_eval_set qctx_source_questions(const qctx_opened_source *source);

/*
 * Builds the training set of a config from its opened sources. Held out are the questions of eval.tune_split, or whole
 * groups (titles where the stores have them, else contexts) in a seeded order until eval.tune of the questions are
 * reached; no held-out context stands in any example. Every rank builds the same. Collective.
 * Errors: DATA (nothing left to train on; no such split), IO, MEMORY.
 */
qctx_status qctx_training_set_build(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                                    qctx_training_set *set, qctx_error *error);

/* The same without the examples: only which questions are held out. Collective. Errors: IO, MEMORY, DATA. */
qctx_status qctx_training_set_hold_out(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                                       qctx_training_set *set, qctx_error *error);
void qctx_training_set_free(qctx_training_set *set);

#endif
