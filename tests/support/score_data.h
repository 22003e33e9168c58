/* Rows of real numbers that are hard to rank, and their scores by plain loops in double. */
#ifndef QCTX_TESTS_SUPPORT_SCORE_DATA_H
#define QCTX_TESTS_SUPPORT_SCORE_DATA_H

#include "harness.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/data/side.h"

typedef enum {
    ROWS_RANDOM,
    ROWS_CLUSTERED,   /* a few centres, with differences of the size of bfloat16's rounding */
    ROWS_NEARLY_TIED, /* contexts that differ by less than float32 products can tell */
    ROWS_EQUAL,       /* every context several times */
    ROWS_SIZES,       /* norms from 1e-36 to 1e36: products overflow and vanish */
    ROWS_BROKEN,      /* some rows with infinities and with what is not a number */
    ROWS_KINDS
} rows_kind;

/* rows [count, dim], the caller's to free(). */
float *rows_make(rows_kind kind, qctx_side side, int64_t count, int64_t dim);

/* What is not a number counts as the lowest score. */
double rows_score(const float *question, const float *context, int64_t dim);

#endif
