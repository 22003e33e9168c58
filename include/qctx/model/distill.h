/*
 * Distillation: what a teacher's scores of some contexts of a question say to the head, beside the contrastive loss.
 *
 * A question has a list of k contexts that a teacher scored, t₁ … t_k. The student's scores are those of the
 * contrastive loss, zⱼ = s·q·cⱼ, of unit length if `normalize`; the teacher's are divided by a temperature τ:
 *
 *   kl          Lᵢ = Σⱼ pⱼ·(log pⱼ − log πⱼ), p = softmax(t/τ), π = softmax(z), over the list    (listwise, as
 * RocketQAv2, Ren et al. 2021, section 3.2, distils a cross-encoder) margin_mse  Lᵢ = mean over pairs (r, w) of ((z_r −
 * z_w) − (t_r − t_w)/τ)², r a context that answers the question and w one that does not    (Hofstätter et al. 2020,
 * equation 7)
 *
 * Lᵢ is a function of the question and its own list alone: it is computed where the question is, and no two ranks
 * exchange anything for it. A list that makes no pair has Lᵢ = 0.
 */
#ifndef QCTX_MODEL_DISTILL_H
#define QCTX_MODEL_DISTILL_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

typedef enum { QCTX_DISTILL_KL, QCTX_DISTILL_MARGIN_MSE } qctx_distill_kind;
extern const char *const qctx_distill_kind_names[];

/* What a scored context is to its question. */
typedef enum {
    QCTX_SCORED_RIGHT,  /* makes a training pair with it */
    QCTX_SCORED_WRONG,  /* nothing says that it answers */
    QCTX_SCORED_NEITHER /* no pair, and no wrong answer either: judged below data.min_grade, or of the same id */
} qctx_scored_role;

typedef struct {
    qctx_distill_kind kind;
    bool normalize;
    double temperature; /* τ > 0 */
    int64_t dim;
} qctx_distill_config;

/* The most that a call is given. */
typedef struct {
    int64_t rows;     /* questions */
    int64_t entries;  /* of their lists together */
    int64_t contexts; /* different ones in these */
} qctx_distill_size;

/* Questions [rows] with their lists. */
typedef struct {
    int64_t rows;
    const int64_t *offsets; /* [rows + 1]: entries offsets[i] … offsets[i + 1] − 1 are question i's; empty: no list */
    const int64_t *contexts; /* of each entry: its row among the contexts; one question has each at most once */
    const float *scores;     /* of each entry: the teacher's, t */
    const uint8_t *roles;    /* of each entry: a qctx_scored_role */
} qctx_distill_lists;

typedef struct {
    double loss;       /* Σᵢ Lᵢ */
    double dlog_scale; /* of factor·Σᵢ Lᵢ by log s */
} qctx_distill_sums;

typedef struct qctx_distill qctx_distill;

/* Memory for calls of up to `size`. Local. The caller destroys it (NULL-safe). Errors: MEMORY. */
qctx_status qctx_distill_create(const qctx_distill_config *config, qctx_distill_size size, qctx_distill **created,
                                qctx_error *error);
void qctx_distill_destroy(qctx_distill *distill);

/* Bytes that qctx_distill_create allocates. Local. */
int64_t qctx_distill_memory(qctx_distill_size size);

/*
 * For questions q [rows, dim] and contexts c [contexts, dim], not yet normalised: dq [rows, dim] becomes, and c is
 * replaced by, the gradient of factor·Σᵢ Lᵢ at the scale s. A row of zeros has none where `normalize`. The same bits
 * for any number of threads. Local. Cannot fail; what is not finite shows in the sums.
 */
qctx_distill_sums qctx_distill_step(qctx_distill *distill, const float *q, float *c, int64_t contexts,
                                    const qctx_distill_lists *lists, double scale, double factor, float *dq);

#endif
