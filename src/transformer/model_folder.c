#include "qctx/transformer/model_folder.h"

#include <stddef.h>

bool qctx_model_folder_is(const char *path)
{
    (void)path;
    return false;
}

qctx_status qctx_model_folder_open(const char *path, qctx_model_folder *folder, qctx_error *error)
{
    *folder = (qctx_model_folder){0};
    return qctx_fail(error, QCTX_ERR_INTERNAL, "%s: model folders are not read yet", path);
}

void qctx_model_folder_close(qctx_model_folder *folder)
{
    *folder = (qctx_model_folder){0};
}

qctx_status qctx_model_folder_hash(const qctx_model_folder *folder, uint64_t *hash, qctx_error *error)
{
    (void)folder;
    *hash = 0;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "model folders are not read yet");
}

const char *qctx_architecture_name(qctx_architecture architecture)
{
    static const char *const names[] = {"bert", "distilbert", "roberta", "mpnet", "clip_text_model", "open_clip"};

    return names[architecture];
}

qctx_status qctx_pooling_parse(const char *text, unsigned *pooling, qctx_error *error)
{
    *pooling = 0;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "%s: poolings are not read yet", text);
}

char *qctx_pooling_name(unsigned pooling, qctx_error *error)
{
    (void)pooling;
    qctx_fail(error, QCTX_ERR_INTERNAL, "poolings are not named yet");
    return NULL;
}
