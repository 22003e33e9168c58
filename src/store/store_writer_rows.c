/* Writing a store whose rows are made one by one, in their order. */
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/store/store_writer.h"

/* Rows that are asked for and written at a time, fewer where the store would be less than so many blocks. */
enum { BLOCK_MAX = 1024, BLOCKS_MIN = 64 };

static int64_t block_of(const qctx_corpus *corpus)
{
    return qctx_smaller(BLOCK_MAX, 1 + (corpus->question_count + corpus->context_count) / BLOCKS_MIN);
}

/* The arrays of the batches, which these see as constant. */
typedef struct {
    int64_t *batch_firsts;
    qctx_side *batch_sides;
    int64_t *numbers; /* rows and vectors alike: of the questions 0 …, then of the contexts 0 … */
    int64_t *vector_firsts;
} arrays;

static void free_arrays(arrays *a)
{
    free(a->batch_firsts);
    free(a->batch_sides);
    free(a->numbers);
    free(a->vector_firsts);
}

/* Blocks of rows, those of the questions first, no block on two sides. */
static qctx_status make_batches(const qctx_corpus *corpus, arrays *a, qctx_store_batches *batches, qctx_error *error)
{
    const int64_t counts[] = {corpus->question_count, corpus->context_count};
    int64_t block = block_of(corpus);
    int64_t count = qctx_divide_up(counts[0], block) + qctx_divide_up(counts[1], block);
    int64_t batch = 0, vector = 0;

    a->batch_firsts = qctx_alloc(count + 1, sizeof *a->batch_firsts, "blocks of a store", error);
    a->batch_sides = qctx_alloc(count, sizeof *a->batch_sides, "blocks of a store", error);
    a->numbers = qctx_alloc(counts[0] + counts[1], sizeof *a->numbers, "rows of a store", error);
    a->vector_firsts = qctx_alloc(counts[0] + counts[1] + 1, sizeof *a->vector_firsts, "rows of a store", error);
    if (a->batch_firsts == NULL || a->batch_sides == NULL || a->numbers == NULL || a->vector_firsts == NULL)
        return QCTX_ERR_MEMORY;
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        for (int64_t row = 0; row < counts[side]; row++, vector++) {
            if (row % block == 0) {
                a->batch_sides[batch] = side;
                a->batch_firsts[batch++] = vector;
            }
            a->numbers[vector] = row;
            a->vector_firsts[vector] = vector;
        }
    a->batch_firsts[batch] = a->vector_firsts[vector] = vector;
    *batches = (qctx_store_batches){count, a->batch_firsts, a->batch_sides, a->vector_firsts, a->numbers};
    return QCTX_OK;
}

/* The share of this rank among the blocks that are missing. */
static qctx_status write_share(qctx_store_writer *writer, qctx_comm *comm, const qctx_store_batches *batches,
                               int64_t block_values, qctx_store_rows fill, void *context, qctx_error *error)
{
    const bool *done = qctx_store_writer_done(writer);
    float *rows = qctx_alloc(block_values, sizeof *rows, "a block of rows", error);
    qctx_status status = rows == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    int64_t missing = 0, first, share;

    for (int64_t b = 0; b < batches->count; b++)
        missing += !done[b];
    qctx_share(missing, qctx_comm_rank(comm), qctx_comm_size(comm), &first, &share);
    for (int64_t b = 0, at = 0; b < batches->count && status == QCTX_OK; b++) {
        int64_t vector = batches->firsts[b];

        if (done[b] || at++ < first || at > first + share)
            continue;
        status = fill(context, batches->sides[b], batches->rows[vector], batches->firsts[b + 1] - vector, rows, error);
        if (status == QCTX_OK)
            status = qctx_store_writer_put(writer, b, rows, error);
    }
    free(rows);
    return status;
}

qctx_status qctx_store_write(qctx_comm *comm, const char *path, bool force, const qctx_store_description *description,
                             qctx_store_rows rows, void *context, qctx_error *error)
{
    qctx_store_writer *writer = NULL;
    qctx_store_batches batches;
    arrays a = {0};
    qctx_status status = qctx_agree(comm, make_batches(description->corpus, &a, &batches, error), error);

    if (status == QCTX_OK)
        status = qctx_store_writer_open(comm, path, force, description, &batches, &writer, error);
    if (status == QCTX_OK)
        status =
            write_share(writer, comm, &batches, block_of(description->corpus) * description->dim, rows, context, error);
    status = qctx_store_writer_close(writer, status, error);
    free_arrays(&a);
    return status;
}
