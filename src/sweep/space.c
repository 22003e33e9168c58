#include "qctx/sweep/space.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "space_internal.h"

enum { NUMBER_MAX = 40 };

/* A multiple of q that rounding alone puts beyond a bound counts as within it: 0.3 / 0.1 is a little less than 3. */
#define ROUNDING 1e-9

static void free_parameter(qctx_space_parameter *parameter)
{
    for (int64_t i = 0; i < parameter->count; i++) {
        if (parameter->values != NULL)
            free(parameter->values[i]);
        for (int64_t j = 0; parameter->settings != NULL && j < parameter->settings[i].count; j++)
            free(parameter->settings[i].items[j]);
        if (parameter->settings != NULL)
            free(parameter->settings[i].items);
    }
    free(parameter->path);
    free(parameter->values);
    free(parameter->probabilities);
    free(parameter->settings);
}

void qctx_space_free(qctx_space *space)
{
    for (int64_t i = 0; i < space->count; i++)
        free_parameter(&space->parameters[i]);
    free(space->parameters);
    *space = (qctx_space){0};
}

int64_t qctx_space_grid_size(const qctx_space *space)
{
    int64_t size = 1;

    for (int64_t i = 0; i < space->count; i++) {
        if (space->parameters[i].kind != QCTX_SPACE_CATEGORICAL)
            return -1;
        if (__builtin_mul_overflow(size, space->parameters[i].count, &size))
            size = INT64_MAX;
    }
    return size;
}

void qctx_space_grid_point(const qctx_space *space, int64_t index, double *units)
{
    for (int64_t i = space->count - 1; i >= 0; i--) {
        const qctx_space_parameter *parameter = &space->parameters[i];

        units[i] = qctx_space_choice_unit(parameter, index % parameter->count);
        index /= parameter->count;
    }
}

void qctx_space_random_point(const qctx_space *space, uint64_t seed, int64_t index, double *units)
{
    for (int64_t i = 0; i < space->count; i++)
        units[i] =
            qctx_rng_uniform(seed, QCTX_STREAM_SWEEP, (uint64_t)index, qctx_hash_text(space->parameters[i].path, 0));
}

int64_t qctx_space_choice(const qctx_space_parameter *parameter, double unit)
{
    double below = 0;
    int64_t choice = (int64_t)(unit * (double)parameter->count);

    if (parameter->probabilities == NULL)
        return choice < parameter->count ? choice : parameter->count - 1;
    for (choice = 0; choice < parameter->count - 1; choice++) {
        below += parameter->probabilities[choice];
        if (unit < below)
            break;
    }
    return choice;
}

double qctx_space_choice_unit(const qctx_space_parameter *parameter, int64_t choice)
{
    double below = 0;

    if (parameter->probabilities == NULL)
        return ((double)choice + 0.5) / (double)parameter->count;
    for (int64_t i = 0; i < choice; i++)
        below += parameter->probabilities[i];
    return below + parameter->probabilities[choice] / 2;
}

static double first_level(const qctx_space_parameter *parameter)
{
    return ceil(parameter->low / parameter->step - ROUNDING);
}

int64_t qctx_space_levels(const qctx_space_parameter *parameter)
{
    double levels = floor(parameter->high / parameter->step + ROUNDING) - first_level(parameter) + 1;

    return levels < 0x1p53 ? (int64_t)levels : (int64_t)0x1p53;
}

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* The level that a unit stands for where all levels are equally likely. */
static double uniform_level(const qctx_space_parameter *parameter, double unit)
{
    const double levels = (double)qctx_space_levels(parameter);

    return first_level(parameter) + clamp(floor(unit * levels), 0, levels - 1);
}

/* Each level has the share of the logarithmic scale from half a level below it to half a level above. */
static double log_level(const qctx_space_parameter *parameter, double unit)
{
    const double first = first_level(parameter), last = first + (double)qctx_space_levels(parameter) - 1;
    const double low = log(first - 0.5), high = log(last + 0.5);

    return clamp(round(exp(low + unit * (high - low))), first, last);
}

