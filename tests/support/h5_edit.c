#include "h5_edit.h"

#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"

#include "../../src/platform/h5_internal.h"

qctx_status test_h5_reopen(const char *path, qctx_h5 **opened, qctx_error *error)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    qctx_h5 *file = NULL;
    qctx_status status = qctx_h5_make_handle(path, &file, error);

    if (status == QCTX_OK) {
        H5Pset_file_locking(access, 0, 1);
        file->id = H5Fopen(path, H5F_ACC_RDWR, access);
        status = qctx_h5_written(file, file->id, "cannot open", error);
    }
    H5Pclose(access);
    if (status == QCTX_OK)
        *opened = file;
    else
        qctx_h5_free_handle(file);
    return status;
}

qctx_status test_h5_remove(qctx_h5 *file, const char *name, qctx_error *error)
{
    return qctx_h5_written(file, H5Adelete(file->id, name), name, error);
}

qctx_status test_h5_make_version_1(const char *path, qctx_error *error)
{
    enum { FRONT = 4096 };
    qctx_h5 *file = NULL;
    char *text = NULL;
    size_t bytes = 0;
    qctx_status status = test_h5_reopen(path, &file, error);

    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "version", 1, error);
    qctx_h5_close(file, NULL);
    if (status == QCTX_OK)
        status = qctx_file_read(path, &text, &bytes, error);
    if (status == QCTX_OK)
        status = qctx_file_write(path, text + FRONT, bytes - FRONT, error);
    free(text);
    return status;
}
