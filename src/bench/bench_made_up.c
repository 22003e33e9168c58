/*
 * Made-up vectors, for steps and searches that need no data: out of a pool, as the examples of a loader, and as a store
 * in a folder of its own, written as another program would write it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "qctx/base/temporary.h"
#include "qctx/platform/h5.h"

/* Places in the pool where rows may begin, a power of two, and an odd step that visits each of them once. */
enum { POOL_PLACES = 1 << 20, POOL_STEP = 654321 };

/* Box and Muller's transform of two uniform numbers. */
static float gaussian(uint64_t index)
{
    double radius = sqrt(-2.0 * log1p(-qctx_rng_uniform(0, QCTX_STREAM_BENCH, index, 0)));
    double turn = qctx_rng_uniform(0, QCTX_STREAM_BENCH, index, 1);

    return (float)(radius * cos(6.283185307179586 * turn));
}

qctx_status bench_pool_create(int64_t dim, bench_pool *pool, qctx_error *error)
{
    pool->dim = dim;
    pool->values = qctx_alloc(POOL_PLACES + dim, sizeof *pool->values, "made-up vectors", error);
    if (pool->values == NULL)
        return QCTX_ERR_MEMORY;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < POOL_PLACES + dim; i++)
        pool->values[i] = gaussian((uint64_t)i);
    return QCTX_OK;
}

void bench_pool_free(bench_pool *pool)
{
    free(pool->values);
}

int64_t bench_pool_bytes(int64_t dim)
{
    return (POOL_PLACES + dim) * (int64_t)sizeof(float);
}

void bench_pool_row(const bench_pool *pool, qctx_side side, int64_t row, float *out)
{
    uint64_t place = (2 * (uint64_t)row + (uint64_t)side) * POOL_STEP % POOL_PLACES;

    memcpy(out, pool->values + place, (size_t)pool->dim * sizeof *out);
}

static void gather(const qctx_loader *loader, qctx_side side, const int64_t *example, const int64_t *chosen,
                   int64_t count, float *out)
{
    const bench_pool *pool = loader->from;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; i++)
        bench_pool_row(pool, side, side == QCTX_QUESTION ? example[i] : chosen[i], out + i * loader->dim);
}

static void gather_contexts(const qctx_loader *loader, const qctx_negative *contexts, int64_t count, float *out)
{
    const bench_pool *pool = loader->from;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; i++)
        bench_pool_row(pool, QCTX_CONTEXT, contexts[i].row, out + i * loader->dim);
}

static void prefetch(const qctx_loader *loader, const int64_t *example, const int64_t *chosen, int64_t count)
{
    (void)loader;
    (void)example;
    (void)chosen;
    (void)count;
}

static qctx_status fill_examples(qctx_examples *examples, int64_t count, qctx_error *error)
{
    examples->source = qctx_alloc(count, sizeof *examples->source, "made-up examples", error);
    examples->question = qctx_alloc(count, sizeof *examples->question, "made-up examples", error);
    examples->offsets = qctx_alloc(count + 1, sizeof *examples->offsets, "made-up examples", error);
    examples->contexts = qctx_alloc(count, sizeof *examples->contexts, "made-up examples", error);
    examples->content = qctx_alloc(count, sizeof *examples->content, "made-up examples", error);
    if (examples->source == NULL || examples->question == NULL || examples->offsets == NULL ||
        examples->contexts == NULL || examples->content == NULL)
        return QCTX_ERR_MEMORY;
    examples->count = count;
    for (int64_t i = 0; i < count; i++) {
        examples->question[i] = examples->contexts[i] = i;
        examples->content[i] = (uint64_t)i;
        examples->offsets[i + 1] = i + 1;
    }
    return QCTX_OK;
}

/* The contexts behind those of the examples, each listed once. */
static qctx_status fill_listed(qctx_listed_negatives *listed, int64_t count, int64_t negatives, qctx_error *error)
{
    int64_t *offsets = qctx_alloc(count + 1, sizeof *offsets, "made-up negatives", error);
    qctx_negative *list = qctx_alloc(count * negatives, sizeof *list, "made-up negatives", error);
    qctx_status status = offsets == NULL || list == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        offsets[i + 1] = (i + 1) * negatives;
    for (int64_t k = 0; k < count * negatives && status == QCTX_OK; k++)
        list[k] = (qctx_negative){.content = (uint64_t)(count + k), .row = count + k};
    if (status == QCTX_OK)
        status = qctx_listed_negatives_make(count, offsets, list, listed, error);
    free(offsets);
    free(list);
    return status;
}

qctx_status bench_made_up_create(int64_t dim, int64_t count, int64_t negatives, bench_made_up *rows, qctx_error *error)
{
    qctx_status status = bench_pool_create(dim, &rows->pool, error);

    rows->batch = qctx_alloc(count, sizeof *rows->batch, "made-up examples", error);
    if (rows->batch == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++)
        rows->batch[i] = i;
    rows->loader = (qctx_loader){.gather = gather,
                                 .prefetch = prefetch,
                                 .gather_contexts = gather_contexts,
                                 .examples = &rows->examples,
                                 .listed = negatives > 0 ? &rows->listed : NULL,
                                 .most_listed = negatives,
                                 .most_pool = count * negatives,
                                 .from = &rows->pool,
                                 .dim = dim};
    if (status == QCTX_OK)
        status = fill_examples(&rows->examples, count, error);
    return status == QCTX_OK && negatives > 0 ? fill_listed(&rows->listed, count, negatives, error) : status;
}

