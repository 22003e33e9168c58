#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/cli/commands.h"
#include "qctx/cli/questions.h"
#include "qctx/cli/results.h"
#include "qctx/dataset/documents.h"
#include "qctx/dataset/embed.h"
#include "qctx/dataset/encoders.h"
#include "qctx/linalg/threads.h"
#include "qctx/retrieval/search.h"
#include "qctx/run/run.h"
#include "qctx/text/text.h"

/* Of a context, on a terminal that is wide enough to read it. */
enum { SHOWN_LINES = 2, COLUMNS_LEAST = 40 };

/* How long a rank may be silent, and where and how vectors are kept, where no run's configuration says it. */
enum { HANG_SECONDS = 600 };

static struct {
    int64_t top;
    qctx_option_texts encoders, corpora, stores, texts;
    bool passages;
    bool json;
    bool no_head;
    bool full;
} options = {.top = 5};

static const qctx_option table[] = {
    {"encoder", QCTX_OPTION_TEXTS, &options.encoders, "NAME|FOLDER|STORE",
     "search by an encoder alone, without a run; given several times, joined", 0, 0},
    {"corpus", QCTX_OPTION_TEXTS, &options.corpora, "FOLDER",
     "search this corpus instead of the run's, embedded once; of its files corpus.jsonl is enough", 0, 0},
    {"store", QCTX_OPTION_TEXTS, &options.stores, "FILE", "search this store, made by the same encoder", 0, 0},
    {"text", QCTX_OPTION_TEXTS, &options.texts, "FILE", "search the sentences of a text file, embedded once", 0, 0},
    {"passages", QCTX_OPTION_FLAG, &options.passages, NULL,
     "search the paragraphs of text files (blank lines divide) instead of their sentences", 0, 0},
    {"top", QCTX_OPTION_INT, &options.top, "N", "contexts to show", 1, 100000},
    {"no-head", QCTX_OPTION_FLAG, &options.no_head, NULL, "search as the encoder alone would", 0, 0},
    {"full", QCTX_OPTION_FLAG, &options.full, NULL, "whole contexts also on a terminal, instead of two lines", 0, 0},
    {"json", QCTX_OPTION_FLAG, &options.json, NULL, "print one JSON object a question", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "search",
    .brief = "ask questions and see the best contexts",
    .arguments = "RUN|--encoder MODEL [QUESTION] [--corpus FOLDER] [--store FILE] [--text FILE] [--top N] [--json]",
    .summary = "Shows the contexts that answer a question best, by the head of a run.",
    .details = "  qctx-dist search runs/mine \"how long is the warranty?\"\n"
               "  qctx-dist search runs/mine --text manual.txt --text faq.txt --passages\n"
               "  qctx-dist search runs/mine --corpus corpora/other <questions.txt\n"
               "  qctx-dist search --encoder models/minilm --text notes.txt \"a question\"\n"
               "\n"
               "RUN is a run folder or a checkpoint. The contexts are those of its first\n"
               "training source; or those of corpora, stores and text files, of which each may\n"
               "be named several times: each result then says which one it is from. What is\n"
               "embedded is kept in the run's data.cache where that is here, else in stores/\n"
               "where this is started, and found again while text and encoder are the same.\n"
               "Files may be gzip's.\n"
               "\n"
               "Without QUESTION it asks again and again, one question a line, until the end of\n"
               "the input (Ctrl-D), 'exit' or 'quit'. On a terminal lines are edited, and the\n"
               "arrow keys bring earlier ones back. A line that cannot be asked (empty, not\n"
               "UTF-8, too long) is warned of. With --json each line, also 'exit', is answered\n"
               "by one line, {\"question\", \"hits\"} or {\"question\", \"error\"}. The exit code is\n"
               "0 in all these cases, and 75 after Ctrl-C.\n",
    .options = table,
    .positional_min = 0,
    .positional_max = 2,
};

enum { SOURCES_MOST = 3 * QCTX_OPTION_TEXTS_MAX };

/* Everything an answer needs, on every rank. */
typedef struct {
    qctx_comm *comm;
    const char *path; /* of the run, or NULL */
    qctx_run run;
    qctx_projector alone; /* no head, where there is no run */
    qctx_encoder *encoder;
    qctx_opened opened; /* the run's sources, where no others are named */
    qctx_documents documents[SOURCES_MOST];
    int64_t document_count;
    qctx_store *stores[SOURCES_MOST]; /* what is searched */
    const char *names[SOURCES_MOST];
    int64_t store_count;
    qctx_search *search;
    qctx_found *found; /* [options.top] */
    qctx_questions questions;
} search_session;

static void close_session(search_session *session)
{
    qctx_questions_close(&session->questions);
    free(session->found);
    qctx_search_destroy(session->search);
    qctx_encoder_destroy(session->encoder);
    qctx_documents_free(session->documents, session->document_count);
    qctx_opened_close(&session->opened);
    if (session->path != NULL)
        qctx_run_close(&session->run);
}

static void list_documents(search_session *session, qctx_documents_kind kind, const qctx_option_texts *paths)
{
    for (int64_t i = 0; i < paths->count; i++) {
        const char *path = kind == QCTX_DOCUMENTS_TEXT ? qctx_options_input(paths->items[i]) : paths->items[i];

        session->documents[session->document_count++] = (qctx_documents){.kind = kind, .path = path};
    }
}

static void add_store(search_session *session, qctx_store *store, const char *name)
{
    session->names[session->store_count] = name;
    session->stores[session->store_count++] = store;
}

/* What is searched by default: the first training source of the run, with its encoder. Collective. */
static qctx_status open_own_source(search_session *session, qctx_error *error)
{
    qctx_status status = qctx_run_open_training(session->comm, &session->run, &session->opened, error);
    qctx_store *store;

    if (status != QCTX_OK)
        return status;
    store = session->opened.train[0].store;
    add_store(session, store, session->opened.train[0].name);
    status = qctx_run_check_store(&session->run, store, error);
    if (status == QCTX_OK)
        status = qctx_embed_encoder_of(store, &session->encoder, error);
    return qctx_agree(session->comm, status, error);
}

/* The first store among the documents, or NULL. */
static qctx_store *first_store(const search_session *session)
{
    for (int64_t i = 0; i < session->document_count; i++)
        if (session->documents[i].store != NULL)
            return session->documents[i].store;
    return NULL;
}

/* The encoder of --encoder; one that learns does so from what is searched. Collective. */
static qctx_status open_named_encoder(search_session *session, qctx_error *error)
{
    qctx_encoder_entry entries[QCTX_OPTION_TEXTS_MAX];
    const qctx_encoder_spec spec = {
        .command_line = true,
        .count = options.encoders.count,
        .encoders = entries,
        .titles = true,
        .precision = QCTX_PRECISION_FLOAT32,
        .pooling = "",
        .question_prompt = QCTX_PROMPT_OF_MODEL,
        .context_prompt = QCTX_PROMPT_OF_MODEL,
        .context_model = "",
    };
    bool learns = false;
    qctx_status status;

    for (int64_t i = 0; i < options.encoders.count; i++)
        entries[i] = (qctx_encoder_entry){.model = options.encoders.items[i], .weight = 1.0};
    status = qctx_encoders_open(session->comm, &spec, &session->encoder, &learns, error);
    if (status == QCTX_OK && learns && options.corpora.count + options.texts.count == 0) {
        qctx_fail(error, QCTX_ERR_USAGE, "search: --encoder %s learns from texts, and stores bring none",
                  options.encoders.items[0]);
        return qctx_hint(error, "name a store instead, whose encoder has learnt: --encoder %s",
                         options.stores.items[0]);
    }
    if (status == QCTX_OK && learns)
        status = qctx_documents_fit(session->comm, session->documents, session->document_count, true, session->encoder,
                                    error);
    return status;
}

/* Refuses stores of another encoder than the one that is there. Local. */
static qctx_status check_stores(const search_session *session, qctx_error *error)
{
    char *fingerprint = qctx_encoder_fingerprint(session->encoder, error);
    qctx_status status = fingerprint == NULL
                             ? QCTX_ERR_MEMORY
                             : qctx_documents_check(session->documents, session->document_count, fingerprint, error);

    free(fingerprint);
    return status;
}

/* The encoder by which the documents are searched; stores of another are refused before any work. Collective. */
static qctx_status open_encoder(search_session *session, qctx_error *error)
{
    qctx_store *store = first_store(session);
    qctx_status status = QCTX_OK;

    if (session->path == NULL)
        status = open_named_encoder(session, error);
    else if (store == NULL)
        status = qctx_run_open_encoder(session->comm, &session->run, &session->encoder, error);
    else
        status = qctx_documents_check(session->documents, session->document_count,
                                      session->run.checkpoint.encoder_fingerprint, error);
    if (status == QCTX_OK && session->path != NULL && store != NULL)
        status = qctx_embed_encoder_of(store, &session->encoder, error);
    else if (status == QCTX_OK)
        status = check_stores(session, error);
    return qctx_agree(session->comm, status, error);
}

/* Refuses stores whose contexts were not embedded as those that the head was trained on. Local. */
static qctx_status check_titles(const search_session *session, qctx_error *error)
{
    const bool titles = session->run.config.data.titles;
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < session->document_count && status == QCTX_OK; i++) {
        const qctx_store *store = session->documents[i].store;

        if (store != NULL)
            status = qctx_encoders_check_titles(
                qctx_store_path(store), qctx_store_titles(store), titles,
                titles ? "the run has data.titles: true" : "the run has data.titles: false", error);
    }
    if (status != QCTX_OK)
        qctx_hint(error, "embed its corpus again%s", titles ? "" : " with --no-titles");
    return status;
}

