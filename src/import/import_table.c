/* Tables: rows divided by tabs, commas or semicolons, with quotes as RFC 4180 has them. A row is read as a record. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_internal.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/platform/stop.h"

enum { ROWS_BETWEEN_LOOKS = 1024 };

/* A table being read. */
typedef struct {
    const import_source *source;
    char delimiter;
    char *at, *end; /* what is left; *end is NUL */
    int64_t line;   /* of the row at `at` */
    bool divided;   /* the last row has a delimiter */
    char *fields[IMPORT_FIELDS_MAX];
    int64_t expected;              /* fields of a row: as many as the first has */
    char *keys[IMPORT_FIELDS_MAX]; /* of the columns; NULL for one without a name */
    char place[1280];
} table;

/* Line breaks within a row, and the one behind it. */
static int64_t count_lines(const char *at, const char *end)
{
    int64_t lines = 1;

    for (at = memchr(at, '\n', (size_t)(end - at)); at != NULL; at = memchr(at, '\n', (size_t)(end - at))) {
        lines++;
        at++;
    }
    return lines;
}

/* Whether each line of a quoted row of several would be a row by itself: then its quotes hold no line break. */
static bool lines_are_rows(const char *at, const char *row_end, char delimiter, int64_t wanted)
{
    while (at < row_end) {
        int64_t fields;
        const char *line_end;

        import_measure_row(at, row_end, delimiter, false, &fields, &line_end);
        if (fields != wanted)
            return false;
        at = line_end + 1;
    }
    return true;
}

/*
 * Finds where the next row ends and whether its quotes are quotes. A row whose quotes do not close as RFC 4180 wants
 * it, or that runs over several lines and is not as wide as the others, ends with its line: between tabs, where many
 * write quotes as they are, they are then plain characters; between commas the row is malformed.
 */
static qctx_status measure(const table *at, int64_t *fields, const char **row_end, bool *quoted, qctx_error *error)
{
    const char *line_end = memchr(at->at, '\n', (size_t)(at->end - at->at));

    line_end = line_end == NULL ? at->end : line_end;
    *quoted =
        import_measure_row(at->at, at->end, at->delimiter, true, fields, row_end) &&
        (*row_end <= line_end || at->expected == 0 || *fields == at->expected) &&
        !(at->delimiter == '\t' && *row_end > line_end && lines_are_rows(at->at, *row_end, at->delimiter, *fields));
    if (*quoted)
        return QCTX_OK;
    import_measure_row(at->at, line_end, at->delimiter, false, fields, row_end);
    if (at->delimiter == '\t')
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_FORMAT,
                     "%s: a quote does not close before a delimiter or the row's end, expected quotes as RFC 4180 has "
                     "them (\"so \"\"quoted\"\"\")",
                     at->place);
}

/* Cuts the next row into `fields`, blank ones behind the last wanted column left out; moves on behind it. */
static qctx_status next_row(table *at, int64_t *count, qctx_error *error)
{
    const char *row_end;
    bool quoted;
    qctx_status status;
    char *row = at->at;

    snprintf(at->place, sizeof at->place, "%.1024s:%lld", at->source->path, (long long)at->line);
    status = measure(at, count, &row_end, &quoted, error);
    at->line += count_lines(row, row_end);
    at->at = (char *)row_end + (row_end < at->end);
    if (status != QCTX_OK)
        return status;
    if (*count > IMPORT_FIELDS_MAX)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the row has %lld columns, expected at most %d", at->place,
                         (long long)*count, IMPORT_FIELDS_MAX);
    import_split_row(row, (char *)row_end, at->delimiter, quoted, at->fields);
    at->divided = *count > 1;
    while (*count > 1 && *count > at->expected &&
           qctx_text_is_blank(at->fields[*count - 1], strlen(at->fields[*count - 1])))
        (*count)--;
    return QCTX_OK;
}

static bool is_blank_row(const table *at, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!qctx_text_is_blank(at->fields[i], strlen(at->fields[i])))
            return false;
    return true;
}

/* Reads a row as the record of its columns. A cell without text is null. */
static qctx_status read_row(const table *at, int64_t count, qctx_error *error)
{
    json_t *record;
    qctx_status status = QCTX_OK;

    if (count > at->expected || (count < at->expected && count == 1))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the row has %lld columns, expected %lld", at->place,
                         (long long)count, (long long)at->expected);
    record = json_object();
    for (int64_t i = 0; i < at->expected && record != NULL; i++) {
        bool blank = i >= count || at->fields[i][0] == '\0';

        if (at->keys[i] != NULL &&
            json_object_set_new(record, at->keys[i], blank ? json_null() : json_string(at->fields[i])) != 0) {
            json_decref(record);
            record = NULL;
        }
    }
    if (record == NULL)
        return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for a row of a table");
    status = import_read_record(at->source, record, at->place, error);
    json_decref(record);
    return status;
}

