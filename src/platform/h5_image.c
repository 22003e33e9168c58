/*
 * Files in memory. The driver keeps the bytes where the caller can take them without a copy, in memory that is used
 * again for the next file; HDF5's own driver for memory would copy the whole file once more to hand it out.
 *
 * As the driver of files on the disk (h5_driver.c), it never lets a write fail under HDF5, and remembers instead that
 * memory was short.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "h5_internal.h"
#include "qctx/base/mem.h"

/* What HDF5 hands to the driver's open. */
typedef struct {
    qctx_h5_image *image;
    int *failure;
} driver_info;

typedef struct {
    qctx_h5_driver_file shared;
    driver_info info;
    bool writes;
} driver_file;

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t limit)
{
    const driver_info *info = H5Pget_driver_info(access);
    driver_file *file = info == NULL ? NULL : calloc(1, sizeof *file);

    (void)name, (void)limit;
    if (file == NULL)
        return NULL;
    file->info = *info;
    file->writes = (flags & H5F_ACC_RDWR) != 0;
    if (flags & H5F_ACC_TRUNC)
        info->image->count = info->image->front;
    file->shared.end_of_file = (haddr_t)(info->image->count - info->image->front);
    return (H5FD_t *)file;
}

static herr_t driver_close(H5FD_t *common)
{
    free(common);
    return 0;
}

static int driver_compare(const H5FD_t *left, const H5FD_t *right)
{
    const qctx_h5_image *a = ((const driver_file *)left)->info.image;
    const qctx_h5_image *b = ((const driver_file *)right)->info.image;

    return a < b ? -1 : a > b;
}

/* What lies beyond the end of a file that is being made reads as zeros; a finished one claims nothing there. */
static herr_t driver_read(H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t bytes, void *buffer)
{
    const driver_file *file = (driver_file *)common;
    const qctx_h5_image *image = file->info.image;
    size_t held = (size_t)(image->count - image->front);
    size_t there = address >= held ? 0 : held - (size_t)address;

    (void)type, (void)transfer;
    if (there > bytes)
        there = bytes;
    if (there < bytes && !file->writes)
        return -1;
    if (there > 0)
        memcpy(buffer, image->bytes + image->front + address, there);
    memset((char *)buffer + there, 0, bytes - there);
    return 0;
}

/* Makes the image reach to `end`, with zeros up to `zeros`: what was never written is to have no history. */
static bool reach(driver_file *file, haddr_t end, haddr_t zeros)
{
    qctx_h5_image *image = file->info.image;
    int64_t needed;

    if (*file->info.failure != 0)
        return false;
    if (end > (haddr_t)(INT64_MAX - image->front) ||
        qctx_grow((void **)&image->bytes, &image->capacity, image->front + (int64_t)end, 1, "a file in memory", NULL) !=
            QCTX_OK) {
        *file->info.failure = ENOMEM;
        return false;
    }
    needed = image->front + (int64_t)zeros;
    if (needed > image->count)
        memset(image->bytes + image->count, 0, (size_t)(needed - image->count));
    needed = image->front + (int64_t)end;
    if (needed > image->count)
        image->count = needed;
    return true;
}

static herr_t driver_write(H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t bytes,
                           const void *buffer)
{
    driver_file *file = (driver_file *)common;

    (void)type, (void)transfer;
    if (reach(file, address + bytes, address))
        memcpy(file->info.image->bytes + file->info.image->front + address, buffer, bytes);
    if (address + bytes > file->shared.end_of_file)
        file->shared.end_of_file = address + bytes;
    return 0;
}

static herr_t driver_truncate(H5FD_t *common, hid_t transfer, hbool_t closing)
{
    driver_file *file = (driver_file *)common;

    (void)transfer, (void)closing;
    if (file->writes && reach(file, file->shared.end_of_addresses, file->shared.end_of_addresses))
        file->info.image->count = file->info.image->front + (int64_t)file->shared.end_of_addresses;
    file->shared.end_of_file = file->shared.end_of_addresses;
    return 0;
}

static const H5FD_class_t driver_class = {
    .name = "qctx_image",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(driver_info),
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_compare,
    .query = qctx_h5_driver_query,
    .get_eoa = qctx_h5_driver_end_of_addresses,
    .set_eoa = qctx_h5_driver_set_end_of_addresses,
    .get_eof = qctx_h5_driver_end_of_file,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

static hid_t image_access(qctx_h5_image *image, int *failure)
{
    static hid_t driver = -1;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    driver_info info = {image, failure};

    if (driver < 0)
        driver = H5FDregister(&driver_class);
    H5Pset_driver(access, driver, &info);
    return access;
}

/* Hands out a handle whose file was opened or created, or frees it. */
static qctx_status hand_out(qctx_h5 *file, const char *what, qctx_status code, qctx_h5 **opened, qctx_error *error)
{
    if (file->id < 0) {
        qctx_h5_fail(file->path, what, code, error);
        qctx_h5_free_handle(file);
        return code;
    }
    file->in_memory = true;
    *opened = file;
    return QCTX_OK;
}

qctx_status qctx_h5_create_image(const char *name, qctx_h5_image *image, qctx_h5 **created, qctx_error *error)
{
    qctx_h5 *file = NULL;
    hid_t access;
    qctx_status status = qctx_h5_make_handle(name, &file, error);

    if (status != QCTX_OK)
        return status;
    access = image_access(image, &file->failure);
    file->id = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return hand_out(file, "cannot create", QCTX_ERR_INTERNAL, created, error);
}

qctx_status qctx_h5_open_image(const char *name, qctx_h5_image *image, qctx_h5 **opened, qctx_error *error)
{
    qctx_h5 *file = NULL;
    hid_t access;
    qctx_status status = qctx_h5_make_handle(name, &file, error);

    if (status != QCTX_OK)
        return status;
    access = image_access(image, &file->failure);
    file->id = H5Fopen(name, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return hand_out(file, "not a readable HDF5 file", QCTX_ERR_FORMAT, opened, error);
}
