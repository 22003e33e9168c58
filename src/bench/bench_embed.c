/* An encoder over texts of a file, or made-up ones, every rank its share. */
#include <stdlib.h>
#include <string.h>

#include "bench_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"
#include "qctx/dataset/encoders.h"
#include "qctx/platform/topology.h"

/* Products to compare with: one of a common encoder's layers, and a large one. */
enum { LAYER_ROWS = 512, LAYER_COLUMNS = 1536, LAYER_DEPTH = 384, LARGE = 2048, PRODUCT_TIMES = 3 };

/* Letters of the longest made-up word, and of a word with the space behind it. */
enum { WORD_MOST = 8, WORD_ROOM = WORD_MOST + 1 };

typedef struct {
    qctx_comm *comm;
    const qctx_bench_request *request;
    char *bytes;        /* all texts, each ended by NUL */
    int64_t count;      /* of all ranks */
    const char **texts; /* [count], the longest first */
    const char **own;   /* [own_count]: every one in so many, so that ranks finish together */
    int64_t own_count;
    float *rows;
    double *seconds, *rates, *large_rates; /* [repetitions] */
} embed_bench;

/* Words of random letters. */
static qctx_status make_up(embed_bench *bench, qctx_error *error)
{
    const int64_t count = bench->request->embed.count, words = bench->request->embed.words;
    char *at = bench->bytes = qctx_alloc(count, (size_t)(words * WORD_ROOM), "made-up texts", error);

    if (at == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++)
        for (int64_t word = 0; word < words; word++) {
            const uint64_t index = (uint64_t)(i * words + word);
            const int letters = 1 + (int)(qctx_rng_uniform(0, QCTX_STREAM_BENCH, index, 2) * WORD_MOST);

            for (int letter = 0; letter < letters; letter++)
                *at++ = (char)('a' + (int)(qctx_rng_uniform(0, QCTX_STREAM_BENCH, index, 3 + (uint64_t)letter) * 26.0));
            *at++ = word + 1 < words ? ' ' : '\0';
        }
    bench->count = count;
    return QCTX_OK;
}

/* The lines of the file that are not empty. */
static qctx_status read_lines(embed_bench *bench, qctx_error *error)
{
    const char *path = bench->request->embed.texts;
    char *to;
    size_t size;
    qctx_status status = qctx_file_read(path, &bench->bytes, &size, error);

    if (status != QCTX_OK)
        return status;
    to = bench->bytes;
    for (char *line = bench->bytes, *end = line + size; line < end;) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        const size_t length = strnlen(line, (size_t)((stop != NULL ? stop : end) - line));

        if (length > 0) {
            memmove(to, line, length);
            to[length] = '\0';
            to += length + 1;
            bench->count++;
        }
        line = stop != NULL ? stop + 1 : end;
    }
    if (bench->count > 0)
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_DATA, "%s: no text, expected one a line", path);
}

static int compare_lengths(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    const size_t length = strlen(*a), other = strlen(*b);

    if (length != other)
        return length > other ? -1 : 1;
    return strcmp(*a, *b);
}

/* Memory of made-up texts, which every rank has all of. */
static double made_up_bytes(const qctx_bench_request *request)
{
    return request->embed.texts != NULL ? 0.0 : (double)request->embed.count * (double)request->embed.words * WORD_ROOM;
}

/* All texts, and this rank's share of them. */
static qctx_status take_texts(embed_bench *bench, qctx_error *error)
{
    const int64_t ranks = qctx_comm_size(bench->comm), rank = qctx_comm_rank(bench->comm);
    const int64_t repetitions = bench->request->repetitions;
    qctx_status status = bench->request->embed.texts != NULL ? read_lines(bench, error) : make_up(bench, error);
    const char *text = bench->bytes;

    if (status != QCTX_OK)
        return status;
    bench->texts = qctx_alloc(bench->count, sizeof *bench->texts, "texts", error);
    bench->own = qctx_alloc(qctx_divide_up(bench->count, ranks), sizeof *bench->own, "texts", error);
    bench->seconds = qctx_alloc(repetitions, sizeof *bench->seconds, "the times of embedding", error);
    bench->rates = qctx_alloc(repetitions, sizeof *bench->rates, "the rates of products", error);
    bench->large_rates = qctx_alloc(repetitions, sizeof *bench->large_rates, "the rates of products", error);
    if (bench->texts == NULL || bench->own == NULL || bench->seconds == NULL || bench->rates == NULL ||
        bench->large_rates == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < bench->count; i++) {
        bench->texts[i] = text;
        text += strlen(text) + 1;
    }
    qsort(bench->texts, (size_t)bench->count, sizeof *bench->texts, compare_lengths);
    for (int64_t i = rank; i < bench->count; i += ranks)
        bench->own[bench->own_count++] = bench->texts[i];
    return QCTX_OK;
}

/* The encoder in one precision; one that learns does it from these texts. Collective. */
static qctx_status open_encoder(const embed_bench *bench, qctx_precision precision, qctx_encoder **encoder,
                                qctx_error *error)
{
    const qctx_encoder_entry given = {.model = (char *)bench->request->embed.encoder, .weight = 1.0};
    const qctx_encoder_spec spec = {
        .command_line = true,
        .count = 1,
        .encoders = &given,
        .precision = precision,
        .pooling = "",
        .question_prompt = QCTX_PROMPT_OF_MODEL,
        .context_prompt = QCTX_PROMPT_OF_MODEL,
        .context_model = "",
    };
    bool learns;
    qctx_status status = qctx_encoders_open(bench->comm, &spec, encoder, &learns, error);

    if (status == QCTX_OK && learns)
        status = qctx_encoder_fit(*encoder, bench->comm, bench->texts, bench->count, error);
    return status;
}

