/*
 * The forward pass of a transformer encoder: token ids in, one vector per text out.
 *
 * Texts of a call are packed: their tokens stand one after the other in one matrix [tokens, d] without padding;
 * products run over all tokens at once, attention over each text by itself. A call works on the calling thread alone,
 * so threads share a model and each have a workspace; a text's bits depend on the model, the precision and the texts of
 * its call, never on threads or ranks.
 *
 * float32: products of float32. bfloat16: operands of the products are rounded to bfloat16, sums, residuals, layer
 * normalisation, softmax and pooling stay float32.
 */
#ifndef QCTX_TRANSFORMER_TRANSFORMER_H
#define QCTX_TRANSFORMER_TRANSFORMER_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/linalg/product.h"
#include "qctx/transformer/model_folder.h"

typedef struct qctx_transformer qctx_transformer;
typedef struct qctx_transformer_workspace qctx_transformer_workspace;

/* Texts as token ids: those of text i are ids[offsets[i]] … ids[offsets[i + 1] − 1], from 1 to max_tokens. */
typedef struct {
    int64_t texts;
    const int64_t *offsets; /* [texts + 1], offsets[0] = 0 */
    const int32_t *ids;     /* [offsets[texts]], each from 0 and below the folder's vocabulary */
} qctx_token_batch;

/*
 * Whether a transformer can be made of the folder: every tensor is there in its shape, and what is pooled fits. Reads
 * no weight. `*dim` is what qctx_transformer_dim will be. Local. Errors: FORMAT, CONFIG, MEMORY, as those of create.
 */
qctx_status qctx_transformer_check(const qctx_model_folder *folder, unsigned pooling, int64_t *dim, qctx_error *error);

/*
 * Loads and packs the weights. `pooling` replaces the folder's unless 0. The folder is borrowed as long as the
 * transformer lives: embeddings are read from the mapped file. Local. The caller destroys it (NULL-safe).
 * Errors: FORMAT (a tensor is missing or has another shape), CONFIG (pooling), MEMORY.
 */
qctx_status qctx_transformer_create(const qctx_model_folder *folder, qctx_precision precision, unsigned pooling,
                                    qctx_transformer **created, qctx_error *error);
void qctx_transformer_destroy(qctx_transformer *transformer);

/* Length of a pooled vector, behind dense layers and projection. Local. */
int64_t qctx_transformer_dim(const qctx_transformer *transformer);

/* Multiplications and additions of the products of texts of these lengths in tokens [texts]. Local. */
double qctx_transformer_flops(const qctx_transformer *transformer, const int64_t *lengths, int64_t texts);

/* What a thread needs beside the model; grows with the largest batch. Local. Errors: MEMORY. */
qctx_status qctx_transformer_workspace_create(const qctx_transformer *transformer, qctx_transformer_workspace **created,
                                              qctx_error *error);
void qctx_transformer_workspace_destroy(qctx_transformer_workspace *workspace);

/*
 * rows [texts, dim] = pooled vectors, not normalised. Local. Errors: MEMORY; DATA (a text without tokens or of more
 * than the folder's max_tokens, an id that the vocabulary lacks).
 */
qctx_status qctx_transformer_forward(const qctx_transformer *transformer, qctx_transformer_workspace *workspace,
                                     const qctx_token_batch *batch, float *rows, qctx_error *error);

#endif
