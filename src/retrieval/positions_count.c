#include "positions_count.h"

#include <math.h>
#include <stdbool.h>

#include "scan.h"

int64_t positions_count(const positions_row *row, int64_t place, double target, int64_t *settled)
{
    /* Without a bound nothing is certain; nor where the target is −infinity, beside which no bound has a meaning. */
    const bool certain = isfinite(row->bound) && isfinite(target);
    const float low = certain ? scan_float_below(target - row->bound) : -INFINITY;
    const float high = certain ? scan_float_above(target + row->bound) : INFINITY;
    int32_t found[SCAN_TILE];
    int64_t n;
    int64_t above = scan_count(row->scores, row->count, low, high, found, &n);

    for (int64_t i = 0; i < n; i++) {
        const double score = qctx_score(row->question, row->contexts + found[i] * row->width, row->width);

        above += score > target || (score == target && found[i] < place);
    }
    *settled += n;
    return above;
}
