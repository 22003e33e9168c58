/* Datasets of texts. */
#include <stdlib.h>
#include <string.h>

#include "h5_internal.h"
#include "qctx/base/mem.h"

hid_t qctx_h5_text_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

qctx_status qctx_h5_make_texts(qctx_h5 *file, const char *dataset, int64_t count, hid_t *object, qctx_error *error)
{
    hsize_t extent = (hsize_t)count;
    hid_t type = qctx_h5_text_type();
    hid_t links = qctx_h5_link_properties();
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(1, &extent, NULL);

    /* Equal contents make equal files: HDF5 would note the time. */
    H5Pset_obj_track_times(creation, 0);
    *object = H5Dcreate2(file->id, dataset, type, space, links, creation, H5P_DEFAULT);
    qctx_h5_release(-1, space, type, links);
    qctx_h5_release(-1, -1, -1, creation);
    return qctx_h5_written(file, *object, dataset, error);
}

qctx_status qctx_h5_write_texts(qctx_h5 *file, const char *dataset, const char *const *texts, int64_t count,
                                qctx_error *error)
{
    hid_t type = qctx_h5_text_type();
    hid_t object = -1;
    qctx_status status = qctx_h5_make_texts(file, dataset, count, &object, error);

    if (status == QCTX_OK && count > 0)
        status =
            qctx_h5_written(file, H5Dwrite(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts), "cannot write", error);
    qctx_h5_release(object, -1, type, -1);
    return status;
}

/* HDF5 hands variable-length texts over in memory from these two, so that free() releases them. */
static void *take(size_t bytes, void *unused)
{
    (void)unused;
    return malloc(bytes);
}

static void give_back(void *memory, void *unused)
{
    (void)unused;
    free(memory);
}

/* A dataset's text that was never written is a null pointer; the caller gets an empty text for it. */
static qctx_status read_variable(const qctx_h5 *file, hid_t object, hid_t type, hid_t window, hid_t space,
                                 int64_t count, char **texts, qctx_error *error)
{
    hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
    qctx_status status = QCTX_OK;

    H5Pset_vlen_mem_manager(transfer, take, NULL, give_back, NULL);
    if (H5Dread(object, type, window, space, transfer, texts) < 0)
        status = qctx_h5_fail(file->path, "cannot read texts", QCTX_ERR_IO, error);
    H5Pclose(transfer);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        if (texts[i] == NULL && (texts[i] = qctx_strdup("", error)) == NULL)
            status = QCTX_ERR_MEMORY;
    return status;
}

qctx_status qctx_h5_unpad(const char *packed, hid_t type, int64_t count, char **texts, qctx_error *error)
{
    size_t size = H5Tget_size(type);
    bool spaces = H5Tget_strpad(type) == H5T_STR_SPACEPAD;

    for (int64_t i = 0; i < count; i++) {
        const char *text = packed + (size_t)i * size;
        size_t length = strnlen(text, size);

        while (spaces && length > 0 && text[length - 1] == ' ')
            length--;
        texts[i] = qctx_alloc((int64_t)length + 1, 1, "a text", error);
        if (texts[i] == NULL)
            return QCTX_ERR_MEMORY;
        memcpy(texts[i], text, length);
    }
    return QCTX_OK;
}

static qctx_status read_fixed(const qctx_h5 *file, hid_t object, hid_t type, hid_t window, hid_t space, int64_t count,
                              char **texts, qctx_error *error)
{
    char *packed = qctx_alloc(count, H5Tget_size(type), "texts of fixed length", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (packed == NULL)
        return status;
    if (H5Dread(object, type, window, space, H5P_DEFAULT, packed) < 0)
        status = qctx_h5_fail(file->path, "cannot read texts", QCTX_ERR_IO, error);
    else
        status = qctx_h5_unpad(packed, type, count, texts, error);
    free(packed);
    return status;
}

/* Texts are read as the type that is stored: HDF5 does not convert between character sets or lengths. */
qctx_status qctx_h5_read_text_rows(const qctx_h5 *file, const char *dataset, hid_t object, int64_t first, int64_t count,
                                   char **texts, qctx_error *error)
{
    hsize_t start = (hsize_t)first;
    hsize_t size = (hsize_t)count;
    hid_t space = H5Dget_space(object);
    hid_t type = H5Dget_type(object);
    hid_t window = H5Screate_simple(1, &size, NULL);
    qctx_status status;

    memset(texts, 0, (size_t)count * sizeof *texts);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &size, NULL) < 0)
        status = qctx_h5_fail(file->path, dataset, QCTX_ERR_FORMAT, error);
    else if (H5Tis_variable_str(type) > 0)
        status = read_variable(file, object, type, window, space, count, texts, error);
    else
        status = read_fixed(file, object, type, window, space, count, texts, error);
    qctx_h5_release(-1, space, type, -1);
    qctx_h5_release(-1, window, -1, -1);
    for (int64_t i = 0; i < count && status != QCTX_OK; i++) {
        free(texts[i]);
        texts[i] = NULL;
    }
    return status;
}

qctx_status qctx_h5_read_texts(const qctx_h5 *file, const char *dataset, int64_t first, int64_t count, char **texts,
                               qctx_error *error)
{
    qctx_h5_shape shape = {0};
    qctx_status status = qctx_h5_inspect(file, dataset, &shape, error);
    hid_t object;

    if (status != QCTX_OK)
        return status;
    if (!shape.is_text || shape.rank != 1)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s is not a list of texts", file->path, dataset);
    if (first < 0 || count < 0 || first > shape.shape[0] - count)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s has %lld texts; asked for %lld from text %lld", file->path,
                         dataset, (long long)shape.shape[0], (long long)count, (long long)first);
    if (count == 0)
        return QCTX_OK;
    object = H5Dopen2(file->id, dataset, H5P_DEFAULT);
    status = qctx_h5_read_text_rows(file, dataset, object, first, count, texts, error);
    H5Oclose(object);
    return status;
}
