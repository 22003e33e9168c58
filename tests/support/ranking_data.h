/*
 * Rows whose products are exact: small whole numbers, so that scores tie often
 * and a test's own sums give the very same scores in any order.
 */
#ifndef QCTX_TESTS_SUPPORT_RANKING_DATA_H
#define QCTX_TESTS_SUPPORT_RANKING_DATA_H

#include "harness.h"

#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/evaluation/evaluate.h"

enum { RANKING_DIM = 8 };

/* Rows and the answers of a set; question i of the set is row count − 1 − i, so that rows and places differ. */
typedef struct {
    int64_t questions;
    int64_t contexts;
    float *sides[2]; /* [rows, RANKING_DIM] */
    int64_t *rows;
    int64_t *offsets;
    int64_t *answers;
    qctx_eval_set set;
    qctx_rows from[2];
    qctx_projector projector; /* no head, plain dot product */
} ranking_data;

/* Question i has 1 + i mod 3 right contexts, ascending, drawn from all (as many as there are, if fewer). */
ranking_data ranking_make(int64_t questions, int64_t contexts);

void ranking_free(ranking_data *data);

/* Exact in double and in float. */
double ranking_score(const ranking_data *data, int64_t question, int64_t context);

/* A candidate and its score, for sorting: best first, then the lower row. */
typedef struct {
    double score;
    int64_t row;
} ranking_entry;

int ranking_compare(const void *a, const void *b);

#endif
