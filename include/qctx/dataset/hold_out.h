/*
 * Which training questions are held out, to choose epoch, strength and the weights of joined encoders by.
 *
 * Held out are the questions of eval.tune_split, or whole groups (titles where the stores have them, else contexts) in
 * a seeded order until eval.tune of the questions are reached (qctx_hold_out_wanted). Questions that share a context
 * with those are not trained on. Where that would take more than half of the others, as in sets that judge many
 * contexts a question, exactly eval.tune of the questions are held out, each by itself, and their contexts stay in
 * training. So it is where the corpus stays: where most questions of the sources' other splits ask for contexts that
 * training questions ask for, those that choose must be of the kind that the head is for. A function of the
 * configuration and the sources alone: every rank divides alike.
 */
#ifndef QCTX_DATASET_HOLD_OUT_H
#define QCTX_DATASET_HOLD_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/dataset/context_keys.h"
#include "qctx/dataset/opened.h"
#include "qctx/evaluation/evaluate.h"

/* Held-out questions of one training source, with the arrays that `set` borrows. */
typedef struct {
    qctx_eval_set set;
    int64_t *questions;
    int64_t *offsets;
    int64_t *contexts;
    float *grades; /* NULL: all 1 */
} qctx_tuning;

typedef struct {
    int64_t count;     /* training sources with held-out questions; 0 with eval.tune 0 */
    qctx_tuning *sets; /* [count] */
    int64_t questions; /* in all of them */
} qctx_held_out;

/* A training question: which source, and which question of its split. */
typedef struct {
    int32_t source;
    int64_t index;
    bool held_out;
} qctx_training_question;

/* The contexts of one training source that make training pairs: there, and of data.min_grade or above. */
typedef struct {
    int64_t *offsets;  /* [questions + 1] of the source, up to its limit */
    int64_t *contexts; /* [offsets[questions]] rows */
} qctx_training_pairs;

/* The training questions, divided. Borrows config and sources. */
typedef struct {
    const qctx_config *config;
    const qctx_opened *opened;
    qctx_context_keys *keys;    /* [train_count] */
    qctx_training_pairs *pairs; /* [train_count] */
    int64_t count;
    /* [count] of all training sources, by source, those with pairs; none marked with eval.tune_split */
    qctx_training_question *questions;
    bool corpus_stays;    /* most questions of other splits ask for contexts that training questions ask for */
    bool shares_contexts; /* single questions are marked, whose contexts are trained on as well */
    int64_t content_count;
    uint64_t *contents; /* of all right contexts of the marked questions, sorted; none where these are trained on */
} qctx_division;

/*
 * How many of the training questions a share holds out; with AUTO 5%, and of few questions more: 200, but at most a
 * fifth. Local.
 */
int64_t qctx_hold_out_wanted(double share, int64_t questions);

/*
 * Divides the training questions and lists those that are held out. The caller frees both, also after a failure.
 * Local. Errors: DATA (no such split), IO, MEMORY.
 */
qctx_status qctx_hold_out(const qctx_config *config, const qctx_opened *opened, qctx_division *division,
                          qctx_held_out *held_out, qctx_error *error);
void qctx_division_free(qctx_division *division);
void qctx_held_out_free(qctx_held_out *held_out);

/* The rows of the contexts that a training question makes pairs with. Local. */
const int64_t *qctx_division_contexts(const qctx_division *division, const qctx_training_question *question,
                                      int64_t *count);

/* Whether a training question has a right context that no example may have, since it is a held-out question's. Local.
 */
bool qctx_division_is_touched(const qctx_division *division, const qctx_training_question *question);

#endif
