/* A store against its head: its bytes before any library reads them, then what the library found in them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "store_internal.h"

qctx_status qctx_store_refuse_different(const char *path, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_MISMATCH, "%s: the ranks see different files under this name", path);
    return qctx_hint(error, "put the store on a file system that all nodes share");
}

qctx_status qctx_store_must_be_same(qctx_comm *comm, const char *path, uint64_t value, qctx_error *error)
{
    return qctx_comm_same(comm, value) ? QCTX_OK : qctx_store_refuse_different(path, error);
}

/* The checksum of the vectors stands in the file a second time, for those who read it by HDF5. */
static qctx_status check_digits(int handle, const char *path, const qctx_store_head *head, qctx_error *error)
{
    char expected[QCTX_CHECKSUM_DIGITS + 1], found[QCTX_CHECKSUM_DIGITS + 1] = "";

    snprintf(expected, sizeof expected, "%016" PRIx64, head->checksum);
    if (pread(handle, found, QCTX_CHECKSUM_DIGITS, (off_t)head->digits) != QCTX_CHECKSUM_DIGITS)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    if (strcmp(found, expected) == 0)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: the store is damaged: its attribute 'checksum' is not the %s of its head",
              path, expected);
    return qctx_store_damaged(error);
}

static qctx_status sum_share(qctx_comm *comm, const qctx_store *store, uint64_t *sum, qctx_error *error)
{
    FILE *file = NULL;
    qctx_status status = qctx_file_open(store->path, &file, error);

    *sum = 0;
    if (status != QCTX_OK)
        return status;
    status = check_digits(fileno(file), store->path, &store->head, error);
    if (status == QCTX_OK)
        status = qctx_store_rest_sum(fileno(file), store->path, &store->head, qctx_comm_rank(comm),
                                     qctx_comm_size(comm), sum, error);
    fclose(file);
    return status;
}

qctx_status qctx_store_verify(qctx_comm *comm, qctx_store *store, qctx_error *error)
{
    qctx_status status = qctx_store_head_read(store->path, &store->head, &store->has_head, error);
    const uint64_t seen[] = {store->has_head, (uint64_t)store->head.bytes, store->head.checksum, store->head.rest};
    uint64_t sum;

    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = qctx_store_must_be_same(comm, store->path, qctx_hash(seen, sizeof seen, 0), error);
    if (status != QCTX_OK || !store->has_head)
        return status;
    status = qctx_agree(comm, sum_share(comm, store, &sum, error), error);
    if (status != QCTX_OK)
        return status;
    qctx_comm_sum_uint64(comm, &sum, 1);
    if (sum == store->head.rest)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT,
              "%s: the store is damaged: all its bytes but the vectors have checksum %016" PRIx64
              ", but its head says %016" PRIx64,
              store->path, sum, store->head.rest);
    return qctx_store_damaged(error);
}

/* Whether the vectors of a side, mapped, are those of which the head says where they lie. */
static bool has_side(const qctx_store *store, qctx_side side)
{
    const qctx_store_rows_of *rows = &store->sides[side];
    const int64_t bytes = rows->count * (int64_t)qctx_store_row_bytes(store, side);

    return bytes == store->head.vector_bytes[side] &&
           (bytes == 0 ||
            (rows->loaded == NULL && rows->data == qctx_mapped_bytes(store->map) + store->head.offsets[side]));
}

qctx_status qctx_store_fits_head(const qctx_store *store, qctx_error *error)
{
    const qctx_store_head *head = &store->head;

    if (store->version == QCTX_STORE_VERSION && store->has_checksum && store->checksum == head->checksum &&
        store->titles == head->titles && has_side(store, QCTX_QUESTION) && has_side(store, QCTX_CONTEXT))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: its head speaks of another store than the HDF5 file behind it holds",
              store->path);
    return qctx_store_damaged(error);
}
