/* The exact search and the counting of positions over made-up rows. */
#include <stdlib.h>

#include "bench_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/retrieval/shard.h"
#include "qctx/retrieval/topk.h"

/* A product like those of a scan, to compare with. */
enum { PRODUCT_ROWS = 512, PRODUCT_COLUMNS = 4096, PRODUCT_TIMES = 3 };

/* One side of a pool, as rows by number. */
typedef struct {
    const bench_pool *pool;
    qctx_side side;
} pool_side;

typedef struct {
    qctx_comm *comm;
    const qctx_bench_request *request;
    qctx_precision precision; /* of the scan */
    bench_pool pool;
    pool_side sides[2];
    qctx_rows questions, contexts;
    qctx_projector no_head;
    qctx_shard shard;
    int64_t *rows;    /* [questions] 0, 1, … */
    int64_t *offsets; /* [questions + 1] 0, 1, … */
    int64_t *answers; /* [questions] */
    int64_t *positions;
    qctx_hit *hits; /* [questions, k] */
    double *seconds;
    double *rates;
} scan_bench;

static void gather(const qctx_rows *self, const int64_t *rows, int64_t count, float *out)
{
    const pool_side *from = self->from;

    for (int64_t i = 0; i < count; i++)
        bench_pool_row(from->pool, from->side, rows[i], out + i * self->dim);
}

/* Memory of a rank: all questions' lists and answers, and its shard of the contexts. */
static double needed_bytes(const qctx_comm *comm, const qctx_bench_request *request)
{
    const double question = 4.0 * sizeof(int64_t) + (double)request->topk.k * sizeof(qctx_hit);
    const double context = (double)request->dim * sizeof(float);

    return (double)bench_pool_bytes(request->dim) + (double)request->topk.questions * question +
           (double)request->topk.contexts / qctx_comm_size(comm) * context;
}

static qctx_status allocate(scan_bench *bench, qctx_error *error)
{
    const qctx_bench_request *request = bench->request;
    const int64_t questions = request->topk.questions;
    qctx_status status = bench_pool_create(request->dim, &bench->pool, error);

    bench->rows = qctx_alloc(questions, sizeof *bench->rows, "questions", error);
    bench->offsets = qctx_alloc(questions + 1, sizeof *bench->offsets, "questions", error);
    bench->answers = qctx_alloc(questions, sizeof *bench->answers, "right contexts", error);
    bench->positions = qctx_alloc(questions, sizeof *bench->positions, "positions", error);
    bench->hits = qctx_alloc(questions * request->topk.k, sizeof *bench->hits, "hits", error);
    bench->seconds = qctx_alloc(request->repetitions, sizeof *bench->seconds, "the times of scans", error);
    bench->rates = qctx_alloc(request->repetitions, sizeof *bench->rates, "the rates of products", error);
    if (status != QCTX_OK || bench->rows == NULL || bench->offsets == NULL || bench->answers == NULL ||
        bench->positions == NULL || bench->hits == NULL || bench->seconds == NULL || bench->rates == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < questions; i++) {
        bench->rows[i] = i;
        bench->offsets[i + 1] = i + 1;
        bench->answers[i] = i % request->topk.contexts;
    }
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        bench->sides[side] = (pool_side){&bench->pool, side};
    bench->questions = (qctx_rows){.gather = gather, .from = &bench->sides[QCTX_QUESTION], .dim = request->dim};
    bench->contexts = (qctx_rows){.gather = gather, .from = &bench->sides[QCTX_CONTEXT], .dim = request->dim};
    bench->no_head = (qctx_projector){.normalize = true, .input = request->dim};
    return QCTX_OK;
}

static qctx_status search(scan_bench *bench, qctx_error *error)
{
    const qctx_query query = {bench->comm,       &bench->shard, &bench->no_head,
                              &bench->questions, bench->rows,   bench->request->topk.questions};

    return qctx_topk(&query, bench->request->topk.k, bench->hits, error);
}

/* Deals the contexts out anew each time, as evaluation does. */
static qctx_status count_positions(scan_bench *bench, qctx_error *error)
{
    const qctx_protocol protocol = {.candidates = QCTX_CANDIDATES_CORPUS, .scan = bench->precision};
    const qctx_eval_set set = {.rows = {bench->questions, bench->contexts},
                               .context_count = bench->request->topk.contexts,
                               .count = bench->request->topk.questions,
                               .questions = bench->rows,
                               .offsets = bench->offsets,
                               .contexts = bench->answers};

    return qctx_evaluate(bench->comm, &set, &bench->no_head, &protocol, bench->positions, NULL, error);
}

