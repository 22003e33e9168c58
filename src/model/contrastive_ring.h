/*
 * The scheme `ring`: its state, which its two files share. contrastive_ring.c has the memory, what is worked for the
 * contexts that pass, and a step from end to end; contrastive_ring_travel.c how they travel.
 */
#ifndef QCTX_MODEL_CONTRASTIVE_RING_H
#define QCTX_MODEL_CONTRASTIVE_RING_H

#include "contrastive_tile_pass.h"

typedef struct {
    loss_sizes sizes;
    loss_batch_layout layout;
    loss_tile_pass *pass;
    bool offered;

    char *contexts;    /* D of this rank's contexts [rows + extras, dim], in the precision of the products */
    double *inverse;   /* 1/‖c‖ [rows + extras] */
    loss_sums columns; /* of this rank's contexts, once they are home [rows + extras]; of the first `rows` they count */
    double *lanes;     /* [LOSS_LANES] */
    int64_t chunk_rows; /* most of a chunk */
    char *chunks[2];    /* the one at hand and the next: contexts, then their sums */
    char *parts[2];     /* this rank's part of what follows the chunk, being made and being sent */
    char *arrived;      /* what the ranks before added */
    float *dq, *dc;     /* of the step */
} loss_ring;

/* Some contexts of one rank, here for the time of a hop. */
typedef struct {
    int64_t first; /* a column */
    int64_t count;
    const void *contexts; /* [count, dim] */
    loss_sums columns;    /* in the second pass: their sums [count] */
} loss_chunk;

/* The payload of one way round: what follows the chunks. */
typedef struct {
    int64_t row_bytes; /* for each context */
    bool with_sums;    /* whether the contexts bring their sums */
    /* This rank's part for a chunk. */
    void (*work)(loss_ring *ring, const loss_chunk *chunk, void *part);
    /* part [count contexts] += what the ranks before added. */
    void (*join)(loss_ring *ring, int64_t count, void *arrived, void *part);
    /* Keeps the whole of this rank's contexts from its row `first` on, extras behind paired ones. */
    void (*keep)(loss_ring *ring, int64_t first, int64_t count, void *whole);
} loss_ring_payload;

/* Bytes of a column's sum and maximum. */
enum { LOSS_SUMS_BYTES = sizeof(double) + sizeof(float) };

/* Sums [count], then maxima [count], of columns that stand at `place`. Local. */
loss_sums loss_ring_sums_at(void *place, int64_t count);
/* Bytes of one context. Local. */
int64_t loss_ring_context_bytes(const loss_ring *ring);

/* Sends all contexts of all ranks round once, paired ones and then extras, with what follows them. Collective. */
void loss_ring_travel(loss_ring *ring, const loss_ring_payload *payload);

extern const loss_scheme loss_scheme_ring;

#endif
