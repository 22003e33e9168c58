/* Tables as pandas writes them in JSON, by columns, by rows of an index, or split from their names: made records. */
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"

/* Whether a value can be a column beside that of the questions: as long, and with a value for each record. */
static bool is_column(const json_t *value, const json_t *questions)
{
    if (json_is_object(questions))
        return json_is_object(value) && json_object_size(value) == json_object_size(questions);
    if (json_array_size(value) != json_array_size(questions))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (json_is_array(json_array_get(value, i)) || json_is_object(json_array_get(value, i)))
            return false; /* a text in its parts, not one of many */
    return json_is_array(value);
}

/*
 * The questions of a table by columns, {"question": {"0": …}, …} or {"question": […], …}: NULL unless all from which
 * something is taken are columns, as they are not in a record whose question is a list of an instruction and a text.
 */
static const json_t *find_question_column(const qctx_import_job *job, const json_t *root)
{
    const char *key, *named = job->columns[QCTX_IMPORT_QUESTION];
    const json_t *questions = NULL;
    json_t *value;

    json_object_foreach((json_t *)root, key, value)
    {
        if (questions == NULL && (named != NULL ? strcmp(named, key) == 0 : import_names_question(key)))
            questions = value;
    }
    json_object_foreach((json_t *)root, key, value)
    {
        if (import_takes_key(job, key) && !is_column(value, questions))
            return NULL;
    }
    return questions;
}

/* Whether all values of an object are objects that hold a question: {"0": {"question": …}}. */
static bool is_index(const qctx_import_job *job, const json_t *root)
{
    const char *key, *inner;
    json_t *value, *held;

    json_object_foreach((json_t *)root, key, value)
    {
        bool question = false;

        json_object_foreach(value, inner, held) question = question || import_takes_key(job, inner);
        if (!question)
            return false;
    }
    return json_object_size(root) > 0;
}

static bool is_split(const json_t *root)
{
    return json_is_array(json_object_get(root, "columns")) && json_is_array(json_object_get(root, "data"));
}

bool import_is_frame(const qctx_import_job *job, const json_t *root)
{
    return json_is_object(root) && (is_split(root) || find_question_column(job, root) != NULL || is_index(job, root));
}

/* The record of the row `index`, called `name` where the columns are objects. */
static json_t *record_of(const json_t *columns, size_t index, const char *name)
{
    json_t *record = json_object(), *column, *value;
    const char *key;

    json_object_foreach((json_t *)columns, key, column)
    {
        value = name != NULL ? json_object_get(column, name) : json_array_get(column, index);
        if (value != NULL)
            json_object_set(record, key, value);
    }
    return record;
}

static void unfold_columns(const json_t *columns, const json_t *questions, json_t *records)
{
    const char *name;
    json_t *value;

    for (size_t i = 0; i < json_array_size(questions); i++)
        json_array_append_new(records, record_of(columns, i, NULL));
    json_object_foreach((json_t *)questions, name, value)
    {
        json_array_append_new(records, record_of(columns, 0, name));
    }
}

static qctx_status unfold_split(const import_source *source, const json_t *root, json_t *records, qctx_error *error)
{
    const json_t *names = json_object_get(root, "columns"), *rows = json_object_get(root, "data");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        json_t *record = json_object();

        json_array_append_new(records, record);
        if (json_array_size(row) != json_array_size(names))
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "%s: data[%zu]: found a row of %zu values, expected %zu, as "
                             "'columns' names",
                             source->path, i, json_array_size(row), json_array_size(names));
        for (size_t k = 0; k < json_array_size(names); k++)
            if (json_is_string(json_array_get(names, k)))
                json_object_set(record, json_string_value(json_array_get(names, k)), json_array_get(row, k));
    }
    return QCTX_OK;
}

qctx_status import_unfold_frame(const import_source *source, json_t **root, qctx_error *error)
{
    const json_t *questions = find_question_column(source->job, *root);
    json_t *records = json_array(), *value;
    qctx_status status = QCTX_OK;
    const char *key;

    if (is_split(*root))
        status = unfold_split(source, *root, records, error);
    else if (questions != NULL)
        unfold_columns(*root, questions, records);
    else
        json_object_foreach(*root, key, value)
        {
            json_array_append(records, value);
        }
    json_decref(*root);
    *root = records;
    return status;
}

bool import_begins_frame(const qctx_import_job *job, const char *text)
{
    const char *named = job->columns[QCTX_IMPORT_QUESTION], *at = text + 1 + strspn(text + 1, " \t\r\n");
    size_t length = *at == '"' ? strcspn(at + 1, "\"\\") : 0;
    char key[256];

    if (length == 0 || length >= sizeof key)
        return false;
    snprintf(key, sizeof key, "%.*s", (int)length, at + 1);
    at += length + 2;
    at += strspn(at, " \t\r\n:");
    if (strcmp(key, "columns") == 0 && *at == '[')
        return true;
    if ((*at == '{' || *at == '[') && (named != NULL ? strcmp(named, key) == 0 : import_names_question(key)))
        return true;
    /* {"answers": {"0": … and {"0": {"question": … */
    if (*at != '{' || at[1] != '"')
        return false;
    at += 2;
    return strspn(key, "0123456789") == length || (*at >= '0' && *at <= '9' && at[strspn(at, "0123456789")] == '"');
}
