/* Where the head's tensors lie in the flat buffer, their names and their initial values. */
#include "qctx/model/head.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "head_internal.h"
#include "qctx/base/rng.h"

const char *const qctx_head_form_names[] = {[QCTX_HEAD_PLAIN] = "plain", [QCTX_HEAD_RESIDUAL] = "residual", NULL};
const char *const qctx_activation_names[] = {
    [QCTX_ACTIVATION_RELU] = "relu", [QCTX_ACTIVATION_GELU] = "gelu", [QCTX_ACTIVATION_TANH] = "tanh", NULL};
const char *const qctx_head_sides_names[] = {
    [QCTX_SIDES_QUESTION] = "question",
    [QCTX_SIDES_CONTEXT] = "context",
    [QCTX_SIDES_BOTH] = "both",
    [QCTX_SIDES_SHARED] = "shared",
    NULL,
};

int64_t qctx_head_mlp_count(const qctx_head_config *config)
{
    return config->sides == QCTX_SIDES_BOTH ? 2 : 1;
}

int64_t qctx_head_mlp_of(const qctx_head_config *config, qctx_side side)
{
    return config->sides == QCTX_SIDES_BOTH ? side : 0;
}

bool qctx_head_has_side(const qctx_head_config *config, qctx_side side)
{
    switch (config->sides) {
    case QCTX_SIDES_QUESTION:
        return side == QCTX_QUESTION;
    case QCTX_SIDES_CONTEXT:
        return side == QCTX_CONTEXT;
    default:
        return true;
    }
}

bool qctx_head_fits(const qctx_head_config *config)
{
    const bool bare_side = !qctx_head_has_side(config, QCTX_QUESTION) || !qctx_head_has_side(config, QCTX_CONTEXT);

    return config->output == config->input || (config->form != QCTX_HEAD_RESIDUAL && !bare_side);
}

static int64_t layer_input(const qctx_head_config *config, int64_t layer)
{
    return layer == 0 ? config->input : config->hidden;
}

static int64_t layer_output(const qctx_head_config *config, int64_t layer)
{
    return layer == config->layers - 1 ? config->output : config->hidden;
}

/* Floats of the layers before `layer` of one MLP. */
static int64_t floats_before(const qctx_head_config *config, int64_t layer)
{
    int64_t floats = 0;

    for (int64_t l = 0; l < layer; l++)
        floats += layer_output(config, l) * (layer_input(config, l) + 1);
    return floats;
}

head_layer qctx_head_layer(const qctx_head_config *config, int64_t mlp, int64_t layer)
{
    head_layer found = {.in = layer_input(config, layer), .out = layer_output(config, layer)};

    found.weight = mlp * floats_before(config, config->layers) + floats_before(config, layer);
    found.bias = found.weight + found.out * found.in;
    return found;
}

void qctx_head_range(const qctx_head_config *config, qctx_side side, int64_t *first, int64_t *count)
{
    *count = floats_before(config, config->layers);
    *first = qctx_head_mlp_of(config, side) * *count;
}

int64_t qctx_head_parameter_count(const qctx_head_config *config)
{
    return qctx_head_mlp_count(config) * floats_before(config, config->layers);
}

int64_t qctx_head_tensor_count(const qctx_head_config *config)
{
    return qctx_head_mlp_count(config) * config->layers * 2;
}

static const char *mlp_name(const qctx_head_config *config, int64_t mlp)
{
    if (config->sides == QCTX_SIDES_BOTH)
        return qctx_side_names[mlp];
    return qctx_head_sides_names[config->sides];
}

void qctx_head_tensors(const qctx_head_config *config, qctx_head_tensor *tensors)
{
    for (int64_t mlp = 0; mlp < qctx_head_mlp_count(config); mlp++) {
        for (int64_t l = 0; l < config->layers; l++) {
            head_layer layer = qctx_head_layer(config, mlp, l);
            qctx_head_tensor *weight = tensors++, *bias = tensors++;

            *weight = (qctx_head_tensor){.offset = layer.weight, .rows = layer.out, .cols = layer.in, .decays = true};
            *bias = (qctx_head_tensor){.offset = layer.bias, .rows = layer.out, .cols = 1, .decays = false};
            snprintf(weight->name, sizeof weight->name, "%s/%lld/weight", mlp_name(config, mlp), (long long)l);
            snprintf(bias->name, sizeof bias->name, "%s/%lld/bias", mlp_name(config, mlp), (long long)l);
        }
    }
}

/* Uniform in ±bound; `tensor` tells the draws of one tensor from those of all others. */
static void fill_uniform(uint64_t seed, uint64_t tensor, double bound, int64_t count, float *values)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)(bound * (2.0 * qctx_rng_uniform(seed, QCTX_STREAM_INIT, tensor, (uint64_t)i) - 1.0));
}

void qctx_head_init(const qctx_head_config *config, float *parameters)
{
    memset(parameters, 0, sizeof(float) * (size_t)qctx_head_parameter_count(config));
    for (int64_t mlp = 0; mlp < qctx_head_mlp_count(config); mlp++) {
        /* A side begins with the same weights whether or not the other has an MLP. */
        int64_t side = config->sides == QCTX_SIDES_CONTEXT ? QCTX_CONTEXT : mlp;

        for (int64_t l = 0; l < config->layers; l++) {
            head_layer layer = qctx_head_layer(config, mlp, l);
            uint64_t tensor = (uint64_t)(4 * l + 2 * side);
            double bound = 1.0 / sqrt((double)layer.in);

            if (config->form == QCTX_HEAD_RESIDUAL && l == config->layers - 1)
                continue;
            fill_uniform(config->seed, tensor, bound, layer.out * layer.in, parameters + layer.weight);
            fill_uniform(config->seed, tensor + 1, bound, layer.out, parameters + layer.bias);
        }
    }
}
