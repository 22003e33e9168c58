/* The scheme `ring`: memory, what is worked for the contexts that pass, and a step from end to end. */
#include <stdlib.h>
#include <string.h>

#include "contrastive_ring.h"
#include "contrastive_vectors.h"
#include "qctx/base/buffers.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

enum { CHUNK = 4096 }; /* rows of contexts that travel at a time */

/* The chunk's column block number k of `blocks`; *at is the place of its first context in the chunk. */
static loss_column_block block_of(const loss_ring *ring, const loss_chunk *chunk, int64_t k, int64_t blocks,
                                  int64_t *at)
{
    int64_t count;

    qctx_share(chunk->count, k, blocks, at, &count);
    return (loss_column_block){(const char *)chunk->contexts + *at * loss_ring_context_bytes(ring), chunk->first + *at,
                               count, 0};
}

static int64_t blocks_in(const loss_ring *ring, const loss_chunk *chunk)
{
    return qctx_divide_up(chunk->count, ring->pass->tile_cols);
}

static void work_sums(loss_ring *ring, const loss_chunk *chunk, void *part)
{
    int64_t blocks = blocks_in(ring, chunk), at;

    for (int64_t k = 0; k < blocks; k++) {
        const loss_column_block block = block_of(ring, chunk, k, blocks, &at);

        loss_tile_pass_sums(ring->pass, &block, (double *)part + at);
    }
}

static void join_sums(loss_ring *ring, int64_t count, void *arrived, void *part)
{
    const double *others = arrived;
    double *sum = part;

    (void)ring;
    for (int64_t j = 0; j < count; j++)
        sum[j] += others[j];
}

static void keep_sums(loss_ring *ring, int64_t first, int64_t count, void *whole)
{
    memcpy(ring->columns.sum + first, whole, (size_t)count * sizeof *ring->columns.sum);
}

static void work_row_maxima(loss_ring *ring, const loss_chunk *chunk, void *part)
{
    const loss_sums sums = loss_ring_sums_at(part, chunk->count);
    int64_t blocks = blocks_in(ring, chunk), at;

    for (int64_t k = 0; k < blocks; k++) {
        const loss_column_block block = block_of(ring, chunk, k, blocks, &at);

        loss_tile_pass_sums_row_maxima(ring->pass, &block, sums.max + at);
        loss_tile_pass_column_sums_row_maxima(ring->pass, sums.max + at, block.count, sums.sum + at);
    }
}

static void join_row_maxima(loss_ring *ring, int64_t count, void *arrived, void *part)
{
    const loss_sums sums = loss_ring_sums_at(part, count), others = loss_ring_sums_at(arrived, count);

    (void)ring;
    for (int64_t j = 0; j < count; j++)
        loss_join_maxima(sums.max + j, sums.sum + j, others.max[j], others.sum[j]);
}

static void keep_row_maxima(loss_ring *ring, int64_t first, int64_t count, void *whole)
{
    const loss_sums sums = loss_ring_sums_at(whole, count);

    memcpy(ring->columns.sum + first, sums.sum, (size_t)count * sizeof *sums.sum);
    memcpy(ring->columns.max + first, sums.max, (size_t)count * sizeof *sums.max);
}

static void work_gradients(loss_ring *ring, const loss_chunk *chunk, void *part)
{
    int64_t blocks = blocks_in(ring, chunk), at;

    for (int64_t k = 0; k < blocks; k++) {
        const loss_column_block block = block_of(ring, chunk, k, blocks, &at);
        const loss_sums columns = {chunk->columns.sum + at, chunk->columns.max + at};

        loss_tile_pass_gradients(ring->pass, &block, columns, false, ring->dq, (float *)part + at * ring->sizes.dim);
    }
}

static void join_gradients(loss_ring *ring, int64_t count, void *arrived, void *part)
{
    loss_add(arrived, count * ring->sizes.dim, part);
}

static void keep_gradients(loss_ring *ring, int64_t first, int64_t count, void *whole)
{
    memcpy(ring->dc + first * ring->sizes.dim, whole, (size_t)(count * ring->sizes.dim) * sizeof *ring->dc);
}

