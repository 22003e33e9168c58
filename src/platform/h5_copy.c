/* Datasets copied from a file of unknown origin into one of our own: in batches, and only what is really stored. */
#include <stdlib.h>

#include "h5_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

enum {
    BATCH_BYTES = 16 << 20,
    BATCH_TEXTS = 256,         /* of variable length, of which each may be long */
    CACHE_BYTES = 64 << 20,    /* for chunks, at least */
    CACHE_SLOTS = 12421,       /* a prime, as HDF5 wants it */
    DEFLATE_RATIO_MOST = 1032, /* its format cannot compress more */
};

/* An open dataset. */
typedef struct {
    hid_t id, space, type, creation;
    qctx_h5_shape shape;
} source;

static void close_source(const source *from)
{
    qctx_h5_release(from->id, from->space, from->type, from->creation);
}

/* A row of chunks, from the first column to the last: what lies in it is read from several batches. */
static size_t band_bytes(const source *from)
{
    hsize_t chunk[2] = {0, 0};
    size_t bytes;

    if (H5Pget_layout(from->creation) != H5D_CHUNKED || H5Pget_chunk(from->creation, 2, chunk) < 0 ||
        __builtin_mul_overflow((size_t)chunk[0], (size_t)from->shape.shape[1], &bytes) ||
        __builtin_mul_overflow(bytes, from->shape.element_bytes, &bytes))
        return 0;
    return bytes;
}

/* Opens the dataset again with room for a row of chunks, so that no batch decompresses one once more. */
static qctx_status widen_cache(const qctx_h5 *file, const char *dataset, source *from, qctx_error *error)
{
    const size_t bytes = band_bytes(from);
    hid_t access;
    qctx_status status;

    if (bytes <= CACHE_BYTES)
        return QCTX_OK;
    access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(access, CACHE_SLOTS, bytes, 1.0);
    qctx_h5_release(from->id, from->space, from->type, -1);
    status = qctx_h5_open_dataset(file, dataset, access, &from->id, &from->space, &from->type, error);
    H5Pclose(access);
    return status;
}

static qctx_status open_source(const qctx_h5 *file, const char *dataset, source *from, qctx_error *error)
{
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    qctx_status status = qctx_h5_inspect(file, dataset, &from->shape, error);

    H5Pset_chunk_cache(access, CACHE_SLOTS, CACHE_BYTES, 1.0);
    if (status == QCTX_OK)
        status = qctx_h5_open_dataset(file, dataset, access, &from->id, &from->space, &from->type, error);
    if (status == QCTX_OK) {
        from->creation = H5Dget_create_plist(from->id);
        status = widen_cache(file, dataset, from, error);
    }
    H5Pclose(access);
    return status;
}

/* Whether every chunk was written: the others would read as fill values, as many as the file claims. */
static qctx_status check_chunks(const qctx_h5 *file, const char *dataset, const source *from, qctx_error *error)
{
    hsize_t extent[2] = {0, 1}, chunk[2] = {1, 1}, stored = 0, expected = 1;

    H5Sget_simple_extent_dims(from->space, extent, NULL);
    if (H5Pget_chunk(from->creation, 2, chunk) < 0 || chunk[0] == 0 || chunk[1] == 0 ||
        H5Dget_num_chunks(from->id, from->space, &stored) < 0)
        return qctx_h5_fail(file->path, dataset, QCTX_ERR_FORMAT, error);
    for (int i = 0; i < from->shape.rank; i++)
        if (__builtin_mul_overflow(expected, extent[i] / chunk[i] + (extent[i] % chunk[i] != 0), &expected))
            expected = HSIZE_UNDEF;
    if (stored == expected)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s claims %llu chunks, of which %llu are stored", file->path, dataset,
              (unsigned long long)expected, (unsigned long long)stored);
    return qctx_hint(error, "was it written to its end?");
}

/* Holds what a dataset claims against what is stored of it. What lies elsewhere was allowed, or refused, before. */
static qctx_status check_claim(const qctx_h5 *file, const char *dataset, const source *from, qctx_error *error)
{
    const H5D_layout_t layout = H5Pget_layout(from->creation);
    const int64_t ratio = H5Pget_nfilters(from->creation) > 0 ? DEFLATE_RATIO_MOST : 1;
    const int64_t stored = (int64_t)H5Dget_storage_size(from->id);
    int64_t claimed, most;

    if (layout == H5D_VIRTUAL || H5Pget_external_count(from->creation) > 0)
        return QCTX_OK;
    if (from->shape.shape[0] < 0 || from->shape.shape[1] < 0 ||
        __builtin_mul_overflow(from->shape.shape[0], from->shape.shape[1], &claimed) ||
        __builtin_mul_overflow(claimed, (int64_t)from->shape.element_bytes, &claimed))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s claims %llu rows of %llu", file->path, dataset,
                         (unsigned long long)from->shape.shape[0], (unsigned long long)from->shape.shape[1]);
    if (!__builtin_mul_overflow(stored, ratio, &most) && most < claimed) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s claims %lld bytes, of which %lld are stored", file->path, dataset,
                  (long long)claimed, (long long)stored);
        return qctx_hint(error, "was it written to its end?");
    }
    return layout == H5D_CHUNKED ? check_chunks(file, dataset, from, error) : QCTX_OK;
}

