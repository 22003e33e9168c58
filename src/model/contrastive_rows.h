/* What the files of the scheme `rows` share: its state, and what is exchanged. */
#ifndef QCTX_MODEL_CONTRASTIVE_ROWS_H
#define QCTX_MODEL_CONTRASTIVE_ROWS_H

#include "contrastive_sweep.h"

enum {
    LOSS_PARTS = 3 /* strips whose gradients are on their way home at a time: one more than the two being worked */
};

/* What rides ahead of the column sums. */
enum { LOSS_UNSAFE, LOSS_BROKEN, LOSS_FLAGS };

typedef struct {
    loss_sizes sizes;
    loss_roll roll;
    loss_sweep *sweep;
    bool offered;

    char *contexts;           /* D [B, dim], in the precision of the products */
    double *inverse;          /* 1/‖c‖ of this rank's rows [rows] */
    double *sums;             /* LOSS_FLAGS, then the column sums [B] */
    float *column_max;        /* the careful way [B] */
    double *lanes;            /* [groups, LOSS_LANES] */
    loss_strip *strips;       /* of the batch, in order */
    int64_t *first_strip;     /* of each rank's contexts, and the end [ranks + 1] */
    int64_t *first_row;       /* of each rank's contexts [ranks] */
    qctx_exchange **arrivals; /* of the contexts that many ranks further on [ranks] */
    int started;              /* the last of them under way */
    float *parts_out;         /* gradients of other ranks' strips [LOSS_PARTS, tile_cols, dim] */
    float *parts_in;          /* of this rank's, from others */
    qctx_exchange **passes;   /* [LOSS_PARTS] */
} loss_rows;

/* Cuts the batch's contexts into strips. Local. */
void loss_rows_lay_out(loss_rows *rows);
/* Contexts from row `first` of the batch on. Local. */
void *loss_rows_contexts(const loss_rows *rows, int64_t first);
/* Whose contexts are worked as number k of the ranks': with leaves the same order everywhere, else the own first, then
 * as they arrive. Local. */
int loss_rows_owner(const loss_rows *rows, int k);

/* Starts to gather D, whose own rows are in place; waits for the contexts of one rank. Local but for the partners. */
void loss_rows_start_gathering(loss_rows *rows);
void loss_rows_await(loss_rows *rows, int owner);

/* Pass 2: dq and dc [rows, dim], cleared before, become the gradients without factor. Collective. */
void loss_rows_differentiate(loss_rows *rows, loss_sums columns, float *dq, float *dc);

#endif
