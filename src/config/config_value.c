/* From a YAML scalar to the member of its key; sizes of memory as people write them, "500MB", "1.5GiB", are part of it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "qctx/base/shown.h"
#include "qctx/base/suggest.h"

typedef struct {
    const char *name;
    double bytes;
} unit;

/* Of two that write a size in equally few letters, the earlier one stands. */
static const unit units[] = {
    {"TB", 1e12},    {"GB", 1e9},     {"MB", 1e6},     {"kB", 1e3}, {"TiB", 0x1p40},
    {"GiB", 0x1p30}, {"MiB", 0x1p20}, {"KiB", 0x1p10}, {"B", 1.0},
};

enum { UNITS = sizeof units / sizeof units[0] };

/* The digits of a size, with at most one point among them: how many letters they take. */
static size_t number_length(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;

    return whole > 0 && part > 0 ? whole + 1 + part : whole;
}

static bool parse_bytes(const char *text, int64_t *bytes)
{
    size_t length = number_length(text);

    *bytes = 0;
    if (strcmp(text, "0") == 0)
        return true;
    for (int u = 0; u < UNITS && length > 0; u++)
        if (strcmp(text + length, units[u].name) == 0) {
            double size = round(strtod(text, NULL) * units[u].bytes);

            /* Doubles hold every whole number up to there. */
            if (size < 1.0 || size > 0x1p53)
                return false;
            *bytes = (int64_t)size;
            return true;
        }
    return false;
}

void qctx_config_write_bytes(FILE *out, int64_t bytes)
{
    int64_t least = bytes;
    int chosen = UNITS - 1;

    if (bytes == 0) {
        fputs("0", out);
        return;
    }
    for (int u = 0; u < UNITS; u++) {
        int64_t one = (int64_t)units[u].bytes;

        if (bytes % one == 0 && bytes / one < least) {
            least = bytes / one;
            chosen = u;
        }
    }
    fprintf(out, "%" PRId64 "%s", least, units[chosen].name);
}

static const char *suggest_bytes(const char *text, char buffer[QCTX_EXPECTED_MAX])
{
    const char *names[UNITS], *near;
    size_t length = number_length(text);
    const char *word = text + length + strspn(text + length, " ");

    for (int u = 0; u < UNITS; u++)
        names[u] = units[u].name;
    if (length == 0 || length > 20)
        return NULL;
    near = *word == '\0' ? "MB" : qctx_suggest(word, names, UNITS);
    for (int u = 0; u < UNITS && near == NULL; u++)
        if (strncasecmp(word, names[u], 1) == 0)
            near = names[u];
    /* Nothing is mended by what was written: a size out of bounds. */
    if (near == NULL || strcmp(text + length, near) == 0)
        return NULL;
    snprintf(buffer, QCTX_EXPECTED_MAX, "%.*s%s", (int)length, text, near);
    return buffer;
}

enum { SHOWN_MAX = 64 };

_Static_assert(sizeof(qctx_head_form) == sizeof(int) && sizeof(qctx_metric) == sizeof(int),
               "choices are stored as int");

static bool in_bounds(const qctx_config_key *key, double value)
{
    return (key->above_least ? value > key->least : value >= key->least) &&
           (key->below_most ? value < key->most : value <= key->most);
}

static bool is_auto(const qctx_config_key *key, const char *text)
{
    return key->may_be_auto && strcmp(text, "auto") == 0;
}

void qctx_config_write_number(FILE *out, double number)
{
    char text[32];
    const char *exponent;

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    exponent = strchr(text, 'e');
    if (exponent != NULL && strchr(text, '.') == NULL)
        fprintf(out, "%.*s.0%s", (int)(exponent - text), text, exponent);
    else
        fputs(text, out);
}

static bool parse_flag(const char *text, bool *value)
{
    *value = strcasecmp(text, "true") == 0;
    return *value || strcasecmp(text, "false") == 0;
}

/*
 * Whether a text stays on one line of any message, file or table: no control characters (C0, DEL, C1), no line or
 * paragraph separator, no byte order mark or other non-character. The text is valid UTF-8.
 */
static bool is_plain_line(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7F || (c[0] == 0xC2 && c[1] < 0xA0))
            return false;
        if (c[0] == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9))
            return false;
        if (c[0] == 0xEF && ((c[1] == 0xBB && c[2] == 0xBF) || (c[1] == 0xBF && c[2] >= 0xBE)))
            return false;
    }
    return true;
}

static bool is_good_text(const qctx_config_key *key, const char *text)
{
    if (text[0] == '\0')
        return key->may_be_empty;
    if (key->type == QCTX_KEY_NAME && (strchr(text, '/') != NULL || strcmp(text, ".") == 0 || strcmp(text, "..") == 0))
        return false;
    return is_plain_line(text);
}

