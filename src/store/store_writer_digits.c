/* What is put into the file at the end: the checksum's digits, whose place is found before, and the head. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "store_internal.h"
#include "store_writer_internal.h"

/* Makes the beginning of a store, which ends behind the digits, and reads it. */
static qctx_status make_beginning(const qctx_store_writer *writer, uint64_t checksum, char **text, size_t *bytes,
                                  qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status closed;
    qctx_status status = qctx_h5_create_behind(writer->partial, QCTX_STORE_FRONT, &file, error);

    if (status == QCTX_OK)
        status = qctx_store_partial_begin(file, checksum, error);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    if (status == QCTX_OK)
        status = closed;
    return status == QCTX_OK ? qctx_file_read(writer->partial, text, bytes, error) : status;
}

/*
 * HDF5 does not say where it puts an attribute, but makes equal files of equal contents, and moves nothing when more is
 * written: so the digits stand where two beginnings differ that have no digit in common.
 */
qctx_status qctx_store_digits_find(qctx_store_writer *writer, qctx_error *error)
{
    const uint64_t job = writer->journal.job;
    char digits[QCTX_CHECKSUM_DIGITS + 1];
    char *one = NULL, *other = NULL;
    size_t bytes = 0, other_bytes = 0, first = 0;
    qctx_status status = make_beginning(writer, job, &one, &bytes, error);

    if (status == QCTX_OK)
        status = make_beginning(writer, ~job, &other, &other_bytes, error);
    if (status != QCTX_OK)
        goto out;
    while (first < bytes && first < other_bytes && one[first] == other[first])
        first++;
    snprintf(digits, sizeof digits, "%016" PRIx64, job);
    if (bytes != other_bytes || bytes - first < QCTX_CHECKSUM_DIGITS ||
        memcmp(one + first, digits, QCTX_CHECKSUM_DIGITS) != 0)
        status = qctx_fail(error, QCTX_ERR_INTERNAL, "%s: the checksum does not stand where files differ by it",
                           writer->partial);
    writer->layout.place = (int64_t)first;
out:
    free(one);
    free(other);
    return status;
}

/* Digits and head have their place already: nothing in the file moves, and a kill leaves it as good as before. */
qctx_status qctx_store_partial_seal(const qctx_store_writer *writer, qctx_error *error)
{
    const qctx_store_head head = qctx_store_partial_head(writer);
    char digits[QCTX_CHECKSUM_DIGITS + 1], front[QCTX_STORE_FRONT];
    int handle = qctx_store_partial_handle(writer, O_WRONLY, error);
    qctx_status status = QCTX_OK;

    if (handle < 0)
        return QCTX_ERR_IO;
    snprintf(digits, sizeof digits, "%016" PRIx64, writer->checksum);
    qctx_store_head_write(&head, front);
    if (!qctx_store_write_at(handle, digits, QCTX_CHECKSUM_DIGITS, writer->layout.place) ||
        !qctx_store_write_at(handle, front, sizeof front, 0))
        status = qctx_write_failed(writer->partial, "cannot write", errno, error);
    close(handle);
    return status;
}