static qctx_status set_key(table *at, int64_t column, const char *name, qctx_error *error)
{
    at->keys[column] = qctx_strdup(name, error);
    return at->keys[column] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/*
 * Of two columns of one name only one could be taken, and it could be the wrong one. Of those from which nothing is
 * taken it does not matter.
 */
static qctx_status refuse_doubled(const table *at, bool numbers, qctx_error *error)
{
    for (int64_t i = 0; i < at->expected && !numbers; i++)
        for (int64_t k = i + 1; k < at->expected; k++)
            if (at->keys[i][0] != '\0' && strcasecmp(at->keys[i], at->keys[k]) == 0 &&
                import_takes_key(at->source->job, at->keys[i])) {
                qctx_fail(error, QCTX_ERR_FORMAT, "%s: the columns %lld and %lld are both called '%s'", at->place,
                          (long long)i + 1, (long long)k + 1, at->keys[i]);
                return qctx_hint(error, "say by number which one to take: --columns question=1,context=2");
            }
    return QCTX_OK;
}

/* The user names columns by numbers, or the first row by names. */
static qctx_status take_names(table *at, bool numbers, qctx_error *error)
{
    bool exact = at->source->job->columns[QCTX_IMPORT_QUESTION] != NULL;
    qctx_status status = QCTX_OK;
    char number[24];

    for (int64_t i = 0; i < at->expected && status == QCTX_OK; i++) {
        snprintf(number, sizeof number, "%lld", (long long)i + 1);
        status = set_key(at, i, numbers ? number : at->fields[i], error);
        if (status == QCTX_OK)
            import_tidy_name(at->keys[i], exact);
    }
    return status == QCTX_OK ? refuse_doubled(at, numbers, error) : status;
}

qctx_status import_refuse_lone_cell(const char *place, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_FORMAT,
              "%s: the first row has one cell that is not empty, expected a question and a context", place);
    return qctx_hint(error, "delete rows above the header");
}

/* Whether at most one of the first row's cells holds text. */
static bool has_lone_cell(const table *at, int64_t count)
{
    int64_t filled = 0;

    for (int64_t i = 0; i < count; i++)
        filled += !qctx_text_is_blank(at->fields[i], strlen(at->fields[i]));
    return filled < 2;
}

static qctx_status refuse_columns(const table *at, bool header, qctx_error *error)
{
    const char *const *named = at->source->job->columns;
    json_t *columns = json_object();
    char found[512];

    for (int64_t i = 0; i < at->expected; i++)
        json_object_set_new(columns, at->fields[i], json_null());
    import_list_keys(columns, found, sizeof found);
    json_decref(columns);
    if (at->expected == 1)
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: the line has no %s, expected question and context", at->place,
                  at->delimiter == '\t' ? "tab" : "delimiter");
    else if (named[QCTX_IMPORT_QUESTION] != NULL)
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: --columns names '%s' and '%s' for question and context; found %s",
                  at->place, named[QCTX_IMPORT_QUESTION], named[QCTX_IMPORT_CONTEXT], found);
    else if (header)
        qctx_fail(error, QCTX_ERR_FORMAT,
                  "%s: the columns are %s; known for a question: " IMPORT_KNOWN_QUESTIONS
                  "; for a context: " IMPORT_KNOWN_CONTEXTS,
                  at->place, found);
    else
        qctx_fail(error, QCTX_ERR_FORMAT,
                  "%s: the line has more than two columns and no first line names them, so that the third may be a "
                  "title, a negative, a label or a score: %s",
                  at->place, found);
    return qctx_hint(error, "name them in a first line, or here by name or number: --columns "
                            "question=1,context=2,title=3");
}

/* Whether a cell may be the name of a column: one or two words of letters. */
static bool looks_like_name(const char *cell)
{
    size_t length = strlen(cell);

    return length > 0 && length <= 32 && strpbrk(cell, ".,;:?!\"'()0123456789") == NULL &&
           (strchr(cell, ' ') == NULL || strchr(strchr(cell, ' ') + 1, ' ') == NULL);
}

