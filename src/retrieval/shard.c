#include "qctx/retrieval/shard.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/platform/mapped.h"

/* Rows of a projection. */
enum { BLOCK = 128 };

static void gather_array(const qctx_rows *self, const int64_t *rows, int64_t count, float *out)
{
    const float *values = self->from;

    for (int64_t i = 0; i < count; i++)
        memcpy(out + i * self->dim, values + (rows[i] - self->first) * self->dim, (size_t)self->dim * sizeof *out);
}

qctx_rows qctx_rows_of_array(const float *values, int64_t dim, int64_t first)
{
    return (qctx_rows){.gather = gather_array, .from = values, .dim = dim, .first = first};
}

static void gather_questions(const qctx_rows *self, const int64_t *rows, int64_t count, float *out)
{
    qctx_store_gather(self->from, QCTX_QUESTION, rows, count, out);
}

static void gather_contexts(const qctx_rows *self, const int64_t *rows, int64_t count, float *out)
{
    qctx_store_gather(self->from, QCTX_CONTEXT, rows, count, out);
}

qctx_rows qctx_rows_of_store(const qctx_store *store, qctx_side side)
{
    return (qctx_rows){.gather = side == QCTX_QUESTION ? gather_questions : gather_contexts,
                       .from = store,
                       .dim = qctx_store_dim(store)};
}

static qctx_status project_block(const qctx_rows *source, const qctx_projector *projector, qctx_side side,
                                 const int64_t *rows, int64_t count, float *out, qctx_error *error)
{
    float *encoded = qctx_alloc(count * source->dim, sizeof *encoded, "rows to be projected", error);
    qctx_status status;

    if (encoded == NULL)
        return QCTX_ERR_MEMORY;
    source->gather(source, rows, count, encoded);
    status = qctx_projector_apply(projector, side, encoded, count, out, error);
    free(encoded);
    return status;
}

qctx_status qctx_rows_project(const qctx_rows *source, const qctx_projector *projector, qctx_side side,
                              const int64_t *rows, int64_t count, float *out, qctx_error *error)
{
    const int64_t width = qctx_projector_output(projector);
    qctx_status status = QCTX_OK;

#pragma omp parallel for schedule(dynamic)
    for (int64_t first = 0; first < count; first += BLOCK) {
        qctx_error own;
        qctx_status block_status = project_block(source, projector, side, rows + first,
                                                 qctx_smaller(BLOCK, count - first), out + first * width, &own);

        if (block_status != QCTX_OK) {
#pragma omp critical(qctx_rows_project)
            {
                status = block_status;
                if (error != NULL)
                    *error = own;
            }
        }
    }
    return qctx_mapped_check(status, error);
}

void qctx_shard_range(const qctx_comm *comm, int64_t total, int64_t *first, int64_t *count)
{
    int64_t blocks = qctx_divide_up(total, BLOCK);

    qctx_share(blocks, qctx_comm_rank(comm), qctx_comm_size(comm), first, count);
    *first *= BLOCK;
    *count = qctx_smaller(*count * BLOCK, total - qctx_smaller(*first, total));
}

static qctx_status fill_shard(const qctx_rows *source, const qctx_projector *projector, const int64_t *candidates,
                              qctx_precision precision, qctx_shard *shard, qctx_error *error)
{
    int64_t *rows = qctx_alloc(shard->count, sizeof *rows, "the numbers of candidates", error);
    qctx_status status;

    if (rows == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < shard->count; i++)
        rows[i] = candidates != NULL ? candidates[shard->first + i] : shard->first + i;
    status = qctx_scored_rows_alloc(shard->count, shard->width, precision, "projected contexts", &shard->rows, error);
    if (status == QCTX_OK)
        status = qctx_rows_project(source, projector, QCTX_CONTEXT, rows, shard->count, shard->rows.values, error);
    if (status == QCTX_OK)
        qctx_scored_rows_measure(&shard->rows, shard->count, shard->width);
    free(rows);
    return status;
}

qctx_status qctx_shard_create(qctx_comm *comm, const qctx_rows *source, const qctx_projector *projector,
                              const int64_t *candidates, int64_t total, qctx_precision precision, qctx_shard *shard,
                              qctx_error *error)
{
    qctx_status status;

    *shard = (qctx_shard){.total = total, .width = qctx_projector_output(projector)};
    qctx_shard_range(comm, total, &shard->first, &shard->count);
    status = qctx_agree(comm, fill_shard(source, projector, candidates, precision, shard, error), error);
    if (status != QCTX_OK)
        qctx_shard_free(shard);
    return status;
}

void qctx_shard_free(qctx_shard *shard)
{
    qctx_scored_rows_free(&shard->rows);
}
