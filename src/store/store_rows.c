/* The vectors of a store: where they stand, found in the mapped file, or loaded where they cannot be mapped. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "qctx/base/half.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "store_internal.h"

/* Rows by which is told whether all that is prefetched are in memory: a system call each. */
enum { SAMPLED_ROWS = 8 };

const char *qctx_store_group_name(qctx_side side)
{
    return side == QCTX_QUESTION ? "questions" : "contexts";
}

const char *qctx_store_vectors_of(qctx_side side)
{
    return side == QCTX_QUESTION ? "questions/vectors" : "contexts/vectors";
}

size_t qctx_store_row_bytes(const qctx_store *store, qctx_side side)
{
    return (size_t)store->dim * (store->sides[side].half ? sizeof(uint16_t) : sizeof(float));
}

/* What a store's vectors must be like. */
static qctx_status check_shape(const char *path, qctx_side side, const qctx_h5_shape *shape, qctx_error *error)
{
    const char *dataset = qctx_store_vectors_of(side);

    if (shape->rank != 2 || !shape->is_float)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: %s has %d dimension%s of %s; expected 2 of floating-point numbers", path, dataset,
                         shape->rank, qctx_plural(shape->rank),
                         shape->is_float     ? "floating-point numbers"
                         : shape->is_integer ? "integers"
                                             : "another type");
    if (shape->shape[0] == 0 || shape->shape[1] == 0)
        return qctx_fail(error, QCTX_ERR_DATA, "%s: %s is empty (%lld rows of %lld)", path, dataset,
                         (long long)shape->shape[0], (long long)shape->shape[1]);
    if (shape->shape[0] < 0 || shape->shape[1] < 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s claims %llu rows of %llu", path, dataset,
                         (unsigned long long)shape->shape[0], (unsigned long long)shape->shape[1]);
    return QCTX_OK;
}

qctx_status qctx_store_inspect_vectors(const qctx_h5 *file, const char *path, qctx_side side, qctx_h5_shape *shape,
                                       qctx_error *error)
{
    const char *dataset = qctx_store_vectors_of(side);
    qctx_status status = qctx_h5_inspect(file, dataset, shape, error);

    if (status == QCTX_OK)
        return check_shape(path, side, shape, error);
    if (!qctx_h5_exists(file, dataset))
        qctx_hint(error, "a store holds questions/vectors, contexts/vectors and answers/SPLIT");
    return status;
}

static size_t element_bytes(const qctx_h5_shape *shape)
{
    return shape->is_half ? sizeof(uint16_t) : sizeof(float);
}

bool qctx_store_is_mappable(const qctx_h5_shape *shape)
{
    return shape->file_offset >= 0 && shape->element_bytes == element_bytes(shape) &&
           shape->file_offset % (int64_t)element_bytes(shape) == 0;
}

/* Those in place were inspected by the child that made the copy, whose word is checked. */
static qctx_status inspect(const qctx_store *store, qctx_side side, qctx_h5_shape *shape, qctx_error *error)
{
    if (!store->in_place.is[side])
        return qctx_store_inspect_vectors(store->file, store->path, side, shape, error);
    *shape = store->in_place.shapes[side];
    return check_shape(store->path, side, shape, error);
}

static qctx_status load_rows(qctx_store *store, qctx_side side, qctx_error *error)
{
    qctx_store_rows_of *rows = &store->sides[side];
    int64_t elements;

    if (__builtin_mul_overflow(rows->count, store->dim, &elements))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s claims %lld rows of %lld", store->path,
                         qctx_store_vectors_of(side), (long long)rows->count, (long long)store->dim);
    rows->loaded = qctx_alloc(elements, rows->half ? sizeof(uint16_t) : sizeof(float), "the vectors of a store", error);
    if (rows->loaded == NULL)
        return QCTX_ERR_MEMORY;
    rows->data = rows->loaded;
    return qctx_h5_read(store->file, qctx_store_vectors_of(side), rows->half ? QCTX_H5_FLOAT16 : QCTX_H5_FLOAT32, 0,
                        rows->count, rows->loaded, error);
}

/* Rows that the machine can use as they stand in the store's own file are mapped, all others loaded. */
static qctx_status find_side(qctx_store *store, qctx_side side, const qctx_h5_shape *shape, qctx_error *error)
{
    qctx_store_rows_of *rows = &store->sides[side];
    size_t row, bytes, offset;

    rows->count = shape->shape[0];
    rows->half = shape->is_half;
    if ((store->copy >= 0 && !store->in_place.is[side]) || !qctx_store_is_mappable(shape))
        return load_rows(store, side, error);
    offset = (size_t)shape->file_offset;
    if (__builtin_mul_overflow((size_t)store->dim, element_bytes(shape), &row) ||
        __builtin_mul_overflow((size_t)rows->count, row, &bytes) || offset > qctx_mapped_size(store->map) ||
        bytes > qctx_mapped_size(store->map) - offset)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s ends beyond the end of the file; it is truncated", store->path,
                         qctx_store_vectors_of(side));
    rows->data = qctx_mapped_bytes(store->map) + offset;
    return QCTX_OK;
}

