#include <stdlib.h>

#include "alone.h"
#include "mine_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/cli/commands.h"
#include "qctx/data/corpus.h"
#include "qctx/data/output.h"
#include "qctx/dataset/sources.h"
#include "qctx/linalg/threads.h"
#include "qctx/mining/mine.h"
#include "qctx/run/run.h"

static char hashing[] = "hashing";

static struct {
    const char *out, *source, *split;
    qctx_option_choice format;
    qctx_option_texts encoders;
    int64_t count, depth;
    double margin;
    bool allow_external;
    bool force;
} options = {.format = {mine_format_names, MINE_TSV}, .count = 4, .depth = 100, .margin = 0.95};

static const qctx_option table[] = {
    {"out", QCTX_OPTION_TEXT, &options.out, "FILE", "what is written; - is standard output", 0, 0},
    {"format", QCTX_OPTION_CHOICE, &options.format, NULL, "how it is written", 0, 0},
    {"count", QCTX_OPTION_INT, &options.count, "N", "negatives of a question, at most", 1, 1000000},
    {"depth", QCTX_OPTION_INT, &options.depth, "N", "contexts that score best, among which they are looked for", 1,
     1000000},
    {"margin", QCTX_OPTION_DOUBLE, &options.margin, "SHARE",
     "of the right context's score, above which a context may be right, too", 0, 1},
    {"encoder", QCTX_OPTION_TEXTS, &options.encoders, "NAME|FOLDER",
     "of CORPUS: hashing (default) or a model folder; given several times, joined", 0, 0},
    {"source", QCTX_OPTION_TEXT, &options.source, "PATH",
     "mine with the head of RUN in this corpus or store instead of its data.train", 0, 0},
    {"split", QCTX_OPTION_TEXT, &options.split, "NAME", "whose questions, of --source, CORPUS or STORE (default train)",
     0, 0},
    {"allow-external", QCTX_OPTION_FLAG, &options.allow_external, NULL,
     "a store that is named may hold its vectors in other files", 0, 0},
    {"force", QCTX_OPTION_FLAG, &options.force, NULL, "replace a file that exists", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "mine",
    .brief = "write hard negatives of a corpus's questions, for any trainer",
    .arguments = "CORPUS | STORE | RUN --out FILE",
    .summary = "Finds, for each question, contexts that score high and do not answer it.",
    .details = "  qctx-dist mine corpora/mine --encoder models/minilm --out negatives.tsv\n"
               "  mpirun -np 4 qctx-dist mine stores/mine.h5 --split train --out negatives.tsv\n"
               "  qctx-dist mine runs/mine --count 7 --format n-tuple --out tuples.jsonl\n"
               "  qctx-dist mine runs/mine --source corpora/new --out - | gzip >new.tsv.gz\n"
               "\n"
               "All contexts are scanned, by the encoder alone or through the head of a run.\n"
               "Left out are contexts that answer the question or equal one that does, and\n"
               "those that score above --margin of what its right context scores, since they\n"
               "may answer it unjudged. The best of the others are written, the best first.\n"
               "\n"
               "formats:\n"
               "  tsv            query-id and corpus-id, a line a negative: what a source's key\n"
               "                 negatives names in a configuration\n"
               "  n-tuple        JSONL of texts: anchor, positive, negative_1 ..., as\n"
               "                 sentence-transformers has them; a line for each right context\n"
               "                 of a question that has --count negatives\n"
               "  flagembedding  JSONL of texts: query, pos, neg, as FlagEmbedding has them\n"
               "import reads the last two. Contexts have their titles in front where the\n"
               "encoder saw them so.\n",
    .options = table,
    .positional_min = 1,
    .positional_max = 1,
};

/* What is mined, and by what. */
typedef struct {
    qctx_comm *comm;
    bool of_run;
    qctx_run run;      /* of_run */
    qctx_config alone; /* else */
    qctx_opened opened;
    const qctx_opened_source *source;
    qctx_projector projector;
    qctx_output *output; /* on rank 0 */
} mining_job;

static qctx_status check_options(const mining_job *job, qctx_error *error)
{
    if (options.out == NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "mine: --out is missing");
        return qctx_hint(error, "name the file to write: --out negatives.tsv");
    }
    if (job->of_run && options.encoders.count > 0) {
        qctx_fail(error, QCTX_ERR_USAGE,
                  "mine: --encoder is for a corpus: a run has the encoder that it was trained on");
        return qctx_hint(error, "leave it out");
    }
    if (job->of_run && options.split != NULL && options.source == NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "mine: --split needs --source");
        return qctx_hint(error, "give the corpus or store whose split it is");
    }
    if (!job->of_run && options.source != NULL) {
        qctx_fail(error, QCTX_ERR_USAGE, "mine: --source is for a run");
        return qctx_hint(error, "name the corpus or store itself");
    }
    return QCTX_OK;
}

