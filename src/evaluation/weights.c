#include "qctx/evaluation/weights.h"

#include <stdio.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/encoder/joined.h"

enum { ALONE = QCTX_WEIGHT_STEPS - 1, ROUNDS_MAX = 4, COLUMN = 7, CURVE_MAX = 160 };

static const double steps[ALONE] = {0, 0.125, 0.25, 0.5, 0.75, 1, 4.0 / 3, 2, 4, 8};
static const char *const step_names[QCTX_WEIGHT_STEPS] = {"0",   "1/8", "1/4", "1/2", "3/4",  "1",
                                                          "4/3", "2",   "4",   "8",   "alone"};
/* Those nearest to 1 first: of equals the first is taken. */
static const int preferred[QCTX_WEIGHT_STEPS] = {5, 4, 6, 3, 7, 2, 8, 1, 9, 0, ALONE};

/* weights [count] = the others as they stand in `base`, and encoder `tried` at a step. */
static void set_step(const double *base, int64_t count, int64_t tried, int step, double *weights)
{
    for (int64_t i = 0; i < count; i++)
        weights[i] = step == ALONE ? 0.0 : base[i];
    weights[tried] = step == ALONE ? 1.0 : steps[step];
}

static bool all_zero(const double *weights, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (weights[i] > 0)
            return false;
    return true;
}

/* The curve in the log: one line of weights, one of figures. */
static void show_curve(const qctx_weights_task *task, int64_t tried, int64_t questions, const qctx_merit *figures)
{
    char weights[CURVE_MAX] = "", values[CURVE_MAX] = "";

    for (int s = 0; s < QCTX_WEIGHT_STEPS; s++) {
        size_t used = strlen(weights);

        snprintf(weights + used, sizeof weights - used, "%*s", COLUMN, step_names[s]);
        used = strlen(values);
        snprintf(values + used, sizeof values - used, "%*.1f", COLUMN, 100 * figures[s].metric);
    }
    if (task->count == 2)
        qctx_info("weight of %s beside 1 of %s, on %lld held-out questions in pools of at most %lld:", task->names[1],
                  task->names[0], (long long)questions, (long long)task->pool);
    else
        qctx_info("weight of %s beside the others, on %lld held-out questions in pools of at most %lld:",
                  task->names[tried], (long long)questions, (long long)task->pool);
    qctx_info("  weight%s", weights);
    qctx_info("  %-6s%s", qctx_metric_names[task->metric], values);
}

static int64_t count_questions(const qctx_weights_task *task)
{
    int64_t questions = 0;

    for (int64_t s = 0; s < task->set_count; s++)
        questions += task->sets[s].set.count;
    return questions;
}

/*
 * Tries one encoder at all steps; `weights` and `*best` become those of the best step if it is better. Collective.
 */
static qctx_status improve(qctx_comm *comm, const qctx_weights_task *task, int64_t tried, double *weights,
                           qctx_merit *best, qctx_error *error)
{
    double trials[QCTX_WEIGHT_STEPS * QCTX_JOINED_MAX];
    qctx_merit figures[QCTX_WEIGHT_STEPS];
    const int64_t count = task->count;
    int chosen = -1;
    qctx_status status;

    for (int s = 0; s < QCTX_WEIGHT_STEPS; s++)
        set_step(weights, count, tried, s, trials + s * count);
    status = qctx_weights_measure(comm, task, trials, QCTX_WEIGHT_STEPS, figures, error);
    if (status != QCTX_OK)
        return status;
    show_curve(task, tried, count_questions(task), figures);
    for (int p = 0; p < QCTX_WEIGHT_STEPS; p++) {
        const int s = preferred[p];

        if (qctx_merit_is_above(figures[s], *best) && !all_zero(trials + s * count, count)) {
            *best = figures[s];
            chosen = s;
        }
    }
    if (chosen >= 0)
        memcpy(weights, trials + chosen * count, (size_t)count * sizeof *weights);
    return QCTX_OK;
}

static void show_choice(const qctx_weights_task *task, const double *weights)
{
    char line[CURVE_MAX * 4] = "";

    for (int64_t i = 0; i < task->count; i++) {
        size_t used = strlen(line);

        snprintf(line + used, sizeof line - used, "%s%s %.4g", i > 0 ? ", " : "", task->names[i], weights[i]);
    }
    qctx_info("weights chosen: %s", line);
}

qctx_status qctx_weights_choose(qctx_comm *comm, const qctx_weights_task *task, double *weights, qctx_error *error)
{
    qctx_merit best = {-1, -1}, before;
    qctx_status status = QCTX_OK;

    if (count_questions(task) == 0) {
        qctx_fail(error, QCTX_ERR_DATA, "encoder.tune: no training questions are held out to choose the weights by");
        return qctx_hint(error, "raise eval.tune, name a split with eval.tune_split, or set encoder.weights");
    }
    for (int64_t i = 0; i < task->count; i++)
        weights[i] = 1.0;
    if (task->count == 2) {
        status = improve(comm, task, 1, weights, &best, error);
    } else {
        for (int round = 0; round < ROUNDS_MAX && status == QCTX_OK; round++) {
            before = best;
            for (int64_t i = 0; i < task->count && status == QCTX_OK; i++)
                status = improve(comm, task, i, weights, &best, error);
            if (!qctx_merit_is_above(best, before))
                break;
        }
    }
    if (status == QCTX_OK)
        show_choice(task, weights);
    return status;
}
