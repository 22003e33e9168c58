#include <stdlib.h>
#include <string.h>

#include "bench_print.h"
#include "qctx/base/mem.h"
#include "qctx/base/suggest.h"
#include "qctx/bench/bench.h"
#include "qctx/cli/commands.h"
#include "qctx/linalg/threads.h"

static struct {
    int64_t batch, negatives, dim, hidden, steps, questions, contexts, k, words;
    double bandwidth, latency;
    const char *similarity, *precision, *memory, *sides, *form, *store, *encoder, *texts;
    bool reproducible, json;
} options = {.batch = 4096,
             .dim = 1024,
             .hidden = 1024,
             .questions = 10000,
             .contexts = 200000,
             .k = 10,
             .words = 12,
             .encoder = "hashing",
             .bandwidth = 10,
             .latency = 20};

static const qctx_option table[] = {
    {"batch", QCTX_OPTION_INT, &options.batch, "B", "pairs of a step over all ranks", 2, 16777216},
    {"negatives", QCTX_OPTION_INT, &options.negatives, "N", "step, scaling: negatives.count, listed by each question",
     0, 100},
    {"dim", QCTX_OPTION_INT, &options.dim, "D", "width of the vectors", 1, 1048576},
    {"hidden", QCTX_OPTION_INT, &options.hidden, "H", "width between the head's two layers", 1, 1048576},
    {"similarity", QCTX_OPTION_TEXT, &options.similarity, "SCHEME", "loss.similarity, as a configuration has it", 0, 0},
    {"precision", QCTX_OPTION_TEXT, &options.precision, "NAME",
     "run.precision; gemm, topk and embed take every one that the machine has, without this option", 0, 0},
    {"memory", QCTX_OPTION_TEXT, &options.memory, "SIZE", "run.memory", 0, 0},
    {"reproducible", QCTX_OPTION_FLAG, &options.reproducible, NULL, "run.reproducible", 0, 0},
    {"sides", QCTX_OPTION_TEXT, &options.sides, "NAME", "model.sides", 0, 0},
    {"form", QCTX_OPTION_TEXT, &options.form, "NAME", "model.form; plain without this option", 0, 0},
    {"steps", QCTX_OPTION_INT, &options.steps, "N", "repetitions, whose medians are told (7; of topk and embed 3)", 1,
     1000000},
    {"questions", QCTX_OPTION_INT, &options.questions, "N", "topk: questions that search; embed: texts to make up", 1,
     1e9},
    {"contexts", QCTX_OPTION_INT, &options.contexts, "N", "topk: contexts to search in", 1, 1e9},
    {"k", QCTX_OPTION_INT, &options.k, "K", "topk: contexts to find", 1, 1000000},
    {"store", QCTX_OPTION_TEXT, &options.store, "FILE", "load: a store; else one is made in TMPDIR", 0, 0},
    {"encoder", QCTX_OPTION_TEXT, &options.encoder, "NAME", "embed: a model's folder, or hashing", 0, 0},
    {"texts", QCTX_OPTION_TEXT, &options.texts, "FILE", "embed: one text a line; else they are made up", 0, 0},
    {"words", QCTX_OPTION_INT, &options.words, "N", "embed: words of a made-up text", 1, 10000},
    {"bandwidth", QCTX_OPTION_DOUBLE, &options.bandwidth, "GBITS", "scaling: of a rank's network, in Gbit/s", 1e-3,
     1e6},
    {"latency", QCTX_OPTION_DOUBLE, &options.latency, "US", "scaling: of a message, in microseconds", 1e-3, 1e6},
    {"json", QCTX_OPTION_FLAG, &options.json, NULL, "one JSON object instead of tables", 0, 0},
    {0},
};

/* What is trained when a step is measured, as far as no option says otherwise. */
static const char base_config[] = "data: {train: [{store: made-up}]}\n"
                                  "model: {form: plain}\n"
                                  "optim: {lr: 1e-3, schedule: constant}\n";

/* Options that stand for keys of a configuration. */
static const struct {
    const char *key;
    const char *const *value;
} keys[] = {
    {"loss.similarity", &options.similarity}, {"run.precision", &options.precision}, {"run.memory", &options.memory},
    {"model.sides", &options.sides},          {"model.form", &options.form},
};
enum { KEY_COUNT = sizeof keys / sizeof keys[0], SIZE_COUNT = 4, OVERRIDES_MOST = KEY_COUNT + SIZE_COUNT };

