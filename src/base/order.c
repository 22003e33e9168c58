#include "qctx/base/order.h"

#include <stdlib.h>

void qctx_share(int64_t total, int64_t part, int64_t parts, int64_t *first, int64_t *count)
{
    int64_t least = total / parts, longer = total % parts;

    *first = part * least + (part < longer ? part : longer);
    *count = least + (part < longer ? 1 : 0);
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

void qctx_sort_doubles(double *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
}

double qctx_median(double *values, int64_t count)
{
    qctx_sort_doubles(values, count);
    return (values[(count - 1) / 2] + values[count / 2]) / 2.0;
}

static int by_value(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

int64_t qctx_sort_unique(int64_t *values, int64_t count)
{
    int64_t kept = 0;

    qsort(values, (size_t)count, sizeof *values, by_value);
    for (int64_t i = 0; i < count; i++)
        if (kept == 0 || values[i] != values[kept - 1])
            values[kept++] = values[i];
    return kept;
}

/* A value sought among sorted ones. */
typedef struct {
    const int64_t *sorted;
    int64_t value;
} sought_value;

static bool is_below(const void *sought, int64_t at)
{
    const sought_value *wanted = sought;

    return wanted->sorted[at] < wanted->value;
}

int64_t qctx_lower_bound(const int64_t *sorted, int64_t count, int64_t value)
{
    return qctx_first_not_before(0, count, is_below, &(sought_value){sorted, value});
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void qctx_sort_numbers(uint64_t *numbers, int64_t count)
{
    if (count > 0)
        qsort(numbers, (size_t)count, sizeof *numbers, compare_numbers);
}

bool qctx_sorted_has(const uint64_t *numbers, int64_t count, uint64_t number)
{
    return count > 0 && bsearch(&number, numbers, (size_t)count, sizeof number, compare_numbers) != NULL;
}
