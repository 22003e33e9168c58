/* The weights of a folder as they are asked for: parts by themselves, joined, and turned. */
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "transformer_internal.h"

qctx_status transformer_read(const qctx_model_folder *folder, transformer_part part, int64_t layer, bool bias,
                             float *values, qctx_error *error)
{
    const qctx_tensor *tensor;
    qctx_status status = transformer_tensor(folder, part, layer, bias, &tensor, error);

    if (status == QCTX_OK)
        qctx_tensor_read(tensor, 0, tensor->count, values);
    return status;
}

qctx_status transformer_read_joint(const qctx_model_folder *folder, int64_t layer, bool bias, float *values,
                                   qctx_error *error)
{
    int64_t count = bias ? folder->hidden : folder->hidden * folder->hidden;
    qctx_status status;

    if (transformer_has(folder, TRANSFORMER_JOINT))
        return transformer_read(folder, TRANSFORMER_JOINT, layer, bias, values, error);
    status = transformer_read(folder, TRANSFORMER_QUERY, layer, bias, values, error);
    if (status == QCTX_OK)
        status = transformer_read(folder, TRANSFORMER_KEY, layer, bias, values + count, error);
    if (status == QCTX_OK)
        status = transformer_read(folder, TRANSFORMER_VALUE, layer, bias, values + 2 * count, error);
    return status;
}

qctx_status transformer_read_projection(const qctx_model_folder *folder, float *values, qctx_error *error)
{
    int64_t d = folder->hidden, columns = folder->projection;
    const qctx_tensor *tensor;
    qctx_status status;
    float *row;

    if (!transformer_has(folder, TRANSFORMER_PROJECTION_MATRIX))
        return transformer_read(folder, TRANSFORMER_PROJECTION, 0, false, values, error);
    row = qctx_alloc(columns, sizeof *row, "a row of the text projection", error);
    if (row == NULL)
        return QCTX_ERR_MEMORY;
    status = transformer_tensor(folder, TRANSFORMER_PROJECTION_MATRIX, 0, false, &tensor, error);
    for (int64_t i = 0; status == QCTX_OK && i < d; i++) {
        qctx_tensor_read(tensor, i * columns, columns, row);
        for (int64_t j = 0; j < columns; j++)
            values[j * d + i] = row[j];
    }
    free(row);
    return status;
}

qctx_status transformer_check_dense(const qctx_dense *dense, const qctx_tensor **weight, const qctx_tensor **bias,
                                    qctx_error *error)
{
    const int64_t shape[] = {dense->output, dense->input};
    qctx_status status = qctx_safetensors_get(dense->tensors, "linear.weight", 2, shape, weight, error);

    *bias = NULL;
    if (status == QCTX_OK && dense->bias)
        status = qctx_safetensors_get(dense->tensors, "linear.bias", 1, shape, bias, error);
    return status;
}