/*
 * The inverse of the normal distribution function: the rational approximation of P. J. Acklam (2003), good to 1e-9 of
 * its value, and one step of Halley's method with erfc, which takes it to the precision of doubles.
 */
double space_normal_quantile(double unit)
{
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                               1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                               6.680131188771972e+01, -1.328068155288572e+01};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                               -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    const double edge = 0.02425;
    const double p = unit < 0.5 ? unit : 1 - unit; /* the lower tail; the upper one mirrors it */
    double x, miss;

    if (p < edge) {
        const double q = sqrt(-2 * log(p));

        x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
            ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    } else {
        const double q = p - 0.5, r = q * q;

        x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
            (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
    }
    miss = (0.5 * erfc(-x * M_SQRT1_2) - p) * sqrt(2 * M_PI) * exp(x * x / 2);
    x -= miss / (1 + x * miss / 2);
    return unit < 0.5 ? x : -x;
}

/* A unit of 0 stands for the middle of the smallest step that units take, not for −infinity. */
static double normal_number(const qctx_space_parameter *parameter, double unit)
{
    return parameter->low + parameter->high * space_normal_quantile(clamp(unit, 0x1p-54, 1 - 0x1p-53));
}

double qctx_space_number(const qctx_space_parameter *parameter, double unit)
{
    const double low = parameter->low, high = parameter->high;

    switch (parameter->kind) {
    case QCTX_SPACE_CATEGORICAL:
        break;
    case QCTX_SPACE_UNIFORM:
        return clamp(low + unit * (high - low), low, high);
    case QCTX_SPACE_INT_UNIFORM:
        return uniform_level(parameter, unit);
    case QCTX_SPACE_Q_UNIFORM:
        return uniform_level(parameter, unit) * parameter->step;
    case QCTX_SPACE_LOG_UNIFORM_VALUES:
        return clamp(exp(log(low) + unit * (log(high) - log(low))), low, high);
    case QCTX_SPACE_Q_LOG_UNIFORM_VALUES:
        return log_level(parameter, unit) * parameter->step;
    case QCTX_SPACE_NORMAL:
        return normal_number(parameter, unit);
    case QCTX_SPACE_Q_NORMAL:
        return round(normal_number(parameter, unit) / parameter->step) * parameter->step;
    }
    return unit;
}

static bool is_quantised(const qctx_space_parameter *parameter)
{
    return parameter->kind == QCTX_SPACE_Q_UNIFORM || parameter->kind == QCTX_SPACE_Q_LOG_UNIFORM_VALUES ||
           parameter->kind == QCTX_SPACE_Q_NORMAL;
}

/*
 * Whole numbers are written without fraction or exponent, since keys that count read no others; the rest in the fewest
 * digits that give them back. Multiples of q are written in at most 15 digits, so that 3 · 0.1 is 0.3.
 */
static void write_number(const qctx_space_parameter *parameter, double number, char text[NUMBER_MAX])
{
    int digits = 1;

    if (number == round(number) && fabs(number) < 0x1p53) {
        snprintf(text, NUMBER_MAX, "%" PRId64, (int64_t)number);
        return;
    }
    do
        snprintf(text, NUMBER_MAX, "%.*g", digits, number);
    while (++digits <= (is_quantised(parameter) ? 15 : 17) && strtod(text, NULL) != number);
}

char *qctx_space_override(const qctx_space_parameter *parameter, double unit, qctx_error *error)
{
    char text[NUMBER_MAX];

    if (parameter->kind == QCTX_SPACE_CATEGORICAL)
        return qctx_format(error, "%s=%s", parameter->path, parameter->values[qctx_space_choice(parameter, unit)]);
    write_number(parameter, qctx_space_number(parameter, unit), text);
    return qctx_format(error, "%s=%s", parameter->path, text);
}
