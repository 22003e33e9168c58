/* The scores of a tile that matter: vectorised comparisons with thresholds, since nearly all of them do not. */
#include <math.h>

#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"
#include "scan.h"

/* Scores that are compared before any of them is looked at. */
enum { PIECE = 32 };

double scan_score(const scan_block *block, const qctx_shard *shard, int64_t question, int64_t candidate)
{
    const int64_t width = shard->width;

    return qctx_score(block->values + question * width, shard->rows.values + candidate * width, width);
}

double scan_bound(const scan_tile *tile, int64_t question)
{
    return qctx_score_bound(tile->precision, tile->shard->width, tile->block->extents[question], tile->most);
}

float scan_float_below(double value)
{
    float nearest = (float)value;

    return (double)nearest > value ? nextafterf(nearest, -INFINITY) : nearest;
}

float scan_float_above(double value)
{
    float nearest = (float)value;

    return (double)nearest < value ? nextafterf(nearest, INFINITY) : nearest;
}

QCTX_MULTIVERSION
int64_t scan_find(const float *scores, int64_t count, float threshold, int32_t *found)
{
    int64_t n = 0;

    for (int64_t first = 0; first < count; first += PIECE) {
        const int64_t last = first + PIECE < count ? first + PIECE : count;
        int any = 0;

        for (int64_t i = first; i < last; i++)
            any |= !(scores[i] < threshold);
        if (!any)
            continue;
        /* Without a branch: which of them it is cannot be foretold. */
        for (int64_t i = first; i < last; i++) {
            found[n] = (int32_t)i;
            n += !(scores[i] < threshold);
        }
    }
    return n;
}

QCTX_MULTIVERSION
int64_t scan_count(const float *scores, int64_t count, float low, float high, int32_t *found, int64_t *found_count)
{
    int64_t above = 0, n = 0;

    for (int64_t first = 0; first < count; first += PIECE) {
        const int64_t last = first + PIECE < count ? first + PIECE : count;
        int32_t higher = 0, lower = 0;

        for (int64_t i = first; i < last; i++) {
            higher += scores[i] > high;
            lower += scores[i] < low;
        }
        above += higher;
        if (higher + lower == last - first)
            continue;
        for (int64_t i = first; i < last; i++) {
            found[n] = (int32_t)i;
            n += !(scores[i] > high) & !(scores[i] < low);
        }
    }
    *found_count = n;
    return above;
}
