/* The rows of analysed texts: sums of their features, weighted for contexts and for questions. */
#include <math.h>
#include <string.h>

#include "hashing_internal.h"
#include "qctx/base/order.h"

/* Adds `value` where feature `hash` belongs. */
static void add_feature(double *row, int64_t dim, uint64_t hash, double value)
{
    row[hash % (uint64_t)(dim - 1)] += hash >> 63 ? value : -value;
}

static double norm_of(const double *row, int64_t dim)
{
    double sum = 0.0;

    for (int64_t j = 0; j < dim - 1; j++)
        sum += row[j] * row[j];
    return sqrt(sum);
}

double hashing_sum_context(const hashing_state *state, hashing_analyser *analyser)
{
    double mean = (double)state->total_length / (double)state->contexts;
    double relative = mean > 0.0 ? (double)analyser->length / mean : 1.0;
    double damping = state->k1 * (1.0 - state->b + state->b * relative);
    const hashing_count *features = analyser->features.items;

    memset(analyser->row, 0, (size_t)state->dim * sizeof *analyser->row);
    for (int64_t i = 0; i < analyser->features.count; i++) {
        double tf = (double)features[i].count;
        double weight = i < analyser->word_features ? 1.0 : state->ngram_weight;

        add_feature(analyser->row, state->dim, features[i].hash, weight * tf * (state->k1 + 1.0) / (tf + damping));
    }
    return norm_of(analyser->row, state->dim);
}

/* A feature sought among those with counts. */
typedef struct {
    const hashing_count *items;
    uint64_t hash;
} sought_count;

static bool is_before(const void *sought, int64_t at)
{
    const sought_count *wanted = sought;

    return wanted->items[at].hash < wanted->hash;
}

static double idf(const hashing_state *state, uint64_t hash)
{
    const hashing_count *items = state->df.items;
    int64_t at = qctx_first_not_before(0, state->df.count, is_before, &(sought_count){items, hash});
    uint64_t df = HASHING_LEAST_DF - 1;

    if (at < state->df.count && items[at].hash == hash)
        df = items[at].count;
    return sqrt(1.0 + log((double)(state->contexts + 1) / (double)(df + 1)));
}

void hashing_fill_context(const hashing_state *state, hashing_analyser *analyser, float *row)
{
    double norm = hashing_sum_context(state, analyser);
    bool longer = norm > 0.0 && norm >= state->largest_norm;
    double scale = norm == 0.0 ? 0.0 : longer ? 1.0 / norm : 1.0 / state->largest_norm;

    for (int64_t j = 0; j < state->dim - 1; j++)
        row[j] = (float)(analyser->row[j] * scale);
    row[state->dim - 1] = longer ? 0.0f : (float)sqrt((1.0 - norm * scale) * (1.0 + norm * scale));
}

void hashing_fill_question(const hashing_state *state, hashing_analyser *analyser, float *row)
{
    const hashing_count *features = analyser->features.items;
    double norm;

    memset(analyser->row, 0, (size_t)state->dim * sizeof *analyser->row);
    for (int64_t i = 0; i < analyser->features.count; i++) {
        double weight = i < analyser->word_features ? 1.0 : state->ngram_weight;

        add_feature(analyser->row, state->dim, features[i].hash,
                    weight * (double)features[i].count * idf(state, features[i].hash));
    }
    norm = norm_of(analyser->row, state->dim);
    if (norm == 0.0)
        analyser->row[0] = norm = 1.0;
    for (int64_t j = 0; j < state->dim; j++)
        row[j] = (float)(analyser->row[j] / norm);
}