/* Whether there are questions to be looked for: where contexts will do, they may be missing. */
static bool has_questions(const qctx_store *store)
{
    return !store->contexts_only || store->in_place.is[QCTX_QUESTION] ||
           qctx_h5_exists(store->file, qctx_store_vectors_of(QCTX_QUESTION));
}

qctx_status qctx_store_find_rows(qctx_store *store, qctx_error *error)
{
    const bool both = has_questions(store);
    const qctx_side first = both ? 0 : QCTX_CONTEXT;
    qctx_h5_shape shapes[2] = {0};
    qctx_status status = QCTX_OK;

    for (qctx_side side = first; side < QCTX_SIDE_COUNT && status == QCTX_OK; side++)
        status = inspect(store, side, &shapes[side], error);
    if (status != QCTX_OK)
        return status;
    if (both && shapes[0].shape[1] != shapes[1].shape[1])
        return qctx_fail(error, QCTX_ERR_MISMATCH,
                         "%s: questions/vectors has rows of %lld and contexts/vectors rows of %lld; expected the same",
                         store->path, (long long)shapes[0].shape[1], (long long)shapes[1].shape[1]);
    store->dim = shapes[QCTX_CONTEXT].shape[1];
    /* The whole file: the rows of the node's ranks are then one copy in the page cache. */
    status = qctx_mapped_open(store->path, &store->map, error);
    for (qctx_side side = first; side < QCTX_SIDE_COUNT && status == QCTX_OK; side++)
        status = find_side(store, side, &shapes[side], error);
    return status;
}

void qctx_store_drop_rows(qctx_store *store)
{
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        free(store->sides[side].loaded);
    qctx_mapped_close(store->map);
}

void qctx_store_forget(const qctx_store *store)
{
    int handle = open(store->path, O_RDONLY);

    if (store->map != NULL)
        madvise((void *)qctx_mapped_bytes(store->map), qctx_mapped_size(store->map), MADV_DONTNEED);
    if (handle >= 0) {
        posix_fadvise(handle, 0, 0, POSIX_FADV_DONTNEED);
        close(handle);
    }
}

static void copy_row(const qctx_store *store, qctx_side side, int64_t row, float *out)
{
    const qctx_store_rows_of *rows = &store->sides[side];
    size_t bytes = qctx_store_row_bytes(store, side);
    const unsigned char *data = rows->data + (size_t)row * bytes;

    if (rows->half)
        qctx_half_to_float((const void *)data, store->dim, out);
    else
        memcpy(out, data, bytes);
}

qctx_status qctx_store_read(qctx_store *store, qctx_side side, int64_t first, int64_t count, float *out,
                            qctx_error *error)
{
    if (first < 0 || count < 0 || first > store->sides[side].count - count)
        return qctx_fail(error, QCTX_ERR_IO, "%s: %s has %lld rows; asked for %lld from row %lld", store->path,
                         qctx_store_vectors_of(side), (long long)store->sides[side].count, (long long)count,
                         (long long)first);
#pragma omp parallel for schedule(static) if (count > 64)
    for (int64_t i = 0; i < count; i++)
        copy_row(store, side, first + i, out + i * store->dim);
    return qctx_mapped_check(QCTX_OK, error);
}

void qctx_store_gather(const qctx_store *store, qctx_side side, const int64_t *rows, int64_t count, float *out)
{
#pragma omp parallel for schedule(static) if (count > 64)
    for (int64_t i = 0; i < count; i++)
        copy_row(store, side, rows[i], out + i * store->dim);
}

/* The pages that a row stands on. */
static unsigned char *pages_of(const qctx_store *store, qctx_side side, int64_t row, size_t *bytes)
{
    size_t row_bytes = qctx_store_row_bytes(store, side);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t first = (size_t)(store->sides[side].data - qctx_mapped_bytes(store->map)) + (size_t)row * row_bytes;
    size_t start = first / page * page;

    *bytes = first + row_bytes - start;
    return (unsigned char *)qctx_mapped_bytes(store->map) + start;
}

static bool is_in_memory(const qctx_store *store, qctx_side side, int64_t row)
{
    unsigned char resident = 0;
    size_t bytes;
    unsigned char *pages = pages_of(store, side, row, &bytes);

    /* The first page stands for the row; where the kernel does not tell, nothing can be gained. */
    return mincore(pages, 1, &resident) != 0 || (resident & 1) != 0;
}

void qctx_store_prefetch(const qctx_store *store, qctx_side side, const int64_t *rows, int64_t count)
{
    int64_t stride = count / SAMPLED_ROWS + 1;
    bool all = true;

    if (store->sides[side].loaded != NULL)
        return;
    for (int64_t i = 0; i < count && all; i += stride)
        all = is_in_memory(store, side, rows[i]);
    for (int64_t i = 0; i < count && !all; i++) {
        size_t bytes;
        unsigned char *pages = pages_of(store, side, rows[i], &bytes);

        posix_madvise(pages, bytes, POSIX_MADV_WILLNEED);
    }
}
