/*
 * The space that a sweep searches: what each parameter can be, and points of it.
 *
 * A parameter is a key or section of the configuration with the ways that W&B's sweeps know to say what it can be:
 * `value` (one), `values` (a list, with `probabilities` for random search), or `min` and `max` with a `distribution`:
 * uniform, log_uniform_values, int_uniform, q_uniform (with `q`), normal (`mu`, `sigma`), and so on. Or it is a
 * variant: a choice of named settings, each of several keys that change together.
 *
 * A point is drawn as one number in [0, 1) per parameter, its unit; the value follows from it alone. So search methods
 * work in the unit cube, and the values they ask for are written one way only.
 */
#ifndef QCTX_SWEEP_SPACE_H
#define QCTX_SWEEP_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

typedef enum {
    QCTX_SPACE_CATEGORICAL, /* value, values or a variant */
    QCTX_SPACE_UNIFORM,
    QCTX_SPACE_INT_UNIFORM,        /* whole numbers, both ends included */
    QCTX_SPACE_Q_UNIFORM,          /* multiples of q from min to max, equally likely */
    QCTX_SPACE_LOG_UNIFORM_VALUES, /* the logarithm is uniform; min and max are values, not exponents */
    QCTX_SPACE_Q_LOG_UNIFORM_VALUES,
    QCTX_SPACE_NORMAL, /* mean and deviation; no bounds */
    QCTX_SPACE_Q_NORMAL,
} qctx_space_kind;

/* Overrides of the configuration, "key.path=value". */
typedef struct {
    int64_t count;
    char **items;
} qctx_space_settings;

typedef struct {
    char *path; /* "optim.lr", or the name of the variant, which has no dot and is no section */
    qctx_space_kind kind;
    int64_t count;                 /* values of a categorical parameter */
    char **values;                 /* [count], YAML as an override takes it; the names of a variant */
    double *probabilities;         /* [count], each above 0, their sum 1; NULL: all values are equally likely */
    qctx_space_settings *settings; /* [count], what the names of a variant stand for; NULL of others */
    double low, high;              /* min and max; of a normal distribution, mean and deviation */
    double step;                   /* q */
} qctx_space_parameter;

typedef struct {
    int64_t count;
    qctx_space_parameter *parameters;
} qctx_space;

void qctx_space_free(qctx_space *space);

/*
 * How many points a grid has: the product over categorical parameters, at most INT64_MAX; −1 if one is not categorical.
 * Local.
 */
int64_t qctx_space_grid_size(const qctx_space *space);

/*
 * Point `index` of the grid, the last parameter running fastest, or a random point that is a pure function of seed,
 * index and the parameters' paths: units [space->count]. Local. Cannot fail.
 */
void qctx_space_grid_point(const qctx_space *space, int64_t index, double *units);
void qctx_space_random_point(const qctx_space *space, uint64_t seed, int64_t index, double *units);

/* The value of a categorical parameter that a unit stands for, and the unit in its middle. Local. Cannot fail. */
int64_t qctx_space_choice(const qctx_space_parameter *parameter, double unit);
double qctx_space_choice_unit(const qctx_space_parameter *parameter, int64_t choice);

/* How many multiples of the step lie within the bounds of a quantised uniform or whole parameter. Local. */
int64_t qctx_space_levels(const qctx_space_parameter *parameter);

/* The number that a unit stands for, of a parameter that is not categorical. Local. Cannot fail. */
double qctx_space_number(const qctx_space_parameter *parameter, double unit);

/*
 * "optim.lr=0.0003", an override of the configuration, or "head=plain" of a variant, whose overrides are its settings;
 * freshly allocated. Local.
 */
char *qctx_space_override(const qctx_space_parameter *parameter, double unit, qctx_error *error);

#endif
