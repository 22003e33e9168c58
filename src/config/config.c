#include "qctx/config/config.h"

#include <stdlib.h>

#include "config_internal.h"
#include "qctx/base/fileio.h"

qctx_status qctx_config_load(qctx_comm *comm, const char *path, const char *const *overrides, int64_t count,
                             qctx_config *config, qctx_error *error)
{
    char *text = NULL;
    size_t bytes = 0;
    qctx_status status = QCTX_OK;

    *config = (qctx_config){0};
    if (qctx_comm_rank(comm) == 0) {
        status = qctx_file_read(path, &text, &bytes, error);
        if (status == QCTX_ERR_IO)
            qctx_hint(error, "name a YAML file with the settings of a run, such as configs/demo.yaml");
    }
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;

    status = qctx_comm_broadcast_text(comm, &text, &bytes, 0, error);
    if (status != QCTX_OK)
        goto out;

    status = qctx_config_parse(text, bytes, path, overrides, count, config, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        qctx_config_free(config);
out:
    free(text);
    return status;
}

void qctx_config_free(qctx_config *config)
{
    for (int64_t i = 0; i < qctx_config_key_count; i++) {
        void *member = (char *)config + qctx_config_keys[i].offset;

        if (qctx_config_keys[i].type == QCTX_KEY_TEXT || qctx_config_keys[i].type == QCTX_KEY_NAME)
            free(*(char **)member);
        else if (qctx_config_keys[i].type == QCTX_KEY_SOURCES)
            qctx_config_free_sources(member);
        else if (qctx_config_keys[i].type == QCTX_KEY_TEXTS)
            qctx_config_free_texts(member);
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