/* Embeds once more than is counted, products before each time. Collective. */
static qctx_status time_encoder(embed_bench *bench, qctx_precision precision, qctx_encoder *encoder, qctx_error *error)
{
    qctx_comm *comm = bench->comm;
    qctx_status status = QCTX_OK;

    for (int64_t i = -1; i < bench->request->repetitions && status == QCTX_OK; i++) {
        double start;

        if (i >= 0) {
            bench->rates[i] = bench_product_rate(comm, precision, QCTX_PLAIN, QCTX_TRANSPOSED, LAYER_ROWS,
                                                 LAYER_COLUMNS, LAYER_DEPTH, PRODUCT_TIMES);
            bench->large_rates[i] =
                bench_product_rate(comm, precision, QCTX_PLAIN, QCTX_TRANSPOSED, LARGE, LARGE, LARGE, 1);
        }
        qctx_comm_barrier(comm);
        start = qctx_clock_seconds();
        status = qctx_agree(
            comm, qctx_encoder_encode(encoder, QCTX_QUESTION, bench->own, bench->own_count, bench->rows, error), error);
        if (i >= 0)
            bench->seconds[i] = bench_most(comm, qctx_clock_seconds() - start);
    }
    return status;
}

/* Appends the row of one precision where `table` is not NULL. Collective. */
static void describe(embed_bench *bench, qctx_precision precision, const qctx_encoder *encoder, json_t *table)
{
    const int64_t repetitions = bench->request->repetitions;
    const double seconds = qctx_median(bench->seconds, repetitions);
    const double rate = qctx_median(bench->rates, repetitions);
    const double large = qctx_median(bench->large_rates, repetitions);
    const qctx_encoder_work work = qctx_encoder_work_of(encoder);
    const double times = (double)repetitions + 1.0;
    double sums[2] = {(double)work.tokens / times, work.flops / times}, reached;

    qctx_comm_sum_double(bench->comm, sums, 2);
    reached = sums[1] / qctx_comm_size(bench->comm) / seconds;
    if (table == NULL)
        return;
    json_array_append_new(table, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "precision",
                                           qctx_precision_names[precision], "seconds", seconds, "texts_s",
                                           (double)bench->count / seconds, "tokens_s", sums[0] / seconds, "gflops",
                                           reached / BENCH_GIGA, "product_gflops", rate / BENCH_GIGA, "large_gflops",
                                           large / BENCH_GIGA, "share", bench_number(reached / rate)));
}

/* Embeds in one precision. Collective. */
static qctx_status measure(embed_bench *bench, qctx_precision precision, json_t *table, qctx_error *error)
{
    qctx_encoder *encoder = NULL;
    qctx_status status = open_encoder(bench, precision, &encoder, error);

    if (status == QCTX_OK) {
        bench->rows = qctx_alloc(bench->own_count * qctx_encoder_dim(encoder), sizeof *bench->rows, "vectors", error);
        status = qctx_agree(bench->comm, bench->rows != NULL ? QCTX_OK : QCTX_ERR_MEMORY, error);
    }
    if (status == QCTX_OK)
        status = time_encoder(bench, precision, encoder, error);
    if (status == QCTX_OK)
        describe(bench, precision, encoder, table);
    free(bench->rows);
    bench->rows = NULL;
    qctx_encoder_destroy(encoder);
    return status;
}

static void free_all(embed_bench *bench)
{
    free(bench->bytes);
    free(bench->texts);
    free(bench->own);
    free(bench->seconds);
    free(bench->rates);
    free(bench->large_rates);
}

static json_t *describe_all(const embed_bench *bench, double peak_mib, json_t *table)
{
    json_t *result = bench_result(bench->comm, "embed");

    if (result != NULL)
        json_object_update_new(
            result, json_pack("{s:s, s:s, s:I, s:I, s:f, s:O}", "encoder", bench->request->embed.encoder, "file",
                              bench->request->embed.texts != NULL ? bench->request->embed.texts : "none", "texts",
                              (json_int_t)bench->count, "repetitions", (json_int_t)bench->request->repetitions,
                              "peak_rss_mib", peak_mib, "embedding", table));
    return result;
}

/* Which precisions: those that are asked for, of an encoder that has them. */
static bool is_measured(const qctx_bench_request *request, qctx_precision precision)
{
    const bool only_one = qctx_name_find(qctx_encoder_built_in_names, request->embed.encoder) >= 0;

    return only_one ? precision == QCTX_PRECISION_FLOAT32 : bench_is_asked(precision, request->precision);
}

qctx_status qctx_bench_embed(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error)
{
    const bool tells = qctx_comm_rank(comm) == 0;
    embed_bench bench = {.comm = comm, .request = request};
    json_t *table = tells ? json_array() : NULL;
    qctx_status status = bench_check_room(comm, made_up_bytes(request), "made-up texts", error);
    double peak_mib;

    *result = NULL;
    if (status == QCTX_OK)
        status = qctx_agree(comm, take_texts(&bench, error), error);
    for (int p = 0; p < BENCH_PRECISIONS && status == QCTX_OK; p++)
        if (is_measured(request, (qctx_precision)p))
            status = measure(&bench, (qctx_precision)p, table, error);
    if (status == QCTX_OK) {
        peak_mib = bench_most(comm, qctx_topology_peak_mib());
        *result = tells ? describe_all(&bench, peak_mib, table) : NULL;
        status = qctx_agree(comm, tells ? bench_check(*result, error) : QCTX_OK, error);
    }
    json_decref(table);
    free_all(&bench);
    return status;
}
