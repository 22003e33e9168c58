/* Whole numbers in order: the smaller of two, and sorted lists. */
#ifndef QCTX_BASE_ORDER_H
#define QCTX_BASE_ORDER_H

#include <stdint.h>

/* Local. Cannot fail. */
static inline int64_t qctx_smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Sorts values [count], ascending, and drops repetitions; returns how many are left. Local. */
int64_t qctx_sort_unique(int64_t *values, int64_t count);

#endif
