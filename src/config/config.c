#include "qctx/config/config.h"

#include <stdlib.h>

#include "config_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

void qctx_config_free(qctx_config *config)
{
    for (int64_t i = 0; i < qctx_config_key_count; i++) {
        void *member = (char *)config + qctx_config_keys[i].offset;

        if (qctx_config_keys[i].type == QCTX_KEY_TEXT || qctx_config_keys[i].type == QCTX_KEY_NAME)
            free(*(char **)member);
        else if (qctx_config_keys[i].type == QCTX_KEY_SOURCES)
            qctx_config_free_sources(member);
        else if (qctx_config_keys[i].type == QCTX_KEY_ENCODERS)
            qctx_config_free_encoders(member);
        else if (qctx_config_keys[i].type == QCTX_KEY_NUMBERS)
            qctx_config_free_numbers(member);
    }
    *config = (qctx_config){0};
}

qctx_head_config qctx_config_head(const qctx_config *config, int64_t input)
{
    return (qctx_head_config){
        .form = config->model.form,
        .sides = config->model.sides,
        .activation = config->model.activation,
        .layers = config->model.layers,
        .input = input,
        .hidden = config->model.hidden,
        .output = config->model.output == 0 ? input : config->model.output,
        .dropout = config->model.dropout,
        .seed = (uint64_t)config->run.seed,
    };
}

char *qctx_config_run_folder(const qctx_config *config, qctx_error *error)
{
    return qctx_path_join(config->run.out, config->run.name, error);
}

const char *qctx_config_teacher(const qctx_config *config, int64_t source)
{
    const char *own = config->data.train.items[source].teacher;

    if (own != NULL)
        return own;
    return config->data.teacher[0] != '\0' ? config->data.teacher : NULL;
}

qctx_encoder_spec qctx_config_encoder_spec(const qctx_config *config)
{
    return (qctx_encoder_spec){
        .count = config->data.encoder.count,
        .encoders = config->data.encoder.items,
        .weight_count = config->encoder.weights.count,
        .weights = config->encoder.weights.items,
        .titles = config->data.titles,
        .precision = config->encoder.precision,
        .dim = config->encoder.dim,
        .pooling = config->encoder.pooling,
        .question_prompt = config->encoder.question_prompt,
        .context_prompt = config->encoder.context_prompt,
        .context_model = config->encoder.context_model,
    };
}
