#include "qctx/retrieval/projector.h"

#include <string.h>

#include "qctx/model/optimizer.h"

/* Rows of one forward pass: large enough for full speed, small enough for the caches and a modest tape. */
enum { BLOCK_ROWS = 1024 };

int64_t qctx_projector_output(const qctx_projector *projector)
{
    return projector->head != NULL ? projector->head->output : projector->input;
}

/* Brings rows to unit length; a zero row has no direction and stays zero. */
static void normalize_rows(int64_t rows, int64_t width, float *y)
{
#pragma omp parallel for schedule(static) if (rows > 64)
    for (int64_t row = 0; row < rows; row++) {
        float *values = y + row * width;
        double norm = qctx_norm(values, width);
        double scale = norm > 0.0 ? 1.0 / norm : 0.0;

        for (int64_t i = 0; i < width; i++)
            values[i] = (float)(values[i] * scale);
    }
}

static qctx_status apply_head(const qctx_projector *projector, qctx_side side, const float *x, int64_t rows, float *y,
                              qctx_error *error)
{
    const qctx_head_config *head = projector->head;
    qctx_head_tape *tape;
    qctx_status status =
        qctx_head_tape_create(head, QCTX_PRECISION_FLOAT32, rows < BLOCK_ROWS ? rows : BLOCK_ROWS, 1, &tape, error);

    if (status != QCTX_OK)
        return status;
    for (int64_t start = 0; start < rows; start += BLOCK_ROWS) {
        int64_t count = rows - start < BLOCK_ROWS ? rows - start : BLOCK_ROWS;

        qctx_head_forward(head, projector->parameters, side, projector->strength, x + start * head->input, count, NULL,
                          tape, 0, y + start * head->output);
    }
    qctx_head_tape_destroy(tape);
    return QCTX_OK;
}

qctx_status qctx_projector_apply(const qctx_projector *projector, qctx_side side, const float *x, int64_t rows,
                                 float *y, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (rows == 0)
        return QCTX_OK;
    if (projector->head != NULL && qctx_head_has_side(projector->head, side))
        status = apply_head(projector, side, x, rows, y, error);
    else
        memcpy(y, x, sizeof(float) * (size_t)(rows * projector->input));
    if (status == QCTX_OK && projector->normalize)
        normalize_rows(rows, qctx_projector_output(projector), y);
    return status;
}