/* What rank 0 sees under the path, for all ranks. Collective. */
static void look_at(qctx_comm *comm, const char *path, bool *is_corpus, bool *is_store)
{
    bool seen[2] = {false, false};

    if (qctx_comm_rank(comm) == 0) {
        seen[0] = qctx_corpus_is(path);
        seen[1] = qctx_store_is(path);
    }
    qctx_comm_broadcast(comm, seen, sizeof seen, 0);
    *is_corpus = seen[0];
    *is_store = seen[1];
}

static const char *split_or_train(void)
{
    return options.split != NULL ? options.split : "train";
}

/* The encoder alone, on a corpus, or the vectors of a store. Collective. */
static qctx_status open_alone(mining_job *job, const char *path, qctx_error *error)
{
    const alone_source named = {&options.encoders, split_or_train(), options.allow_external};
    qctx_status status = qctx_agree(
        job->comm, alone_configure(&named, "mine takes a run, a store, or a corpus", &path, 1, &job->alone, error),
        error);

    if (status == QCTX_OK && options.encoders.count > 0)
        status = alone_learn(job->comm, &job->alone, error);
    if (status == QCTX_OK)
        status = qctx_sources_open(job->comm, &job->alone, NULL, &job->opened, error);
    if (status != QCTX_OK)
        return status;
    job->source = &job->opened.eval[0];
    job->projector =
        (qctx_projector){.normalize = job->alone.loss.normalize, .input = qctx_store_dim(job->source->store)};
    return QCTX_OK;
}

static qctx_status check_one_source(const qctx_run *run, qctx_error *error)
{
    if (run->config.data.train.count == 1)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_USAGE, "mine: the run was trained on %lld sources, and one is mined at a time",
              (long long)run->config.data.train.count);
    return qctx_hint(error, "choose one: --source PATH --split NAME");
}

/* A run's own training source. Collective. */
static qctx_status open_trained(mining_job *job, qctx_error *error)
{
    qctx_status status = qctx_agree(job->comm, check_one_source(&job->run, error), error);

    if (status == QCTX_OK)
        status = qctx_run_open_training(job->comm, &job->run, &job->opened, error);
    if (status == QCTX_OK)
        job->source = &job->opened.train[0];
    return status;
}

/* Another source, encoded as the run's was. Collective. */
static qctx_status open_named(mining_job *job, qctx_error *error)
{
    qctx_config *config = &job->run.config;
    qctx_status status = qctx_config_evaluate_on(config, &options.source, 1, split_or_train(), error);

    if (status == QCTX_OK) {
        config->data.eval.items[0].external = options.allow_external;
        job->run.origin.allow_external = options.allow_external;
    }
    status = qctx_agree(job->comm, status, error);
    if (status == QCTX_OK)
        status = qctx_run_open_sources(job->comm, &job->run, &job->opened, error);
    if (status == QCTX_OK)
        job->source = &job->opened.eval[0];
    return status;
}

/* The head of a run. Collective. */
static qctx_status open_run(mining_job *job, const char *path, qctx_error *error)
{
    qctx_status status = qctx_run_open(job->comm, path, &job->run, error);

    if (status != QCTX_OK)
        return status;
    qctx_comm_set_hang_timeout((double)job->run.config.run.hang_timeout);
    status = options.source == NULL ? open_trained(job, error) : open_named(job, error);
    if (status != QCTX_OK)
        return status;
    job->projector = job->run.head;
    return qctx_agree(job->comm, qctx_run_check_store(&job->run, job->source->store, error), error);
}

/* All questions of the source's split, none held out. Collective. */
static qctx_status list_questions(const mining_job *job, const qctx_opened *view, qctx_training_set *set,
                                  qctx_error *error)
{
    qctx_config config = job->of_run ? job->run.config : job->alone; /* borrows all of it */
    char none[] = "";

    config.eval.tune = 0;
    config.eval.tune_split = none;
    return qctx_training_set_build(job->comm, &config, view, set, error);
}

static qctx_status refuse_none(const mining_job *job, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_DATA, "%s: no question has a negative among its %lld best contexts, of %lld in all",
              job->source->name, (long long)options.depth,
              (long long)qctx_store_count(job->source->store, QCTX_CONTEXT));
    return qctx_hint(error, "look deeper (--depth), or allow more of what may be right (--margin 1)");
}

