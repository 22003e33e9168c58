#include <stdlib.h>
#include <string.h>

#include "contrastive_ring.h"
#include "qctx/base/buffers.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

enum { CHUNK = 4096 }; /* rows of contexts that travel at a time */

/* The chunk's strip number k of `strips`; its place in the chunk is that of its first context. */
static loss_strip strip_of(const loss_ring *ring, const loss_chunk *chunk, int64_t k, int64_t strips, int64_t *at)
{
    int64_t count;

    qctx_share(chunk->count, k, strips, at, &count);
    return (loss_strip){(const char *)chunk->contexts + *at * loss_ring_context_bytes(ring), chunk->first + *at, count,
                        0};
}

static int64_t strips_in(const loss_ring *ring, const loss_chunk *chunk)
{
    return qctx_divide_up(chunk->count, ring->sweep->tile_cols);
}

static void work_sums(loss_ring *ring, const loss_chunk *chunk, void *part)
{
    int64_t strips = strips_in(ring, chunk), at;

    for (int64_t k = 0; k < strips; k++) {
        const loss_strip strip = strip_of(ring, chunk, k, strips, &at);

        loss_sweep_sums(ring->sweep, &strip, (double *)part + at);
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

static void work_carefully(loss_ring *ring, const loss_chunk *chunk, void *part)
{
    const loss_sums sums = loss_ring_sums_at(part, chunk->count);
    int64_t strips = strips_in(ring, chunk), at;

    for (int64_t k = 0; k < strips; k++) {
        const loss_strip strip = strip_of(ring, chunk, k, strips, &at);

        loss_sweep_careful_sums(ring->sweep, &strip, sums.max + at);
        loss_sweep_careful_columns(ring->sweep, sums.max + at, strip.count, sums.sum + at);
    }
}

static void join_carefully(loss_ring *ring, int64_t count, void *arrived, void *part)
{
    const loss_sums sums = loss_ring_sums_at(part, count), others = loss_ring_sums_at(arrived, count);

    (void)ring;
    for (int64_t j = 0; j < count; j++)
        loss_careful_join(sums.max + j, sums.sum + j, others.max[j], others.sum[j]);
}

static void keep_carefully(loss_ring *ring, int64_t first, int64_t count, void *whole)
{
    const loss_sums sums = loss_ring_sums_at(whole, count);

    memcpy(ring->columns.sum + first, sums.sum, (size_t)count * sizeof *sums.sum);
    memcpy(ring->columns.max + first, sums.max, (size_t)count * sizeof *sums.max);
}

static void work_gradients(loss_ring *ring, const loss_chunk *chunk, void *part)
{
    int64_t strips = strips_in(ring, chunk), at;

    for (int64_t k = 0; k < strips; k++) {
        const loss_strip strip = strip_of(ring, chunk, k, strips, &at);
        const loss_sums columns = {chunk->columns.sum + at, chunk->columns.max + at};

        loss_sweep_gradients(ring->sweep, &strip, columns, false, ring->dq, (float *)part + at * ring->sizes.dim);
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

static const loss_cargo exponentials = {sizeof(double), false, work_sums, join_sums, keep_sums};
static const loss_cargo careful_sums = {LOSS_SUMS_BYTES, false, work_carefully, join_carefully, keep_carefully};

static loss_cargo gradients_for(const loss_ring *ring)
{
    return (loss_cargo){ring->sizes.dim * (int64_t)sizeof(float), ring->sizes.config.kind == QCTX_LOSS_CLIP,
                        work_gradients, join_gradients, keep_gradients};
}

/* Whether some rank's sums do not fit the shared shift, and whether some are not finite. Collective. */
static void judge(loss_ring *ring, bool *safe, bool *finite)
{
    const loss_sweep *sweep = ring->sweep;
    int64_t own = ring->roll.place.rows, rows = sweep->by_rows ? own : 0, columns = sweep->by_columns ? own : 0;
    double flags[2];

    flags[0] = loss_sums_are_safe(sweep->rows.sum, rows) && loss_sums_are_safe(ring->columns.sum, columns) ? 0.0 : 1.0;
    flags[1] = loss_sums_are_finite(sweep->rows.sum, own) && loss_sums_are_finite(ring->columns.sum, own) ? 0.0 : 1.0;
    qctx_comm_max_double(ring->roll.comm, flags, 2);
    *safe = flags[0] == 0.0;
    *finite = flags[1] == 0.0;
}

/* All log-sums. Returns whether they are finite. */
static bool sum_up(loss_ring *ring)
{
    bool safe, finite;

    loss_ring_travel(ring, &exponentials);
    judge(ring, &safe, &finite);
    if (finite && !safe) {
        loss_sweep_begin_careful(ring->sweep);
        loss_ring_travel(ring, &careful_sums);
    }
    loss_sweep_close_rows(ring->sweep);
    return finite;
}

static qctx_buffers buffers_of(loss_ring *ring)
{
    const loss_sizes *sizes = &ring->sizes;
    int64_t part =
        sizes->dim * (int64_t)sizeof(float) > LOSS_SUMS_BYTES ? sizes->dim * (int64_t)sizeof(float) : LOSS_SUMS_BYTES;
    size_t travels = (size_t)(loss_ring_context_bytes(ring) + LOSS_SUMS_BYTES);

    return (qctx_buffers){{
        {&ring->contexts, sizes->rows, (size_t)loss_ring_context_bytes(ring), "the loss's contexts"},
        {&ring->inverse, sizes->rows, sizeof *ring->inverse, "the loss"},
        {&ring->columns.sum, sizes->rows, sizeof *ring->columns.sum, "the loss"},
        {&ring->columns.max, sizes->rows, sizeof *ring->columns.max, "the loss"},
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
    int64_t share = qctx_divide_up(sizes->batch, sizes->ranks);

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
    loss_roll_free(&ring->roll);
    loss_sweep_destroy(ring->sweep);
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
        status = loss_roll_create(comm, sizes->batch, &ring->roll, error);
    if (status == QCTX_OK)
        status = loss_sweep_create(&ring->sizes, &ring->sweep, error);
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

    return (int64_t)sizeof ring + qctx_buffers_bytes(&buffers) + loss_roll_memory(sizes->ranks, sizes->batch) +
           loss_sweep_memory(&ring.sizes);
}

static double ring_flops(const loss_sizes *sizes)
{
    double products = sizes->config.kind == QCTX_LOSS_CLIP ? 4.0 : 3.0;

    return products * 2.0 * (double)sizes->batch * (double)sizes->rows * (double)sizes->dim;
}

static void ring_offer(void *state, const float *c, const qctx_loss_batch *batch)
{
    loss_ring *ring = state;

    loss_roll_start(&ring->roll, batch);
    loss_roll_normalize(&ring->sizes, c, batch->rows, ring->contexts, ring->inverse);
    ring->offered = true;
}

static void ring_step(void *state, const float *q, const float *c, const qctx_loss_batch *batch, qctx_loss_scale scale,
                      float *dq, float *dc, qctx_loss_result *result)
{
    loss_ring *ring = state;
    const loss_place *place = &ring->roll.place;
    bool finite = true;
    loss_cargo gradients = gradients_for(ring);

    if (!ring->offered)
        ring_offer(ring, c, batch);
    ring->offered = false;
    loss_roll_finish(&ring->roll);
    if (place->batch == 0) {
        *result = (qctx_loss_result){.finite = true};
        return;
    }
    loss_sweep_begin(ring->sweep, q, &ring->roll, batch, scale);
    loss_sweep_bound(ring->sweep, loss_roll_bound(&ring->roll, &ring->sizes, q, c, scale));
    if (ring->sizes.config.kind == QCTX_LOSS_CLIP)
        finite = sum_up(ring);
    memset(dq, 0, (size_t)(place->rows * ring->sizes.dim) * sizeof *dq);
    ring->dq = dq;
    ring->dc = dc;
    loss_ring_travel(ring, &gradients);

    loss_sweep_result(ring->sweep, ring->columns, ring->lanes);
    loss_sweep_end(ring->sweep, ring->contexts, ring->inverse, dq, dc, ring->lanes);
    ring->lanes[LOSS_LANE_NOT_FINITE] += finite ? 0.0 : 1.0;
    qctx_comm_sum_double(ring->roll.comm, ring->lanes, LOSS_LANES);
    *result = loss_result(ring->lanes, ring->sweep->mean, place->batch);
}

const loss_scheme loss_scheme_ring = {ring_create, ring_offer, ring_step, ring_destroy, ring_memory, ring_flops};
