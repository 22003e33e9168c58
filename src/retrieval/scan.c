#include "scan.h"

#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/platform/stop.h"

/* Questions of a product; with SCAN_TILE, whole panels of qctx_product and 8 MiB of scores a thread. */
enum { BLOCK = 2048 };
/* In a round each of the first so many ranks projects so many questions, for all. */
enum { ROUND_RANKS = 64, ROUND_QUESTIONS = 2048 };
/* Tiles are shorter where there are few candidates, so that every thread gets several of them. */
enum { TILES_A_THREAD = 8, TILE_LEAST = 64 };
/* One score in so many may be settled; more cost about what products in bfloat16 save. */
enum { SETTLED_RARELY = 64 };

/* What a scan holds. */
typedef struct {
    int64_t block;              /* questions of a block */
    int64_t tile;               /* candidates of a tile */
    int64_t round;              /* questions of a round */
    int64_t *counts;            /* [size of comm] questions each rank projects in this round */
    float *own;                 /* [ROUND_QUESTIONS, width] this rank's projections */
    qctx_scored_rows questions; /* [round, width] */
    float *scores;              /* [threads, block, tile] */
} scan_memory;

static void free_memory(scan_memory *memory)
{
    free(memory->counts);
    free(memory->own);
    free(memory->scores);
    qctx_scored_rows_free(&memory->questions);
}

static int64_t tile_of(const qctx_shard *shard)
{
    int64_t even = shard->count / (TILES_A_THREAD * omp_get_max_threads());

    return even > SCAN_TILE ? SCAN_TILE : even < TILE_LEAST ? TILE_LEAST : even;
}

static qctx_status allocate(const qctx_query *query, int64_t most, scan_memory *memory, qctx_error *error)
{
    const qctx_shard *shard = query->shard;
    const int64_t count = query->count;
    const int ranks = qctx_comm_size(query->comm);
    const qctx_precision precision = shard->rows.rounded != NULL ? QCTX_PRECISION_BFLOAT16 : QCTX_PRECISION_FLOAT32;
    const int64_t own = qctx_smaller(ROUND_QUESTIONS, count);
    qctx_status status;

    memory->block = qctx_smaller(qctx_smaller(most, BLOCK), count);
    memory->tile = tile_of(shard);
    memory->round = qctx_smaller(ROUND_QUESTIONS * qctx_smaller(ranks, ROUND_RANKS), count);
    memory->counts = qctx_alloc(ranks, sizeof *memory->counts, "a scan", error);
    memory->own = qctx_alloc(own * shard->width, sizeof(float), "projected questions", error);
    memory->scores =
        qctx_alloc(omp_get_max_threads() * memory->block * memory->tile, sizeof(float), "a tile of scores", error);
    status = qctx_scored_rows_alloc(memory->round, shard->width, precision, "projected questions", &memory->questions,
                                    error);
    return memory->counts == NULL || memory->own == NULL || memory->scores == NULL ? QCTX_ERR_MEMORY : status;
}

/* Fills memory->questions with the projections of the `count` questions of one round, from `done` on. */
static qctx_status project_round(const qctx_query *query, scan_memory *memory, int64_t done, int64_t count,
                                 qctx_error *error)
{
    const int64_t width = query->shard->width;
    const int rank = qctx_comm_rank(query->comm);
    const int64_t *own = query->rows + done + qctx_smaller((int64_t)rank * ROUND_QUESTIONS, count);
    qctx_status status;

    for (int r = 0; r < qctx_comm_size(query->comm); r++) {
        int64_t left = count - qctx_smaller((int64_t)r * ROUND_QUESTIONS, count);

        memory->counts[r] = qctx_smaller(ROUND_QUESTIONS, left);
    }
    status = qctx_rows_project(query->questions, query->projector, QCTX_QUESTION, own, memory->counts[rank],
                               memory->own, error);
    status = qctx_agree(query->comm, status, error);
    if (status != QCTX_OK)
        return status;
    qctx_comm_gather_all(query->comm, memory->own, memory->questions.values, memory->counts,
                         (size_t)width * sizeof(float));
    qctx_scored_rows_measure(&memory->questions, count, width);
    return QCTX_OK;
}

