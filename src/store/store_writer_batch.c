/* A batch on its way into the file: checked, rounded, and written to all the rows that have its vectors. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/half.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "store_internal.h"
#include "store_writer_internal.h"

/* Rows that are brought into order and written at a time. */
enum { PIECE = 1024 };

/* A row of the file, and the vector of the batch that it gets. */
typedef struct {
    int64_t row;
    int64_t vector;
} target;

static int by_row(const void *left, const void *right)
{
    const target *a = left, *b = right;

    return (a->row > b->row) - (a->row < b->row);
}

/* The rows that a batch fills, ascending; freshly allocated, NULL with `error` filled on failure. */
static target *targets_of(const qctx_store_batches *batches, int64_t batch, int64_t *count, qctx_error *error)
{
    int64_t first = batches->firsts[batch];
    int64_t end = batches->firsts[batch + 1];
    target *targets;
    int64_t used = 0;

    *count = batches->vector_firsts[end] - batches->vector_firsts[first];
    targets = qctx_alloc(*count, sizeof *targets, "rows of a batch", error);
    if (targets == NULL)
        return NULL;
    for (int64_t v = first; v < end; v++)
        for (int64_t i = batches->vector_firsts[v]; i < batches->vector_firsts[v + 1]; i++)
            targets[used++] = (target){batches->rows[i], v - first};
    qsort(targets, (size_t)used, sizeof *targets, by_row);
    return targets;
}

static const char *id_of(const qctx_store_writer *writer, qctx_side side, int64_t row)
{
    const qctx_corpus *corpus = writer->description->corpus;

    return side == QCTX_QUESTION ? corpus->questions[row].id : corpus->contexts[row].id;
}

/* Rounds vectors [count, dim] to what is stored (`halves`, where that is half precision), and checks them. */
static qctx_status round_vectors(const qctx_store_writer *writer, int64_t batch, float *vectors, uint16_t *halves,
                                 qctx_error *error)
{
    const qctx_store_batches *batches = writer->batches;
    int64_t first = batches->firsts[batch];
    int64_t count = batches->firsts[batch + 1] - first;
    int64_t dim = writer->description->dim;
    qctx_side side = batches->sides[batch];
    double length;

    if (halves != NULL) {
        qctx_half_from_float(vectors, count * dim, halves);
        qctx_half_to_float(halves, count * dim, vectors);
    }
    for (int64_t v = 0; v < count; v++) {
        const char *fault = qctx_store_row_fault(vectors + v * dim, dim, &length);
        int64_t row = batches->rows[batches->vector_firsts[first + v]];

        if (fault != NULL)
            return qctx_store_bad_row(writer->path, side, row, id_of(writer, side, row), fault, error);
    }
    return QCTX_OK;
}

/* Writes targets [count ≤ PIECE], whose vectors stand in `stored`, by way of `piece` [PIECE rows]. */
static qctx_status write_piece(const qctx_store_writer *writer, qctx_side side, const target *targets, int64_t count,
                               const unsigned char *stored, unsigned char *piece, uint64_t *checksum, qctx_error *error)
{
    size_t bytes = qctx_store_writer_row_bytes(writer);
    int64_t rows[PIECE];

    for (int64_t i = 0; i < count; i++) {
        rows[i] = targets[i].row;
        memcpy(piece + (size_t)i * bytes, stored + (size_t)targets[i].vector * bytes, bytes);
        *checksum += qctx_store_row_checksum(side, rows[i], piece + (size_t)i * bytes, bytes);
    }
    return qctx_store_partial_write(writer, side, rows, count, piece, error);
}

qctx_status qctx_store_writer_put(qctx_store_writer *writer, int64_t batch, float *vectors, qctx_error *error)
{
    const qctx_store_batches *batches = writer->batches;
    int64_t dim = writer->description->dim;
    int64_t count = batches->firsts[batch + 1] - batches->firsts[batch];
    bool half = writer->description->dtype == QCTX_FLOAT16;
    int64_t target_count = 0;
    uint64_t checksum = 0;
    target *targets = targets_of(batches, batch, &target_count, error);
    uint16_t *halves = half ? qctx_alloc(count * dim, sizeof *halves, "a batch of vectors", error) : NULL;
    unsigned char *piece =
        qctx_alloc(qctx_smaller(PIECE, target_count), qctx_store_writer_row_bytes(writer), "rows of a batch", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (targets == NULL || piece == NULL || (half && halves == NULL))
        goto out;
    status = round_vectors(writer, batch, vectors, halves, error);
    for (int64_t at = 0; at < target_count && status == QCTX_OK; at += PIECE)
        status =
            write_piece(writer, batches->sides[batch], targets + at, qctx_smaller(PIECE, target_count - at),
                        half ? (const unsigned char *)halves : (const unsigned char *)vectors, piece, &checksum, error);
    if (status == QCTX_OK)
        status = qctx_journal_note(&writer->journal, batch, checksum, error);
    if (status == QCTX_OK) {
        writer->checksum += checksum;
        writer->put++;
    }
out:
    free(targets);
    free(halves);
    free(piece);
    return status;
}
