/* What stands in nodes: numbers, nothing, and all of it written again on one line. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "qctx/base/shown.h"
#include "qctx/text/yaml.h"

enum { SHOWN_MAX = 160, REASON_MAX = 768 };

/* A leading 0 would be octal to some readers of YAML. */
bool qctx_yaml_parse_count(const char *text, int64_t *value)
{
    const char *digits = text + (*text == '-' || *text == '+');

    if (digits[0] == '\0' || (digits[0] == '0' && digits[1] != '\0') || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    errno = 0;
    *value = strtoll(text, NULL, 10);
    return errno == 0;
}

bool qctx_yaml_parse_number(const char *text, double *value)
{
    char *end;

    if (text[strspn(text, "0123456789+-.eE")] != '\0' || strpbrk(text, "0123456789") == NULL)
        return false;
    *value = strtod(text, &end);
    return *end == '\0' && isfinite(*value);
}

bool qctx_yaml_is_null(const qctx_yaml *node)
{
    return node->kind == QCTX_YAML_SCALAR && !node->quoted &&
           (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0);
}

void qctx_yaml_complain(qctx_error *report, const char *name, int line, int column, const char *path,
                        const char *format, ...)
{
    char reason[REASON_MAX], shown[SHOWN_MAX];
    va_list arguments;

    va_start(arguments, format);
    qctx_shown_vformat(reason, sizeof reason, format, arguments);
    va_end(arguments);
    qctx_shown_excerpt(path, strlen(path), shown, sizeof shown);

    if (report->code == QCTX_OK)
        qctx_fail(report, QCTX_ERR_CONFIG, "%s", "");
    if (line > 0)
        qctx_error_append(report, "%s:%d:%d: %s: %-s", name, line, column, shown, reason);
    else
        qctx_error_append(report, "%s: %s: %-s", name, shown, reason);
}

/* Words that some reader of YAML takes for a boolean or null. */
static bool is_reserved(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* In double quotes; what is not shown as it is, which only hostile files have, as escapes. */
static void write_quoted(FILE *out, const char *text)
{
    const size_t length = strlen(text);

    fputc('"', out);
    for (size_t at = 0; at < length;) {
        const qctx_character c = qctx_character_at(text, length, at);

        if (c.code == '"' || c.code == '\\')
            fprintf(out, "\\%c", (char)c.code);
        else if (c.escaped && c.code >= 0)
            fprintf(out, c.code < 0x80 ? "\\x%02X" : c.code < 0x10000 ? "\\u%04X" : "\\U%08X", (unsigned)c.code);
        else
            fwrite(text + at, 1, c.bytes, out);
        at += c.bytes;
    }
    fputc('"', out);
}

static bool is_shown_as_is(const char *text)
{
    const size_t length = strlen(text);
    size_t at = 0;

    while (at < length) {
        const qctx_character c = qctx_character_at(text, length, at);

        if (c.escaped)
            return false;
        at += c.bytes;
    }
    return true;
}

void qctx_yaml_write_text(FILE *out, const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *c = text;

    while (*c != '\0' && (unsigned char)*c > 0x20 && strchr("#:,[]{}&*!|>'\"%@`\\?=<", *c) == NULL)
        c++;
    if (strspn(text, letters) > 0 && *c == '\0' && !is_reserved(text) && is_shown_as_is(text))
        fputs(text, out);
    else
        write_quoted(out, text);
}

/* A scalar that was written without quotes stays so where that is safe: a number, true, null. */
static void write_scalar(FILE *out, const qctx_yaml *node)
{
    double number;

    if (!node->quoted &&
        (qctx_yaml_parse_number(node->text, &number) || is_reserved(node->text) || strcmp(node->text, "~") == 0))
        fputs(node->text, out);
    else if (node->quoted)
        write_quoted(out, node->text);
    else if (node->text[0] != '\0')
        qctx_yaml_write_text(out, node->text);
}

static void write_node(FILE *out, const qctx_yaml *node)
{
    const bool mapping = node->kind == QCTX_YAML_MAPPING;

    if (node->kind == QCTX_YAML_SCALAR) {
        write_scalar(out, node);
        return;
    }
    fputc(mapping ? '{' : '[', out);
    for (int64_t i = 0; i < node->count; i++) {
        fputs(i > 0 ? ", " : "", out);
        if (mapping) {
            qctx_yaml_write_text(out, node->children[i]->key);
            fputs(": ", out);
        }
        write_node(out, node->children[i]);
    }
    fputc(mapping ? '}' : ']', out);
}

char *qctx_yaml_flow(const qctx_yaml *node, qctx_error *error)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    bool failed = out == NULL;

    if (out != NULL) {
        write_node(out, node);
        failed = ferror(out) != 0;
        failed |= fclose(out) != 0;
    }
    if (failed) {
        qctx_fail(error, QCTX_ERR_MEMORY, "no memory to write a value of YAML");
        free(text);
        return NULL;
    }
    return text;
}
