/*
 * The file driver behind every file that this program writes, or opens without a name: plain POSIX calls, with errors
 * that stick.
 *
 * HDF5 1.10 does not survive a flush that fails while a file is closed: the file's memory is released but its handle
 * stays, and the library's own end, inside MPI_Finalize, then follows it and crashes. So this driver reports success
 * to HDF5, remembers the first error in the qctx_h5 and writes nothing after it, as a stdio stream does; the layer
 * above asks for the error after each step and after closing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "h5_internal.h"

/* What HDF5 hands to the driver's open: where errors are remembered, and what has a file without a name open.
 */
typedef struct {
    int *failure;
    int handle;
} driver_info;

typedef struct {
    qctx_h5_driver_file shared;
    int handle;
    int *failure;
    dev_t device;
    ino_t inode;
} driver_file;

static void remember(driver_file *file)
{
    if (*file->failure == 0)
        *file->failure = errno != 0 ? errno : EIO;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t limit)
{
    const driver_info *info = H5Pget_driver_info(access);
    /* No link is followed where a file is made: it could lead to any other. */
    int mode = (flags & H5F_ACC_RDWR ? O_RDWR : O_RDONLY) | (flags & H5F_ACC_CREAT ? O_CREAT | O_NOFOLLOW : 0) |
               (flags & H5F_ACC_TRUNC ? O_TRUNC : 0) | (flags & H5F_ACC_EXCL ? O_EXCL : 0);
    driver_file *file;
    struct stat found;

    (void)limit;
    if (info == NULL)
        return NULL;
    file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->handle = info->handle >= 0 ? fcntl(info->handle, F_DUPFD_CLOEXEC, 0) : open(name, mode, 0666);
    if (file->handle < 0 || fstat(file->handle, &found) != 0) {
        if (file->handle >= 0)
            close(file->handle);
        free(file);
        return NULL;
    }
    file->failure = info->failure;
    file->shared.end_of_file = (haddr_t)found.st_size;
    file->device = found.st_dev;
    file->inode = found.st_ino;
    return (H5FD_t *)file;
}

static herr_t driver_close(H5FD_t *common)
{
    driver_file *file = (driver_file *)common;

    if (close(file->handle) != 0)
        remember(file);
    free(file);
    return 0;
}

static int driver_compare(const H5FD_t *left, const H5FD_t *right)
{
    const driver_file *a = (const driver_file *)left;
    const driver_file *b = (const driver_file *)right;

    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    return a->inode < b->inode ? -1 : a->inode > b->inode;
}

herr_t qctx_h5_driver_query(const H5FD_t *common, unsigned long *flags)
{
    (void)common;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

haddr_t qctx_h5_driver_end_of_addresses(const H5FD_t *common, H5FD_mem_t type)
{
    (void)type;
    return ((const qctx_h5_driver_file *)common)->end_of_addresses;
}

herr_t qctx_h5_driver_set_end_of_addresses(H5FD_t *common, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((qctx_h5_driver_file *)common)->end_of_addresses = address;
    return 0;
}

haddr_t qctx_h5_driver_end_of_file(const H5FD_t *common, H5FD_mem_t type)
{
    (void)type;
    return ((const qctx_h5_driver_file *)common)->end_of_file;
}

/* What lies beyond the end of the file reads as zeros. */
static herr_t driver_read(H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t bytes, void *buffer)
{
    driver_file *file = (driver_file *)common;
    char *at = buffer;
    ssize_t got;

    (void)type, (void)transfer;
    while (bytes > 0) {
        got = pread(file->handle, at, bytes, (off_t)address);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            remember(file);
            return -1;
        }
        if (got == 0) {
            memset(at, 0, bytes);
            break;
        }
        at += got;
        address += (haddr_t)got;
        bytes -= (size_t)got;
    }
    return 0;
}

static herr_t driver_write(H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t bytes,
                           const void *buffer)
{
    driver_file *file = (driver_file *)common;
    const char *at = buffer;
    ssize_t done;

    (void)type, (void)transfer;
    while (bytes > 0 && *file->failure == 0) {
        done = pwrite(file->handle, at, bytes, (off_t)address);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            remember(file);
            break;
        }
        at += done;
        address += (haddr_t)done;
        bytes -= (size_t)done;
    }
    /* HDF5 is to believe that all stands in the file. */
    address += bytes;
    if (address > file->shared.end_of_file)
        file->shared.end_of_file = address;
    return 0;
}

static herr_t driver_truncate(H5FD_t *common, hid_t transfer, hbool_t closing)
{
    driver_file *file = (driver_file *)common;

    (void)transfer, (void)closing;
    if (*file->failure == 0 && ftruncate(file->handle, (off_t)file->shared.end_of_addresses) != 0)
        remember(file);
    file->shared.end_of_file = file->shared.end_of_addresses;
    return 0;
}

static const H5FD_class_t driver_class = {
    .name = "qctx",
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

hid_t qctx_h5_plain_access(qctx_h5 *file)
{
    static hid_t driver = -1;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    driver_info info = {&file->failure, file->handle};

    if (driver < 0)
        driver = H5FDregister(&driver_class);
    H5Pset_driver(access, driver, &info);
    return access;
}