/* A header of names that are not known cannot be told from a pair for certain. Whether it was doubted. */
static bool doubt_pair(const table *at, const char *question, const char *context)
{
    if (!looks_like_name(question) || !looks_like_name(context))
        return false;
    qctx_warn("%s: '%s' and '%s' may be the columns' names: taken for a question and its context; --columns "
              "question=%s,context=%s takes them for names",
              at->place, question, context, question, context);
    return true;
}

/* The cell of the first row in a column that the user names by its number, "" where there is none. */
static const char *numbered_cell(const table *at, qctx_import_role role)
{
    long long column = strtoll(at->source->job->columns[role], NULL, 10);

    return column < 1 || column > at->expected ? "" : at->fields[column - 1];
}

/* Names the columns by the first row, of `count` fields. */
static qctx_status name_columns(table *at, int64_t count, bool *header, qctx_error *error)
{
    import_header kind = import_read_header(at->source->job, (const char *const *)at->fields, count);
    const bool lone = has_lone_cell(at, count);
    qctx_status status;

    at->expected = count;
    *header = kind == IMPORT_HEADER || kind == IMPORT_NUMBERED_HEADER;
    if (kind == IMPORT_NUMBERS && !lone)
        doubt_pair(at, numbered_cell(at, QCTX_IMPORT_QUESTION), numbered_cell(at, QCTX_IMPORT_CONTEXT));
    if (*header || (kind == IMPORT_NUMBERS && !lone))
        return take_names(at, kind != IMPORT_HEADER, error);
    if (at->fields[0][0] == '{' || at->fields[0][0] == '[') {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: the line begins as JSON does, expected the row of a table", at->place);
        return qctx_hint(error, "--format jsonl, or json for a document; without --format it is told from the content");
    }
    if (lone && at->divided)
        return import_refuse_lone_cell(at->place, error);
    if (kind != IMPORT_NO_HEADER || count != 2)
        return refuse_columns(at, kind == IMPORT_UNKNOWN_HEADER, error);
    if (!doubt_pair(at, at->fields[0], at->fields[1]))
        qctx_info("%s: no line names the columns; the first line is a question and its context", at->source->path);
    status = set_key(at, 0, "question", error);
    return status == QCTX_OK ? set_key(at, 1, "context", error) : status;
}

/* What begins a table besides rows: a byte order mark, and Excel's "sep=;". */
static void skip_preamble(table *at)
{
    if (strncmp(at->at, "\xEF\xBB\xBF", 3) == 0)
        at->at += 3;
    if (strncasecmp(at->at, "sep=", 4) == 0 && at->at[4] != '\0' && (at->at[5] == '\n' || at->at[5] == '\r')) {
        at->delimiter = at->at[4];
        at->at = strchr(at->at, '\n') == NULL ? at->end : strchr(at->at, '\n') + 1;
        at->line++;
    }
}

static qctx_status read_rows(table *at, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    bool named = false;

    while (status == QCTX_OK && at->at < at->end) {
        int64_t count;
        bool header = false;

        if (at->line % ROWS_BETWEEN_LOOKS == 0 && qctx_stop_check(error) != QCTX_OK)
            return QCTX_STOPPED;
        status = next_row(at, &count, error);
        if (status == QCTX_OK && is_blank_row(at, count))
            continue;
        if (status == QCTX_OK && !named) {
            status = name_columns(at, count, &header, error);
            if (status != QCTX_OK)
                return status;
            named = true;
        }
        if (!header)
            status = import_leave_out(at->source, status == QCTX_OK ? read_row(at, count, error) : status, error);
    }
    return status;
}

qctx_status import_read_table(const import_source *source, qctx_error *error)
{
    table at = {.source = source, .line = 1};
    char *text;
    size_t bytes;
    qctx_status status = qctx_input_rest(source->stream, &text, &bytes, error);

    if (status == QCTX_OK)
        /* One in another encoding is refused as a whole: leaving out the rows that tell it would leave out a language.
         */
        status = import_check_text(source, text, bytes, 1, error);
    if (status == QCTX_OK) {
        at.at = text;
        at.end = text + bytes;
        at.delimiter =
            source->counts->format == QCTX_IMPORT_TSV ? '\t' : import_tell_delimiter(source->job, text, bytes);
        skip_preamble(&at);
        status = read_rows(&at, error);
    }
    for (int64_t i = 0; i < IMPORT_FIELDS_MAX; i++)
        free(at.keys[i]);
    free(text);
    return status;
}
