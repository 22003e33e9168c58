/* The partial store: made, checked when it is found again, verified, published. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/outfile.h"
#include "store_internal.h"
#include "store_writer_internal.h"

/* Finds where the vectors begin, in a file that has them as this writer makes them; false if it has not. */
static bool find_vectors(qctx_store_writer *writer, const qctx_h5 *file)
{
    bool half = writer->description->dtype == QCTX_FLOAT16;

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        qctx_h5_shape shape;

        if (qctx_store_writer_rows(writer, side) == 0)
            continue;
        if (qctx_h5_inspect(file, qctx_store_vectors_of(side), &shape, NULL) != QCTX_OK || shape.rank != 2 ||
            shape.shape[0] != qctx_store_writer_rows(writer, side) || shape.shape[1] != writer->description->dim ||
            !shape.is_float || shape.is_half != half || (!half && shape.element_bytes != sizeof(float)) ||
            shape.file_offset < 0)
            return false;
        writer->layout.offsets[side] = shape.file_offset;
    }
    return true;
}

/* All of the sum that verifies the open file beside its vectors. */
static qctx_status sum_rest(const qctx_store_writer *writer, int handle, uint64_t *sum, qctx_error *error)
{
    const qctx_store_head head = qctx_store_partial_head(writer);

    return qctx_store_rest_sum(handle, writer->partial, &head, 0, 1, sum, error);
}

/*
 * Makes durable what was made, since a journal must not outlive the file that it speaks of when the machine goes down;
 * and completes the layout, looking whether the checksum can be put in at the end, before the work of hours.
 */
static qctx_status sync_made(qctx_store_writer *writer, qctx_error *error)
{
    int handle = qctx_store_partial_handle(writer, O_RDONLY, error);
    char expected[QCTX_CHECKSUM_DIGITS + 1], found[QCTX_CHECKSUM_DIGITS];
    struct stat made;
    qctx_status status = QCTX_OK;

    if (handle < 0)
        return QCTX_ERR_IO;
    snprintf(expected, sizeof expected, "%016" PRIx64, writer->journal.job);
    if (fsync(handle) != 0 || fstat(handle, &made) != 0)
        status = qctx_write_failed(writer->partial, "cannot write", errno, error);
    else if (pread(handle, found, sizeof found, (off_t)writer->layout.place) != sizeof found ||
             memcmp(found, expected, sizeof found) != 0)
        status = qctx_fail(error, QCTX_ERR_INTERNAL, "%s: there is no checksum at byte %lld", writer->partial,
                           (long long)writer->layout.place);
    if (status == QCTX_OK) {
        writer->layout.bytes = made.st_size;
        status = sum_rest(writer, handle, &writer->layout.rest, error);
    }
    close(handle);
    return status;
}

qctx_status qctx_store_partial_make(qctx_store_writer *writer, qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status closed;
    qctx_status status = qctx_store_digits_find(writer, error);

    if (status == QCTX_OK)
        status = qctx_h5_create_behind(writer->partial, QCTX_STORE_FRONT, &file, error);
    if (status == QCTX_OK)
        status = qctx_store_partial_fill(writer, file, error);
    if (status == QCTX_OK && !find_vectors(writer, file))
        status = qctx_fail(error, QCTX_ERR_INTERNAL, "%s: the vectors are not contiguous", writer->partial);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    if (status == QCTX_OK)
        status = closed;
    return status == QCTX_OK ? sync_made(writer, error) : status;
}

static bool says(const qctx_h5 *file, const char *attribute, const char *expected)
{
    char *value = NULL;
    bool same = qctx_h5_get_text(file, "/", attribute, &value, NULL) == QCTX_OK && strcmp(value, expected) == 0;

    free(value);
    return same;
}

static bool says_hash(const qctx_h5 *file, const char *attribute, uint64_t expected)
{
    char digits[QCTX_CHECKSUM_DIGITS + 1];

    snprintf(digits, sizeof digits, "%016" PRIx64, expected);
    return says(file, attribute, digits);
}

bool qctx_store_partial_fits(const qctx_store_writer *writer)
{
    int handle = qctx_store_partial_handle(writer, O_RDONLY | O_NONBLOCK, NULL);
    struct stat found;
    uint64_t rest;
    bool fits = handle >= 0 && fstat(handle, &found) == 0 && S_ISREG(found.st_mode) &&
                found.st_size == writer->layout.bytes && sum_rest(writer, handle, &rest, NULL) == QCTX_OK &&
                rest == writer->layout.rest;

    if (handle >= 0)
        close(handle);
    return fits;
}

bool qctx_store_partial_is_one(const qctx_store_writer *writer)
{
    int handle = qctx_store_partial_handle(writer, O_RDONLY | O_NONBLOCK, NULL);
    enum { SIGNATURE = 8 };
    char begin[QCTX_STORE_FRONT + SIGNATURE];
    ssize_t got = handle < 0 ? -1 : pread(handle, begin, sizeof begin, 0);
    /* Those of earlier programs had nothing before the HDF5 file. */
    bool is = got == 0 || (got > 0 && qctx_h5_begins(begin, (size_t)got)) ||
              (got == sizeof begin && qctx_h5_begins(begin + QCTX_STORE_FRONT, SIGNATURE));

    if (handle >= 0)
        close(handle);
    return is;
}

