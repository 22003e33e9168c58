/* The Dense module of sentence-transformers: a linear layer behind the pooling, from a folder of its own. */
#include <stdlib.h>
#include <string.h>

#include "model_folder_internal.h"
#include "qctx/base/mem.h"

static qctx_status read_function(const model_config *config, qctx_linear_function *function, qctx_error *error)
{
    static const struct {
        const char *name;
        qctx_linear_function function;
    } known[] = {
        {"torch.nn.modules.activation.Tanh", QCTX_LINEAR_TANH},
        {"torch.nn.modules.linear.Identity", QCTX_LINEAR_IDENTITY},
        {"torch.nn.modules.activation.ReLU", QCTX_LINEAR_RELU},
        {"torch.nn.modules.activation.GELU", QCTX_LINEAR_GELU},
    };
    const char *name;
    qctx_status status = model_config_text(config, "activation_function", known[0].name, &name, error);

    if (status != QCTX_OK)
        return status;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0) {
            *function = known[i].function;
            return QCTX_OK;
        }
    }
    return model_config_refuse(config, "activation_function", name,
                               "torch.nn.modules.activation.Tanh, ReLU and GELU, torch.nn.modules.linear.Identity",
                               error);
}

/* The module must take and give the text's vector, not those of tokens. */
static qctx_status check_place(const model_config *config, qctx_error *error)
{
    static const char *const places[] = {"module_input_name", "module_output_name"};
    static const char *const residual[] = {"use_residual"};

    for (int i = 0; i < 2; i++) {
        const char *name;
        qctx_status status = model_config_text(config, places[i], "sentence_embedding", &name, error);

        if (status == QCTX_OK && strcmp(name, "sentence_embedding") != 0)
            status = model_config_refuse(config, places[i], name, "sentence_embedding", error);
        if (status != QCTX_OK)
            return status;
    }
    return model_config_without(config, residual, 1, error);
}

static qctx_status read_shape(const model_config *config, int64_t input, qctx_dense *dense, qctx_error *error)
{
    qctx_status status =
        model_config_integer(config, "in_features", MODEL_REQUIRED, 1, INT32_MAX, &dense->input, error);

    if (status == QCTX_OK)
        status =
            model_config_integer(config, "out_features", MODEL_REQUIRED, 1, MODEL_WIDTH_MAX, &dense->output, error);
    if (status == QCTX_OK && dense->input != input)
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'in_features' is %lld, expected %lld, what comes before it",
                           config->path, (long long)dense->input, (long long)input);
    return status;
}

qctx_status model_folder_read_dense(qctx_model_folder *folder, const char *home, int64_t input, qctx_error *error)
{
    model_config config = {0};
    qctx_dense *grown = NULL, dense = {0};
    qctx_status status = model_config_open(home, "config.json", true, &config, error);

    if (status == QCTX_OK)
        status = read_shape(&config, input, &dense, error);
    if (status == QCTX_OK)
        status = model_config_flag(&config, "bias", true, &dense.bias, error);
    if (status == QCTX_OK)
        status = read_function(&config, &dense.function, error);
    if (status == QCTX_OK)
        status = check_place(&config, error);
    if (status == QCTX_OK)
        status = model_folder_tensors(home, "model.safetensors", "pytorch_model.bin", &dense.tensors, error);
    if (status != QCTX_OK)
        goto out;
    status = QCTX_ERR_MEMORY;
    grown = qctx_alloc(folder->dense_count + 1, sizeof *grown, "dense layers", error);
    if (grown == NULL)
        goto out;
    if (folder->dense_count > 0)
        memcpy(grown, folder->dense, (size_t)folder->dense_count * sizeof *grown);
    grown[folder->dense_count++] = dense;
    free(folder->dense);
    folder->dense = grown;
    dense.tensors = NULL;
    status = QCTX_OK;
out:
    qctx_safetensors_close(dense.tensors);
    model_config_free(&config);
    return status;
}
