/* Rows of a step out of a store: from memory, from the disk, and from the disk when it was told a step before. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "bench_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "qctx/store/store.h"

enum { PRODUCT_ROWS = 2048, PRODUCT_TIMES = 3, STORE_BATCHES = 4 };

typedef struct {
    qctx_comm *comm;
    const qctx_bench_request *request;
    qctx_store *store;
    qctx_opened_source source;
    qctx_opened opened;
    qctx_examples examples; /* borrows from the split, but for `source`, `contexts` and `content` */
    qctx_loader loader;
    int64_t batch;       /* examples of a step, as many as the split has */
    int64_t first, rows; /* of this rank */
    int64_t *order;      /* [examples] */
    int64_t *chosen;     /* [rows] */
    float *gathered[2];  /* [rows, dim] */
    double *seconds;     /* [repetitions] */
    double step;         /* seconds that a step takes at least */
} load_bench;

/* Whether a rank can hold its rows of a batch and the product that a step is judged by. Collective. Errors: MEMORY. */
static qctx_status check_room(const load_bench *bench, int64_t dim, int64_t examples, qctx_error *error)
{
    const qctx_config *config = bench->request->config;
    const double width = (double)dim, hidden = (double)config->model.hidden;
    const double batch = (double)qctx_smaller(config->batch.size, examples);
    const double rows = ceil(batch / qctx_comm_size(bench->comm));
    const double tile = (double)qctx_smaller(config->batch.size, PRODUCT_ROWS);
    const double product = tile * width + width * hidden + tile * hidden;
    const double numbers = (double)examples * (sizeof *bench->order + sizeof *bench->examples.source);

    return bench_check_room(bench->comm, sizeof(float) * (2.0 * rows * width + product) + numbers,
                            "the rows of a batch and a product of a step", error);
}

/* The contexts of a split, freshly allocated; those that are not there are measured as the first, which is. */
static int64_t *contexts_of(const qctx_split *split, qctx_error *error)
{
    const int64_t answers = split->offsets[split->count];
    int64_t *contexts = qctx_alloc(answers, sizeof *contexts, "examples", error);

    for (int64_t a = 0; a < answers && contexts != NULL; a++)
        contexts[a] = split->contexts[a] == QCTX_ABSENT ? 0 : split->contexts[a];
    return contexts;
}

/* Lays the first split out as examples, the batch over the ranks, and takes room for a rank's rows. */
static qctx_status prepare(load_bench *bench, qctx_error *error)
{
    const qctx_split *split = qctx_store_split_at(bench->store, 0);
    const int64_t dim = qctx_store_dim(bench->store);

    bench->source = (qctx_opened_source){.store = bench->store, .split = split, .name = split->name};
    bench->opened = (qctx_opened){.train_count = 1, .train = &bench->source};
    bench->batch = qctx_smaller(bench->request->config->batch.size, split->count);
    qctx_share(bench->batch, qctx_comm_rank(bench->comm), qctx_comm_size(bench->comm), &bench->first, &bench->rows);
    bench->examples = (qctx_examples){.count = split->count, .question = split->questions, .offsets = split->offsets};
    bench->examples.contexts = contexts_of(split, error);
    bench->examples.source = qctx_alloc(split->count, sizeof *bench->examples.source, "examples", error);
    bench->order = qctx_alloc(split->count, sizeof *bench->order, "the order of examples", error);
    bench->chosen = qctx_alloc(bench->rows, sizeof *bench->chosen, "a batch", error);
    bench->seconds = qctx_alloc(bench->request->repetitions, sizeof *bench->seconds, "the times of batches", error);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        bench->gathered[side] = qctx_alloc(bench->rows * dim, sizeof(float), "the rows of a batch", error);
    if (bench->examples.contexts == NULL || bench->examples.source == NULL || bench->order == NULL ||
        bench->chosen == NULL || bench->seconds == NULL || bench->gathered[0] == NULL || bench->gathered[1] == NULL)
        return QCTX_ERR_MEMORY;
    bench->loader = qctx_loader_of_stores(&bench->opened, &bench->examples);
    return QCTX_OK;
}

/* The least time of a step of this batch, with the head that was asked for: its operations at the rate of a product. */
static double least_step(const load_bench *bench)
{
    const qctx_config *config = bench->request->config;
    const int64_t dim = qctx_store_dim(bench->store);
    const qctx_head_config head = qctx_config_head(config, dim);
    const double rate =
        bench_product_rate(bench->comm, QCTX_PRECISION_FLOAT32, QCTX_PLAIN, QCTX_TRANSPOSED,
                           qctx_smaller(config->batch.size, PRODUCT_ROWS), head.hidden, dim, PRODUCT_TIMES);
    const double rows = (double)bench->batch / qctx_comm_size(bench->comm);

    return bench_least_flops(&head, 1, bench->batch, 0) * rows / rate;
}

static void wait_seconds(double seconds)
{
    const struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * BENCH_GIGA)};

    nanosleep(&pause, NULL);
}