/* Corpora, stores and text files instead of the run's own contexts. Collective. */
static qctx_status open_documents(search_session *session, qctx_error *error)
{
    const qctx_config *config = session->path != NULL ? &session->run.config : NULL;
    const qctx_documents_cache cache = {
        .folder = config != NULL ? session->run.origin.cache : QCTX_CONFIG_CACHE,
        .dtype = config != NULL ? config->data.dtype : QCTX_FLOAT32,
        .titles = config == NULL || config->data.titles,
    };
    qctx_documents *documents = session->documents;
    const int64_t count = session->document_count;
    qctx_status status = qctx_documents_read(session->comm, documents, count, options.passages, error);

    if (status == QCTX_OK && config != NULL)
        status = qctx_agree(session->comm, check_titles(session, error), error);
    if (status == QCTX_OK)
        status = open_encoder(session, error);
    if (status == QCTX_OK)
        status = qctx_documents_embed(session->comm, documents, count, session->encoder, &cache, error);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        add_store(session, documents[i].store, documents[i].path);
    return status;
}

static qctx_status open_session(search_session *session, qctx_error *error)
{
    qctx_comm *comm = session->comm;
    const qctx_projector *projector = options.no_head ? &session->run.no_head : &session->run.head;
    qctx_status status = QCTX_OK;

    qctx_comm_set_hang_timeout(HANG_SECONDS);
    session->found = qctx_alloc(options.top, sizeof *session->found, "hits", error);
    status = qctx_agree(comm, session->found == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    if (status == QCTX_OK && session->path != NULL)
        status = qctx_run_open(comm, session->path, &session->run, error);
    if (status == QCTX_OK && session->path != NULL)
        qctx_comm_set_hang_timeout((double)session->run.config.run.hang_timeout);
    if (status == QCTX_OK)
        status = session->document_count == 0 ? open_own_source(session, error) : open_documents(session, error);
    if (status != QCTX_OK)
        return status;
    if (session->path == NULL) {
        session->alone = (qctx_projector){.normalize = true, .input = qctx_encoder_dim(session->encoder)};
        projector = &session->alone;
    }
    return qctx_search_create(comm, session->stores, session->store_count, session->encoder, projector,
                              &session->search, error);
}

/* What fits on the terminal; 0 where it does not say. */
static int64_t columns_of_terminal(void)
{
    const int64_t columns = qctx_terminal_columns();

    return columns > 0 && columns < COLUMNS_LEAST ? COLUMNS_LEAST : columns;
}

static qctx_status answer(search_session *session, const char *question, qctx_error *error)
{
    int64_t count = 0;
    qctx_status status = qctx_search_ask(session->search, question, options.top, session->found, &count, error);

    if (status == QCTX_OK && qctx_comm_rank(session->comm) == 0) {
        const bool terminal = qctx_terminal_is();
        const qctx_results results = {
            .question = question,
            .found = session->found,
            .count = count,
            .stores = session->stores,
            .names = session->store_count > 1 ? session->names : NULL,
            .columns = terminal ? columns_of_terminal() : 0,
            .lines = terminal && !options.full ? SHOWN_LINES : 0,
        };

        status = qctx_results_print(&results, options.json, stdout, error);
    }
    return status;
}

/* Says on rank 0 why a question was not asked. */
static qctx_status pass_over(const search_session *session, const char *question, qctx_error *error)
{
    const qctx_error why = *error;

    if (qctx_comm_rank(session->comm) != 0)
        return QCTX_OK;
    if (options.json)
        return qctx_results_print_unasked(question, why.message, stdout, error);
    if (!qctx_terminal_is())
        qctx_warn("line %lld: %-s", (long long)session->questions.line, why.message);
    else if (!qctx_text_is_blank(question, strlen(question)))
        qctx_warn("%-s; ask again, or 'exit'", why.message);
    return QCTX_OK;
}

/* Answers the questions that rank 0 reads; one that cannot be asked is said and passed over. Collective. */
static qctx_status answer_lines(search_session *session, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    bool more = true;

    while (status == QCTX_OK && more) {
        char *question = NULL;

        status = qctx_questions_next(&session->questions, &question, error);
        more = status != QCTX_OK || question != NULL;
        if (status == QCTX_OK && more)
            status = qctx_agree(session->comm, answer(session, question, error), error);
        if (status == QCTX_ERR_DATA)
            status = qctx_agree(session->comm, pass_over(session, question, error), error);
        free(question);
    }
    return status;
}

/* Which of the arguments is what, and whether all go together. Local. */
static qctx_status settle(search_session *session, const char *const *positional, int64_t count, const char **question,
                          qctx_error *error)
{
    const bool alone = options.encoders.count > 0;

    if (count < !alone) {
        qctx_fail(error, QCTX_ERR_USAGE, "search: too few arguments");
        return qctx_hint(error, "usage: qctx-dist search %s", usage.arguments);
    }
    if (alone && count > 1) {
        qctx_fail(error, QCTX_ERR_USAGE, "search: --encoder takes the place of a run, beside it there is one question");
        return qctx_hint(error, "leave '%s' away, or --encoder", positional[0]);
    }
    if (alone && session->document_count == 0) {
        qctx_fail(error, QCTX_ERR_USAGE, "search: there is nothing to search: --encoder brings no contexts");
        return qctx_hint(error, "add --corpus FOLDER, --store FILE or --text FILE");
    }
    if (options.passages && options.texts.count == 0) {
        qctx_fail(error, QCTX_ERR_USAGE, "search: --passages is for text files, and none is named");
        return qctx_hint(error, "add --text FILE");
    }
    session->path = alone ? NULL : positional[0];
    *question = count > !alone ? positional[!alone] : NULL;
    for (int64_t i = 0; i < options.texts.count && *question == NULL; i++)
        if (strcmp(qctx_options_input(options.texts.items[i]), "/dev/stdin") == 0) {
            qctx_fail(error, QCTX_ERR_USAGE, "search: --text -: standard input is for the questions");
            return qctx_hint(error,
                             "give the question on the command line, or write the text to a file, and name that");
        }
    /* A question that cannot be asked is refused before anything is opened. */
    return *question != NULL ? qctx_search_check(*question, error) : QCTX_OK;
}

static qctx_status search(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    search_session session = {.comm = comm, .questions = {.comm = comm, .words_leave = !options.json}};
    const char *question = NULL;
    qctx_status status;

    qctx_comm_set_phase("search");
    list_documents(&session, QCTX_DOCUMENTS_CORPUS, &options.corpora);
    list_documents(&session, QCTX_DOCUMENTS_STORE, &options.stores);
    list_documents(&session, QCTX_DOCUMENTS_TEXT, &options.texts);
    status = qctx_agree(comm, settle(&session, positional, count, &question, error), error);
    if (status == QCTX_OK)
        status = open_session(&session, error);
    if (status == QCTX_OK)
        status = qctx_threads_log(comm, error);
    if (status == QCTX_OK)
        status = question != NULL ? qctx_agree(comm, answer(&session, question, error), error)
                                  : answer_lines(&session, error);
    close_session(&session);
    return status;
}

const qctx_command qctx_cmd_search = {.usage = &usage, .run = search, .stops = true};