void bench_made_up_free(bench_made_up *rows)
{
    bench_pool_free(&rows->pool);
    qctx_listed_negatives_free(&rows->listed);
    free(rows->examples.source);
    free(rows->examples.question);
    free(rows->examples.offsets);
    free(rows->examples.contexts);
    free(rows->examples.content);
    free(rows->batch);
}

int64_t bench_made_up_bytes(int64_t dim, int64_t count)
{
    const qctx_examples *examples = NULL;
    const int64_t each = sizeof *examples->source + sizeof *examples->question + sizeof *examples->offsets +
                         sizeof *examples->contexts + sizeof *examples->content + sizeof(int64_t);

    return bench_pool_bytes(dim) + count * each;
}

/* Rows that are written at a time: many narrow ones, few wide ones. */
enum { BLOCK_ROWS = 1024, BLOCK_NUMBERS = 1 << 20 };

static int64_t block_rows(int64_t dim)
{
    return dim < BLOCK_NUMBERS ? qctx_smaller(BLOCK_ROWS, BLOCK_NUMBERS / dim) : 1;
}

static qctx_status write_side(qctx_h5 *file, const char *dataset, qctx_side side, const bench_pool *pool, int64_t count,
                              float *block, qctx_error *error)
{
    qctx_status status = qctx_h5_make(file, dataset, QCTX_H5_FLOAT32, count, pool->dim, error);

    for (int64_t first = 0; first < count && status == QCTX_OK; first += block_rows(pool->dim)) {
        const int64_t rows = qctx_smaller(block_rows(pool->dim), count - first);

        for (int64_t i = 0; i < rows; i++)
            bench_pool_row(pool, side, first + i, block + i * pool->dim);
        status = qctx_h5_write(file, dataset, QCTX_H5_FLOAT32, first, rows, block, error);
    }
    return status;
}

/* Question i is answered by context i. */
static qctx_status write_answers(qctx_h5 *file, int64_t count, const int64_t *numbers, qctx_error *error)
{
    qctx_status status = qctx_h5_make(file, "answers/train/offsets", QCTX_H5_INT64, count + 1, 0, error);

    if (status == QCTX_OK)
        status = qctx_h5_write(file, "answers/train/offsets", QCTX_H5_INT64, 0, count + 1, numbers, error);
    if (status == QCTX_OK)
        status = qctx_h5_make(file, "answers/train/contexts", QCTX_H5_INT64, count, 0, error);
    if (status == QCTX_OK)
        status = qctx_h5_write(file, "answers/train/contexts", QCTX_H5_INT64, 0, count, numbers, error);
    return status;
}

static qctx_status write_store(const char *path, const bench_pool *pool, int64_t count, qctx_error *error)
{
    float *block = qctx_alloc(block_rows(pool->dim) * pool->dim, sizeof *block, "rows of a store", error);
    int64_t *numbers = qctx_alloc(count + 1, sizeof *numbers, "the answers of a store", error);
    qctx_h5 *file = NULL;
    qctx_status status = block == NULL || numbers == NULL ? QCTX_ERR_MEMORY : QCTX_OK, closed;

    for (int64_t i = 0; i <= count && status == QCTX_OK; i++)
        numbers[i] = i;
    if (status == QCTX_OK)
        status = qctx_h5_create(path, &file, error);
    if (status == QCTX_OK)
        status = write_side(file, "questions/vectors", QCTX_QUESTION, pool, count, block, error);
    if (status == QCTX_OK)
        status = write_side(file, "contexts/vectors", QCTX_CONTEXT, pool, count, block, error);
    if (status == QCTX_OK)
        status = write_answers(file, count, numbers, error);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    free(block);
    free(numbers);
    return status != QCTX_OK ? status : closed;
}

static qctx_status make_folder(bench_store *store, qctx_error *error)
{
    store->folder = qctx_path_join(qctx_temporary_folder(), "qctx-bench-XXXXXX", error);
    if (store->folder == NULL)
        return QCTX_ERR_MEMORY;
    if (mkdtemp(store->folder) == NULL) {
        qctx_write_failed(store->folder, "cannot make the folder", errno, error);
        free(store->folder);
        store->folder = NULL;
        return qctx_hint(error, "let TMPDIR name a folder that may be written to, or name a store");
    }
    store->path = qctx_path_join(store->folder, "made-up.h5", error);
    return store->path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static qctx_status make_on_one_rank(int64_t dim, int64_t count, bench_store *store, qctx_error *error)
{
    bench_pool pool = {0};
    qctx_status status = make_folder(store, error);

    if (status == QCTX_OK)
        status = bench_pool_create(dim, &pool, error);
    if (status == QCTX_OK)
        status = write_store(store->path, &pool, count, error);
    bench_pool_free(&pool);
    return status;
}

qctx_status bench_store_make(qctx_comm *comm, int64_t dim, int64_t count, bench_store *store, qctx_error *error)
{
    size_t bytes = 0;
    qctx_status status = QCTX_OK;

    *store = (bench_store){0};
    if (qctx_comm_rank(comm) == 0) {
        status = make_on_one_rank(dim, count, store, error);
        bytes = store->path != NULL ? strlen(store->path) : 0;
    }
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = qctx_comm_broadcast_text(comm, &store->path, &bytes, 0, error);
    return status;
}

void bench_store_remove(qctx_comm *comm, bench_store *store)
{
    qctx_comm_barrier(comm);
    if (store->folder != NULL)
        qctx_folder_remove(store->folder, NULL);
    free(store->folder);
    free(store->path);
}
