/* Datasets of numbers. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h5_internal.h"
#include "qctx/base/fileio.h"

/* IEEE half precision, which HDF5 1.10 does not name: 1 sign, 5 exponent and 10 mantissa bits, bias 15. */
static hid_t half_type(void)
{
    const uint16_t one = 1;
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);

    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_ebias(type, 15);
    H5Tset_size(type, 2);
    H5Tset_order(type, *(const char *)&one == 1 ? H5T_ORDER_LE : H5T_ORDER_BE);
    return type;
}

hid_t qctx_h5_make_type(qctx_h5_type type)
{
    switch (type) {
    case QCTX_H5_FLOAT32:
        return H5Tcopy(H5T_NATIVE_FLOAT);
    case QCTX_H5_FLOAT16:
        return half_type();
    case QCTX_H5_INT64:
        return H5Tcopy(H5T_NATIVE_INT64);
    case QCTX_H5_BYTES:
        break;
    }
    return H5Tcopy(H5T_NATIVE_UINT8);
}

static bool is_half(hid_t type)
{
    hid_t half = half_type();
    bool same = H5Tequal(type, half) > 0;

    H5Tclose(half);
    return same;
}

qctx_status qctx_h5_open_dataset(const qctx_h5 *file, const char *name, hid_t access, hid_t *dataset, hid_t *space,
                                 hid_t *type, qctx_error *error)
{
    H5O_info_t info;

    *dataset = *space = *type = -1;
    if (!qctx_h5_exists(file, name) || H5Oget_info_by_name2(file->id, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: there is no dataset %s", file->path, name);
    if (info.type != H5O_TYPE_DATASET)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s is not a dataset", file->path, name);
    *dataset = H5Dopen2(file->id, name, access);
    if (*dataset < 0)
        return qctx_h5_fail(file->path, name, QCTX_ERR_FORMAT, error);
    *space = H5Dget_space(*dataset);
    *type = H5Dget_type(*dataset);
    return QCTX_OK;
}

/* Whether an object that was opened through `file` stands in that very file: links may lead to another. */
static bool is_within(const qctx_h5 *file, hid_t object)
{
    H5O_info_t own, other;

    return H5Oget_info2(file->id, &own, H5O_INFO_BASIC) >= 0 && H5Oget_info2(object, &other, H5O_INFO_BASIC) >= 0 &&
           own.fileno == other.fileno;
}

/* Where the rows of a contiguous dataset begin in the file, or −1 where they are not the bytes of memory. */
static int64_t mapped_offset(const qctx_h5 *file, hid_t dataset, hid_t type)
{
    hid_t properties = H5Dget_create_plist(dataset);
    int64_t offset = -1;
    haddr_t address;

    if (is_within(file, dataset) && H5Pget_layout(properties) == H5D_CONTIGUOUS &&
        H5Pget_external_count(properties) == 0 &&
        (H5Tequal(type, H5T_NATIVE_FLOAT) > 0 || is_half(type) || H5Tequal(type, H5T_NATIVE_DOUBLE) > 0 ||
         H5Tequal(type, H5T_NATIVE_INT64) > 0)) {
        address = H5Dget_offset(dataset);
        if (address != HADDR_UNDEF)
            offset = (int64_t)address;
    }
    qctx_h5_release(-1, -1, -1, properties);
    return offset;
}

/* Refuses data behind a filter (a kind of compression) that this HDF5 has not: reading it would not say so. */
static qctx_status check_filters(const qctx_h5 *file, const char *dataset, hid_t object, qctx_error *error)
{
    hid_t properties = H5Dget_create_plist(object);
    int filters = H5Pget_nfilters(properties);
    qctx_status status = QCTX_OK;

    for (int i = 0; i < filters && status == QCTX_OK; i++) {
        char name[64] = "";
        size_t values = 0;
        unsigned flags;
        H5Z_filter_t filter = H5Pget_filter2(properties, (unsigned)i, &flags, &values, NULL, sizeof name, name, NULL);

        if (H5Zfilter_avail(filter) <= 0) {
            qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s is stored with the filter '%s' (%d), which this HDF5 has not",
                      file->path, dataset, name, (int)filter);
            status = qctx_hint(error, "write it with gzip, or without compression");
        }
    }
    H5Pclose(properties);
    return status;
}

qctx_status qctx_h5_inspect(const qctx_h5 *file, const char *dataset, qctx_h5_shape *shape, qctx_error *error)
{
    hid_t object, space, type;
    hsize_t extent[2] = {0, 1};
    H5T_class_t class;
    int rank;
    qctx_status status = qctx_h5_open_dataset(file, dataset, H5P_DEFAULT, &object, &space, &type, error);

    if (status != QCTX_OK)
        return status;
    rank = H5Sget_simple_extent_ndims(space);
    if (rank < 1 || rank > 2) {
        status =
            qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s has %d dimensions; expected 1 or 2", file->path, dataset, rank);
        goto out;
    }
    status = check_filters(file, dataset, object, error);
    if (status != QCTX_OK)
        goto out;
    H5Sget_simple_extent_dims(space, extent, NULL);
    class = H5Tget_class(type);
    shape->rank = rank;
    shape->shape[0] = (int64_t)extent[0];
    shape->shape[1] = (int64_t)extent[1];
    shape->is_float = class == H5T_FLOAT;
    shape->is_half = is_half(type);
    shape->is_integer = class == H5T_INTEGER;
    shape->is_text = class == H5T_STRING;
    shape->element_bytes = H5Tget_size(type);
    shape->file_offset = mapped_offset(file, object, type);
out:
    qctx_h5_release(object, space, type, -1);
    return status;
}

/*
 * Reserves the blocks of a dataset: a full disk is noticed before the first row is written. File systems that cannot
 * reserve notice it at the writes.
 */
static qctx_status reserve(const qctx_h5 *file, hid_t object, const char *dataset, qctx_error *error)
{
    haddr_t offset = H5Dget_offset(object);
    hsize_t bytes = H5Dget_storage_size(object);
    qctx_status status = QCTX_OK;
    int handle;

    if (file->in_memory || offset == HADDR_UNDEF || bytes == 0)
        return QCTX_OK;
    handle = file->handle >= 0 ? fcntl(file->handle, F_DUPFD_CLOEXEC, 0) : open(file->path, O_WRONLY);
    if (handle < 0)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open: %s", file->path, strerror(errno));
    if (fallocate(handle, 0, (off_t)offset, (off_t)bytes) != 0 && errno != EOPNOTSUPP && errno != ENOSYS &&
        errno != EINTR) {
        status = qctx_fail(error, qctx_status_of_write(errno), "%s: cannot make room for %s (%lld bytes): %s",
                           file->path, dataset, (long long)bytes, strerror(errno));
        qctx_hint_space(error);
    }
    close(handle);
    return status;
}

qctx_status qctx_h5_make(qctx_h5 *file, const char *dataset, qctx_h5_type type, int64_t rows, int64_t cols,
                         qctx_error *error)
{
    hsize_t extent[2] = {(hsize_t)rows, (hsize_t)cols};
    hid_t links = qctx_h5_link_properties();
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(cols == 0 ? 1 : 2, extent, NULL);
    hid_t stored = qctx_h5_make_type(type);
    qctx_status status;
    hid_t object;

    /* Equal contents make equal files: HDF5 would note the time. */
    H5Pset_obj_track_times(creation, 0);
    H5Pset_layout(creation, H5D_CONTIGUOUS);
    H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
    object = H5Dcreate2(file->id, dataset, stored, space, links, creation, H5P_DEFAULT);
    status = qctx_h5_written(file, object, dataset, error);
    if (status == QCTX_OK)
        status = reserve(file, object, dataset, error);
    qctx_h5_release(object, space, stored, creation);
    qctx_h5_release(-1, -1, -1, links);
    /* Closing the file would else try to make room for it again. */
    if (status != QCTX_OK && object >= 0)
        H5Ldelete(file->id, dataset, H5P_DEFAULT);
    return status;
}

/* Whether values of the class that `memory` stands for can be moved to and from the stored type. */
static bool fits(hid_t stored, qctx_h5_type memory)
{
    H5T_class_t class = H5Tget_class(stored);

    switch (memory) {
    case QCTX_H5_FLOAT32:
        return class == H5T_FLOAT;
    case QCTX_H5_INT64:
        return class == H5T_INTEGER;
    case QCTX_H5_BYTES:
        return class == H5T_INTEGER && H5Tget_size(stored) == 1;
    case QCTX_H5_FLOAT16:
        break;
    }
    return is_half(stored);
}

qctx_status qctx_h5_select_rows(const qctx_h5 *file, const char *dataset, hid_t space, int64_t first, int64_t count,
                                hid_t *window, qctx_error *error)
{
    hsize_t extent[2] = {0, 1};
    hsize_t start[2] = {(hsize_t)first, 0};
    hsize_t size[2] = {(hsize_t)count, 1};
    int rank = H5Sget_simple_extent_ndims(space);

    if (rank < 1 || rank > 2)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s has %d dimensions; expected 1 or 2", file->path, dataset,
                         rank);
    H5Sget_simple_extent_dims(space, extent, NULL);
    if (first < 0 || count < 0 || first > (int64_t)extent[0] - count)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s has %lld rows; asked for %lld from row %lld", file->path,
                         dataset, (long long)extent[0], (long long)count, (long long)first);
    size[1] = extent[1];
    *window = H5Screate_simple(rank, size, NULL);
    if (*window < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) < 0)
        return qctx_h5_fail(file->path, dataset, QCTX_ERR_FORMAT, error);
    return QCTX_OK;
}

