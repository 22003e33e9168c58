/* The check of every row, once, when a store is opened. */
#include <math.h>
#include <stdlib.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "store_internal.h"

/* How far from 1 the length of a row may lie that counts as unit length; half precision needs some. */
static const double unit_tolerance = 1e-3;

const char *qctx_store_row_fault(const float *row, int64_t dim, double *length)
{
    double sum = 0;

    for (int64_t i = 0; i < dim; i++)
        sum += (double)row[i] * row[i];
    *length = sqrt(sum);
    if (isfinite(sum))
        return sum == 0 ? "is zero; expected a direction" : NULL;
    for (int64_t i = 0; i < dim; i++)
        if (isnan(row[i]))
            return "holds nan; expected finite values";
    return "holds infinity; expected finite values";
}

qctx_status qctx_store_bad_row(const char *path, qctx_side side, int64_t row, const char *id, const char *fault,
                               qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_DATA, "%s: %s/vectors: row %lld (id %s) %s", path, qctx_store_group_name(side),
              (long long)row, id, fault);
    return qctx_hint(error, "leave the row out, or find out why its encoder made this of it");
}

uint64_t qctx_store_row_checksum(qctx_side side, int64_t row, const void *data, size_t bytes)
{
    return qctx_hash(data, bytes, (uint64_t)row * 2 + (uint64_t)side);
}

/* Checks rows first … first + count − 1 of a side and adds up their checksums. */
static qctx_status check_share(qctx_store *store, qctx_side side, int64_t first, int64_t count, uint64_t *checksum,
                               bool *unit_length, qctx_error *error)
{
    float *row = qctx_alloc(store->dim, sizeof *row, "a row", error);
    size_t bytes = qctx_store_row_bytes(store, side);
    qctx_status status = row == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    const char *fault;
    double length;
    char *id;

    for (int64_t i = first; i < first + count && status == QCTX_OK; i++) {
        qctx_store_gather(store, side, &i, 1, row);
        fault = qctx_store_row_fault(row, store->dim, &length);
        if (fault != NULL) {
            status = qctx_store_texts(store, side, QCTX_FIELD_ID, &i, 1, &id, error);
            if (status != QCTX_OK)
                break;
            status = qctx_store_bad_row(store->path, side, i, id, fault, error);
            free(id);
        }
        *unit_length = *unit_length && fabs(length - 1) <= unit_tolerance;
        *checksum += qctx_store_row_checksum(side, i, store->sides[side].data + (size_t)i * bytes, bytes);
    }
    free(row);
    return qctx_mapped_check(status, error);
}

qctx_status qctx_store_check(qctx_comm *comm, qctx_store *store, qctx_error *error)
{
    uint64_t checksum = 0;
    bool unit_length = true;
    int64_t ranks_off_unit;
    int64_t first, count;
    qctx_status status;

    /* The sides are agreed on one by one, so that any number of ranks names the same row: the first. */
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        qctx_share(store->sides[side].count, qctx_comm_rank(comm), qctx_comm_size(comm), &first, &count);
        status = check_share(store, side, first, count, &checksum, &unit_length, error);
        status = qctx_agree(comm, status, error);
        if (status != QCTX_OK)
            return status;
    }
    ranks_off_unit = !unit_length;
    qctx_comm_sum_int64(comm, &ranks_off_unit, 1);
    qctx_comm_sum_uint64(comm, &checksum, 1);
    store->unit_length = ranks_off_unit == 0;
    if (store->has_checksum && checksum != store->checksum) {
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "%s: the vectors have checksum %016llx, but the file says %016llx: it is damaged, or was changed",
                  store->path, (unsigned long long)checksum, (unsigned long long)store->checksum);
        return qctx_hint(error, "embed the corpus again; for vectors of your own, leave the attribute away");
    }
    store->checksum = checksum;
    return QCTX_OK;
}
