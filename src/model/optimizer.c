#include "qctx/model/optimizer.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/multiversion.h"
#include "qctx/base/order.h"

const char *const qctx_optimizer_kind_names[] = {
    [QCTX_OPTIMIZER_ADAMW] = "adamw", [QCTX_OPTIMIZER_ADAM] = "adam", [QCTX_OPTIMIZER_SGD] = "sgd", NULL};

/* Parameters a thread takes at a time; every parameter stands alone, so the cut changes no result. */
enum { BLOCK = 16384 };

/* Partial sums of a norm, and the lanes of each: fixed, so that threads and vector width change no result. */
enum { NORM_PARTS = 64, NORM_LANES = 16 };

/* What one step multiplies by, folded once for all parameters. */
typedef struct {
    float scale;       /* of the gradient */
    float rate;        /* learning rate */
    float decay;       /* weight decay, decoupled */
    float decay_l2;    /* weight decay, added to the gradient */
    float keep_first;  /* β₁, or μ of sgd */
    float keep_second; /* β₂ */
    float take_first;  /* 1 − β₁ */
    float take_second; /* 1 − β₂ */
    float undo_first;  /* 1 / (1 − β₁ᵗ) */
    float undo_second; /* 1 / √(1 − β₂ᵗ) */
    float epsilon;
} factors;

qctx_status qctx_optimizer_state_create(int64_t count, qctx_optimizer_state *state, qctx_error *error)
{
    *state = (qctx_optimizer_state){.count = count};
    state->first = qctx_alloc(count, sizeof(float), "the optimiser's first moments", error);
    state->second = qctx_alloc(count, sizeof(float), "the optimiser's second moments", error);
    if (state->first != NULL && state->second != NULL)
        return QCTX_OK;
    qctx_optimizer_state_destroy(state);
    return QCTX_ERR_MEMORY;
}

void qctx_optimizer_state_destroy(qctx_optimizer_state *state)
{
    free(state->first);
    free(state->second);
    *state = (qctx_optimizer_state){0};
}

QCTX_MULTIVERSION
static void step_adam(factors f, int64_t count, const uint8_t *restrict decays, const float *restrict gradient,
                      float *restrict first, float *restrict second, float *restrict parameters)
{
    for (int64_t i = 0; i < count; i++) {
        float marked = decays[i] != 0 ? parameters[i] : 0.0f;
        float g = f.scale * gradient[i] + f.decay_l2 * marked;
        float m = f.keep_first * first[i] + f.take_first * g;
        float v = f.keep_second * second[i] + f.take_second * (g * g);
        float direction = (f.undo_first * m) / (f.undo_second * sqrtf(v) + f.epsilon);

        first[i] = m;
        second[i] = v;
        parameters[i] -= f.rate * (direction + f.decay * marked);
    }
}

QCTX_MULTIVERSION
static void step_sgd(factors f, int64_t count, const uint8_t *restrict decays, const float *restrict gradient,
                     float *restrict first, float *restrict parameters)
{
    for (int64_t i = 0; i < count; i++) {
        float marked = decays[i] != 0 ? parameters[i] : 0.0f;
        float m = f.keep_first * first[i] + (f.scale * gradient[i] + f.decay_l2 * marked);

        first[i] = m;
        parameters[i] -= f.rate * m;
    }
}

static factors fold_factors(const qctx_optimizer_config *config, int64_t steps, double rate, double gradient_scale)
{
    bool decoupled = config->kind == QCTX_OPTIMIZER_ADAMW;
    factors f = {
        .scale = (float)gradient_scale,
        .rate = (float)rate,
        .decay = decoupled ? (float)config->weight_decay : 0.0f,
        .decay_l2 = decoupled ? 0.0f : (float)config->weight_decay,
        .keep_first = (float)config->momentum,
    };

    if (config->kind != QCTX_OPTIMIZER_SGD) {
        f.keep_first = (float)config->beta1;
        f.keep_second = (float)config->beta2;
        f.take_first = (float)(1.0 - config->beta1);
        f.take_second = (float)(1.0 - config->beta2);
        f.undo_first = (float)(1.0 / (1.0 - pow(config->beta1, (double)steps)));
        f.undo_second = (float)(1.0 / sqrt(1.0 - pow(config->beta2, (double)steps)));
        f.epsilon = (float)config->epsilon;
    }
    return f;
}

void qctx_optimizer_step(const qctx_optimizer_config *config, qctx_optimizer_state *state, double rate,
                         double gradient_scale, int64_t first, int64_t count, const uint8_t *decays,
                         const float *gradient, float *parameters)
{
    factors f = fold_factors(config, state->steps, rate, gradient_scale);

#pragma omp parallel for schedule(static) if (count > BLOCK)
    for (int64_t at = first; at < first + count; at += BLOCK) {
        int64_t length = qctx_smaller(BLOCK, first + count - at);

        if (config->kind == QCTX_OPTIMIZER_SGD)
            step_sgd(f, length, decays + at, gradient + at, state->first + at, parameters + at);
        else
            step_adam(f, length, decays + at, gradient + at, state->first + at, state->second + at, parameters + at);
    }
}

QCTX_MULTIVERSION
static double sum_of_squares(const float *values, int64_t count)
{
    double lanes[NORM_LANES] = {0};
    double sum = 0.0;
    int64_t i = 0;

    for (; i + NORM_LANES <= count; i += NORM_LANES)
        for (int lane = 0; lane < NORM_LANES; lane++)
            lanes[lane] += (double)values[i + lane] * values[i + lane];
    for (; i < count; i++)
        sum += (double)values[i] * values[i];
    for (int lane = 0; lane < NORM_LANES; lane++)
        sum += lanes[lane];
    return sum;
}

double qctx_square_sum(const float *values, int64_t count)
{
    double parts[NORM_PARTS];
    double sum = 0.0;

#pragma omp parallel for schedule(static) if (count > BLOCK)
    for (int part = 0; part < NORM_PARTS; part++) {
        int64_t start = count * part / NORM_PARTS, end = count * (part + 1) / NORM_PARTS;

        parts[part] = sum_of_squares(values + start, end - start);
    }
    for (int part = 0; part < NORM_PARTS; part++)
        sum += parts[part];
    return sum;
}

double qctx_norm(const float *values, int64_t count)
{
    return sqrt(qctx_square_sum(values, count));
}
