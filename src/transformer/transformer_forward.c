/* The forward pass over packed texts, its workspace, and the operations that it takes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "transformer_internal.h"

qctx_status qctx_transformer_workspace_create(const qctx_transformer *transformer, qctx_transformer_workspace **created,
                                              qctx_error *error)
{
    (void)transformer;
    *created = qctx_alloc(1, sizeof **created, "a transformer's workspace", error);
    return *created != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

void qctx_transformer_workspace_destroy(qctx_transformer_workspace *workspace)
{
    if (workspace == NULL)
        return;
    free(workspace->x);
    free(workspace->normed);
    free(workspace->narrow);
    free(workspace->wide);
    free(workspace->token_positions);
    free(workspace->scratch);
    free(workspace->distances);
    free(workspace->vectors);
    free(workspace->turned);
    free(workspace);
}

qctx_status transformer_check_batch(const qctx_model_folder *folder, const qctx_token_batch *batch, qctx_error *error)
{
    for (int64_t i = 0; i < batch->texts; i++) {
        int64_t count = batch->offsets[i + 1] - batch->offsets[i];

        if (count < 1 || count > folder->max_tokens)
            return qctx_fail(error, QCTX_ERR_DATA, "%s: a text of %" PRId64 " tokens, expected 1 to %" PRId64,
                             folder->path, count, folder->max_tokens);
        for (int64_t t = batch->offsets[i]; t < batch->offsets[i + 1]; t++)
            if (batch->ids[t] < 0 || batch->ids[t] >= folder->vocabulary)
                return qctx_fail(error, QCTX_ERR_DATA, "%s: token id %" PRId32 ", expected 0 to %" PRId64, folder->path,
                                 batch->ids[t], folder->vocabulary - 1);
    }
    return QCTX_OK;
}

/* One call: the sizes that its buffers have. */
typedef struct {
    const qctx_transformer *transformer;
    qctx_transformer_workspace *workspace;
    const qctx_token_batch *batch;
    int64_t tokens, longest, d, f;
    bool narrow; /* products read bfloat16 */
} forward_pass;

static qctx_status grow(const forward_pass *pass, qctx_error *error)
{
    static const char purpose[] = "the workspace of a transformer";
    const qctx_transformer *transformer = pass->transformer;
    qctx_transformer_workspace *w = pass->workspace;
    int64_t tokens = pass->tokens, d = pass->d, heads = transformer->folder->heads;
    int64_t wide = tokens * (4 * d > pass->f ? 4 * d : pass->f) * qctx_precision_bytes(transformer->precision);
    int64_t vectors = pass->batch->texts * transformer->widest;
    struct {
        void **array;
        int64_t *capacity, needed;
        size_t size;
    } const rows[] = {
        {(void **)&w->x, &w->x_capacity, tokens * d, sizeof *w->x},
        {(void **)&w->normed, &w->normed_capacity, transformer->clip ? tokens * d : 0, sizeof *w->normed},
        {(void **)&w->narrow, &w->narrow_capacity, pass->narrow ? tokens * d : 0, sizeof *w->narrow},
        {(void **)&w->wide, &w->wide_capacity, wide, sizeof *w->wide},
        {(void **)&w->token_positions, &w->positions_capacity, pass->longest, sizeof *w->token_positions},
        {(void **)&w->scratch, &w->scratch_capacity, transformer_attention_scratch(pass->longest, d, heads),
         sizeof *w->scratch},
        {(void **)&w->distances, &w->distances_capacity,
         transformer->distances != NULL ? heads * (2 * pass->longest - 1) : 0, sizeof *w->distances},
        {(void **)&w->vectors, &w->vectors_capacity, vectors, sizeof *w->vectors},
        {(void **)&w->turned, &w->turned_capacity, vectors, sizeof *w->turned},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].needed > *rows[i].capacity) {
            qctx_status status =
                qctx_grow(rows[i].array, rows[i].capacity, rows[i].needed, rows[i].size, purpose, error);

            if (status != QCTX_OK)
                return status;
        }
    return QCTX_OK;
}

/* Norm of x [rows, d] to where products read it. */
static const void *normalise(const forward_pass *pass, int64_t rows, const transformer_norm *norm)
{
    qctx_transformer_workspace *w = pass->workspace;
    float *to = pass->transformer->clip ? w->normed : w->x;

    transformer_layer_norm(rows, pass->d, w->x, norm->gain, norm->bias, (float)pass->transformer->folder->epsilon, to,
                           pass->narrow ? w->narrow : NULL);
    return pass->narrow ? (const void *)w->narrow : to;
}

/* x [tokens, d] = the words' embeddings and those of their positions and type. */
static void embed(const forward_pass *pass)
{
    const qctx_transformer *transformer = pass->transformer;
    const qctx_token_batch *batch = pass->batch;
    int64_t d = pass->d;

    for (int64_t text = 0; text < batch->texts; text++) {
        int64_t first = batch->offsets[text], count = batch->offsets[text + 1] - first;
        int64_t *at = pass->workspace->token_positions;

        transformer_positions(transformer->folder, count, batch->ids + first, at);
        for (int64_t i = 0; i < count; i++) {
            const float *position = transformer->positions + at[i] * d;
            float *x = pass->workspace->x + (first + i) * d;

            qctx_tensor_read(transformer->words, batch->ids[first + i] * d, d, x);
            for (int64_t j = 0; j < d; j++)
                x[j] += position[j];
        }
    }
}

