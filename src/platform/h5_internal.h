/* What the files of platform/h5 share. */
#ifndef QCTX_PLATFORM_H5_INTERNAL_H
#define QCTX_PLATFORM_H5_INTERNAL_H

#include <hdf5.h>

#include "qctx/platform/h5.h"

struct qctx_h5 {
    hid_t id;
    char *path;
    int failure;    /* errno of the first write that failed; 0: none */
    bool in_memory; /* `path` is a name for messages only */
    int handle;     /* so it is for a file without a name, which this handle has open; else −1 */
};

/* With what the drivers of files on the disk and in memory begin; HDF5's own part comes first, as it demands. */
typedef struct {
    H5FD_t common;
    haddr_t end_of_addresses;
    haddr_t end_of_file;
} qctx_h5_driver_file;

/* What both drivers answer to HDF5 from it, as H5FD_class_t says. */
herr_t qctx_h5_driver_query(const H5FD_t *common, unsigned long *flags);
haddr_t qctx_h5_driver_end_of_addresses(const H5FD_t *common, H5FD_mem_t type);
herr_t qctx_h5_driver_set_end_of_addresses(H5FD_t *common, H5FD_mem_t type, haddr_t address);
haddr_t qctx_h5_driver_end_of_file(const H5FD_t *common, H5FD_mem_t type);

/* Makes a handle without its file, or frees it (NULL-safe). Local. Errors: MEMORY. */
qctx_status qctx_h5_make_handle(const char *path, qctx_h5 **made, qctx_error *error);
void qctx_h5_free_handle(qctx_h5 *file);

/*
 * A file access list, to be closed with H5Pclose, whose files are read and written with plain calls and remember the
 * first error of writing in `file->failure`; a file without a name is reached by `file->handle`. Local.
 */
hid_t qctx_h5_plain_access(qctx_h5 *file);

/*
 * The status of a step of writing: a failure if the call to HDF5 did (`result` negative) or if any write so far could
 * not reach the file; "path: what: cause". Local.
 */
qctx_status qctx_h5_written(const qctx_h5 *file, int64_t result, const char *what, qctx_error *error);

/*
 * Fills `error` with "path: what: cause", where the cause is the innermost record of HDF5's error stack, or what the
 * operating system said where HDF5 quotes it. Local.
 */
qctx_status qctx_h5_fail(const char *path, const char *what, qctx_status code, qctx_error *error);

/* The type of a dataset in the file, to be closed with H5Tclose. */
hid_t qctx_h5_make_type(qctx_h5_type type);

/* A variable-length UTF-8 string type, to be closed with H5Tclose. */
hid_t qctx_h5_text_type(void);

/* A link creation list that makes the missing parent groups, to be closed with H5Pclose. */
hid_t qctx_h5_link_properties(void);

/*
 * Opens a dataset by the properties `access` with its space and stored type; on failure nothing stays open. Local.
 * Errors: FORMAT.
 */
qctx_status qctx_h5_open_dataset(const qctx_h5 *file, const char *name, hid_t access, hid_t *dataset, hid_t *space,
                                 hid_t *type, qctx_error *error);

/*
 * Selects rows first … first + count − 1 of `space`; `*window`, to be closed, is the matching space in memory. Local.
 * Errors: FORMAT.
 */
qctx_status qctx_h5_select_rows(const qctx_h5 *file, const char *dataset, hid_t space, int64_t first, int64_t count,
                                hid_t *window, qctx_error *error);

/* qctx_h5_read_texts of a dataset that is open, and its rows there. Local. Errors: IO, FORMAT, MEMORY. */
qctx_status qctx_h5_read_text_rows(const qctx_h5 *file, const char *dataset, hid_t object, int64_t first, int64_t count,
                                   char **texts, qctx_error *error);

/* Makes a list of `count` texts of variable length and leaves it open in `*object`. Local. Errors: IO. */
qctx_status qctx_h5_make_texts(qctx_h5 *file, const char *dataset, int64_t count, hid_t *object, qctx_error *error);

/* Closes what is open; negative handles are skipped. */
void qctx_h5_release(hid_t object, hid_t space, hid_t type, hid_t properties);

/*
 * The texts [count] behind one element of `size` bytes each, as a fixed-length string type `type` stores them:
 * padding removed. Each is freshly allocated. Errors: MEMORY.
 */
qctx_status qctx_h5_unpad(const char *packed, hid_t type, int64_t count, char **texts, qctx_error *error);

#endif
