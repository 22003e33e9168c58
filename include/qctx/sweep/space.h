/*
 * The space that a sweep searches: what each parameter can be, and points of it.
 *
 * A parameter is a key of the configuration (or any dotted path of it) with the ways that W&B's sweeps know to say what
 * it can be: `value` (one), `values` (a list, with `probabilities` for random search), or `min` and `max` with a
 * `distribution`: uniform, log_uniform_values, int_uniform, q_uniform (with `q`), normal (`mu`, `sigma`), and so on.
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
    QCTX_SPACE_CATEGORICAL, /* value or values */
    QCTX_SPACE_UNIFORM,
    QCTX_SPACE_INT_UNIFORM,        /* whole numbers, both ends included */
    QCTX_SPACE_Q_UNIFORM,          /* multiples of q */
    QCTX_SPACE_LOG_UNIFORM_VALUES, /* the logarithm is uniform; min and max are values, not exponents */
    QCTX_SPACE_Q_LOG_UNIFORM_VALUES,
    QCTX_SPACE_NORMAL, /* mean and deviation; no bounds */
    QCTX_SPACE_Q_NORMAL,
} qctx_space_kind;

typedef struct {
    char *path; /* "optim.lr" */
    qctx_space_kind kind;
    int64_t count;         /* of a categorical one */
    char **values;         /* [count], YAML as an override takes it */
    double *probabilities; /* [count], sum 1, or NULL: all alike */
    double low, high;      /* min and max; of normal, mean and deviation */
    double step;           /* q */
} qctx_space_parameter;

typedef struct {
    int64_t count;
    qctx_space_parameter *parameters;
} qctx_space;

void qctx_space_free(qctx_space *space);

/* How many points a grid has: the product over categorical parameters; −1 if one is not categorical. Local. */
int64_t qctx_space_grid_size(const qctx_space *space);

/*
 * Point `index` of the grid, the last parameter running fastest, or a random point that is a pure function of seed and
 * index: units [space->count]. Local. Cannot fail.
 */
void qctx_space_grid_point(const qctx_space *space, int64_t index, double *units);
void qctx_space_random_point(const qctx_space *space, uint64_t seed, int64_t index, double *units);

/* "optim.lr=0.0003", an override of the configuration, freshly allocated. Local. */
char *qctx_space_override(const qctx_space_parameter *parameter, double unit, qctx_error *error);

#endif