static qctx_status check_type(const qctx_h5 *file, const char *dataset, hid_t stored, qctx_h5_type memory,
                              qctx_error *error)
{
    if (fits(stored, memory))
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s holds values of another type; expected %s", file->path, dataset,
                     memory == QCTX_H5_INT64   ? "integers"
                     : memory == QCTX_H5_BYTES ? "bytes"
                                               : "floating-point numbers");
}

/* Moves rows between file and memory: writes `source`, or where it is NULL reads into `target`. */
static qctx_status move_rows(const qctx_h5 *file, const char *dataset, qctx_h5_type memory, int64_t first,
                             int64_t count, const void *source, void *target, qctx_error *error)
{
    hid_t object, space, stored;
    hid_t window = -1;
    hid_t type = qctx_h5_make_type(memory);
    qctx_status status = qctx_h5_open_dataset(file, dataset, H5P_DEFAULT, &object, &space, &stored, error);

    if (status == QCTX_OK)
        status = check_type(file, dataset, stored, memory, error);
    if (status == QCTX_OK)
        status = qctx_h5_select_rows(file, dataset, space, first, count, &window, error);
    if (status != QCTX_OK || count == 0)
        goto out;
    if (source != NULL)
        status =
            qctx_h5_written(file, H5Dwrite(object, type, window, space, H5P_DEFAULT, source), "cannot write", error);
    if (target != NULL && H5Dread(object, type, window, space, H5P_DEFAULT, target) < 0)
        status = qctx_h5_fail(file->path, "cannot read", QCTX_ERR_IO, error);
out:
    qctx_h5_release(object, space, stored, -1);
    qctx_h5_release(-1, window, type, -1);
    return status;
}

qctx_status qctx_h5_write(qctx_h5 *file, const char *dataset, qctx_h5_type memory, int64_t first, int64_t count,
                          const void *data, qctx_error *error)
{
    return move_rows(file, dataset, memory, first, count, data, NULL, error);
}

qctx_status qctx_h5_read(const qctx_h5 *file, const char *dataset, qctx_h5_type memory, int64_t first, int64_t count,
                         void *data, qctx_error *error)
{
    return move_rows(file, dataset, memory, first, count, NULL, data, error);
}
