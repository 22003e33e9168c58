/* Numbers in order: the smaller and the larger of two, parts of a length, sorted lists, medians. */
#ifndef QCTX_BASE_ORDER_H
#define QCTX_BASE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* The smaller and the larger of two numbers. Local. Cannot fail. */
static inline int64_t qctx_smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t qctx_larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ⌈count/by⌉, count ≥ 0, by ≥ 1. Local. Cannot fail. */
static inline int64_t qctx_divide_up(int64_t count, int64_t by)
{
    return (count + by - 1) / by;
}

/*
 * The contiguous share of `total` items that falls to part `part` of `parts`: shares differ by at most one, earlier
 * parts hold the longer ones; a share may be empty. Local.
 */
void qctx_share(int64_t total, int64_t part, int64_t parts, int64_t *first, int64_t *count);

/* Sorts values [count], ascending. Local. */
void qctx_sort_doubles(double *values, int64_t count);

/* The median of values [count], count ≥ 1, which it sorts; the mean of the middle two where there are two. Local. */
double qctx_median(double *values, int64_t count);

/* Sorts values [count], ascending, and drops repetitions; returns how many are left. Local. */
int64_t qctx_sort_unique(int64_t *values, int64_t count);

/* Sorts numbers [count], ascending. Local. */
void qctx_sort_numbers(uint64_t *numbers, int64_t count);

/* Whether ascending numbers [count] hold a number. Local. */
bool qctx_sorted_has(const uint64_t *numbers, int64_t count, uint64_t number);

/* Whether what stands at place `at` of a sorted order comes before what is sought. */
typedef bool (*qctx_is_before)(const void *sought, int64_t at);

/*
 * The first of the places first … end − 1 that is not before what is sought, or `end`: a binary search in whatever is
 * sorted. Local. Cannot fail.
 */
static inline int64_t qctx_first_not_before(int64_t first, int64_t end, qctx_is_before is_before, const void *sought)
{
    while (first < end) {
        int64_t middle = first + (end - first) / 2;

        if (is_before(sought, middle))
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* The first place in `sorted` [count], ascending, whose value is not below `value`; `count` where there is none. Local.
 */
int64_t qctx_lower_bound(const int64_t *sorted, int64_t count, int64_t value);

#endif
