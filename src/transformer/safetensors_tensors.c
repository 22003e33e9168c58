/* The tensors of all files together: found by name, read and hashed. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/bfloat16.h"
#include "qctx/base/half.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/suggest.h"
#include "safetensors_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are read as they lie in the file");

static int by_name(const void *a, const void *b)
{
    const qctx_tensor *left = a, *right = b;

    return strcmp(left->name, right->name);
}

qctx_status safetensors_sort(qctx_safetensors *tensors, qctx_error *error)
{
    if (tensors->count > 0)
        qsort(tensors->items, (size_t)tensors->count, sizeof *tensors->items, by_name);
    for (int64_t i = 1; i < tensors->count; i++) {
        const qctx_tensor *item = &tensors->items[i], *before = item - 1;

        if (strcmp(item->name, before->name) == 0)
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "%s: tensor '" SAFETENSORS_NAME "' is in %s, too; expected in one file", item->file,
                             item->name, before->file);
    }
    return QCTX_OK;
}

const qctx_tensor *qctx_safetensors_find(const qctx_safetensors *tensors, const char *name)
{
    const qctx_tensor wanted = {.name = name};

    return tensors->count == 0
               ? NULL
               : bsearch(&wanted, tensors->items, (size_t)tensors->count, sizeof *tensors->items, by_name);
}

static qctx_status refuse_missing(const qctx_safetensors *tensors, const char *name, int rank, const int64_t *shape,
                                  qctx_error *error)
{
    char expected[SAFETENSORS_SHAPE_MAX];
    const char **names = qctx_alloc(tensors->count, sizeof *names, "the tensors' names", error);
    const char *nearest;

    if (names == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < tensors->count; i++)
        names[i] = tensors->items[i].name;
    nearest = qctx_suggest(name, names, tensors->count);
    safetensors_describe_shape(rank, shape, expected);
    qctx_fail(error, QCTX_ERR_FORMAT,
              "%s: tensor '" SAFETENSORS_NAME "' is missing among %lld tensors, expected it with the shape %s",
              tensors->path, name, (long long)tensors->count, expected);
    if (nearest != NULL)
        qctx_hint(error, "the nearest name in the file is '%s'", nearest);
    free(names);
    return QCTX_ERR_FORMAT;
}

qctx_status qctx_safetensors_get(const qctx_safetensors *tensors, const char *name, int rank, const int64_t *shape,
                                 const qctx_tensor **found, qctx_error *error)
{
    const qctx_tensor *tensor = qctx_safetensors_find(tensors, name);
    char expected[SAFETENSORS_SHAPE_MAX], here[SAFETENSORS_SHAPE_MAX];

    *found = NULL;
    if (tensor == NULL)
        return refuse_missing(tensors, name, rank, shape, error);
    if (tensor->type == QCTX_TENSOR_OTHER)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: tensor '" SAFETENSORS_NAME "': found numbers of another type, expected F32, F16 or BF16",
                         tensor->file, name);
    if (tensor->rank != rank || memcmp(tensor->shape, shape, (size_t)rank * sizeof *shape) != 0) {
        safetensors_describe_shape(rank, shape, expected);
        safetensors_describe_shape(tensor->rank, tensor->shape, here);
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: tensor '" SAFETENSORS_NAME "': found the shape %s, expected %s",
                         tensor->file, name, here, expected);
    }
    *found = tensor;
    return QCTX_OK;
}

void qctx_tensor_read(const qctx_tensor *tensor, int64_t first, int64_t count, float *values)
{
    enum { BLOCK = 512 };
    uint16_t block[BLOCK];
    const unsigned char *bytes = tensor->data;

    if (tensor->type == QCTX_TENSOR_F32) {
        memcpy(values, bytes + first * 4, (size_t)count * 4);
        return;
    }
    for (int64_t done = 0; done < count; done += BLOCK) {
        int64_t part = qctx_smaller(BLOCK, count - done);

        memcpy(block, bytes + (first + done) * 2, (size_t)part * 2);
        if (tensor->type == QCTX_TENSOR_F16)
            qctx_half_to_float(block, part, values + done);
        else
            qctx_from_bfloat16_row(block, part, values + done);
    }
}

uint64_t qctx_safetensors_hash(const qctx_safetensors *tensors, const char *left_out, uint64_t seed)
{
    uint64_t hash = seed;

    for (int64_t i = 0; i < tensors->count; i++) {
        const qctx_tensor *tensor = &tensors->items[i];
        int64_t described[2 + QCTX_TENSOR_RANK_MAX] = {(int64_t)tensor->type, tensor->rank};

        if (left_out != NULL && strncmp(tensor->name, left_out, strlen(left_out)) == 0)
            continue;
        memcpy(described + 2, tensor->shape, sizeof tensor->shape);
        hash = qctx_hash_text(tensor->name, hash);
        hash = qctx_hash(described, sizeof described, hash);
        hash = qctx_hash(tensor->data, (size_t)tensor->bytes, hash);
    }
    return hash;
}