static const struct {
    const char *name;
    qctx_status (*run)(scan_bench *bench, qctx_error *error);
} scans[] = {
    {"topk", search},
    {"positions", count_positions},
};
enum { SCAN_COUNT = sizeof scans / sizeof scans[0] };

/* Times one scan, a product before each repetition; appends a row where `rows` is not NULL. Collective. */
static qctx_status measure(scan_bench *bench, int which, json_t *rows, qctx_error *error)
{
    const qctx_bench_request *request = bench->request;
    const double flops = 2.0 * (double)request->topk.questions * (double)request->topk.contexts * (double)request->dim /
                         qctx_comm_size(bench->comm);
    qctx_status status = QCTX_OK;
    double seconds, rate;

    for (int64_t i = 0; i < request->repetitions && status == QCTX_OK; i++) {
        double start;

        bench->rates[i] = bench_product_rate(bench->comm, bench->precision, QCTX_PLAIN, QCTX_TRANSPOSED, PRODUCT_ROWS,
                                             PRODUCT_COLUMNS, request->dim, PRODUCT_TIMES);
        qctx_comm_barrier(bench->comm);
        start = qctx_clock_seconds();
        status = scans[which].run(bench, error);
        bench->seconds[i] = bench_most(bench->comm, qctx_clock_seconds() - start);
    }
    seconds = qctx_median(bench->seconds, request->repetitions);
    rate = qctx_median(bench->rates, request->repetitions);
    if (rows != NULL && status == QCTX_OK)
        json_array_append_new(rows, json_pack("{s:s, s:s, s:f, s:f, s:f, s:o}", "scan", scans[which].name, "precision",
                                              qctx_precision_names[bench->precision], "seconds", seconds, "gflops",
                                              flops / seconds / BENCH_GIGA, "sgemm_gflops", rate / BENCH_GIGA, "share",
                                              bench_number(flops / seconds / rate)));
    return status;
}

/* Both scans in one precision. Collective. */
static qctx_status measure_precision(scan_bench *bench, qctx_precision precision, json_t *rows, qctx_error *error)
{
    qctx_status status;

    bench->precision = precision;
    status = qctx_shard_create(bench->comm, &bench->contexts, &bench->no_head, NULL, bench->request->topk.contexts,
                               precision, &bench->shard, error);
    for (int which = 0; which < SCAN_COUNT && status == QCTX_OK; which++)
        status = measure(bench, which, rows, error);
    qctx_shard_free(&bench->shard);
    return status;
}

static void free_all(scan_bench *bench)
{
    bench_pool_free(&bench->pool);
    free(bench->rows);
    free(bench->offsets);
    free(bench->answers);
    free(bench->positions);
    free(bench->hits);
    free(bench->seconds);
    free(bench->rates);
}

static json_t *describe(const scan_bench *bench, json_t *rows)
{
    const qctx_bench_request *request = bench->request;
    json_t *result = bench_result(bench->comm, "topk");

    if (result != NULL)
        json_object_update_new(result, json_pack("{s:I, s:I, s:I, s:I, s:I, s:O}", "questions",
                                                 (json_int_t)request->topk.questions, "contexts",
                                                 (json_int_t)request->topk.contexts, "dim", (json_int_t)request->dim,
                                                 "k", (json_int_t)request->topk.k, "repetitions",
                                                 (json_int_t)request->repetitions, "scans", rows));
    return result;
}

qctx_status qctx_bench_topk(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error)
{
    const bool tells = qctx_comm_rank(comm) == 0;
    scan_bench bench = {.comm = comm, .request = request};
    json_t *rows = tells ? json_array() : NULL;
    qctx_status status =
        bench_check_room(comm, needed_bytes(comm, request), "the lists of all questions and the contexts", error);

    *result = NULL;
    if (status == QCTX_OK)
        status = qctx_agree(comm, allocate(&bench, error), error);
    for (int p = 0; p < BENCH_PRECISIONS && status == QCTX_OK; p++)
        if (bench_is_asked((qctx_precision)p, request->precision))
            status = measure_precision(&bench, (qctx_precision)p, rows, error);
    if (status == QCTX_OK && tells) {
        *result = describe(&bench, rows);
        status = bench_check(*result, error);
    }
    json_decref(rows);
    free_all(&bench);
    return qctx_agree(comm, status, error);
}
