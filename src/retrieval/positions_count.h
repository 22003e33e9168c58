/* What counting over a scan and counting in pools share. */
#ifndef QCTX_RETRIEVAL_POSITIONS_COUNT_H
#define QCTX_RETRIEVAL_POSITIONS_COUNT_H

#include <stdint.h>

/* Scores of one question and consecutive candidates, and the rows that settle them. */
typedef struct {
    const float *scores; /* [count] of a product */
    int64_t count;       /* at most SCAN_TILE */
    double bound;        /* they are at most so far from qctx_score */
    const float *question;
    const float *contexts; /* [count, width] */
    int64_t width;
} positions_row;

/*
 * How many of the row's candidates stand above a target with score `target` whose index in the row would be `place`
 * (below 0 or from `count` on where it is in another): higher scores, and equal ones with a lower index. Adds to
 * *settled how many of them took qctx_score. Local. Cannot fail.
 */
int64_t positions_count(const positions_row *row, int64_t place, double target, int64_t *settled);

#endif
