/*
 * The scheme `rows`: its state, which its two files share. contrastive_rows.c has the memory and a step from end to
 * end, contrastive_rows_exchange.c what goes between the ranks, and the second pass beneath it.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_ROWS_H
#define QCTX_MODEL_CONTRASTIVE_ROWS_H

#include "contrastive_tile_pass.h"

enum {
    LOSS_PARTS = 3 /* column blocks whose gradients are on their way home at a time: one more than are being worked */
};

/* What rides ahead of the column sums. */
enum { LOSS_UNSAFE, LOSS_BROKEN, LOSS_FLAGS };

typedef struct {
    loss_sizes sizes;
    loss_batch_layout layout;
    loss_tile_pass *pass;
    bool offered;

    char *contexts;            /* D [B + E, dim], in the precision of the products */
    double *inverse;           /* 1/‖c‖ of this rank's contexts [rows + extras] */
    double *sums;              /* LOSS_FLAGS, then the column sums [B + E], of which the first B count */
    float *column_max;         /* by row maxima [B + E] */
    double *lanes;             /* [groups, LOSS_LANES] */
    loss_column_block *blocks; /* of the batch, in order: each rank's or leaf's paired contexts, then its extras */
    int64_t *first_block;      /* of each rank's contexts, and the end [ranks + 1] */
    int64_t *first_row;        /* column of each rank's paired contexts [ranks] */
    int64_t *first_extra;      /* and of its extras [ranks] */
    qctx_exchange **arrivals;  /* of the contexts of the rank that is as many ranks further on [2, ranks]: paired ones,
                                  and extras */
    int started;               /* the last of the arrivals that is under way */
    float *parts_out;          /* gradients of other ranks' column blocks [LOSS_PARTS, tile_cols, dim] */
    float *parts_in;           /* of this rank's column blocks, from other ranks, likewise */
    qctx_exchange **exchanges; /* of the parts under way [LOSS_PARTS] */
} loss_rows;

/* Cuts the batch's contexts into column blocks, none with both paired contexts and extras. Local. */
void loss_rows_lay_out(loss_rows *rows);
/* Contexts from column `first` on. Local. */
void *loss_rows_contexts(const loss_rows *rows, int64_t first);
/* The rank whose contexts are worked after those of k others: with leaves in the same order everywhere, else this
 * rank's first, then the others' as they arrive. Local. */
int loss_rows_owner(const loss_rows *rows, int k);

/* Starts to gather D, whose own rows are in place; waits for the contexts of one rank. Local but for the partners. */
void loss_rows_start_gathering(loss_rows *rows);
void loss_rows_await(loss_rows *rows, int owner);

/* The second pass: dq [rows, dim] and dc [rows + extras, dim], cleared before, become the gradients without factor.
 * Collective. */
void loss_rows_differentiate(loss_rows *rows, loss_sums columns, float *dq, float *dc);

extern const loss_scheme loss_scheme_rows;

#endif
