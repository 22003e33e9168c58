/* A store of made-up rows in a folder of its own, as another program would write it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/platform/h5.h"

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
    const char *parent = getenv("TMPDIR");

    store->folder = qctx_path_join(parent != NULL && parent[0] != '\0' ? parent : "/tmp", "qctx-bench-XXXXXX", error);
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
