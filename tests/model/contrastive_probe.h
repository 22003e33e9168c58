/*
 * What the tests of the contrastive loss share: a whole batch, the same on all ranks, and a step of any scheme on this
 * rank's rows of it, held against the reference in double.
 */
#ifndef QCTX_TESTS_CONTRASTIVE_PROBE_H
#define QCTX_TESTS_CONTRASTIVE_PROBE_H

#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/model/contrastive.h"

/* Relative errors that a result may have; those of gradients against the largest entry and against the norm. */
typedef struct {
    double loss;
    double gradient;
} probe_bound;

typedef struct {
    int64_t rows, dim;
    int64_t first, count;                     /* this rank's rows */
    int64_t extras, first_extra, extra_count; /* of all ranks, and this rank's */
    float *q, *c;                             /* [rows, dim], [rows + extras, dim] */
    uint64_t *content, *positives;            /* content [rows + extras] */
    int64_t *positive_offsets;
} problem;

/* What a step says about this rank's rows. */
typedef struct {
    int64_t count;  /* floats of the gradient of questions, and of their contexts */
    int64_t extras; /* floats of the extras' gradient, which stands behind that of the paired contexts */
    float *dq, *dc;
    qctx_loss_result result;
} answer;

/* What the reference says about all rows. */
typedef struct {
    double *dq, *dc;
    qctx_loss_result result;
} truth;

/* The losses that every scheme knows, and the one of `full` alone; all schemes. */
enum { PROBE_LOSSES = 5, PROBE_SCHEMES = 3 };
extern const qctx_loss_config probe_losses[PROBE_LOSSES];
extern const qctx_similarity probe_schemes[PROBE_SCHEMES];

/* Zeroed elements; the caller frees them. */
void *probe_array(int64_t count, size_t size);

/* Random vectors; every row has its own context, named 100 + row, as the only positive. */
problem probe_problem(int64_t rows, int64_t dim);

/*
 * Every fifth context is that of the row three before; questions have other positives, some outside the batch, some
 * named twice.
 */
void probe_add_duplicates(problem *p);

/*
 * Adds contexts that answer no question: contents of their own, copies of each other, of paired ones, and of positives
 * that the batch has not.
 */
void probe_add_extras(problem *p, int64_t extras);

/* Gives rank r counts[r] rows, or extras[r] extras. */
void probe_place(problem *p, const int64_t *counts);
void probe_place_extras(problem *p, const int64_t *extras);

/* Frees what a problem, an answer or a truth holds. */
void probe_free(problem *p);
void probe_free_answer(answer *a);
void probe_free_truth(truth *t);

/* This rank's rows of the batch: offsets [count + 1] are from 0 and content [count + extra_count] is in one piece, so
 * they are copied. */
qctx_loss_batch probe_batch(const problem *p, int64_t *offsets, uint64_t *content);

/* This rank's contexts, paired ones and then extras, copied to c [count + extra_count, dim]. */
void probe_contexts(const problem *p, float *c);

/* What a loss for the problem is made for. */
qctx_loss_size probe_size(const problem *p);

/* One step on a handle with room for more than the batch, for a step must not rely on full ones. */
answer probe_step(const problem *p, const qctx_loss_config *config, qctx_loss_scale scale);

/* What the reference says. */
truth probe_truth(const problem *p, const qctx_loss_config *config, qctx_loss_scale scale);

/* Asserts `own` floats of a gradient, which are those from `from` on of `all`, against the largest entry and the norm
 * of all. */
void probe_assert_gradient(const float *actual, int64_t own, const double *expected, int64_t from, int64_t all,
                           double bound);

/* Asserts that a number has the same bits on all ranks. Collective. */
void probe_assert_same(double value);

/* Asserts all of a result, relative to the expected size of each figure. */
void probe_assert(const problem *p, const answer *a, const truth *t, probe_bound bound);

/* Whether a scheme knows a loss. */
bool probe_knows(qctx_similarity scheme, const qctx_loss_config *config);

/* One loss in all schemes that know it, against the reference. */
void probe_check(const problem *p, const qctx_loss_config *config, qctx_loss_scale scale, probe_bound bound);

/* All losses in all schemes, on unit rows at s = `scale` and on rows as they are at a scale that fits them. */
void probe_check_all(const problem *p, double scale, probe_bound bound);

#endif
