#include "qctx/cli/results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/cli/wrap.h"
#include "qctx/text/json.h"

enum { INDENT = 12 };

/* What is shown of one hit. */
typedef struct {
    char *id;
    char *title;
    char *text;
} shown_hit;

static void free_shown(shown_hit *shown)
{
    free(shown->id);
    free(shown->title);
    free(shown->text);
}

static qctx_status read_shown(const qctx_results *results, const qctx_hit *hit, shown_hit *shown, qctx_error *error)
{
    const int64_t row = hit->candidate;
    qctx_status status;

    if (results->sentences != NULL) {
        shown->id = qctx_format(error, "%lld", (long long)row + 1);
        shown->title = qctx_strdup("", error);
        shown->text = qctx_strdup(results->sentences[row], error);
        return shown->id == NULL || shown->title == NULL || shown->text == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    status = qctx_store_texts(results->store, QCTX_CONTEXT, QCTX_FIELD_ID, &row, 1, &shown->id, error);
    if (status == QCTX_OK)
        status = qctx_store_texts(results->store, QCTX_CONTEXT, QCTX_FIELD_TITLE, &row, 1, &shown->title, error);
    if (status == QCTX_OK)
        status = qctx_store_texts(results->store, QCTX_CONTEXT, QCTX_FIELD_TEXT, &row, 1, &shown->text, error);
    return status;
}

static void print_shown(int64_t position, double score, const shown_hit *shown, FILE *out)
{
    int64_t column = fprintf(out, "%3lld %7.4f ", (long long)position, score);

    for (; column < INDENT; column++)
        fputc(' ', out);
    if (shown->title[0] != '\0') {
        qctx_wrap(shown->title, column, INDENT, QCTX_COLUMNS, out);
        column = fprintf(out, "%*s", INDENT, "");
    }
    /* A store without texts has at least ids. */
    qctx_wrap(shown->text[0] != '\0' ? shown->text : shown->id, column, INDENT, QCTX_COLUMNS, out);
}

static qctx_status print_text(const qctx_results *results, FILE *out, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < results->count && status == QCTX_OK; i++) {
        shown_hit shown = {0};

        status = read_shown(results, &results->hits[i], &shown, error);
        if (status == QCTX_OK)
            print_shown(i + 1, results->hits[i].score, &shown, out);
        free_shown(&shown);
    }
    return status;
}

static qctx_status print_json(const qctx_results *results, FILE *out, qctx_error *error)
{
    json_t *hits = json_array(), *object;
    qctx_status status = QCTX_OK;
    char *line = NULL;

    for (int64_t i = 0; i < results->count && status == QCTX_OK; i++) {
        shown_hit shown = {0};

        status = read_shown(results, &results->hits[i], &shown, error);
        if (status == QCTX_OK &&
            json_array_append_new(hits, json_pack("{s:I, s:f, s:s, s:s, s:s}", "position", (json_int_t)i + 1, "score",
                                                  results->hits[i].score, "id", shown.id, "title", shown.title, "text",
                                                  shown.text)) != 0)
            status = qctx_fail(error, QCTX_ERR_DATA, "context '%s' cannot be written as JSON", shown.id);
        free_shown(&shown);
    }
    object = json_pack("{s:s, s:o}", "question", results->question, "hits", hits);
    if (status == QCTX_OK) {
        line = qctx_json_dump(object, error);
        status = line == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    if (line != NULL)
        fprintf(out, "%s\n", line);
    free(line);
    json_decref(object);
    return status;
}

qctx_status qctx_results_print(const qctx_results *results, bool json, FILE *out, qctx_error *error)
{
    qctx_status status = json ? print_json(results, out, error) : print_text(results, out, error);

    fflush(out);
    return status;
}

/* Sets `*line` to the next line, or leaves it NULL at the end. */
static qctx_status read_line(char **line, size_t *length, qctx_error *error)
{
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    size_t capacity = 0;
    char *text = NULL;
    ssize_t got;

    if (terminal) {
        fputs("question> ", stdout);
        fflush(stdout);
    }
    errno = 0;
    got = getline(&text, &capacity, stdin);
    if (got < 0 && ferror(stdin)) {
        free(text);
        return qctx_fail(error, QCTX_ERR_IO, "standard input: cannot read: %s", strerror(errno));
    }
    if (got < 0 && terminal)
        fputc('\n', stdout);
    while (got > 0 && (text[got - 1] == '\n' || text[got - 1] == '\r'))
        text[--got] = '\0';
    if (got < 0 || strcmp(text, "quit") == 0) {
        free(text);
        return QCTX_OK;
    }
    *line = text;
    *length = (size_t)got;
    return QCTX_OK;
}

qctx_status qctx_results_next_question(qctx_comm *comm, char **question, qctx_error *error)
{
    char *line = NULL;
    size_t length = 0;
    int64_t more;
    qctx_status status = qctx_comm_rank(comm) == 0 ? read_line(&line, &length, error) : QCTX_OK;

    status = qctx_agree(comm, status, error);
    more = line != NULL;
    qctx_comm_broadcast(comm, &more, sizeof more, 0);
    if (status == QCTX_OK && more)
        status = qctx_comm_broadcast_text(comm, &line, &length, 0, error);
    if (status != QCTX_OK) {
        free(line);
        line = NULL;
    }
    *question = line;
    return status;
}

void qctx_results_pass_over(const qctx_comm *comm, const qctx_error *error)
{
    if (qctx_comm_rank(comm) == 0)
        qctx_warn("%s; ask again, or 'quit'", error->message);
}
