/*
 * What the contrastive loss is, and what of it can be asked for together.
 *
 * B rows in the global batch, rank r holds b_r of them (any b_r ≥ 0, Σ b_r = B), in rank order.
 * Q, D [B, d]: projected questions and contexts, unit length if `normalize`. S = s·Q·Dᵀ with s = exp(t).
 * Entry (i, j), j ≠ i, is masked (no negative) when context j answers question i, be it as the same content or as
 * another of its positives; it leaves both log-sums.
 *
 * Beside the B paired contexts a step may have E further ones, which answer no question of the batch ("extras"; rank r
 * holds e_r of them, any e_r ≥ 0, in rank order). Each question meets all B + E contexts: S is [B, B + E], rᵢ and
 * sigmoid's sums run over all of its columns, masks hold for all of them, and L stays the mean over B. What a context
 * says of questions (cⱼ) is asked of the paired ones alone. A content counts as often as it stands there: who names an
 * extra that is paired as well, or twice, weighs it twice.
 *
 *   clip, both        L = (1/2B) Σᵢ (rᵢ + cᵢ − 2Sᵢᵢ), r and c the log-sums of rows and columns (CLIP, Radford et al.
 *                     2021, figure 3)
 *   clip, one way     L = (1/B) Σᵢ (rᵢ − Sᵢᵢ)   question → context, or (1/B) Σᵢ (cᵢ − Sᵢᵢ)  context → question
 *   soft              QuestionContext's: targets T = row-softmax((QQᵀ + DDᵀ)/2s), L = −(1/2B) Σᵢⱼ Tᵢⱼ (2Sᵢⱼ − rᵢ − cⱼ);
 *                     the gradient flows through T; nothing is masked, the targets already tell duplicates
 *   sigmoid           L = −(1/B) Σᵢⱼ log σ(zᵢⱼ·(Sᵢⱼ + β)), z = 1 on the diagonal and −1 elsewhere, β a learned bias
 *                     (SigLIP, Zhai et al. 2023, section 3.2)
 *
 * Schemes share the work; all give the same loss and the same gradients, but for rounding. Per rank, in products:
 *
 *   full  every rank computes all of S (one [B, B] float32 block, two for soft) and back-propagates its own rows: the
 *         plain reference, always float32, the only one that knows `soft`. 2B²d + 4bBd
 *   rows  S of own rows; column sums are added over the ranks, gradients of contexts go back to their owners: the
 *         fewest operations, 6bBd, and 2bBd more for scores that are computed again, not kept
 *   ring  as rows, but no rank ever holds all contexts: they pass around in chunks. 8bBd, memory O(b·d)
 *
 * All but `full` work S tile by tile. Algebra, bytes and memory: docs/contrastive-loss.md.
 */
#ifndef QCTX_MODEL_LOSS_H
#define QCTX_MODEL_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/linalg/product.h"

typedef enum { QCTX_LOSS_CLIP, QCTX_LOSS_SOFT, QCTX_LOSS_SIGMOID } qctx_loss_kind;
extern const char *const qctx_loss_kind_names[];
typedef enum { QCTX_DIRECTION_BOTH, QCTX_DIRECTION_QUESTION, QCTX_DIRECTION_CONTEXT } qctx_loss_direction;
extern const char *const qctx_loss_direction_names[];
/* Of the contexts of the training: which a question meets. */
typedef enum { QCTX_LOSS_CANDIDATES_BATCH, QCTX_LOSS_CANDIDATES_CORPUS } qctx_loss_candidates;
extern const char *const qctx_loss_candidates_names[];
/* AUTO is for the configuration: training/planner makes one of the others of it. */
typedef enum { QCTX_SIMILARITY_AUTO, QCTX_SIMILARITY_FULL, QCTX_SIMILARITY_ROWS, QCTX_SIMILARITY_RING } qctx_similarity;
extern const char *const qctx_similarity_names[];

typedef struct {
    qctx_loss_kind kind;
    qctx_loss_direction direction; /* of clip; the others have none */
    bool normalize;                /* rows are brought to unit length first (cosine), else plain dot products */
    qctx_similarity scheme;        /* not AUTO */
    qctx_precision precision;      /* of the products' operands and of what is gathered; float32 for `full` */
    int64_t leaves;                /* 0, or the leaves of base/tree_sum: then the bits are the same for any size of comm
                                      that qctx_leaf_is_invariant allows; rows only. A rank's rows must
                                      be those of its leaves */
    int64_t keep_bytes; /* memory for scores that are kept between the two passes over S; the rest is computed
                           again. Changes no bit. ≥ 0; full, ring and sigmoid have no use for it */
} qctx_loss_config;

/* The most that the steps of a loss are made of. */
typedef struct {
    int64_t rows;         /* b of this rank */
    int64_t batch;        /* B */
    int64_t extras;       /* e of this rank */
    int64_t batch_extras; /* E */
    int64_t dim;          /* d */
} qctx_loss_size;

/* What a batch means beside its vectors, for this rank's b rows and e extras. */
typedef struct {
    int64_t rows;                    /* b */
    const uint64_t *content;         /* [b + e] content number of each context; equal for equal contexts */
    const int64_t *positive_offsets; /* [b + 1] into positives */
    const uint64_t *positives;       /* contents of all positives of the row's question (its own context included) */
    int64_t extras;                  /* e */
} qctx_loss_batch;

/* What is learned beside the head. */
typedef struct {
    double log_scale; /* t */
    double bias;      /* β of sigmoid; unused by the others */
} qctx_loss_scale;

typedef struct {
    double loss;       /* the same on all ranks, and for any N but for rounding */
    double dlog_scale; /* ∂L/∂t, complete (not a rank's part), the same on all ranks */
    double dbias;      /* ∂L/∂β likewise; 0 but for sigmoid */
    double accuracy;   /* share of rows whose own context scores above all unmasked others of the batch */
    bool finite;       /* loss and gradients are finite on every rank */
} qctx_loss_result;

/*
 * What is asked for together that nothing can give, whatever the sizes and the machine: the key of the configuration
 * that has to change, and why, with what would work. `key` is NULL where all is well.
 */
typedef struct {
    const char *key;
    const char *reason;
} qctx_loss_conflict;

/* The one place that knows which kinds, schemes, precisions and modes go together; AUTO is fine. Local. */
qctx_loss_conflict qctx_loss_check(qctx_loss_kind kind, qctx_similarity similarity, qctx_precision precision,
                                   bool reproducible);

/* The same of extras: which losses have a use for them. Local. */
qctx_loss_conflict qctx_loss_check_extras(qctx_loss_kind kind, qctx_loss_direction direction);

#endif
