/* The scheme `rows`: memory, the first pass, and a step from end to end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contrastive_rows.h"
#include "contrastive_vectors.h"
#include "qctx/base/buffers.h"
#include "qctx/base/mem.h"

static qctx_buffers buffers_of(loss_rows *rows)
{
    const loss_sizes *sizes = &rows->sizes;
    int64_t element = qctx_precision_bytes(sizes->config.precision), leaves = sizes->config.leaves;
    int64_t cols = loss_tile_pass_columns(sizes), groups = leaves > 0 ? leaves : 1;
    int64_t kinds = sizes->batch_extras > 0 ? 2 : 1, extra_ranks = sizes->batch_extras > 0 ? sizes->ranks : 0;
    int64_t blocks = loss_contexts(sizes) / cols + kinds * ((leaves > 0 ? leaves : 0) + sizes->ranks);
    int64_t parts = leaves > 0 ? 1 : sizes->ranks > 1 ? LOSS_PARTS : 0;

    return (qctx_buffers){{
        {&rows->contexts, loss_contexts(sizes) * sizes->dim, (size_t)element, "the batch's contexts"},
        {&rows->inverse, loss_own_contexts(sizes), sizeof *rows->inverse, "the loss"},
        {&rows->sums, loss_contexts(sizes) + LOSS_FLAGS, sizeof *rows->sums, "the loss"},
        {&rows->column_max, loss_contexts(sizes), sizeof *rows->column_max, "the loss"},
        {&rows->lanes, groups * LOSS_LANES, sizeof *rows->lanes, "the loss"},
        {&rows->blocks, blocks, sizeof *rows->blocks, "the loss's column blocks"},
        {&rows->first_block, sizes->ranks + 1, sizeof *rows->first_block, "the loss"},
        {&rows->first_row, sizes->ranks, sizeof *rows->first_row, "the loss"},
        {&rows->first_extra, extra_ranks, sizeof *rows->first_extra, "the loss"},
        {&rows->arrivals, kinds * sizes->ranks, sizeof *rows->arrivals, "the loss"},
        {&rows->parts_out, parts * cols * sizes->dim, sizeof *rows->parts_out, "gradients of other ranks' contexts"},
        {&rows->parts_in, leaves > 0 ? 0 : parts * cols * sizes->dim, sizeof *rows->parts_in,
         "gradients from other ranks"},
        {&rows->exchanges, LOSS_PARTS, sizeof *rows->exchanges, "the loss"},
    }};
}

static void rows_destroy(void *state)
{
    loss_rows *rows = state;
    qctx_buffers buffers;

    if (rows == NULL)
        return;
    buffers = buffers_of(rows);
    qctx_buffers_free(&buffers);
    loss_batch_layout_free(&rows->layout);
    loss_tile_pass_destroy(rows->pass);
    free(rows);
}

static qctx_status rows_create(qctx_comm *comm, const loss_sizes *sizes, void **state, qctx_error *error)
{
    loss_rows *rows = qctx_alloc(1, sizeof *rows, "the loss", error);
    qctx_status status = QCTX_ERR_MEMORY;
    qctx_buffers buffers;

    if (rows == NULL)
        return status;
    rows->sizes = *sizes;
    buffers = buffers_of(rows);
    status = qctx_buffers_alloc(&buffers, error);
    if (status == QCTX_OK)
        status = loss_batch_layout_create(comm, sizes, &rows->layout, error);
    if (status == QCTX_OK)
        status = loss_tile_pass_create(sizes, &rows->pass, error);
    if (status != QCTX_OK)
        goto out;
    *state = rows;
    rows = NULL;
out:
    rows_destroy(rows);
    return status;
}

static int64_t rows_memory(const loss_sizes *sizes)
{
    loss_rows rows = {.sizes = *sizes};
    const qctx_buffers buffers = buffers_of(&rows);

    return (int64_t)sizeof rows + qctx_buffers_bytes(&buffers) + loss_batch_layout_memory(sizes) +
           loss_tile_pass_memory(sizes);
}

static double rows_flops(const loss_sizes *sizes)
{
    return 2.0 * (double)loss_contexts(sizes) * (double)sizes->dim * (double)sizes->rows *
           (3.0 + loss_tile_pass_again(sizes));
}

/* The first pass over all column blocks, as their contexts arrive. */
static void sum_exponentials(loss_rows *rows)
{
    double *columns = rows->sums + LOSS_FLAGS;

    for (int k = 0; k < rows->sizes.ranks; k++) {
        int owner = loss_rows_owner(rows, k);

        loss_rows_await(rows, owner);
        for (int64_t s = rows->first_block[owner]; s < rows->first_block[owner + 1]; s++)
            loss_tile_pass_sums(rows->pass, &rows->blocks[s], columns + rows->blocks[s].first);
    }
    loss_tile_pass_close_rows(rows->pass);
}

