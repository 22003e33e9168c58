#include "qctx/transformer/transformer.h"

#include <stddef.h>

qctx_status qctx_transformer_create(const qctx_model_folder *folder, qctx_precision precision, unsigned pooling,
                                    qctx_transformer **created, qctx_error *error)
{
    (void)precision, (void)pooling;
    *created = NULL;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "%s: transformers do not work yet", folder->path);
}

void qctx_transformer_destroy(qctx_transformer *transformer)
{
    (void)transformer;
}

int64_t qctx_transformer_dim(const qctx_transformer *transformer)
{
    (void)transformer;
    return 0;
}

int64_t qctx_transformer_bytes(const qctx_transformer *transformer)
{
    (void)transformer;
    return 0;
}

double qctx_transformer_flops(const qctx_transformer *transformer, const int64_t *lengths, int64_t texts)
{
    (void)transformer, (void)lengths, (void)texts;
    return 0.0;
}

qctx_status qctx_transformer_workspace_create(const qctx_transformer *transformer, qctx_transformer_workspace **created,
                                              qctx_error *error)
{
    (void)transformer;
    *created = NULL;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "transformers do not work yet");
}

void qctx_transformer_workspace_destroy(qctx_transformer_workspace *workspace)
{
    (void)workspace;
}

qctx_status qctx_transformer_forward(const qctx_transformer *transformer, qctx_transformer_workspace *workspace,
                                     const qctx_token_batch *batch, float *rows, qctx_error *error)
{
    (void)transformer, (void)workspace, (void)batch, (void)rows;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "transformers do not work yet");
}