/* Every rank lets go of its mapping first; then the pages can leave the cache. Collective. */
static void forget(const load_bench *bench)
{
    qctx_store_forget(bench->store);
    qctx_comm_barrier(bench->comm);
    qctx_store_forget(bench->store);
    qctx_comm_barrier(bench->comm);
}

/* Chooses the examples of repetition `index`, others each time. */
static const int64_t *draw(load_bench *bench, int64_t index)
{
    const int64_t *own = bench->order + bench->first;

    qctx_rng_permutation(bench->order, bench->examples.count, 0, QCTX_STREAM_BENCH, (uint64_t)index);
    for (int64_t i = 0; i < bench->rows; i++)
        bench->chosen[i] = bench->examples.offsets[own[i]];
    return own;
}

static double gather_batch(load_bench *bench, int64_t index, bool cold, bool prefetched)
{
    const int64_t *own = draw(bench, index);
    double start;

    if (cold)
        forget(bench);
    if (prefetched) {
        bench->loader.prefetch(&bench->loader, own, bench->chosen, bench->rows);
        wait_seconds(bench->step);
    }
    qctx_comm_barrier(bench->comm);
    start = qctx_clock_seconds();
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        bench->loader.gather(&bench->loader, side, own, bench->chosen, bench->rows, bench->gathered[side]);
    return bench_most(bench->comm, qctx_clock_seconds() - start);
}

/* Appends a row where `rows` is not NULL. Collective. */
static void measure(load_bench *bench, const char *name, bool cold, bool prefetched, json_t *rows)
{
    const int64_t repetitions = bench->request->repetitions;
    const double bytes = 2.0 * (double)bench->rows * (double)qctx_store_dim(bench->store) * sizeof(float);
    double seconds;

    if (!cold)
        for (int64_t i = 0; i < repetitions; i++)
            gather_batch(bench, i, false, false);
    for (int64_t i = 0; i < repetitions; i++)
        bench->seconds[i] = gather_batch(bench, i, cold, prefetched);
    seconds = qctx_median(bench->seconds, repetitions);
    if (rows != NULL)
        json_array_append_new(rows,
                              json_pack("{s:s, s:f, s:f, s:f, s:f}", "cache", name, "seconds", seconds,
                                        "rows_per_second", 2.0 * (double)bench->rows / seconds, "gbytes_per_second",
                                        bytes / seconds / BENCH_GIGA, "share_of_step", seconds / bench->step));
}

static json_t *describe(const load_bench *bench, json_t *rows)
{
    json_t *result = bench_result(bench->comm, "load");
    const double row_bytes = (double)qctx_store_dim(bench->store) * sizeof(float);
    const double held =
        (double)(qctx_store_count(bench->store, QCTX_QUESTION) + qctx_store_count(bench->store, QCTX_CONTEXT));

    if (result != NULL)
        json_object_update_new(
            result, json_pack("{s:s, s:f, s:I, s:I, s:I, s:f, s:O}", "store",
                              bench->request->load.store != NULL ? bench->request->load.store : "made up", "store_mb",
                              held * row_bytes / BENCH_MEGA, "dim", (json_int_t)qctx_store_dim(bench->store), "batch",
                              (json_int_t)bench->batch, "hidden", (json_int_t)bench->request->config->model.hidden,
                              "step_seconds_least", bench->step, "loads", rows));
    return result;
}

static qctx_status measure_store(load_bench *bench, json_t **result, qctx_error *error)
{
    const bool tells = qctx_comm_rank(bench->comm) == 0;
    qctx_status status =
        check_room(bench, qctx_store_dim(bench->store), qctx_store_split_at(bench->store, 0)->count, error);
    json_t *rows;

    if (status == QCTX_OK)
        status = qctx_agree(bench->comm, prepare(bench, error), error);
    if (status != QCTX_OK)
        return status;
    rows = tells ? json_array() : NULL;
    bench->step = least_step(bench);
    measure(bench, "warm", false, false, rows);
    measure(bench, "cold", true, false, rows);
    measure(bench, "cold, prefetched", true, true, rows);
    if (tells) {
        *result = describe(bench, rows);
        status = bench_check(*result, error);
    }
    json_decref(rows);
    return qctx_agree(bench->comm, status, error);
}

qctx_status qctx_bench_load(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error)
{
    load_bench bench = {.comm = comm, .request = request};
    bench_store made = {0};
    qctx_status status = QCTX_OK;

    *result = NULL;
    if (request->load.store == NULL)
        status = check_room(&bench, request->dim, STORE_BATCHES * request->config->batch.size, error);
    if (request->load.store == NULL && status == QCTX_OK)
        status = bench_store_make(comm, request->dim, STORE_BATCHES * request->config->batch.size, &made, error);
    if (status == QCTX_OK)
        status =
            qctx_store_open(comm, request->load.store != NULL ? request->load.store : made.path, &bench.store, error);
    if (status == QCTX_OK)
        status = measure_store(&bench, result, error);
    qctx_store_close(bench.store);
    bench_store_remove(comm, &made);
    free(bench.examples.source);
    free(bench.examples.contexts);
    free(bench.order);
    free(bench.chosen);
    free(bench.seconds);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        free(bench.gathered[side]);
    return status;
}