/* How a block's products go, shared by the threads. */
typedef struct {
    qctx_precision precision;
    int64_t scored;
    int64_t settled;
} scan_progress;

static qctx_precision current_precision(scan_progress *progress)
{
    qctx_precision precision;

#pragma omp atomic read
    precision = progress->precision;
    return precision;
}

static void note_settled(scan_progress *progress, int64_t scored, int64_t settled)
{
    int64_t all_scored, all_settled;

#pragma omp atomic capture
    all_scored = progress->scored += scored;
#pragma omp atomic capture
    all_settled = progress->settled += settled;
    if (all_settled > all_scored / SETTLED_RARELY) {
#pragma omp atomic write
        progress->precision = QCTX_PRECISION_FLOAT32;
    }
}

static void scan_one_tile(const scan_memory *memory, int64_t offset, scan_tile *tile, const scan_taker *taker,
                          scan_progress *progress)
{
    const qctx_shard *shard = tile->shard;
    const scan_block *block = tile->block;
    const int64_t width = shard->width, start = offset * width, at = tile->first * width;
    const bool rounded = tile->precision == QCTX_PRECISION_BFLOAT16;
    const void *questions =
        rounded ? (const void *)(memory->questions.rounded + start) : (const void *)(memory->questions.values + start);
    const void *candidates =
        rounded ? (const void *)(shard->rows.rounded + at) : (const void *)(shard->rows.values + at);
    float *scores = memory->scores + tile->thread * memory->block * memory->tile;

    qctx_product(tile->precision, QCTX_PLAIN, QCTX_TRANSPOSED, block->count, tile->count, width, questions, width,
                 candidates, width, false, scores, tile->count);
    tile->scores = scores;
    tile->most = qctx_extent_most(shard->rows.extents + tile->first, tile->count);
    note_settled(progress, block->count * tile->count, taker->take(taker->context, tile));
}

/* All tiles of the block that begins at question `offset` of the round. */
static void scan_tiles(const scan_memory *memory, int64_t offset, const scan_block *block, const qctx_shard *shard,
                       const scan_taker *taker)
{
    scan_progress progress = {.precision =
                                  memory->questions.rounded != NULL ? QCTX_PRECISION_BFLOAT16 : QCTX_PRECISION_FLOAT32};

#pragma omp parallel for schedule(dynamic)
    for (int64_t first = 0; first < shard->count; first += memory->tile) {
        scan_tile tile = {.block = block,
                          .shard = shard,
                          .first = first,
                          .count = qctx_smaller(memory->tile, shard->count - first),
                          .precision = current_precision(&progress),
                          .thread = omp_get_thread_num()};

        /* A scan that is asked to stop leaves its tiles: the ranks agree on that after the block. */
        if (!qctx_stop_requested())
            scan_one_tile(memory, offset, &tile, taker, &progress);
    }
}

/* All blocks of the round of `count` questions that begins at question `done`. Collective. */
static qctx_status scan_round(const qctx_query *query, const scan_memory *memory, int64_t done, int64_t count,
                              const scan_taker *taker, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t at = 0; at < count && status == QCTX_OK; at += memory->block) {
        const scan_block block = {.first = done + at,
                                  .count = qctx_smaller(memory->block, count - at),
                                  .values = memory->questions.values + at * query->shard->width,
                                  .extents = memory->questions.extents + at};

        status = taker->begin(taker->context, &block, error);
        if (status != QCTX_OK)
            break;
        if (taker->take != NULL)
            scan_tiles(memory, at, &block, query->shard, taker);
        status = qctx_stop_agree(query->comm, error);
        if (status == QCTX_OK)
            status = taker->end(taker->context, &block, error);
    }
    return status;
}

qctx_status scan_run(const qctx_query *query, int64_t most, const scan_taker *taker, qctx_error *error)
{
    scan_memory memory = {0};
    qctx_status status = qctx_agree(query->comm, allocate(query, most, &memory, error), error);

    for (int64_t done = 0; done < query->count && status == QCTX_OK; done += memory.round) {
        int64_t round = qctx_smaller(memory.round, query->count - done);

        status = project_round(query, &memory, done, round, error);
        if (status == QCTX_OK)
            status = scan_round(query, &memory, done, round, taker, error);
    }
    free_memory(&memory);
    return status;
}
