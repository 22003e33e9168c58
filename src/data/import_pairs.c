/* The formats of a pair a line: JSONL and TSV. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_internal.h"
#include "lines.h"

static const char *const question_keys[] = {"question", "query", NULL};
static const char *const context_keys[] = {"context", "passage", "positive", NULL};
static const char *const id_keys[] = {"id", "_id", NULL};

/* The first of the keys that the record has; if it has none, the first of all, which messages then name. */
static const char *present_key(const json_t *record, const char *const *keys)
{
    for (int i = 0; keys[i] != NULL; i++)
        if (json_object_get(record, keys[i]) != NULL)
            return keys[i];
    return keys[0];
}

static bool is_blank(const char *text)
{
    return qctx_text_is_blank(text, strlen(text));
}

/* Adds a pair as it stands in its line. */
static qctx_status add_pair(const import_source *source, import_record *record, qctx_error *error)
{
    qctx_status status;
    char *prefix;

    if (is_blank(record->question) || is_blank(record->context)) {
        source->counts->empty++;
        return QCTX_OK;
    }
    prefix = import_prefix(source->job, record->title, "", error);
    if (prefix == NULL)
        return QCTX_ERR_MEMORY;
    record->lead = prefix;
    status = import_add(source, record, error);
    free(prefix);
    return status;
}

static qctx_status take_object(const import_source *source, const json_t *object, const char *place, qctx_error *error)
{
    import_record record = {0};
    char number[32];
    qctx_status status =
        qctx_json_get_string(object, present_key(object, question_keys), NULL, place, &record.question, error);

    if (status == QCTX_OK)
        status = qctx_json_get_string(object, present_key(object, context_keys), NULL, place, &record.context, error);
    if (status == QCTX_OK)
        status = qctx_json_get_string(object, "title", "", place, &record.title, error);
    if (status == QCTX_OK)
        status = import_get_id(object, present_key(object, id_keys), place, number, &record.id, error);
    if (status != QCTX_OK)
        return qctx_hint(error, "a line is an object with 'question' and 'context'; see 'qctx-dist import --help'");
    return add_pair(source, &record, error);
}

qctx_status import_read_jsonl(const import_source *source, qctx_error *error)
{
    qctx_lines lines = {0};
    qctx_status status = qctx_lines_open(&lines, source->path, error);
    bool more = true;

    while (status == QCTX_OK) {
        json_t *object = NULL;

        status = qctx_lines_next(&lines, &more, error);
        if (status != QCTX_OK || !more)
            break;
        source->counts->read++;
        status = qctx_json_parse(lines.text, lines.length, lines.place, &object, error);
        if (status == QCTX_OK)
            status = take_object(source, object, lines.place, error);
        json_decref(object);
    }
    qctx_lines_close(&lines);
    return status;
}

static bool is_header(const char *line)
{
    size_t length = strcspn(line, "\t");

    for (int i = 0; question_keys[i] != NULL; i++)
        if (length == strlen(question_keys[i]) && strncasecmp(line, question_keys[i], length) == 0)
            return true;
    return false;
}

static qctx_status take_line(const import_source *source, char *line, const char *place, qctx_error *error)
{
    import_record record = {.question = line, .title = ""};
    char *tab = strchr(line, '\t');
    char *second = tab == NULL ? NULL : strchr(tab + 1, '\t');

    if (tab == NULL || (second != NULL && strchr(second + 1, '\t') != NULL)) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s, expected question TAB context [TAB title]", place,
                  tab == NULL ? "the line has no tab" : "the line has more than three columns");
        return qctx_hint(error, "--format names the format if it was guessed wrongly");
    }
    *tab = '\0';
    record.context = tab + 1;
    if (second != NULL) {
        *second = '\0';
        record.title = second + 1;
    }
    return add_pair(source, &record, error);
}

qctx_status import_read_tsv(const import_source *source, qctx_error *error)
{
    qctx_lines lines = {0};
    qctx_status status = qctx_lines_open(&lines, source->path, error);
    bool more = true;

    while (status == QCTX_OK) {
        status = qctx_lines_next(&lines, &more, error);
        if (status != QCTX_OK || !more)
            break;
        if (lines.number == 1 && is_header(lines.text))
            continue;
        source->counts->read++;
        status = take_line(source, lines.text, lines.place, error);
    }
    qctx_lines_close(&lines);
    return status;
}