/* Says how many there are. Rank 0 only. */
static void tell(const qctx_examples *examples, const qctx_listed_negatives *lists, int64_t left_out)
{
    const int64_t few = qctx_listed_negatives_short(lists, options.count), found = lists->offsets[examples->count];

    qctx_info("%lld negative%s of %lld question%s", (long long)found, qctx_plural(found), (long long)examples->count,
              qctx_plural(examples->count));
    if (few > 0)
        qctx_info("%lld question%s fewer than %lld: no more are left among the best %lld (--depth) below %.15g of the "
                  "right context's score (--margin)",
                  (long long)few, few == 1 ? " has" : "s have", (long long)options.count, (long long)options.depth,
                  options.margin);
    if (left_out > 0)
        qctx_warn("%lld question%s with %s %s not in the file", (long long)left_out, qctx_plural(left_out),
                  options.format.value == MINE_N_TUPLE ? "fewer than --count negatives" : "no negative",
                  left_out == 1 ? "is" : "are");
}

/* Collective. */
static qctx_status write_lists(const mining_job *job, const qctx_examples *examples, const qctx_listed_negatives *lists,
                               qctx_error *error)
{
    const mine_sheet sheet = {.format = (mine_format)options.format.value,
                              .store = job->source->store,
                              .examples = examples,
                              .lists = lists,
                              .count = options.count};
    int64_t left_out = 0;
    qctx_status status = lists->offsets[examples->count] == 0 ? refuse_none(job, error) : QCTX_OK;

    if (status == QCTX_OK && qctx_comm_rank(job->comm) == 0) {
        FILE *out = qctx_output_stream(job->output);

        status = mine_write(out, &sheet, &left_out, error);
        if (status == QCTX_OK && !ferror(out))
            tell(examples, lists, left_out);
    }
    return qctx_agree(job->comm, status, error);
}

/* Collective. */
static qctx_status mine_source(mining_job *job, qctx_error *error)
{
    qctx_opened_source source = *job->source;
    const qctx_opened view = {.train_count = 1, .train = &source};
    const qctx_mining_rule rule = {.count = options.count, .depth = options.depth, .margin = options.margin};
    qctx_training_set set = {0};
    qctx_listed_negatives lists = {0};
    qctx_miner *miner = NULL;
    qctx_status status = list_questions(job, &view, &set, error);

    if (status == QCTX_OK)
        status = qctx_threads_log(job->comm, error);
    if (status == QCTX_OK)
        status = qctx_miner_create(job->comm, &view, &set.examples, &miner, error);
    if (status == QCTX_OK)
        status = qctx_miner_mine(miner, &job->projector, &rule, &lists, error);
    if (status == QCTX_OK)
        status = write_lists(job, &set.examples, &lists, error);
    qctx_miner_destroy(miner);
    qctx_listed_negatives_free(&lists);
    qctx_training_set_free(&set);
    return status;
}

/* Gives the output its name, or leaves nothing: what has gone wrong until then is returned. Collective. */
static qctx_status close_output(mining_job *job, qctx_status status, qctx_error *error)
{
    if (status == QCTX_OK)
        status = qctx_output_commit(job->output, error);
    else
        qctx_output_discard(job->output);
    return qctx_agree(job->comm, status, error);
}

/* Collective. */
static qctx_status do_job(mining_job *job, const char *path, qctx_error *error)
{
    qctx_status status = qctx_agree(job->comm, check_options(job, error), error);

    if (status == QCTX_OK && qctx_comm_rank(job->comm) == 0)
        status = qctx_output_open(options.out, options.force, &job->output, error);
    status = qctx_agree(job->comm, status, error);
    if (status == QCTX_OK)
        status = job->of_run ? open_run(job, path, error) : open_alone(job, path, error);
    if (status == QCTX_OK)
        status = mine_source(job, error);
    status = close_output(job, status, error);
    if (status != QCTX_OK)
        qctx_hint_place(error, options.out, "--out FILE");
    return status;
}

static qctx_status mine(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    mining_job job = {.comm = comm};
    bool is_corpus, is_store;
    qctx_status status;

    (void)count;
    qctx_comm_set_phase("mining");
    look_at(comm, positional[0], &is_corpus, &is_store);
    job.of_run = !is_corpus && !is_store;
    if (is_corpus && options.encoders.count == 0)
        options.encoders.items[options.encoders.count++] = hashing;
    status = do_job(&job, positional[0], error);
    if (status == QCTX_STOPPED)
        qctx_hint(error, "nothing is written; the same command begins anew");
    qctx_opened_close(&job.opened);
    if (job.of_run)
        qctx_run_close(&job.run);
    qctx_config_free(&job.alone);
    return status;
}

const qctx_command qctx_cmd_mine = {.usage = &usage, .run = mine, .stops = true, .writes = true};