/* The type by which numbers are copied. */
static qctx_h5_type type_of(const source *from)
{
    if (from->shape.is_float)
        return from->shape.is_half ? QCTX_H5_FLOAT16 : QCTX_H5_FLOAT32;
    return from->shape.element_bytes == 1 && H5Tget_sign(from->type) == H5T_SGN_NONE ? QCTX_H5_BYTES : QCTX_H5_INT64;
}

/* Reads rows first … first + count − 1, which stay selected in `from->space`. */
static qctx_status read_numbers(const qctx_h5 *file, const char *dataset, const source *from, hid_t memory,
                                int64_t first, int64_t count, void *values, qctx_error *error)
{
    hid_t window = -1;
    qctx_status status = qctx_h5_select_rows(file, dataset, from->space, first, count, &window, error);

    if (status == QCTX_OK && H5Dread(from->id, memory, window, from->space, H5P_DEFAULT, values) < 0)
        status = qctx_h5_fail(file->path, "cannot read", QCTX_ERR_IO, error);
    qctx_h5_release(-1, window, -1, -1);
    return status;
}

static qctx_status copy_numbers(const qctx_h5 *file, qctx_h5 *to, const char *dataset, const source *from,
                                qctx_error *error)
{
    const qctx_h5_type type = type_of(from);
    const int64_t rows = from->shape.shape[0], columns = from->shape.shape[1];
    hid_t memory = qctx_h5_make_type(type);
    const int64_t row_bytes = columns * (int64_t)H5Tget_size(memory);
    const int64_t batch = qctx_smaller(rows, row_bytes < BATCH_BYTES ? BATCH_BYTES / row_bytes : 1);
    void *values = qctx_alloc(batch, (size_t)row_bytes, "rows of a dataset", error);
    qctx_status status = values == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK)
        status = qctx_h5_make(to, dataset, type, rows, from->shape.rank == 1 ? 0 : columns, error);
    for (int64_t first = 0; first < rows && status == QCTX_OK; first += batch) {
        const int64_t count = qctx_smaller(batch, rows - first);

        status = read_numbers(file, dataset, from, memory, first, count, values, error);
        if (status == QCTX_OK)
            status = qctx_h5_write(to, dataset, type, first, count, values, error);
    }
    H5Tclose(memory);
    free(values);
    return status;
}

/* Writes texts [count] at `first` of a list that is open. */
static qctx_status write_text_rows(const qctx_h5 *to, const char *dataset, hid_t object, int64_t first, int64_t count,
                                   char *const *texts, qctx_error *error)
{
    hid_t space = H5Dget_space(object), type = H5Dget_type(object), window = -1;
    qctx_status status = qctx_h5_select_rows(to, dataset, space, first, count, &window, error);

    if (status == QCTX_OK)
        status = qctx_h5_written(to, H5Dwrite(object, type, window, space, H5P_DEFAULT, texts), "cannot write", error);
    qctx_h5_release(-1, space, type, -1);
    qctx_h5_release(-1, window, -1, -1);
    return status;
}

static qctx_status copy_texts(const qctx_h5 *file, qctx_h5 *to, const char *dataset, const source *from,
                              qctx_error *error)
{
    const int64_t total = from->shape.shape[0];
    const int64_t size = (int64_t)from->shape.element_bytes;
    const int64_t batch = size < BATCH_BYTES ? qctx_smaller(BATCH_TEXTS, BATCH_BYTES / size) : 1;
    char *texts[BATCH_TEXTS];
    hid_t object = -1;
    qctx_status status = qctx_h5_make_texts(to, dataset, total, &object, error);

    for (int64_t first = 0; first < total && status == QCTX_OK; first += batch) {
        const int64_t count = qctx_smaller(batch, total - first);

        status = qctx_h5_read_text_rows(file, dataset, from->id, first, count, texts, error);
        if (status != QCTX_OK)
            break;
        status = write_text_rows(to, dataset, object, first, count, texts, error);
        for (int64_t i = 0; i < count; i++)
            free(texts[i]);
    }
    qctx_h5_release(object, -1, -1, -1);
    return status;
}

qctx_status qctx_h5_copy(const qctx_h5 *from, qctx_h5 *to, const char *dataset, qctx_error *error)
{
    source opened = {-1, -1, -1, -1, {0}};
    qctx_status status = open_source(from, dataset, &opened, error);

    if (status == QCTX_OK)
        status = check_claim(from, dataset, &opened, error);
    if (status != QCTX_OK)
        goto out;
    if (opened.shape.element_bytes == 0 || opened.shape.shape[1] == 0 ||
        (opened.shape.is_text && opened.shape.rank > 1))
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s is neither a list nor a matrix", from->path, dataset);
    else if (opened.shape.is_text)
        status = copy_texts(from, to, dataset, &opened, error);
    else if (opened.shape.is_float || opened.shape.is_integer)
        status = copy_numbers(from, to, dataset, &opened, error);
    else
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s holds neither numbers nor texts", from->path, dataset);
out:
    close_source(&opened);
    return status;
}