/* Writes the value into the member if the text is right for the key; `*accepted` says whether it was. */
static qctx_status convert(const qctx_config_key *key, const char *text, void *base, bool *accepted, qctx_error *error)
{
    void *member = (char *)base + key->offset;
    int64_t count;
    double number;
    bool flag;
    int choice;
    char *copy;

    switch (key->type) {
    case QCTX_KEY_TEXT:
    case QCTX_KEY_NAME:
        *accepted = is_good_text(key, text);
        if (!*accepted)
            return QCTX_OK;
        copy = qctx_strdup(text, error);
        if (copy == NULL)
            return QCTX_ERR_MEMORY;
        free(*(char **)member);
        *(char **)member = copy;
        return QCTX_OK;
    case QCTX_KEY_COUNT:
        if (is_auto(key, text))
            count = QCTX_CONFIG_AUTO;
        *accepted = is_auto(key, text) || (qctx_yaml_parse_count(text, &count) && in_bounds(key, (double)count));
        if (*accepted)
            *(int64_t *)member = count;
        return QCTX_OK;
    case QCTX_KEY_BYTES:
        *accepted = parse_bytes(text, &count);
        if (*accepted)
            *(int64_t *)member = count;
        return QCTX_OK;
    case QCTX_KEY_NUMBER:
        if (is_auto(key, text))
            number = QCTX_CONFIG_AUTO;
        *accepted = is_auto(key, text) || (qctx_yaml_parse_number(text, &number) && in_bounds(key, number));
        if (*accepted)
            *(double *)member = number;
        return QCTX_OK;
    case QCTX_KEY_FLAG:
        *accepted = parse_flag(text, &flag);
        if (*accepted)
            *(bool *)member = flag;
        return QCTX_OK;
    case QCTX_KEY_CHOICE:
        choice = qctx_name_find(key->choices, text);
        *accepted = choice >= 0;
        if (*accepted)
            memcpy(member, &choice, sizeof choice);
        return QCTX_OK;
    case QCTX_KEY_SOURCES:
    case QCTX_KEY_ENCODERS:
    case QCTX_KEY_NUMBERS:
        break;
    }
    return qctx_fail(error, QCTX_ERR_INTERNAL, "%s is not a single value", key->path);
}

static void complain_value(qctx_config_reader *reader, const qctx_config_key *key, const qctx_yaml *node,
                           const char *path)
{
    char expected[QCTX_EXPECTED_MAX], shown[SHOWN_MAX], size[QCTX_EXPECTED_MAX];
    const char *near = NULL;

    if (key->type == QCTX_KEY_CHOICE)
        near = qctx_suggest(node->text, key->choices, qctx_name_count(key->choices));
    else if (key->type == QCTX_KEY_BYTES)
        near = suggest_bytes(node->text, size);
    qctx_config_expected(key, expected);
    qctx_shown_excerpt(node->text, strlen(node->text), shown, sizeof shown);
    if (near != NULL)
        qctx_config_complain(reader, qctx_config_place_of(reader, node), path,
                             "expected %s, found '%s'; did you mean %s?", expected, shown, near);
    else
        qctx_config_complain(reader, qctx_config_place_of(reader, node), path, "expected %s, found '%s'", expected,
                             shown);
}

qctx_status qctx_config_set(qctx_config_reader *reader, const qctx_config_key *key, void *base, const qctx_yaml *node,
                            const char *path, bool *accepted)
{
    qctx_config_place place = qctx_config_place_of(reader, node);
    bool is_text = key->type == QCTX_KEY_TEXT || key->type == QCTX_KEY_NAME || key->type == QCTX_KEY_CHOICE ||
                   key->type == QCTX_KEY_BYTES;
    char expected[QCTX_EXPECTED_MAX], shown[SHOWN_MAX];
    qctx_status status;

    *accepted = false;
    qctx_config_expected(key, expected);
    if (node->kind != QCTX_YAML_SCALAR) {
        qctx_config_complain(reader, place, path, "expected %s, found a %s", expected,
                             node->kind == QCTX_YAML_MAPPING ? "mapping" : "list");
        return QCTX_OK;
    }
    if (qctx_yaml_is_null(node)) {
        qctx_config_complain(reader, place, path, "expected %s, found no value; leave the key out for its default",
                             expected);
        return QCTX_OK;
    }
    if (node->quoted && !is_text) {
        qctx_config_complain(reader, place, path, "expected %s, found the quoted text '%s'", expected,
                             qctx_shown_excerpt(node->text, strlen(node->text), shown, sizeof shown));
        return QCTX_OK;
    }
    status = convert(key, node->text, base, accepted, &reader->report);
    if (status == QCTX_OK && !*accepted)
        complain_value(reader, key, node, path);
    return status;
}

qctx_status qctx_config_set_default(qctx_config_reader *reader, const qctx_config_key *key, const char *fallback,
                                    void *base)
{
    bool accepted;

    if (fallback == NULL || strcmp(fallback, "[]") == 0)
        return QCTX_OK;
    return convert(key, strcmp(fallback, "\"\"") == 0 ? "" : fallback, base, &accepted, &reader->report);
}
