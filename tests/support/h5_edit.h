/* Changes to HDF5 files that only tests make: the program writes each file once and whole. */
#ifndef QCTX_TESTS_H5_EDIT_H
#define QCTX_TESTS_H5_EDIT_H

#include "qctx/platform/h5.h"

/* Opens a finished file for additions; qctx_h5_close closes it. Local. Errors: IO, MEMORY. */
qctx_status test_h5_reopen(const char *path, qctx_h5 **opened, qctx_error *error);

/* Takes an attribute of the whole file away. Local. Errors: IO. */
qctx_status test_h5_remove(qctx_h5 *file, const char *name, qctx_error *error);

/*
 * Makes of a store that the program wrote one of version 1, as earlier programs wrote them and as it must be to be
 * edited: without what stands before the HDF5 file. Local. Errors: IO, MEMORY.
 */
qctx_status test_h5_make_version_1(const char *path, qctx_error *error);

#endif
