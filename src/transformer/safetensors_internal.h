/* What the files of the safetensors reader share. */
#ifndef QCTX_TRANSFORMER_SAFETENSORS_INTERNAL_H
#define QCTX_TRANSFORMER_SAFETENSORS_INTERNAL_H

#include <stddef.h>

#include "qctx/platform/mapped.h"
#include "qctx/transformer/safetensors.h"

/* One file, mapped as a whole. */
typedef struct {
    char *path;
    qctx_mapped *mapped;
    const unsigned char *bytes;
    size_t size;
} safetensors_file;

struct qctx_safetensors {
    char *path;
    safetensors_file *files;
    int64_t file_count;
    int64_t file_capacity;
    qctx_tensor *items; /* by name, once opened; the names are their own */
    int64_t count;
    int64_t capacity;
};

/* Longest part of a name that messages show: names come from the file and may be of any length. */
#define SAFETENSORS_NAME "%.200s"

/* Maps a file of at least the 8 bytes of the header's length. Local. Errors: IO, MEMORY, FORMAT. */
qctx_status safetensors_map(safetensors_file *file, const char *path, qctx_error *error);
void safetensors_unmap(safetensors_file *file);

/* Appends the tensors of a mapped file to `tensors->items`, in no order. Local. Errors: MEMORY, FORMAT. */
qctx_status safetensors_read_header(qctx_safetensors *tensors, const safetensors_file *file, qctx_error *error);

/* Brings the tensors of all files into the order of their names. Local. Errors: FORMAT (one is in two files). */
qctx_status safetensors_sort(qctx_safetensors *tensors, qctx_error *error);

/* "[384, 1536]" into `text`. Local. Cannot fail. */
enum { SAFETENSORS_SHAPE_MAX = 24 * QCTX_TENSOR_RANK_MAX };
void safetensors_describe_shape(int rank, const int64_t *shape, char text[SAFETENSORS_SHAPE_MAX]);

#endif
