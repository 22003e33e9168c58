#include "qctx/sweep/tpe.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "space_internal.h"

/*
 * How many trials are random before the densities tell anything; then how many candidates a parameter has, and how many
 * trials count as good at most, both as in the authors' program.
 */
enum { STARTS = 10, CANDIDATES = 24, GOOD_MAX = 25 };

/* A density over [0, 1]: bells around points, cut off at the ends, and a wide one that stands for the prior. */
typedef struct {
    int64_t count;
    double *centres; /* ascending */
    double *widths;
} parzen;

/* The units of one parameter in both groups, with what the densities need to be made of them. */
typedef struct {
    const qctx_space_parameter *parameter;
    int64_t good_count, bad_count;
    double *good, *bad;
    parzen l, g;
} column;

/* Draws of one proposal: a stream of numbers that is a function of seed, index and parameter. */
typedef struct {
    uint64_t seed, index, next;
} draws;

static double draw(draws *from)
{
    return qctx_rng_uniform(from->seed, QCTX_STREAM_PROPOSE, from->index, from->next++);
}

static double normal_below(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static int by_number(const void *a, const void *b)
{
    const double one = *(const double *)a, other = *(const double *)b;

    return (one > other) - (one < other);
}

/*
 * Bells at the points and, for the prior, at the middle. Each is as wide as the larger gap to a neighbour, but not
 * wider than the whole and not so narrow that a few points alike leave no doubt.
 */
static void fit(parzen *density, const double *points, int64_t count)
{
    const double narrowest = 1.0 / (double)(count + 2 < 100 ? count + 2 : 100);
    double *centres = density->centres;
    bool prior_seen = false;

    density->count = count + 1;
    for (int64_t i = 0; i < count; i++)
        centres[i] = points[i];
    centres[count] = 0.5;
    qsort(centres, (size_t)density->count, sizeof *centres, by_number);
    for (int64_t i = 0; i < density->count; i++) {
        const double below = i > 0 ? centres[i] - centres[i - 1] : 0;
        const double above = i + 1 < density->count ? centres[i + 1] - centres[i] : 0;
        const bool prior = !prior_seen && centres[i] == 0.5;

        prior_seen = prior_seen || prior;
        density->widths[i] = prior ? 1 : fmin(1, fmax(narrowest, fmax(below, above)));
    }
}

static double density_at(const parzen *density, double x)
{
    double sum = 0;

    for (int64_t i = 0; i < density->count; i++) {
        const double centre = density->centres[i], width = density->widths[i], z = (x - centre) / width;
        const double inside = normal_below((1 - centre) / width) - normal_below(-centre / width);

        sum += exp(-z * z / 2) / (width * inside);
    }
    return sum / (sqrt(2 * M_PI) * (double)density->count);
}

static double sample(const parzen *density, draws *from)
{
    const int64_t chosen = (int64_t)(draw(from) * (double)density->count);
    const double centre = density->centres[chosen], width = density->widths[chosen];
    const double low = normal_below(-centre / width), high = normal_below((1 - centre) / width);
    const double share = fmin(fmax(low + draw(from) * (high - low), 0x1p-54), 1 - 0x1p-53);
    const double x = centre + width * space_normal_quantile(share);

    return fmin(fmax(x, 0), 1 - 0x1p-53);
}

/* Where l / g is largest among samples of l. */
static double propose_number(const column *c, draws *from)
{
    double best = 0.5, most = -1;

    for (int i = 0; i < CANDIDATES; i++) {
        const double x = sample(&c->l, from);
        const double ratio = density_at(&c->l, x) / density_at(&c->g, x);

        if (ratio > most) {
            most = ratio;
            best = x;
        }
    }
    return best;
}

static double prior_of(const qctx_space_parameter *parameter, int64_t choice)
{
    return parameter->probabilities != NULL ? parameter->probabilities[choice] : 1 / (double)parameter->count;
}

/* The share of a choice among points, with as many points of the prior as there are choices. */
static double share_of(const qctx_space_parameter *parameter, const double *points, int64_t count, int64_t choice)
{
    double seen = 0;

    for (int64_t i = 0; i < count; i++)
        seen += qctx_space_choice(parameter, points[i]) == choice;
    return (seen + (double)parameter->count * prior_of(parameter, choice)) / (double)(count + parameter->count);
}

static int64_t sample_choice(const column *c, draws *from)
{
    double left = draw(from);

    for (int64_t i = 0; i < c->parameter->count - 1; i++) {
        left -= share_of(c->parameter, c->good, c->good_count, i);
        if (left < 0)
            return i;
    }
    return c->parameter->count - 1;
}

static double propose_choice(const column *c, draws *from)
{
    int64_t best = 0;
    double most = -1;

    for (int i = 0; i < CANDIDATES; i++) {
        const int64_t choice = sample_choice(c, from);
        const double ratio = share_of(c->parameter, c->good, c->good_count, choice) /
                             share_of(c->parameter, c->bad, c->bad_count, choice);

        if (ratio > most) {
            most = ratio;
            best = choice;
        }
    }
    return qctx_space_choice_unit(c->parameter, best);
}

/* The middle of the share of [0, 1) that stands for the same value, where values are few and all alike. */
static double middle(const qctx_space_parameter *parameter, double unit)
{
    double levels;

    if (parameter->kind != QCTX_SPACE_INT_UNIFORM && parameter->kind != QCTX_SPACE_Q_UNIFORM)
        return unit;
    levels = (double)qctx_space_levels(parameter);
    return (floor(unit * levels) + 0.5) / levels;
}

/* Splits the points of parameter `d`: `order` has the trials from the best to the worst. */
static void split(column *c, const qctx_space *space, int64_t d, const qctx_tpe_history *history, const int64_t *order,
                  int64_t good)
{
    c->parameter = &space->parameters[d];
    c->good_count = good;
    c->bad_count = history->count - good;
    for (int64_t i = 0; i < history->count; i++) {
        const double unit = middle(c->parameter, history->units[order[i] * space->count + d]);

        *(i < good ? &c->good[i] : &c->bad[i - good]) = unit;
    }
}

static bool is_measured(double loss)
{
    return isfinite(loss);
}

/* Orders the trials from the best to the worst, equal ones as they came, those without a finite loss last. */
static void rank(const qctx_tpe_history *history, int64_t *order)
{
    for (int64_t i = 0; i < history->count; i++) {
        const double loss = is_measured(history->losses[i]) ? history->losses[i] : INFINITY;
        int64_t at = i;

        for (; at > 0; at--) {
            const double before = history->losses[order[at - 1]];

            if (!is_measured(before) ? !is_measured(loss) : before <= loss)
                break;
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

/* How many of the measured trials count as good: the share gamma of 2011, up to the bound of 2013. */
static int64_t count_good(int64_t measured)
{
    const int64_t good = (int64_t)ceil(0.15 * (double)measured);

    return good < GOOD_MAX ? good : GOOD_MAX;
}

qctx_status qctx_tpe_propose(const qctx_space *space, const qctx_tpe_history *history, uint64_t seed, int64_t index,
                             double *units, qctx_error *error)
{
    const int64_t size = history->count + 1;
    int64_t measured = 0, *order;
    double *memory;
    column c;

    for (int64_t i = 0; i < history->count; i++)
        measured += is_measured(history->losses[i]);
    if (measured < STARTS) {
        qctx_space_random_point(space, seed, index, units);
        return QCTX_OK;
    }
    order = qctx_alloc(size, sizeof *order, "the order of trials", error);
    memory = order != NULL ? qctx_alloc(6 * size, sizeof *memory, "the densities of trials", error) : NULL;
    if (memory == NULL) {
        free(order);
        return QCTX_ERR_MEMORY;
    }
    c = (column){.good = memory,
                 .bad = memory + size,
                 .l = {.centres = memory + 2 * size, .widths = memory + 3 * size},
                 .g = {.centres = memory + 4 * size, .widths = memory + 5 * size}};
    rank(history, order);
    for (int64_t d = 0; d < space->count; d++) {
        draws from = {seed, (uint64_t)index, (uint64_t)d << 32};

        split(&c, space, d, history, order, count_good(measured));
        if (c.parameter->kind == QCTX_SPACE_CATEGORICAL) {
            units[d] = propose_choice(&c, &from);
            continue;
        }
        fit(&c.l, c.good, c.good_count);
        fit(&c.g, c.bad, c.bad_count);
        units[d] = propose_number(&c, &from);
    }
    free(order);
    free(memory);
    return QCTX_OK;
}