/* The biases of distances that this call can see: those in the middle of all. */
static const float *take_distances(const forward_pass *pass)
{
    const qctx_transformer *transformer = pass->transformer;
    int64_t most = transformer->folder->max_tokens, span = 2 * pass->longest - 1;

    if (transformer->distances == NULL)
        return NULL;
    for (int64_t head = 0; head < transformer->folder->heads; head++)
        memcpy(pass->workspace->distances + head * span,
               transformer->distances + head * (2 * most - 1) + most - pass->longest, (size_t)span * sizeof(float));
    return pass->workspace->distances;
}

/* Moves the pooled token's row of each text to the front, in an array of rows of `bytes` bytes. */
static void pick(const forward_pass *pass, void *rows, size_t bytes)
{
    for (int64_t i = 0; i < pass->batch->texts; i++)
        memmove((char *)rows + (size_t)i * bytes,
                (char *)rows + (size_t)transformer_pooled_token(pass->transformer, pass->batch, i) * bytes, bytes);
}

/*
 * One layer: x + Attention(·), then that + FeedForward(·). `source` is what its first product reads; returns what that
 * of the next layer reads.
 */
static const void *apply_layer(const forward_pass *pass, const transformer_layer *layer, const float *distances,
                               bool picked, const void *source)
{
    const qctx_transformer *transformer = pass->transformer;
    qctx_transformer_workspace *w = pass->workspace;
    qctx_precision precision = transformer->precision;
    size_t bytes = (size_t)qctx_precision_bytes(precision);
    int64_t rows = pass->tokens, d = pass->d;
    char *mixed = w->wide + (size_t)(rows * 3 * d) * bytes;

    if (transformer->clip)
        source = normalise(pass, rows, &layer->first);
    qctx_linear_apply(layer->joint, rows, source, NULL, precision, w->wide);
    transformer_attention(&(transformer_attention_task){
        .texts = pass->batch->texts,
        .offsets = pass->batch->offsets,
        .heads = transformer->folder->heads,
        .d = d,
        .causal = transformer->clip,
        .position_bias = distances,
        .longest = pass->longest,
        .precision = precision,
        .projected = w->wide,
        .mixed = mixed,
        .scratch = w->scratch,
    });
    if (picked) {
        rows = pass->batch->texts;
        pick(pass, mixed, (size_t)d * bytes);
        pick(pass, w->x, (size_t)d * sizeof *w->x);
    }
    qctx_linear_apply(layer->output, rows, mixed, w->x, QCTX_PRECISION_FLOAT32, w->x);
    source = normalise(pass, rows, transformer->clip ? &layer->second : &layer->first);
    qctx_linear_apply(layer->up, rows, source, NULL, precision, w->wide);
    qctx_linear_apply(layer->down, rows, w->wide, w->x, QCTX_PRECISION_FLOAT32, w->x);
    return transformer->clip ? NULL : normalise(pass, rows, &layer->second);
}

qctx_status qctx_transformer_forward(const qctx_transformer *transformer, qctx_transformer_workspace *workspace,
                                     const qctx_token_batch *batch, float *rows, qctx_error *error)
{
    const qctx_model_folder *folder = transformer->folder;
    forward_pass pass = {.transformer = transformer,
                         .workspace = workspace,
                         .batch = batch,
                         .tokens = batch->offsets[batch->texts],
                         .d = folder->hidden,
                         .f = folder->intermediate,
                         .narrow = transformer->precision == QCTX_PRECISION_BFLOAT16};
    bool one = transformer_pools_one(transformer);
    const void *source = NULL;
    const float *distances;
    qctx_status status = transformer_check_batch(folder, batch, error);

    if (status != QCTX_OK || batch->texts == 0)
        return status;
    for (int64_t i = 0; i < batch->texts; i++)
        if (batch->offsets[i + 1] - batch->offsets[i] > pass.longest)
            pass.longest = batch->offsets[i + 1] - batch->offsets[i];
    status = grow(&pass, error);
    if (status != QCTX_OK)
        return status;
    embed(&pass);
    if (transformer->embedding_norm.gain != NULL)
        source = normalise(&pass, pass.tokens, &transformer->embedding_norm);
    distances = take_distances(&pass);
    for (int64_t i = 0; i < folder->layers; i++)
        source = apply_layer(&pass, &transformer->layers[i], distances, one && i + 1 == folder->layers, source);
    if (transformer->final_norm.gain != NULL)
        transformer_layer_norm(one ? batch->texts : pass.tokens, pass.d, workspace->x, transformer->final_norm.gain,
                               transformer->final_norm.bias, (float)folder->epsilon, workspace->x, NULL);
    transformer_pool(transformer, workspace, batch, one, rows);
    return QCTX_OK;
}

double qctx_transformer_flops(const qctx_transformer *transformer, const int64_t *lengths, int64_t texts)
{
    const qctx_model_folder *folder = transformer->folder;
    double d = (double)folder->hidden, f = (double)folder->intermediate;
    double tokens = 0.0, pairs = 0.0, maps = 0.0, rest;

    for (int64_t i = 0; i < texts; i++) {
        double n = (double)lengths[i];

        tokens += n;
        pairs += transformer->clip ? n * (n + 1.0) / 2.0 : n * n;
    }
    /* Where one token of a text is pooled, all that follows attention in the last layer is done for it alone. */
    rest = (double)folder->layers * tokens;
    if (transformer_pools_one(transformer) && folder->layers > 0)
        rest += (double)texts - tokens;
    if (folder->projection > 0)
        maps += d * (double)folder->projection;
    for (int64_t i = 0; i < folder->dense_count; i++)
        maps += (double)folder->dense[i].input * (double)folder->dense[i].output;
    return 2.0 * ((double)folder->layers * (3.0 * tokens * d * d + 2.0 * pairs * d) + rest * (d * d + 2.0 * d * f) +
                  (double)texts * maps);
}