static const loss_ring_payload exponentials = {sizeof(double), false, work_sums, join_sums, keep_sums};
static const loss_ring_payload row_maxima = {LOSS_SUMS_BYTES, false, work_row_maxima, join_row_maxima, keep_row_maxima};

static loss_ring_payload gradients_for(const loss_ring *ring)
{
    return (loss_ring_payload){ring->sizes.dim * (int64_t)sizeof(float), ring->sizes.config.kind == QCTX_LOSS_CLIP,
                               work_gradients, join_gradients, keep_gradients};
}

/* Whether some rank's sums do not fit the shared shift, and whether some are not finite. Collective. */
static void check_sums(loss_ring *ring, bool *safe, bool *finite)
{
    const loss_tile_pass *pass = ring->pass;
    int64_t own = ring->layout.place.rows, rows = pass->by_rows ? own : 0, columns = pass->by_columns ? own : 0;
    double flags[2];

    flags[0] = loss_sums_are_safe(pass->rows.sum, rows) && loss_sums_are_safe(ring->columns.sum, columns) ? 0.0 : 1.0;
    flags[1] = loss_sums_are_finite(pass->rows.sum, own) && loss_sums_are_finite(ring->columns.sum, own) ? 0.0 : 1.0;
    qctx_comm_max_double(ring->layout.comm, flags, 2);
    *safe = flags[0] == 0.0;
    *finite = flags[1] == 0.0;
}

/* All log-sums. Returns whether they are finite. */
static bool sum_up(loss_ring *ring)
{
    bool safe, finite;

    loss_ring_travel(ring, &exponentials);
    check_sums(ring, &safe, &finite);
    if (finite && !safe) {
        loss_tile_pass_begin_row_maxima(ring->pass);
        loss_ring_travel(ring, &row_maxima);
    }
    loss_tile_pass_close_rows(ring->pass);
    return finite;
}

static qctx_buffers buffers_of(loss_ring *ring)
{
    const loss_sizes *sizes = &ring->sizes;
    int64_t part =
        sizes->dim * (int64_t)sizeof(float) > LOSS_SUMS_BYTES ? sizes->dim * (int64_t)sizeof(float) : LOSS_SUMS_BYTES;
    int64_t own = loss_own_contexts(sizes);
    size_t travels = (size_t)(loss_ring_context_bytes(ring) + LOSS_SUMS_BYTES);

    return (qctx_buffers){{
        {&ring->contexts, own, (size_t)loss_ring_context_bytes(ring), "the loss's contexts"},
        {&ring->inverse, own, sizeof *ring->inverse, "the loss"},
        {&ring->columns.sum, own, sizeof *ring->columns.sum, "the loss"},
        {&ring->columns.max, own, sizeof *ring->columns.max, "the loss"},
        {&ring->lanes, LOSS_LANES, sizeof *ring->lanes, "the loss"},
        {&ring->chunks[0], ring->chunk_rows + 1, travels, "contexts that pass around"},
        {&ring->chunks[1], ring->chunk_rows + 1, travels, "contexts that pass around"},
        {&ring->parts[0], ring->chunk_rows, (size_t)part, "gradients that pass around"},
        {&ring->parts[1], ring->chunk_rows, (size_t)part, "gradients that pass around"},
        {&ring->arrived, ring->chunk_rows, (size_t)part, "gradients that pass around"},
    }};
}

/* Nothing is kept between the passes: memory is what this scheme saves. */
static loss_ring laid_out(const loss_sizes *sizes)
{
    loss_ring ring = {.sizes = *sizes};
    int64_t share = qctx_divide_up(qctx_larger(sizes->batch, sizes->batch_extras), sizes->ranks);

    ring.sizes.config.keep_bytes = 0;
    ring.chunk_rows = share < 1 ? 1 : qctx_smaller(share, CHUNK);
    return ring;
}