/* The first pass by row maxima: rare, so each column block has an exchange of its own. */
static void sum_by_row_maxima(loss_rows *rows)
{
    double *columns = rows->sums + LOSS_FLAGS;

    loss_tile_pass_begin_row_maxima(rows->pass);
    for (int64_t s = 0; s < rows->first_block[rows->sizes.ranks]; s++) {
        const loss_column_block *block = &rows->blocks[s];
        float *max = rows->column_max + block->first;
        double *sum = columns + block->first;

        loss_tile_pass_sums_row_maxima(rows->pass, block, max);
        for (int64_t j = 0; j < block->count; j++)
            sum[j] = (double)max[j];
        qctx_comm_max_double(rows->layout.comm, sum, block->count);
        for (int64_t j = 0; j < block->count; j++)
            max[j] = (float)sum[j];
        loss_tile_pass_column_sums_row_maxima(rows->pass, max, block->count, sum);
    }
    loss_batch_layout_sum(&rows->layout, &rows->sizes.config, columns, rows->layout.place.batch);
    loss_tile_pass_close_rows(rows->pass);
}

/*
 * All log-sums, over all ranks. Whether a rank's row sums do not fit the shared shift rides with the column sums, which
 * all ranks can check themselves. Returns whether the sums are finite.
 */
static bool sum_up(loss_rows *rows)
{
    loss_tile_pass *pass = rows->pass;
    double *columns = rows->sums + LOSS_FLAGS;
    int64_t own = rows->layout.place.rows, count = pass->by_columns ? rows->layout.place.batch : 0;

    sum_exponentials(rows);
    rows->sums[LOSS_UNSAFE] = loss_sums_are_safe(pass->rows.sum, pass->by_rows ? own : 0) ? 0.0 : 1.0;
    rows->sums[LOSS_BROKEN] = loss_sums_are_finite(pass->rows.sum, own) ? 0.0 : 1.0;
    loss_batch_layout_sum(&rows->layout, &rows->sizes.config, rows->sums, LOSS_FLAGS + count);
    if (rows->sums[LOSS_BROKEN] != 0.0 || !loss_sums_are_finite(columns, count))
        return false;
    if (rows->sums[LOSS_UNSAFE] != 0.0 || !loss_sums_are_safe(columns, count))
        sum_by_row_maxima(rows);
    return true;
}

static void rows_offer(void *state, const float *c, const qctx_loss_batch *batch)
{
    loss_rows *rows = state;
    const qctx_loss_config *config = &rows->sizes.config;
    int64_t dim = rows->sizes.dim;

    loss_batch_layout_start(&rows->layout, batch);
    loss_rows_lay_out(rows);
    loss_normalize(config->precision, c, batch->rows, dim, config->normalize,
                   loss_rows_contexts(rows, rows->layout.place.first), rows->inverse);
    loss_normalize(config->precision, c + batch->rows * dim, batch->extras, dim, config->normalize,
                   loss_rows_contexts(rows, rows->layout.place.first_extra), rows->inverse + batch->rows);
    loss_rows_start_gathering(rows);
    rows->offered = true;
}

static void rows_step(void *state, const float *q, const float *c, const qctx_loss_batch *batch, qctx_loss_scale scale,
                      float *dq, float *dc, qctx_loss_result *result)
{
    loss_rows *rows = state;
    const loss_place *place = &rows->layout.place;
    const loss_sums columns = {rows->sums + LOSS_FLAGS, rows->column_max};
    loss_own_rows own;
    bool finite = true;

    if (!rows->offered)
        rows_offer(rows, c, batch);
    rows->offered = false;
    loss_batch_layout_finish(&rows->layout);
    if (place->batch == 0) {
        for (int r = 0; r < rows->sizes.ranks; r++)
            loss_rows_await(rows, r);
        *result = loss_nothing(place, rows->sizes.dim, dc);
        return;
    }
    loss_tile_pass_begin(rows->pass, q, &rows->layout, batch, scale);
    loss_tile_pass_bound(rows->pass, loss_batch_layout_bound(&rows->layout, &rows->sizes, q, c, scale));
    if (rows->sizes.config.kind == QCTX_LOSS_CLIP)
        finite = sum_up(rows);
    memset(dq, 0, (size_t)(place->rows * rows->sizes.dim) * sizeof *dq);
    memset(dc, 0, (size_t)((place->rows + place->extras) * rows->sizes.dim) * sizeof *dc);
    loss_rows_differentiate(rows, columns, dq, dc);

    own = (loss_own_rows){loss_rows_contexts(rows, place->first), loss_rows_contexts(rows, place->first_extra),
                          rows->inverse};
    loss_tile_pass_result(rows->pass, (loss_sums){columns.sum + place->first, columns.max + place->first}, rows->lanes);
    loss_tile_pass_end(rows->pass, own, dq, dc, rows->lanes);
    rows->lanes[LOSS_LANE_NOT_FINITE] += finite ? 0.0 : 1.0;
    loss_tile_pass_add_groups(rows->pass, rows->lanes);
    loss_batch_layout_sum(&rows->layout, &rows->sizes.config, rows->lanes, LOSS_LANES);
    *result = loss_result(rows->lanes, rows->pass->mean, place->batch);
}

const loss_scheme loss_scheme_rows = {rows_create, rows_offer, rows_step, rows_destroy, rows_memory, rows_flops};
