/* A measurement as text: its figures one a line, then its tables. */
#include "bench_print.h"

#include <stdbool.h>
#include <string.h>

#include "qctx/base/shown.h"
#include "qctx/cli/wrap.h"

enum { NAME_COLUMNS = 26, CELL_MAX = 64 };

/* A key as words. */
static void words_of(const char *key, char words[CELL_MAX])
{
    snprintf(words, CELL_MAX, "%s", key);
    for (char *c = words; *c != '\0'; c++)
        if (*c == '_')
            *c = ' ';
}

static void format_scalar(const json_t *value, char text[CELL_MAX])
{
    if (json_is_integer(value))
        snprintf(text, CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, CELL_MAX, "%.4g", json_real_value(value));
    else if (json_is_string(value))
        qctx_shown_excerpt(json_string_value(value), json_string_length(value), text, CELL_MAX);
    else
        snprintf(text, CELL_MAX, "%s", json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-");
}

static void print_numbers(const json_t *values, FILE *out)
{
    char cell[CELL_MAX];

    for (size_t i = 0; i < json_array_size(values); i++) {
        format_scalar(json_array_get(values, i), cell);
        fprintf(out, "%s%s", i > 0 ? " " : "", cell);
    }
    fputs(json_array_size(values) > 0 ? "\n" : "none\n", out);
}

static void print_figure(const char *key, const json_t *value, FILE *out)
{
    char text[CELL_MAX];

    words_of(key, text);
    fprintf(out, "%-*s", NAME_COLUMNS, text);
    if (json_is_string(value)) {
        qctx_wrap(json_string_value(value), NAME_COLUMNS, NAME_COLUMNS, QCTX_COLUMNS, out);
    } else if (json_is_array(value)) {
        print_numbers(value, out);
    } else {
        format_scalar(value, text);
        fprintf(out, "%s\n", text);
    }
}

/* Row 0 is the heading. */
static void format_cell(const json_t *rows, size_t row, const char *key, char cell[CELL_MAX])
{
    if (row == 0)
        words_of(key, cell);
    else
        format_scalar(json_object_get(json_array_get(rows, row - 1), key), cell);
}

static int column_width(const json_t *rows, const char *key)
{
    char cell[CELL_MAX];
    size_t width = 0;

    for (size_t row = 0; row <= json_array_size(rows); row++) {
        format_cell(rows, row, key, cell);
        width = strlen(cell) > width ? strlen(cell) : width;
    }
    return (int)width;
}

/* Texts stand left, numbers right. */
static void print_table(const json_t *rows, FILE *out)
{
    json_t *first = json_array_get(rows, 0), *value;
    char cell[CELL_MAX];
    const char *key;

    for (size_t row = 0; row <= json_array_size(rows); row++) {
        const char *gap = "";

        json_object_foreach(first, key, value)
        {
            const int width = column_width(rows, key);

            format_cell(rows, row, key, cell);
            fprintf(out, "%s%*s", gap, json_is_string(value) ? -width : width, cell);
            gap = "  ";
        }
        fputc('\n', out);
    }
}

/* Named rows, {"forward": {…}, …}, as rows whose first column is the name. The caller's. */
static json_t *with_names(const char *heading, const json_t *named)
{
    json_t *members = (json_t *)named, *rows = json_array(), *value;
    const char *name;

    json_object_foreach(members, name, value)
    {
        json_t *row = json_pack("{s:s}", heading, name);

        json_object_update(row, value);
        json_array_append_new(rows, row);
    }
    return rows;
}

/* A list or an object of named rows, or neither. */
static bool is_table(const json_t *value)
{
    return json_is_object(value) || (json_is_array(value) && json_is_object(json_array_get(value, 0)));
}

static void print_tables(const json_t *result, FILE *out)
{
    json_t *members = (json_t *)result, *value;
    const char *key;

    json_object_foreach(members, key, value)
    {
        json_t *rows = json_is_object(value) ? with_names(key, value) : json_incref(value);

        if (is_table(value)) {
            fputc('\n', out);
            print_table(rows, out);
        }
        json_decref(rows);
    }
}

void bench_print(const json_t *result, FILE *out)
{
    json_t *members = (json_t *)result, *value;
    const char *key;

    json_object_foreach(members, key, value)
    {
        if (!is_table(value))
            print_figure(key, value, out);
    }
    print_tables(result, out);
}
