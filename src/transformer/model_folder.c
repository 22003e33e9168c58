#include "qctx/transformer/model_folder.h"

#include <stdlib.h>

#include "model_folder_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

/* A folder may hold a model of OpenCLIP in Hugging Face's form, too: what its files are there for decides. */
static bool is_open_clip(const char *path)
{
    return qctx_folder_has(path, "open_clip_config.json") &&
           (qctx_folder_has(path, "open_clip_model.safetensors") || !qctx_folder_has(path, "config.json"));
}

bool qctx_model_folder_is(const char *path)
{
    return qctx_path_is_folder(path) &&
           (qctx_folder_has(path, "modules.json") || qctx_folder_has(path, "open_clip_config.json") ||
            qctx_folder_has(path, "config.json"));
}

static qctx_status open_kind(qctx_model_folder *folder, qctx_error *error)
{
    if (qctx_folder_has(folder->path, "modules.json")) {
        folder->kind = "sentence-transformers";
        return model_folder_open_sentence(folder, error);
    }
    if (is_open_clip(folder->path)) {
        folder->kind = "OpenCLIP";
        return model_folder_open_open_clip(folder, error);
    }
    folder->kind = "Hugging Face";
    return model_folder_open_hugging_face(folder, folder->path, error);
}

qctx_status qctx_model_folder_open(const char *path, qctx_model_folder *folder, qctx_error *error)
{
    qctx_status status = QCTX_ERR_MEMORY;

    *folder = (qctx_model_folder){0};
    if (!qctx_model_folder_is(path))
        return qctx_fail(
            error, QCTX_ERR_IO,
            "%s: found no model: expected a folder with modules.json, open_clip_config.json or config.json", path);
    folder->path = qctx_path_trim(path, error);
    folder->question_prompt = qctx_strdup("", error);
    folder->context_prompt = qctx_strdup("", error);
    folder->tokenizer = folder->path != NULL ? qctx_strdup(folder->path, error) : NULL;
    if (folder->question_prompt != NULL && folder->context_prompt != NULL && folder->tokenizer != NULL)
        status = open_kind(folder, error);
    if (status != QCTX_OK)
        qctx_model_folder_close(folder);
    return status;
}

void qctx_model_folder_close(qctx_model_folder *folder)
{
    for (int64_t i = 0; i < folder->dense_count; i++)
        qctx_safetensors_close(folder->dense[i].tensors);
    free(folder->dense);
    qctx_safetensors_close(folder->tensors);
    free(folder->question_prompt);
    free(folder->context_prompt);
    free(folder->tokenizer);
    free(folder->path);
    *folder = (qctx_model_folder){0};
}

uint64_t qctx_model_folder_hash(const qctx_model_folder *folder)
{
    const int64_t read[] = {folder->architecture,
                            folder->layers,
                            folder->hidden,
                            folder->heads,
                            folder->intermediate,
                            folder->vocabulary,
                            folder->positions,
                            folder->first_position,
                            folder->types,
                            folder->buckets,
                            folder->projection,
                            folder->end_of_text,
                            folder->function,
                            folder->pooling,
                            folder->max_tokens,
                            folder->dense_count,
                            folder->open_clip_tokenizer};
    /* The tower for images is as large as the other and is not read. */
    const char *left_out = folder->architecture == QCTX_OPEN_CLIP ? "visual." : "vision_model.";
    uint64_t hash = qctx_hash(read, sizeof read, 0);

    hash = qctx_hash(&folder->epsilon, sizeof folder->epsilon, hash);
    hash = qctx_safetensors_hash(folder->tensors, left_out, hash);
    for (int64_t i = 0; i < folder->dense_count; i++) {
        const int64_t layer[] = {folder->dense[i].bias, folder->dense[i].function};

        hash = qctx_hash(layer, sizeof layer, hash);
        hash = qctx_safetensors_hash(folder->dense[i].tensors, NULL, hash);
    }
    return hash;
}
