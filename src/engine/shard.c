#include "qctx/engine/shard.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/platform/blas.h"

enum {
    PROJECTED_TILE = 128,        /* rows of a projection */
    TILE = 512,                  /* candidates of a product */
    QUESTION_TILE_MOST = 256,    /* questions of a product … */
    QUESTION_TILE_LEAST = 16,    /* … fewer where there are very many candidates */
    SCORES_MOST = 256 << 20 >> 2 /* floats */
};
/* In a round each of the first so many ranks projects so many tiles of questions, for all. */
enum { ROUND_RANKS = 64, ROUND_TILES = 4 };

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
    qctx_store_gather(self->from, QCTX_STORE_QUESTIONS, rows, count, out);
}

static void gather_contexts(const qctx_rows *self, const int64_t *rows, int64_t count, float *out)
{
    qctx_store_gather(self->from, QCTX_STORE_CONTEXTS, rows, count, out);
}

qctx_rows qctx_rows_of_store(const qctx_store *store, qctx_store_side side)
{
    return (qctx_rows){.gather = side == QCTX_STORE_QUESTIONS ? gather_questions : gather_contexts,
                       .from = store,
                       .dim = qctx_store_dim(store)};
}

static qctx_status project_tile(const qctx_rows *source, const qctx_projector *projector, int side, const int64_t *rows,
                                int64_t count, float *out, qctx_error *error)
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

qctx_status qctx_rows_project(const qctx_rows *source, const qctx_projector *projector, int side, const int64_t *rows,
                              int64_t count, float *out, qctx_error *error)
{
    const int64_t width = qctx_projector_output(projector);
    qctx_status status = QCTX_OK;

#pragma omp parallel for schedule(dynamic)
    for (int64_t first = 0; first < count; first += PROJECTED_TILE) {
        qctx_error own;
        qctx_status tile_status = project_tile(source, projector, side, rows + first,
                                               qctx_smaller(PROJECTED_TILE, count - first), out + first * width, &own);

        if (tile_status != QCTX_OK) {
#pragma omp critical(qctx_rows_project)
            {
                status = tile_status;
                if (error != NULL)
                    *error = own;
            }
        }
    }
    return status;
}

void qctx_rows_scores(const float *questions, int64_t m, const float *contexts, int64_t n, int64_t width, float *scores)
{
#pragma omp parallel for schedule(dynamic) collapse(2)
    for (int64_t i = 0; i < m; i += QUESTION_TILE_MOST)
        for (int64_t j = 0; j < n; j += TILE)
            qctx_sgemm(QCTX_PLAIN, QCTX_TRANSPOSED, qctx_smaller(QUESTION_TILE_MOST, m - i), qctx_smaller(TILE, n - j),
                       width, 1.0f, questions + i * width, width, contexts + j * width, width, 0.0f, scores + i * n + j,
                       n);
}

void qctx_shard_range(const qctx_comm *comm, int64_t total, int64_t *first, int64_t *count)
{
    int64_t tiles = (total + TILE - 1) / TILE;

    qctx_share(tiles, qctx_comm_rank(comm), qctx_comm_size(comm), first, count);
    *first *= TILE;
    *count = qctx_smaller(*count * TILE, total - qctx_smaller(*first, total));
}

