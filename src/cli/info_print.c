/* A description as JSON, or as text: one "name: value" a line, what is nested indented. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "info_internal.h"
#include "qctx/base/shown.h"
#include "qctx/text/json.h"

enum { NAME_COLUMNS = 22, INDENT = 2 };

/* Whether the names of an object's members are somebody's own: those of splits and fields are copied from here. */
static bool holds_own_names(const char *name)
{
    return strcmp(name, "splits") == 0 || strcmp(name, "contexts_with_field") == 0;
}

/* Prints a name, as words unless it is somebody's `own`, and returns how many columns it took. */
static int print_name(const char *name, bool own, int depth)
{
    printf("%*s", depth * INDENT, "");
    for (const char *rest = name; *rest != '\0';) {
        size_t length = own ? strlen(rest) : strcspn(rest, "_");

        qctx_show(rest, length, stdout);
        if (rest[length] == '_')
            putchar(' ');
        rest += length + (rest[length] == '_');
    }
    putchar(':');
    return depth * INDENT + (int)qctx_shown_columns(name, strlen(name)) + 1;
}

static void print_line(const char *text, size_t length)
{
    qctx_show(text, length, stdout);
    putchar('\n');
}

static void print_scalar(const json_t *value)
{
    if (json_is_string(value))
        print_line(json_string_value(value), strlen(json_string_value(value)));
    else if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
    else if (json_is_real(value))
        printf("%.6g\n", json_real_value(value));
    else
        puts(json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "none");
}

/* A text of several lines stands below its name. */
static void print_lines(const char *text, int depth)
{
    putchar('\n');
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        printf("%*s", depth * INDENT, "");
        print_line(text, length);
        text += length + (text[length] == '\n');
    }
}

/* Prints what an object holds: scalars, texts, objects, and arrays of objects or scalars. `own` as above. */
static void print_object(const json_t *object, bool own, int depth);

/* One item of an array, on lines of its own. */
static void print_item(const json_t *item, int depth)
{
    if (json_is_object(item)) {
        print_object(item, false, depth);
    } else {
        printf("%*s", depth * INDENT, "");
        print_scalar(item);
    }
}

static void print_member(const char *name, const json_t *value, bool own, int depth)
{
    const char *text = json_string_value(value);
    int columns = print_name(name, own, depth);

    if (json_is_object(value)) {
        putchar('\n');
        print_object(value, holds_own_names(name), depth + 1);
    } else if (json_is_array(value)) {
        putchar('\n');
        for (size_t i = 0; i < json_array_size(value); i++)
            print_item(json_array_get(value, i), depth + 1);
    } else if (text != NULL && strchr(text, '\n') != NULL) {
        print_lines(text, depth + 1);
    } else {
        printf("%*s", columns < NAME_COLUMNS ? NAME_COLUMNS - columns : 1, "");
        print_scalar(value);
    }
}

static void print_object(const json_t *object, bool own, int depth)
{
    json_t *members = (json_t *)object;

    for (void *at = json_object_iter(members); at != NULL; at = json_object_iter_next(members, at))
        print_member(json_object_iter_key(at), json_object_iter_value(at), own, depth);
}

qctx_status info_print_text(const json_t *description, qctx_error *error)
{
    (void)error;
    print_object(description, false, 0);
    return QCTX_OK;
}

qctx_status info_print_json(const json_t *description, qctx_error *error)
{
    /* As many digits as the other figures have that are printed and kept. */
    if (!qctx_json_print(description, JSON_COMPACT | JSON_REAL_PRECISION(9), stdout) && !ferror(stdout))
        return qctx_fail(error, QCTX_ERR_INTERNAL, "the description could not be written as JSON");
    putchar('\n');
    return QCTX_OK;
}
