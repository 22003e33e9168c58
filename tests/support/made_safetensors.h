/* Writes small safetensors files: whole ones from a list of tensors, and broken ones from a header's text. */
#ifndef QCTX_TESTS_MADE_SAFETENSORS_H
#define QCTX_TESTS_MADE_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "qctx/transformer/safetensors.h"

enum { MADE_TENSORS_MAX = 256, MADE_NAME_MAX = 96 };

typedef struct {
    char name[MADE_NAME_MAX];
    int rank;
    int64_t shape[4];
    const float *values; /* NULL: some that follow from name and place, of a size that suits weights */
} made_tensor;

typedef struct {
    int64_t count;
    made_tensor items[MADE_TENSORS_MAX];
} made_tensors;

/* Adds a tensor; sizes of 0 end the shape. */
void made_add(made_tensors *tensors, const char *name, int64_t a, int64_t b, const float *values);

/* A file of this header and these data, without any check, for all ranks. `header_length` −1: that of the text. */
void made_raw(const char *path, const char *header, int64_t header_length, const void *data, size_t bytes);

/* All tensors in the type "F32", "F16" or "BF16". */
void made_write(const char *path, const made_tensors *tensors, const char *type);

/* How many tensors an opened file or index has, and one of them, in the order of their names. */
int64_t made_tensor_count(const qctx_safetensors *tensors);
const qctx_tensor *made_tensor_at(const qctx_safetensors *tensors, int64_t index);

#endif
