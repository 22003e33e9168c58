#include <string.h>

#include "bench_print.h"
#include "qctx/base/suggest.h"
#include "qctx/cli/commands.h"
#include "qctx/engine/bench.h"

static struct {
    int64_t batch, dim, hidden, steps;
    const char *precision;
    bool json;
} options = {.batch = 4096, .dim = 1024, .hidden = 1024, .steps = 7};

static const qctx_option table[] = {
    {"batch", QCTX_OPTION_INT, &options.batch, "B", "pairs of a step over all ranks", 2, 16777216},
    {"dim", QCTX_OPTION_INT, &options.dim, "D", "width of the vectors", 1, 1048576},
    {"hidden", QCTX_OPTION_INT, &options.hidden, "H", "width between the head's two layers", 1, 1048576},
    {"precision", QCTX_OPTION_CHOICE, &options.precision, "float32|bfloat16|auto",
     "of the products; gemm takes all that the machine has (default), the others float32", 0, 0},
    {"steps", QCTX_OPTION_INT, &options.steps, "N", "how often each thing is measured, after once to warm up", 1,
     1000000},
    {"json", QCTX_OPTION_FLAG, &options.json, NULL, "one JSON object instead of tables", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "bench",
    .arguments = "gemm|comm [OPTION ...]",
    .summary = "Measures this machine, and what the program makes of it.",
    .details = "  gemm   rate of the matrix products that a step is made of, by shape\n"
               "  comm   latency and bandwidth of what the ranks say to each other\n"
               "\n"
               "Under mpirun all ranks measure at a time, as they work in a step. Threads of a\n"
               "rank are those of OMP_NUM_THREADS; OPENBLAS_CORETYPE=Haswell (or Zen,\n"
               "SkylakeX, …) lets OpenBLAS take other kernels.\n",
    .options = table,
    .positional_min = 1,
    .positional_max = 1,
};

typedef qctx_status measurement(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error);

static const struct {
    const char *name;
    measurement *measure;
} kinds[] = {
    {"gemm", qctx_bench_gemm},
    {"comm", qctx_bench_comm},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static qctx_status find_kind(const char *word, measurement **found, qctx_error *error)
{
    const char *names[KIND_COUNT], *nearest;

    for (int i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i].name;
        if (strcmp(word, names[i]) == 0) {
            *found = kinds[i].measure;
            return QCTX_OK;
        }
    }
    qctx_fail(error, QCTX_ERR_USAGE, "bench: '%s' is not something that is measured", word);
    nearest = qctx_suggest(word, names, KIND_COUNT);
    if (nearest != NULL)
        return qctx_hint(error, "did you mean '%s'?", nearest);
    return qctx_hint(error, "qctx-dist bench --help lists what is");
}

static qctx_precision precision_of(const char *name, qctx_precision otherwise)
{
    if (name == NULL)
        return otherwise;
    return strcmp(name, "float32") == 0    ? QCTX_PRECISION_FLOAT32
           : strcmp(name, "bfloat16") == 0 ? QCTX_PRECISION_BFLOAT16
                                           : QCTX_PRECISION_AUTO;
}

static qctx_status check_sizes(const qctx_comm *comm, qctx_error *error)
{
    if (options.batch >= qctx_comm_size(comm))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_USAGE, "bench: --batch: %lld pairs for %d ranks, expected at least one each",
              (long long)options.batch, qctx_comm_size(comm));
    return qctx_hint(error, "start fewer ranks, or give --batch %d or more", qctx_comm_size(comm));
}

static void show(const json_t *result)
{
    if (options.json) {
        json_dumpf(result, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        fputc('\n', stdout);
    } else {
        bench_print(result, stdout);
    }
}

static qctx_status bench(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    measurement *measure = NULL;
    json_t *result = NULL;
    qctx_bench_request request = {
        .repetitions = options.steps, .batch = options.batch, .dim = options.dim, .hidden = options.hidden};
    qctx_status status = find_kind(positional[0], &measure, error);

    (void)count;
    if (status == QCTX_OK)
        status = check_sizes(comm, error);
    if (status == QCTX_OK) {
        request.precision =
            precision_of(options.precision, measure == qctx_bench_gemm ? QCTX_PRECISION_AUTO : QCTX_PRECISION_FLOAT32);
        status = measure(comm, &request, &result, error);
    }
    if (status == QCTX_OK && result != NULL)
        show(result);
    json_decref(result);
    return status;
}

const qctx_command qctx_cmd_bench = {&usage, bench};
