/* A model of the encoder: its folder with tokenizer and transformer. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pretrained_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

int pretrained_model_of(const pretrained_state *state, qctx_side side)
{
    return side == QCTX_CONTEXT && state->model_count == 2 ? 1 : 0;
}

/*
 * Every id of the vocabulary must have an embedding. Added tokens may lack theirs, such as a [MASK] that BERT's class
 * adds to a vocabulary without one: they are refused in the text that holds one, where the original fails, too.
 */
static qctx_status check_vocabulary(const pretrained_model *model, qctx_error *error)
{
    const qctx_model_folder *folder = &model->folder;
    int64_t size = qctx_tokenizer_vocabulary(model->tokenizer);

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
    uint64_t hashes[2];
    qctx_status status = qctx_model_folder_open(path, &model->folder, error);

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
