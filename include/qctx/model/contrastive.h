/*
 * The contrastive loss over the global batch of all ranks, exact, and its
 * gradient for this rank's rows.
 *
 * B rows in the global batch, rank r holds b_r of them (any b_r ≥ 0, Σ b_r = B), in rank order.
 * Q, D [B, d]: projected questions and contexts, unit length if `normalize`. S = s·Q·Dᵀ with s = exp(t).
 * Entry (i, j), j ≠ i, is masked (no negative) when context j answers question i, be it as the same content or as
 * another of its positives; it leaves both log-sums.
 *
 *   clip, both        L = (1/2B) Σᵢ (rᵢ + cᵢ − 2Sᵢᵢ), r and c the log-sums of rows and columns (CLIP, Radford et al.
 *                     2021, figure 3)
 *   clip, one way     L = (1/B) Σᵢ (rᵢ − Sᵢᵢ)   question → context, or (1/B) Σᵢ (cᵢ − Sᵢᵢ)  context → question
 *   soft              the seed system's: targets T = row-softmax((QQᵀ + DDᵀ)/2s), L = −(1/2B) Σᵢⱼ Tᵢⱼ (2Sᵢⱼ − rᵢ − cⱼ);
 *                     the gradient flows through T; nothing is masked, the targets already tell duplicates
 *
 * Scheme `full`: Q and D are all-gathered and every rank computes all of S (one [B, B] float32 block, two for soft)
 * and back-propagates its own rows; nothing is exchanged in the backward pass. Algebra: docs/contrastive-loss.md.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_H
#define QCTX_MODEL_CONTRASTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"

typedef enum { QCTX_LOSS_CLIP, QCTX_LOSS_SOFT } qctx_loss_kind;
typedef enum { QCTX_DIRECTION_BOTH, QCTX_DIRECTION_QUESTION, QCTX_DIRECTION_CONTEXT } qctx_loss_direction;

typedef struct {
    qctx_loss_kind kind;
    qctx_loss_direction direction; /* of clip; the others have none */
    bool normalize;                /* rows are brought to unit length first (cosine), else plain dot products */
} qctx_loss_config;

typedef struct qctx_loss qctx_loss;

/* What a batch means beside its vectors, for this rank's b rows. */
typedef struct {
    int64_t rows;                    /* b */
    const uint64_t *content;         /* [b] content number of the row's context; equal for equal contexts */
    const int64_t *positive_offsets; /* [b + 1] into positives */
    const uint64_t *positives;       /* contents of all positives of the row's question (its own context included) */
} qctx_loss_batch;

typedef struct {
    double loss;       /* the same on all ranks, and for any N but for rounding */
    double dlog_scale; /* ∂L/∂t, complete (not a rank's part), the same on all ranks */
    double accuracy;   /* share of rows whose own context scores above all unmasked others of the batch */
    bool finite;       /* loss and gradients are finite on every rank */
} qctx_loss_result;

/*
 * Memory for batches of up to `rows_max` rows on this rank and `batch_max` rows in all, d floats a row.
 * Collective. The caller destroys it (NULL-safe). Errors: MEMORY (the same on all ranks).
 */
qctx_status qctx_loss_create(qctx_comm *comm, const qctx_loss_config *config, int64_t rows_max, int64_t batch_max,
                             int64_t dim, qctx_loss **created, qctx_error *error);
void qctx_loss_destroy(qctx_loss *loss);

/*
 * Loss and gradient of one global batch. q, c [rows, d]: this rank's projected questions and contexts, not yet
 * normalised; dq, dc [rows, d] receive ∂L/∂q and ∂L/∂c for this rank's rows (L is the mean over the global batch:
 * summing the ranks' parameter gradients gives the gradient of L, no division by the rank count).
 * With `normalize`, a row of zeros has no gradient. A batch of no rows at all has loss 0 and is finite.
 * Collective. Cannot fail; what is not finite is told in result->finite.
 */
void qctx_loss_step(qctx_loss *loss, const float *q, const float *c, const qctx_loss_batch *batch, double log_scale,
                    float *dq, float *dc, qctx_loss_result *result);

/*
 * Reference: the same loss and gradients for the whole batch on one rank, in double, straight from the formulas.
 * Used by tests. q, c, dq, dc [rows, d]. Local. Without the memory for it, the loss is NaN and not finite.
 */
void qctx_loss_reference(const qctx_loss_config *config, const double *q, const double *c, int64_t rows, int64_t dim,
                         const qctx_loss_batch *batch, double log_scale, double *dq, double *dc,
                         qctx_loss_result *result);

#endif
