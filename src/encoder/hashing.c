#include "qctx/encoder/hashing.h"

#include <stdlib.h>

#include "hashing_internal.h"

typedef struct {
    qctx_side side;
    float *rows;
} encoding;

static qctx_status encode_one(const hashing_state *state, hashing_analyser *analyser, int64_t index, void *opaque,
                              qctx_error *error)
{
    const encoding *task = opaque;
    float *row = task->rows + index * state->dim;

    (void)error;
    if (task->side == QCTX_QUESTION)
        hashing_fill_question(state, analyser, row);
    else
        hashing_fill_context(state, analyser, row);
    return QCTX_OK;
}

static qctx_status hashing_encode(void *opaque, qctx_side side, const char *const *texts, int64_t count, float *rows,
                                  qctx_error *error)
{
    const hashing_state *state = opaque;
    encoding task = {side, rows};

    if (state->contexts == 0)
        return qctx_fail(error, QCTX_ERR_DATA, "the hashing encoder has not been fitted to any contexts");
    return hashing_for_each(state, texts, count, encode_one, NULL, &task, error);
}

static int64_t hashing_dim(const void *opaque)
{
    return ((const hashing_state *)opaque)->dim;
}

static void hashing_destroy(void *opaque)
{
    hashing_state *state = opaque;

    if (state == NULL)
        return;
    free(state->df.items);
    free(state);
}

const qctx_encoder_class qctx_hashing_encoder = {
    .name = "hashing",
    .create = hashing_create,
    .fit = hashing_fit,
    .encode = hashing_encode,
    .dim = hashing_dim,
    .settings = hashing_settings,
    .save = hashing_save,
    .restore = hashing_restore,
    .destroy = hashing_destroy,
};
