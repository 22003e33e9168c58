/* What the measurements share: medians, figures of all ranks, made-up rows. */
#ifndef QCTX_ENGINE_BENCH_INTERNAL_H
#define QCTX_ENGINE_BENCH_INTERNAL_H

#include "qctx/engine/bench.h"

/* 10⁹ and 10⁶: what rates and memory are told in. */
#define BENCH_GIGA 1e9
#define BENCH_MEGA 1e6

/* The median of values [count], count ≥ 1; puts them in order. Local. */
double bench_median(double *values, int64_t count);

/* A figure over the ranks. Collective. */
double bench_mean(qctx_comm *comm, double value);
double bench_most(qctx_comm *comm, double value);

/*
 * The rate of one product on all ranks at a time, in FLOP a second: the mean over the ranks of each one's median.
 * Collective.
 */
double bench_product_rate(qctx_comm *comm, qctx_precision precision, qctx_transpose a_form, qctx_transpose b_form,
                          int64_t m, int64_t n, int64_t k, int64_t times);

/* Sets what every result says: kind, ranks, threads. Local. */
json_t *bench_result(const qctx_comm *comm, const char *kind);

/* A number, or null where it is none (a rate over no bytes). Local. */
json_t *bench_number(double value);

/* `rooms` as it is on rank 0, with an error where it could not be built. Local. Errors: MEMORY. */
qctx_status bench_check(const json_t *result, qctx_error *error);

/* Gaussian numbers of which every row is a stretch; rows begin at different places, so no two are equal. */
typedef struct {
    float *values;
    int64_t dim;
} bench_pool;

/* Local. The caller frees. Errors: MEMORY. */
qctx_status bench_pool_create(int64_t dim, bench_pool *pool, qctx_error *error);
void bench_pool_free(bench_pool *pool);

/* Bytes of a pool. Local. */
int64_t bench_pool_bytes(int64_t dim);

/* out [dim] = row `row` of side 0 or 1, about 2¹⁹ of each without a repetition. Local. */
void bench_pool_row(const bench_pool *pool, int side, int64_t row, float *out);

#endif
