/* Changes to HDF5 files that only tests make: the program writes each file once and whole. */
#ifndef QCTX_TESTS_H5_EDIT_H
#define QCTX_TESTS_H5_EDIT_H

#include "qctx/platform/h5.h"

/* Opens a finished file for additions; qctx_h5_close closes it. Local. Errors: IO, MEMORY. */
qctx_status test_h5_reopen(const char *path, qctx_h5 **opened, qctx_error *error);

/* Takes an attribute of the whole file away. Local. Errors: IO. */
qctx_status test_h5_remove(qctx_h5 *file, const char *name, qctx_error *error);

/* Makes a group and its parents. Local. Errors: IO. */
qctx_status test_h5_group(qctx_h5 *file, const char *name, qctx_error *error);

#endif
