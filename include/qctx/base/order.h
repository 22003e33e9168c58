/* Whole numbers: the smaller of two, how many parts cover a length, and sorted lists. */
#ifndef QCTX_BASE_ORDER_H
#define QCTX_BASE_ORDER_H

#include <stdint.h>

/* Local. Cannot fail. */
static inline int64_t qctx_smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ⌈count/by⌉, count ≥ 0, by ≥ 1. Local. Cannot fail. */
static inline int64_t qctx_divide_up(int64_t count, int64_t by)
{
    return (count + by - 1) / by;
}

/* Sorts values [count], ascending, and drops repetitions; returns how many are left. Local. */
int64_t qctx_sort_unique(int64_t *values, int64_t count);

#endif