static qctx_status fill_shard(const qctx_rows *source, const qctx_projector *projector, const int64_t *candidates,
                              qctx_shard *shard, qctx_error *error)
{
    int64_t *rows = qctx_alloc(shard->count, sizeof *rows, "the numbers of candidates", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (rows == NULL)
        return status;
    for (int64_t i = 0; i < shard->count; i++)
        rows[i] = candidates != NULL ? candidates[shard->first + i] : shard->first + i;
    shard->values = qctx_alloc(shard->count * shard->width, sizeof *shard->values, "projected contexts", error);
    if (shard->values != NULL)
        status = qctx_rows_project(source, projector, 1, rows, shard->count, shard->values, error);
    free(rows);
    return status;
}

qctx_status qctx_shard_create(qctx_comm *comm, const qctx_rows *source, const qctx_projector *projector,
                              const int64_t *candidates, int64_t total, qctx_shard *shard, qctx_error *error)
{
    qctx_status status;

    *shard = (qctx_shard){.total = total, .width = qctx_projector_output(projector)};
    qctx_shard_range(comm, total, &shard->first, &shard->count);
    status = qctx_agree(comm, fill_shard(source, projector, candidates, shard, error), error);
    if (status != QCTX_OK)
        qctx_shard_free(shard);
    return status;
}

void qctx_shard_free(qctx_shard *shard)
{
    free(shard->values);
    shard->values = NULL;
}

/* The tile follows from the total of all ranks, not from this rank's share, so that the products keep their shape. */
static int64_t question_tile(const qctx_shard *shard)
{
    int64_t tile = QUESTION_TILE_MOST;

    while (tile > QUESTION_TILE_LEAST && tile * shard->total > SCORES_MOST)
        tile /= 2;
    return tile;
}

/* What a sweep holds: the questions of a round, and the scores of one tile. */
typedef struct {
    int64_t tile;
    int64_t chunk;    /* questions that one rank projects in a round: the same for any number of ranks */
    int64_t round;    /* questions of a round */
    int64_t *counts;  /* [size of comm] questions each rank projects in this round */
    float *own;       /* [chunk, width] */
    float *questions; /* [round, width] */
    float *scores;    /* [tile, shard->count] */
} sweep_memory;

static void sweep_free(sweep_memory *memory)
{
    free(memory->counts);
    free(memory->own);
    free(memory->questions);
    free(memory->scores);
}

static qctx_status sweep_alloc(qctx_comm *comm, const qctx_shard *shard, int64_t count, sweep_memory *memory,
                               qctx_error *error)
{
    memory->tile = qctx_smaller(question_tile(shard), count);
    memory->chunk = memory->tile * ROUND_TILES;
    memory->round = memory->chunk * qctx_smaller(qctx_comm_size(comm), ROUND_RANKS);
    memory->counts = qctx_alloc(qctx_comm_size(comm), sizeof *memory->counts, "a sweep", error);
    memory->own = qctx_alloc(memory->chunk * shard->width, sizeof(float), "projected questions", error);
    memory->questions = qctx_alloc(memory->round * shard->width, sizeof(float), "projected questions", error);
    memory->scores = qctx_alloc(memory->tile * shard->count, sizeof(float), "scores", error);
    if (memory->counts == NULL || memory->own == NULL || memory->questions == NULL || memory->scores == NULL)
        return QCTX_ERR_MEMORY;
    return QCTX_OK;
}

/* Fills memory->questions with the projections of the questions of one round, `count` in all. */
static qctx_status project_round(qctx_comm *comm, sweep_memory *memory, const qctx_projector *projector,
                                 const qctx_rows *source, const int64_t *rows, int64_t count, qctx_error *error)
{
    const int rank = qctx_comm_rank(comm);
    qctx_status status;

    for (int r = 0; r < qctx_comm_size(comm); r++) {
        int64_t left = count - qctx_smaller(r * memory->chunk, count);

        memory->counts[r] = qctx_smaller(memory->chunk, left);
    }
    status = qctx_rows_project(source, projector, 0, rows + qctx_smaller(rank * memory->chunk, count),
                               memory->counts[rank], memory->own, error);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        qctx_comm_gather_all(comm, memory->own, memory->questions, memory->counts,
                             (size_t)qctx_projector_output(projector) * sizeof(float));
    return status;
}

qctx_status qctx_shard_sweep(qctx_comm *comm, const qctx_shard *shard, const qctx_projector *projector,
                             const qctx_rows *questions, const int64_t *rows, int64_t count, qctx_shard_taker *take,
                             void *context, qctx_error *error)
{
    sweep_memory memory = {0};
    qctx_status status = qctx_agree(comm, sweep_alloc(comm, shard, count, &memory, error), error);

    for (int64_t done = 0; done < count && status == QCTX_OK; done += memory.round) {
        int64_t round = qctx_smaller(memory.round, count - done);

        status = project_round(comm, &memory, projector, questions, rows + done, round, error);
        for (int64_t at = 0; at < round && status == QCTX_OK; at += memory.tile) {
            int64_t tile = qctx_smaller(memory.tile, round - at);

            qctx_rows_scores(memory.questions + at * shard->width, tile, shard->values, shard->count, shard->width,
                             memory.scores);
            status = take(context, done + at, tile, memory.scores, error);
        }
    }
    sweep_free(&memory);
    return status;
}