static void ring_destroy(void *state)
{
    loss_ring *ring = state;
    qctx_buffers buffers;

    if (ring == NULL)
        return;
    buffers = buffers_of(ring);
    qctx_buffers_free(&buffers);
    loss_batch_layout_free(&ring->layout);
    loss_tile_pass_destroy(ring->pass);
    free(ring);
}

static qctx_status ring_create(qctx_comm *comm, const loss_sizes *sizes, void **state, qctx_error *error)
{
    loss_ring *ring = qctx_alloc(1, sizeof *ring, "the loss", error);
    qctx_status status = QCTX_ERR_MEMORY;
    qctx_buffers buffers;

    if (ring == NULL)
        return status;
    *ring = laid_out(sizes);
    buffers = buffers_of(ring);
    status = qctx_buffers_alloc(&buffers, error);
    if (status == QCTX_OK)
        status = loss_batch_layout_create(comm, sizes, &ring->layout, error);
    if (status == QCTX_OK)
        status = loss_tile_pass_create(&ring->sizes, &ring->pass, error);
    if (status != QCTX_OK)
        goto out;
    *state = ring;
    ring = NULL;
out:
    ring_destroy(ring);
    return status;
}

static int64_t ring_memory(const loss_sizes *sizes)
{
    loss_ring ring = laid_out(sizes);
    const qctx_buffers buffers = buffers_of(&ring);

    return (int64_t)sizeof ring + qctx_buffers_bytes(&buffers) + loss_batch_layout_memory(sizes) +
           loss_tile_pass_memory(&ring.sizes);
}

static double ring_flops(const loss_sizes *sizes)
{
    double products = sizes->config.kind == QCTX_LOSS_CLIP ? 4.0 : 3.0;

    return products * 2.0 * (double)loss_contexts(sizes) * (double)sizes->rows * (double)sizes->dim;
}

static void ring_offer(void *state, const float *c, const qctx_loss_batch *batch)
{
    loss_ring *ring = state;
    const qctx_loss_config *config = &ring->sizes.config;

    loss_batch_layout_start(&ring->layout, batch);
    loss_normalize(config->precision, c, batch->rows + batch->extras, ring->sizes.dim, config->normalize,
                   ring->contexts, ring->inverse);
    ring->offered = true;
}

static void ring_step(void *state, const float *q, const float *c, const qctx_loss_batch *batch, qctx_loss_scale scale,
                      float *dq, float *dc, qctx_loss_result *result)
{
    loss_ring *ring = state;
    const loss_place *place = &ring->layout.place;
    loss_own_rows own;
    bool finite = true;
    loss_ring_payload gradients = gradients_for(ring);

    if (!ring->offered)
        ring_offer(ring, c, batch);
    ring->offered = false;
    loss_batch_layout_finish(&ring->layout);
    if (place->batch == 0) {
        *result = loss_nothing(place, ring->sizes.dim, dc);
        return;
    }
    loss_tile_pass_begin(ring->pass, q, &ring->layout, batch, scale);
    loss_tile_pass_bound(ring->pass, loss_batch_layout_bound(&ring->layout, &ring->sizes, q, c, scale));
    if (ring->sizes.config.kind == QCTX_LOSS_CLIP)
        finite = sum_up(ring);
    memset(dq, 0, (size_t)(place->rows * ring->sizes.dim) * sizeof *dq);
    ring->dq = dq;
    ring->dc = dc;
    loss_ring_travel(ring, &gradients);

    loss_tile_pass_result(ring->pass, ring->columns, ring->lanes);
    own = (loss_own_rows){ring->contexts, ring->contexts + place->rows * loss_ring_context_bytes(ring), ring->inverse};
    loss_tile_pass_end(ring->pass, own, dq, dc, ring->lanes);
    ring->lanes[LOSS_LANE_NOT_FINITE] += finite ? 0.0 : 1.0;
    qctx_comm_sum_double(ring->layout.comm, ring->lanes, LOSS_LANES);
    *result = loss_result(ring->lanes, ring->pass->mean, place->batch);
}

const loss_scheme loss_scheme_ring = {ring_create, ring_offer, ring_step, ring_destroy, ring_memory, ring_flops};
