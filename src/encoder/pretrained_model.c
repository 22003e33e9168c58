/* A model of the encoder: its folder, wherever it is now, with tokenizer and transformer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pretrained_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

static const char variable[] = "QCTX_MODELS";

qctx_status qctx_pretrained_search(const char *path, char **found, qctx_error *error)
{
    const char *list = getenv(variable);
    char *trimmed = qctx_path_trim(path, error);
    qctx_status status = trimmed == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    *found = NULL;
    while (status == QCTX_OK && *found == NULL && list != NULL && *list != '\0') {
        size_t length = strcspn(list, ":");
        char *tried = qctx_format(error, "%.*s/%s", (int)length, list, qctx_path_base(trimmed));

        status = tried == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
        if (status == QCTX_OK && length > 0 && qctx_model_folder_is(tried))
            *found = tried;
        else
            free(tried);
        list += length;
        list += *list == ':';
    }
    free(trimmed);
    return status;
}

/* Where the folder `path` is now. If there is no model anywhere, what stands under its name is found, to be refused. */
static qctx_status locate(const char *path, char **found, qctx_error *error)
{
    char *trimmed = qctx_path_trim(path, error);
    qctx_status status = QCTX_OK;

    *found = NULL;
    if (trimmed == NULL)
        return QCTX_ERR_MEMORY;
    if (!qctx_model_folder_is(trimmed))
        status = qctx_pretrained_search(trimmed, found, error);
    if (status == QCTX_OK && *found == NULL && qctx_path_exists(trimmed)) {
        *found = trimmed;
        return QCTX_OK;
    }
    if (status == QCTX_OK && *found == NULL) {
        const char *list = getenv(variable);

        qctx_fail(error, QCTX_ERR_IO, "%s: there is no such model folder%s%s", trimmed,
                  list != NULL && *list != '\0' ? ", nor one of its name in " : "", list != NULL ? list : "");
        status = qctx_hint(error, "name the folders where models are in %s, separated by ':'", variable);
    }
    free(trimmed);
    return status;
}

int pretrained_model_of(const pretrained_state *state, qctx_side side)
{
    return side == QCTX_CONTEXT && state->model_count == 2 ? 1 : 0;
}

/* Every id that the tokenizer can give must have an embedding. */
static qctx_status check_vocabulary(const pretrained_model *model, qctx_error *error)
{
    const qctx_model_folder *folder = &model->folder;
    int64_t size = qctx_tokenizer_size(model->tokenizer);

    if (size <= folder->vocabulary)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_MISMATCH,
              "%s: the tokenizer gives ids up to %" PRId64 ", but %s has embeddings for %" PRId64
              " tokens, ids up to %" PRId64,
              folder->tokenizer, size - 1, qctx_safetensors_path(folder->tensors), folder->vocabulary,
              folder->vocabulary - 1);
    return qctx_hint(error,
                     "the tokenizer's files are of another model, or tokens were added to it without embeddings");
}

qctx_status pretrained_model_open(const char *path, const pretrained_settings *settings, pretrained_model *model,
                                  qctx_error *error)
{
    char *found = NULL;
    uint64_t hashes[2];
    qctx_status status = locate(path, &found, error);

    if (status == QCTX_OK)
        status = qctx_model_folder_open(found, &model->folder, error);
    if (status == QCTX_OK && settings->pooling[0] != '\0')
        status = qctx_pooling_parse(settings->pooling, &model->pooling, error);
    if (status == QCTX_OK)
        status = qctx_tokenizer_open(model->folder.tokenizer,
                                     (qctx_tokenizer_settings){.open_clip = model->folder.open_clip_tokenizer,
                                                               .lowercase = model->folder.lowercase},
                                     &model->tokenizer, error);
    if (status == QCTX_OK)
        status = check_vocabulary(model, error);
    if (status == QCTX_OK)
        status = qctx_transformer_check(&model->folder, model->pooling, &model->dim, error);
    if (status == QCTX_OK) {
        hashes[0] = qctx_model_folder_hash(&model->folder);
        hashes[1] = qctx_tokenizer_hash(model->tokenizer);
        model->hash = qctx_hash(hashes, sizeof hashes, 0);
    }
    free(found);
    return status;
}

qctx_status pretrained_model_load(pretrained_model *model, qctx_precision precision, qctx_error *error)
{
    if (model->transformer != NULL)
        return QCTX_OK;
    return qctx_transformer_create(&model->folder, precision, model->pooling, &model->transformer, error);
}

void pretrained_model_close(pretrained_model *model)
{
    qctx_transformer_destroy(model->transformer);
    qctx_tokenizer_destroy(model->tokenizer);
    qctx_model_folder_close(&model->folder);
}