static const qctx_usage usage = {
    .command = "bench",
    .brief = "measure this machine, and what the program makes of it",
    .arguments = "gemm|comm|step|scaling|topk|load|embed [OPTION ...]",
    .summary = "Measures this machine, and what the program makes of it.",
    .details = "  gemm     rate of the matrix products that a step is made of, by shape\n"
               "  comm     latency and bandwidth of what the ranks say to each other\n"
               "  step     one training step, by phase, and the share of the machine it reaches\n"
               "  scaling  that step on 1 to 4096 ranks of a network, on paper\n"
               "  topk     exact search, and the counting of positions, in made-up vectors\n"
               "  load     gathering the rows of a batch from a store\n"
               "  embed    texts a second of an encoder\n"
               "\n"
               "Under mpirun all ranks measure at a time, as they work in a step. Threads of a\n"
               "rank are those of OMP_NUM_THREADS; OPENBLAS_CORETYPE=Haswell (or Zen,\n"
               "SkylakeX, …) lets OpenBLAS take other kernels.\n",
    .options = table,
    .positional_min = 1,
    .positional_max = 1,
};

typedef qctx_status measurement(qctx_comm *comm, const qctx_bench_request *request, json_t **result, qctx_error *error);

typedef struct {
    const char *name;
    measurement *measure;
    int64_t repetitions; /* without --steps */
} bench_kind;

static const bench_kind kinds[] = {
    {"gemm", qctx_bench_gemm, 7},   {"comm", qctx_bench_comm, 7}, {"step", qctx_bench_step, 7},
    {"topk", qctx_bench_topk, 3},   {"load", qctx_bench_load, 7}, {"scaling", qctx_bench_scaling, 7},
    {"embed", qctx_bench_embed, 3},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static qctx_status find_kind(const char *word, const bench_kind **found, qctx_error *error)
{
    const char *names[KIND_COUNT], *nearest;

    for (int i = 0; i < KIND_COUNT; i++) {
        names[i] = kinds[i].name;
        if (strcmp(word, names[i]) == 0) {
            *found = &kinds[i];
            return QCTX_OK;
        }
    }
    qctx_fail(error, QCTX_ERR_USAGE, "bench: '%s' is not something that is measured", word);
    nearest = qctx_suggest(word, names, KIND_COUNT);
    if (nearest != NULL)
        return qctx_hint(error, "did you mean '%s'?", nearest);
    return qctx_hint(error, "qctx-dist bench --help lists what is");
}

static int64_t list_overrides(char *overrides[OVERRIDES_MOST], qctx_error *error)
{
    int64_t count = 0;

    overrides[count++] = qctx_format(error, "batch.size=%lld", (long long)options.batch);
    overrides[count++] = qctx_format(error, "negatives.count=%lld", (long long)options.negatives);
    overrides[count++] = qctx_format(error, "model.hidden=%lld", (long long)options.hidden);
    overrides[count++] = qctx_format(error, "run.reproducible=%s", options.reproducible ? "true" : "false");
    for (int i = 0; i < KEY_COUNT; i++)
        if (*keys[i].value != NULL)
            overrides[count++] = qctx_format(error, "%s=%s", keys[i].key, *keys[i].value);
    return count;
}

/* The configuration of the step that the options describe. Local. */
static qctx_status configure(qctx_config *config, qctx_error *error)
{
    char *overrides[OVERRIDES_MOST] = {NULL};
    const int64_t count = list_overrides(overrides, error);
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        status = overrides[i] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    if (status == QCTX_OK)
        status = qctx_config_parse(base_config, sizeof base_config - 1, "bench", (const char *const *)overrides, count,
                                   config, error);
    for (int64_t i = 0; i < count; i++)
        free(overrides[i]);
    return status;
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
        qctx_json_print(result, JSON_INDENT(2) | JSON_REAL_PRECISION(9), stdout);
        fputc('\n', stdout);
    } else {
        bench_print(result, stdout);
    }
}

static qctx_status bench(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    qctx_config config = {0};
    qctx_bench_request request = {
        .config = &config,
        .dim = options.dim,
        .topk = {.questions = options.questions, .contexts = options.contexts, .k = options.k},
        .load = {.store = options.store},
        .scaling = {.bandwidth = options.bandwidth, .latency = options.latency},
        .embed = {.encoder = options.encoder,
                  .texts = options.texts == NULL ? NULL : qctx_options_input(options.texts),
                  .count = options.questions,
                  .words = options.words},
    };
    const bench_kind *kind = NULL;
    json_t *result = NULL;
    qctx_status status = find_kind(positional[0], &kind, error);

    (void)count;
    if (status == QCTX_OK)
        status = check_sizes(comm, error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, configure(&config, error), error);
    if (status == QCTX_OK)
        status = qctx_threads_log(comm, error);
    if (status == QCTX_OK) {
        request.precision = options.precision == NULL ? QCTX_PRECISION_AUTO : config.run.precision;
        request.repetitions = options.steps > 0 ? options.steps : kind->repetitions;
        status = kind->measure(comm, &request, &result, error);
    }
    if (status == QCTX_OK && result != NULL)
        show(result);
    json_decref(result);
    qctx_config_free(&config);
    return status;
}

const qctx_command qctx_cmd_bench = {.usage = &usage, .run = bench};
