/*
 * The scheme `full`: its state, and which of its files does which part; contrastive_full.c has the memory and a step
 * from end to end. The algebra, with the same names, stands in docs/contrastive-loss.md.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_FULL_H
#define QCTX_MODEL_CONTRASTIVE_FULL_H

#include "contrastive_scheme.h"

typedef struct loss_full loss_full;

/* A softmax over rows or columns, one entry each: exp(x − max)·inverse, with log_sum = −log(inverse). */
typedef struct {
    float *max;
    float *inverse;
    float *log_sum;
} loss_softmax;

/* A context of the batch, for the search by content. */
typedef struct {
    uint64_t content;
    int64_t column;
} loss_context;

/* What a kind of loss does, and what it needs for it. One row a kind, in contrastive_full.c. */
typedef struct {
    /*
     * From S to G in this rank's rows and columns, G without the factor of L's mean, which goes to loss->mean. Returns
     * this rank's part of the sum that L is the mean of. Local.
     */
    double (*differentiate)(loss_full *loss);
    bool has_mask;    /* takes out what is no negative: needs `mask` */
    bool has_targets; /* of its own, in which the gradient flows too: needs `targets` and what belongs to them */
} loss_kind;

struct loss_full {
    qctx_comm *comm;
    loss_sizes sizes;
    const loss_kind *kind;

    /* The batch at hand. */
    loss_place place;
    int64_t pitch; /* floats from one row of a [B, B + E] block to the next */
    int64_t words; /* of 64 mask bits, for a row */
    double scale;  /* s */
    double bias;   /* β of sigmoid */
    double mean;   /* L is this times a sum */
    double g_sum;  /* sigmoid: this rank's part of the sum that ∂L/∂β is the mean of */

    float *questions;       /* Q [B, dim] */
    float *contexts;        /* D [B + E, dim] */
    double *q_inverse;      /* 1/‖q‖ of this rank's rows, 0 for a row of zeros */
    double *c_inverse;      /* 1/‖c‖ likewise, of its extras too */
    float *scores;          /* S [B, pitch], then G = ∂L/∂S in this rank's rows and columns */
    float *targets;         /* has_targets: T [B, pitch], then the gradient of what T is the softmax of */
    loss_softmax by_row;    /* of S, [B] */
    loss_softmax by_column; /* of its paired columns */
    float *target_mass;     /* has_targets: column sums of T [B] */
    float *agreement;       /* has_targets: Σⱼ Tᵢⱼ·(log-softmaxes of S at i, j) [B] */
    uint64_t *content;      /* content numbers of all columns [B + E] */
    loss_context *order;    /* the same, sorted [B + E] */
    uint64_t *own_mask;     /* bit (i, j) is set where context j is no negative of this rank's question i [b, words] */
    uint64_t *mask;         /* has_mask: the same for all rows [B, words], else NULL */
};

/* contrastive_full_mask.c: which pairs are no negatives. */

/* Fills own_mask, and mask where there is one. Collective. */
void loss_mask_build(loss_full *loss, const qctx_loss_batch *batch);
/* Number of this rank's rows whose own score is above all unmasked others of the row. Reads S as computed. Local. */
int64_t loss_mask_wins(const loss_full *loss);
/* Takes the masked entries out of S: −infinity, after scaling. Local. */
void loss_mask_apply(loss_full *loss);

/* contrastive_full_scores.c: the passes over [B, B + E] blocks. */

/* S = s·Q·Dᵀ. Local. */
void loss_scores(loss_full *loss);
/* The `differentiate` of a kind each; soft also goes from Q and D to T and to the gradient of its logarithm (in
 * `targets`). Local. */
double loss_clip(loss_full *loss);
double loss_soft(loss_full *loss);
double loss_sigmoid(loss_full *loss);

/* contrastive_full_kernels.c: one row, or one column block. Sums are float32 within pieces and double between them.
 */

/* Columns of a block: small enough that its running values stay in the first cache. */
enum { LOSS_COLUMN_BLOCK = 128 };

/* max and Σ exp(x − max). Local. */
void loss_row_sum(const float *x, int64_t count, float *max, double *sum);
/* max and Σ exp(x − max) of each of `width` ≤ LOSS_COLUMN_BLOCK columns over `rows` rows. Local. */
void loss_column_sums(const float *x, int64_t pitch, int64_t rows, int64_t width, float *max, double *sum);
/* Plain column sums. Local. */
void loss_column_mass(const float *x, int64_t pitch, int64_t rows, int64_t width, double *sum);
/* Number of entries ≥ bound. Local. */
int64_t loss_count_from(const float *x, int64_t count, float bound);
/* x = exp(x − max)·inverse. Local. */
void loss_row_softmax(float *x, int64_t count, float max, float inverse);
/* xⱼ = exp(xⱼ − maxⱼ)·inverseⱼ. Local. */
void loss_column_softmax(float *x, int64_t count, const float *max, const float *inverse);
/* The sum of the two. Local. */
void loss_both_softmax(float *x, int64_t count, float row_max, float row_inverse, const float *max,
                       const float *inverse);
/* Σⱼ tⱼ·uⱼ, u the sum of the two log-softmaxes of x; columns from `at` on. Local. */
double loss_agreement(const float *x, const float *t, int64_t count, float row_max, float row_log_sum,
                      const loss_softmax *columns);
/* x → its gradient, t → its logits' gradient, for `count` columns from column `from` on. Local. */
void loss_soft_gradient(float *x, float *t, int64_t from, int64_t count, int64_t row, const loss_full *loss);

extern const loss_scheme loss_scheme_full;

#endif
