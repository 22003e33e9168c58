#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/cli/commands.h"
#include "qctx/cli/questions.h"
#include "qctx/cli/results.h"
#include "qctx/dataset/embed.h"
#include "qctx/dataset/sources.h"
#include "qctx/linalg/threads.h"
#include "qctx/retrieval/search.h"
#include "qctx/text/text.h"
#include "qctx/training/run.h"

/* Of a context, on a terminal that is wide enough to read it. */
enum { SHOWN_LINES = 2, COLUMNS_LEAST = 40 };

static struct {
    int64_t top;
    const char *text;
    bool json;
    bool no_head;
    bool full;
} options = {.top = 5};

static const qctx_option table[] = {
    {"top", QCTX_OPTION_INT, &options.top, "N", "contexts to show", 1, 100000},
    {"text", QCTX_OPTION_TEXT, &options.text, "FILE", "search the sentences of a text file instead", 0, 0},
    {"no-head", QCTX_OPTION_FLAG, &options.no_head, NULL, "search as the encoder alone would", 0, 0},
    {"full", QCTX_OPTION_FLAG, &options.full, NULL, "whole contexts also on a terminal, instead of two lines", 0, 0},
    {"json", QCTX_OPTION_FLAG, &options.json, NULL, "print one JSON object a question", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "search",
    .brief = "ask questions and see the best contexts",
    .arguments = "RUN [QUESTION] [--text FILE] [--top N] [--json]",
    .summary = "Shows the contexts that answer a question best, by the head of a run.",
    .details = "RUN is a run folder or a checkpoint. The contexts are those of its first\n"
               "training source, or the sentences of a text file.\n"
               "\n"
               "Without QUESTION it asks again and again, one question a line, until the end of\n"
               "the input (Ctrl-D), 'exit' or 'quit'. On a terminal lines are edited, and the\n"
               "arrow keys bring earlier ones back. A line that cannot be asked (empty, not\n"
               "UTF-8, too long) is warned of. With --json each line, also 'exit', is answered\n"
               "by one line, {\"question\", \"hits\"} or {\"question\", \"error\"}. The exit code is\n"
               "0 in all these cases, and 75 after Ctrl-C.\n",
    .options = table,
    .positional_min = 1,
    .positional_max = 2,
};

/* Everything an answer needs, on every rank. */
typedef struct {
    qctx_comm *comm;
    qctx_run run;
    qctx_opened opened;
    qctx_store *store; /* of the first training source */
    qctx_encoder *encoder;
    char **sentences; /* of the file that --text names, else NULL */
    int64_t sentence_count;
    qctx_search *search;
    qctx_hit *hits; /* [options.top] */
    qctx_questions questions;
} search_session;

static void close_session(search_session *session)
{
    qctx_questions_close(&session->questions);
    free(session->hits);
    qctx_search_destroy(session->search);
    qctx_search_free_texts(session->sentences, session->sentence_count);
    qctx_encoder_destroy(session->encoder);
    qctx_opened_close(&session->opened);
    qctx_run_close(&session->run);
}

/* The encoder of the store, which must be the one that the head was trained on. Local. */
static qctx_status restore_encoder(search_session *session, qctx_error *error)
{
    qctx_status status = qctx_run_check_store(&session->run, session->store, error);

    if (status != QCTX_OK)
        return status;
    session->hits = qctx_alloc(options.top, sizeof *session->hits, "hits", error);
    if (session->hits == NULL)
        return QCTX_ERR_MEMORY;
    return qctx_embed_encoder_of(session->store, &session->encoder, error);
}

static qctx_status open_session(search_session *session, const char *path, qctx_error *error)
{
    qctx_comm *comm = session->comm;
    const qctx_projector *projector = options.no_head ? &session->run.no_head : &session->run.head;
    qctx_status status = qctx_run_open(comm, path, &session->run, error);

    if (status == QCTX_OK)
        qctx_comm_set_hang_timeout((double)session->run.config.run.hang_timeout);
    if (status == QCTX_OK && options.text != NULL)
        status = qctx_search_read_sentences(comm, options.text, &session->sentences, &session->sentence_count, error);
    if (status == QCTX_OK)
        status = qctx_run_open_sources(comm, &session->run, &session->opened, error);
    if (status != QCTX_OK)
        return status;
    session->store = session->opened.train[0].store;
    status = qctx_agree(comm, restore_encoder(session, error), error);
    if (status != QCTX_OK)
        return status;
    if (options.text != NULL)
        return qctx_search_over_texts(comm, (const char *const *)session->sentences, session->sentence_count,
                                      session->encoder, projector, &session->search, error);
    return qctx_search_over_store(comm, session->store, session->encoder, projector, &session->search, error);
}

/* What fits on the terminal; 0 where it does not say. */
static int64_t columns_of_terminal(void)
{
    const int64_t columns = qctx_terminal_columns();

    return columns > 0 && columns < COLUMNS_LEAST ? COLUMNS_LEAST : columns;
}

static qctx_status answer(search_session *session, const char *question, qctx_error *error)
{
    qctx_status status = qctx_search_ask(session->search, question, options.top, session->hits, error);

    if (status == QCTX_OK && qctx_comm_rank(session->comm) == 0) {
        const bool terminal = qctx_terminal_is();
        const qctx_results results = {
            .question = question,
            .hits = session->hits,
            .count =
                options.top < qctx_search_count(session->search) ? options.top : qctx_search_count(session->search),
            .store = session->store,
            .sentences = session->sentences,
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
        qctx_warn("line %lld: %s", (long long)session->questions.line, why.message);
    else if (!qctx_text_is_blank(question, strlen(question)))
        qctx_warn("%s; ask again, or 'exit'", why.message);
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

static qctx_status search(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    search_session session = {.comm = comm, .questions = {.comm = comm, .words_leave = !options.json}};
    qctx_status status = QCTX_OK;

    qctx_comm_set_phase("search");
    /* A question that cannot be asked is refused before anything is opened. */
    if (count == 2)
        status = qctx_agree(comm, qctx_search_check(positional[1], error), error);
    if (status == QCTX_OK)
        status = open_session(&session, positional[0], error);
    if (status == QCTX_OK)
        status = qctx_threads_log(comm, error);
    if (status == QCTX_OK)
        status = count == 2 ? qctx_agree(comm, answer(&session, positional[1], error), error)
                            : answer_lines(&session, error);
    close_session(&session);
    return status;
}

const qctx_command qctx_cmd_search = {.usage = &usage, .run = search, .stops = true};