/* Adds up the checksums of a batch's rows as they stand in the file; what cannot be read counts as zeros. */
static qctx_status read_batch(const qctx_store_writer *writer, int handle, int64_t batch, unsigned char *row,
                              uint64_t *checksum, qctx_error *error)
{
    const qctx_store_batches *batches = writer->batches;
    qctx_side side = batches->sides[batch];
    size_t bytes = qctx_store_writer_row_bytes(writer);
    int64_t first = batches->vector_firsts[batches->firsts[batch]];
    int64_t end = batches->vector_firsts[batches->firsts[batch + 1]];

    *checksum = 0;
    for (int64_t i = first; i < end; i++) {
        ssize_t got =
            pread(handle, row, bytes, (off_t)(writer->layout.offsets[side] + batches->rows[i] * (int64_t)bytes));

        if (got < 0)
            return qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", writer->partial, strerror(errno));
        memset(row + got, 0, bytes - (size_t)got);
        *checksum += qctx_store_row_checksum(side, batches->rows[i], row, bytes);
    }
    return QCTX_OK;
}

/* This rank's share of the batches, dealt one by one, since the long ones come first. */
static qctx_status verify_share(qctx_store_writer *writer, int64_t *found, qctx_error *error)
{
    int64_t batches = writer->batches->count;
    qctx_journal_entry *entries = qctx_alloc(batches, sizeof *entries, "a journal", error);
    unsigned char *row = qctx_alloc((int64_t)qctx_store_writer_row_bytes(writer), 1, "a row", error);
    int handle = qctx_store_partial_handle(writer, O_RDONLY, error);
    qctx_status status = handle < 0 ? QCTX_ERR_IO : QCTX_OK;
    uint64_t checksum;

    if (entries == NULL || row == NULL)
        status = QCTX_ERR_MEMORY;
    if (status == QCTX_OK)
        status = qctx_journal_read(&writer->journal, entries, error);
    for (int64_t i = qctx_comm_rank(writer->comm); i < batches && status == QCTX_OK; i += qctx_comm_size(writer->comm))
        if (entries[i].valid) {
            status = read_batch(writer, handle, i, row, &checksum, error);
            found[i] = status == QCTX_OK && checksum == entries[i].checksum;
            writer->checksum += found[i] ? checksum : 0;
            writer->put += found[i];
        }
    if (handle >= 0)
        close(handle);
    free(entries);
    free(row);
    return status;
}

qctx_status qctx_store_partial_verify(qctx_store_writer *writer, qctx_error *error)
{
    int64_t batches = writer->batches->count;
    int64_t *found = qctx_alloc(batches, sizeof *found, "batches of a store", error);
    qctx_status status = qctx_agree(writer->comm, found == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status != QCTX_OK)
        goto out;
    status = qctx_agree(writer->comm, verify_share(writer, found, error), error);
    if (status != QCTX_OK)
        goto out;
    qctx_comm_max_int64(writer->comm, found, batches);
    for (int64_t i = 0; i < batches; i++)
        writer->done[i] = found[i] != 0;
out:
    free(found);
    return status;
}

qctx_status qctx_store_partial_open(qctx_store_writer *writer, qctx_error *error)
{
    writer->handle = qctx_store_partial_handle(writer, O_WRONLY, error);
    return writer->handle < 0 ? QCTX_ERR_IO : QCTX_OK;
}

static qctx_status fail_to_write(const qctx_store_writer *writer, qctx_error *error)
{
    return qctx_fail(error, qctx_status_of_write(errno), "%s: cannot write: %s", writer->partial, strerror(errno));
}

qctx_status qctx_store_partial_write(const qctx_store_writer *writer, qctx_side side, const int64_t *rows,
                                     int64_t count, const unsigned char *data, qctx_error *error)
{
    size_t bytes = qctx_store_writer_row_bytes(writer);

    for (int64_t at = 0, run = 1; at < count; at += run, run = 1) {
        /* Neighbours are written together. */
        while (at + run < count && rows[at + run] == rows[at] + run)
            run++;
        if (!qctx_store_write_at(writer->handle, data + (size_t)at * bytes, (size_t)run * bytes,
                                 writer->layout.offsets[side] + rows[at] * (int64_t)bytes))
            return fail_to_write(writer, error);
    }
    return QCTX_OK;
}

qctx_status qctx_store_partial_close(qctx_store_writer *writer, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    /* Each rank syncs what it wrote: the node of rank 0 cannot do so for the others. */
    if (fsync(writer->handle) != 0)
        status = fail_to_write(writer, error);
    if (close(writer->handle) != 0 && status == QCTX_OK)
        status = fail_to_write(writer, error);
    writer->handle = -1;
    return status;
}

qctx_status qctx_store_partial_publish(const qctx_store_writer *writer, qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status status = qctx_store_partial_seal(writer, error);

    if (status == QCTX_OK)
        status = qctx_h5_open(writer->partial, &file, error);
    if (status == QCTX_OK && !says_hash(file, "checksum", writer->checksum))
        status = qctx_fail(error, QCTX_ERR_INTERNAL, "%s: the checksum is not where it was", writer->partial);
    qctx_h5_close(file, NULL);
    if (status != QCTX_OK)
        return status;
    return writer->force ? qctx_file_publish(writer->partial, writer->path, error)
                         : qctx_file_publish_new(writer->partial, writer->path, error);
}
