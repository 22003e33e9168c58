#include "qctx/cli/results.h"

#include <errno.h>
#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/cli/wrap.h"
#include "qctx/text/json.h"

enum { INDENT = 12 };

/* What is shown of one hit. */
typedef struct {
    const char *source; /* borrowed; NULL where there is one */
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

static qctx_status read_shown(const qctx_results *results, const qctx_found *found, shown_hit *shown, qctx_error *error)
{
    qctx_store *store = results->stores[found->store];
    const int64_t *row = &found->row;
    qctx_status status = qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_ID, row, 1, &shown->id, error);

    shown->source = results->names != NULL ? results->names[found->store] : NULL;
    if (status == QCTX_OK)
        status = qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_TITLE, row, 1, &shown->title, error);
    if (status == QCTX_OK)
        status = qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_TEXT, row, 1, &shown->text, error);
    return status;
}

/* What stands above a text: its source, where there are several, and its title; freshly allocated. */
static char *heading_of(const shown_hit *shown, qctx_error *error)
{
    if (shown->source == NULL)
        return qctx_strdup(shown->title, error);
    return qctx_format(error, "[%s] %s", shown->source, shown->title);
}

static qctx_status print_shown(const qctx_results *results, int64_t position, double score, const shown_hit *shown,
                               FILE *out, qctx_error *error)
{
    const int64_t columns = results->columns > 0 ? results->columns : QCTX_COLUMNS;
    char *heading = heading_of(shown, error);
    int64_t column;

    if (heading == NULL)
        return QCTX_ERR_MEMORY;
    column = fprintf(out, "%3lld %7.4f ", (long long)position, score);
    for (; column < INDENT; column++)
        fputc(' ', out);
    if (heading[0] != '\0') {
        qctx_wrap(heading, column, INDENT, columns, out);
        column = fprintf(out, "%*s", INDENT, "");
    }
    free(heading);
    /* A store without texts has at least ids. */
    qctx_wrap_lines(shown->text[0] != '\0' ? shown->text : shown->id, column, INDENT, columns, results->lines, out);
    return QCTX_OK;
}

static qctx_status print_text(const qctx_results *results, FILE *out, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < results->count && status == QCTX_OK; i++) {
        shown_hit shown = {0};

        status = read_shown(results, &results->found[i], &shown, error);
        if (status == QCTX_OK)
            status = print_shown(results, i + 1, results->found[i].score, &shown, out, error);
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

        status = read_shown(results, &results->found[i], &shown, error);
        if (status == QCTX_OK &&
            json_array_append_new(hits, json_pack("{s:I, s:f, s:s, s:s, s:s, s:s*}", "position", (json_int_t)i + 1,
                                                  "score", results->found[i].score, "id", shown.id, "title",
                                                  shown.title, "text", shown.text, "source", shown.source)) != 0)
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

/* A full disk is told from a broken one by errno, which is lost where others than this flush. */
static qctx_status flush(FILE *out, qctx_error *error)
{
    errno = 0;
    if (fflush(out) != 0 || ferror(out))
        return qctx_write_failed("standard output", "cannot write the results", errno, error);
    return QCTX_OK;
}

qctx_status qctx_results_print(const qctx_results *results, bool json, FILE *out, qctx_error *error)
{
    qctx_status status = json ? print_json(results, out, error) : print_text(results, out, error);

    return status == QCTX_OK ? flush(out, error) : status;
}

qctx_status qctx_results_print_unasked(const char *question, const char *why, FILE *out, qctx_error *error)
{
    json_t *object = json_pack("{s:s, s:s}", "question", question, "error", why);
    char *line = qctx_json_dump(object, error);

    json_decref(object);
    if (line == NULL)
        return QCTX_ERR_MEMORY;
    fprintf(out, "%s\n", line);
    free(line);
    return flush(out, error);
}
