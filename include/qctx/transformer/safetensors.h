/*
 * safetensors: named tensors in one file, or in several with an index, mapped and never copied as a whole, so that the
 * ranks of a node share one copy in the page cache.
 *
 * A file is a u64 little-endian length of the header, the header in JSON, and the tensors' bytes, row-major and
 * little-endian, to the end of the file. Nothing in it is believed: length, types, shapes, offsets, overlaps and gaps
 * are checked against the file before any tensor is handed out. Format: huggingface/safetensors, README "Format".
 */
#ifndef QCTX_TRANSFORMER_SAFETENSORS_H
#define QCTX_TRANSFORMER_SAFETENSORS_H

#include <stdint.h>

#include "qctx/base/status.h"

/* OTHER: integers and the like, which a model folder may hold but nothing here reads. */
typedef enum { QCTX_TENSOR_F32, QCTX_TENSOR_F16, QCTX_TENSOR_BF16, QCTX_TENSOR_OTHER } qctx_tensor_type;

enum { QCTX_TENSOR_RANK_MAX = 8 };

/* A tensor in its file; valid as long as the file is open. */
typedef struct {
    const char *name;
    const char *file; /* the path of the file that holds it, for messages */
    qctx_tensor_type type;
    int rank;
    int64_t shape[QCTX_TENSOR_RANK_MAX];
    int64_t count; /* elements: the product of the shape */
    int64_t bytes;
    const void *data; /* [bytes], little-endian, not aligned */
} qctx_tensor;

typedef struct qctx_safetensors qctx_safetensors;

/*
 * Opens PATH.safetensors, or all files that an index (PATH.safetensors.index.json) names, which stand beside it.
 * Local. The caller closes it (NULL-safe). Errors: IO, MEMORY, FORMAT (file, tensor, what was found and expected).
 */
qctx_status qctx_safetensors_open(const char *path, qctx_safetensors **opened, qctx_error *error);
void qctx_safetensors_close(qctx_safetensors *tensors);

/* The path that was opened. Local. */
const char *qctx_safetensors_path(const qctx_safetensors *tensors);

/* The tensor of this name, or NULL. Local. */
const qctx_tensor *qctx_safetensors_find(const qctx_safetensors *tensors, const char *name);

/*
 * The tensor `name` if it has the shape [rank] and a type of F32, F16 or BF16. Local. Errors: FORMAT: missing (with the
 * nearest name there is), of another shape or type: file, tensor, expected and found.
 */
qctx_status qctx_safetensors_get(const qctx_safetensors *tensors, const char *name, int rank, const int64_t *shape,
                                 const qctx_tensor **found, qctx_error *error);

/* values [count] = elements first … first + count − 1, in float32, exactly. Local. Cannot fail. */
void qctx_tensor_read(const qctx_tensor *tensor, int64_t first, int64_t count, float *values);

/*
 * A hash of names, types, shapes and bytes of the tensors whose names do not begin with `left_out` (NULL: of all),
 * under `seed`; it does not depend on how they are dealt out to files. Reads all of their bytes. Local. Cannot fail.
 */
uint64_t qctx_safetensors_hash(const qctx_safetensors *tensors, const char *left_out, uint64_t seed);

#endif
