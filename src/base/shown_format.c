/* qctx_shown_vformat: printf's conversions one by one, so that each text is shown as such. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/shown.h"
#include "shown_internal.h"

/* What is written: `used` bytes of `size`, the last of which is for the NUL. */
typedef struct {
    char *buffer;
    size_t size, used;
    bool full; /* something did not fit, and nothing follows it */
} output;

/* A conversion such as "%-*.3lld". */
typedef struct {
    char flags[8];
    int width;     /* 0: none; below 0: its size, and what is printed stands left */
    int precision; /* −1: none */
    bool cuts;     /* the precision is a bound, as in "%.100s"; "%.*s" names a piece of a text */
    char length;   /* of the type: 'H' hh, 'h', 'l', 'L' ll or L, 'z', 'j', 't', or 0 */
    char kind;
} conversion;

static void add(output *out, const char *bytes, size_t length)
{
    out->full = out->full || out->used + length >= out->size;
    if (out->full)
        return;
    memcpy(out->buffer + out->used, bytes, length);
    out->used += length;
}

/* A text as it is shown; with `lines` its line ends stay. */
static void add_text(output *out, const char *text, size_t length, bool lines)
{
    shown_text piece;

    for (size_t at = 0; at < length && !out->full;) {
        if (lines && text[at] == '\n') {
            add(out, &text[at++], 1);
            continue;
        }
        at += shown_piece(text, length, at, &piece);
        add(out, piece.bytes, piece.length);
    }
}

static void add_blanks(output *out, int64_t count)
{
    for (; count > 0; count--)
        add(out, " ", 1);
}

/* The part of a format between whole characters, as it stands there. */
static const char *add_literal(output *out, const char *format)
{
    const size_t length = strcspn(format, "%");

    for (size_t at = 0; at < length;) {
        const size_t bytes = qctx_character_at(format, length, at).bytes;

        add(out, format + at, bytes);
        at += bytes;
    }
    return format + length;
}

/* A va_list, which a function can take by its address. */
typedef struct {
    va_list list;
} arguments_left;

static int read_number(const char **at, arguments_left *arguments)
{
    if (**at == '*') {
        (*at)++;
        return va_arg(arguments->list, int);
    }
    return (int)strtol(*at, (char **)at, 10);
}

/* Reads what stands behind the '%'. */
static conversion read_conversion(const char **format, arguments_left *arguments)
{
    conversion read = {.precision = -1};
    const char *at = *format;
    const size_t flags = strspn(at, "-+ #0'");

    memcpy(read.flags, at, flags < sizeof read.flags ? flags : sizeof read.flags - 1);
    at += flags;
    if (*at == '*' || (*at >= '1' && *at <= '9'))
        read.width = read_number(&at, arguments);
    if (*at == '.') {
        at++;
        read.cuts = *at != '*';
        read.precision = read_number(&at, arguments);
    }
    if (*at != '\0' && strchr("hlLzjt", *at) != NULL) {
        read.length = *at++;
        if (*at == read.length) {
            read.length = read.length == 'h' ? 'H' : 'L';
            at++;
        }
    }
    read.kind = *at;
    *format = at + (*at != '\0');
    return read;
}

/* Without the beginning of a character that a bound has cut. */
static size_t without_torn(const char *text, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        const unsigned char byte = (unsigned char)text[length - back];
        const size_t bytes = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;

        if (byte < 0x80 || byte >= 0xC0)
            return bytes > back ? length - back : length;
    }
    return length;
}

/* Cut to the precision behind a whole character, padded to the width. */
static void add_padded(output *out, const conversion *how, const char *text)
{
    const bool left = strchr(how->flags, '-') != NULL || how->width < 0;
    const int64_t width = how->width < 0 ? -(int64_t)how->width : how->width;
    const size_t most = how->precision < 0 ? strlen(text) : strnlen(text, (size_t)how->precision);
    const size_t length = how->cuts && most == (size_t)how->precision ? without_torn(text, most) : most;
    const int64_t columns = width > 0 ? qctx_shown_columns(text, length) : 0;

    if (!left)
        add_blanks(out, width - columns);
    add_text(out, text, length, left && how->width == 0);
    if (left)
        add_blanks(out, width - columns);
}

static intmax_t next_integer(const conversion *how, arguments_left *arguments)
{
    switch (how->length) {
    case 'l':
        return va_arg(arguments->list, long);
    case 'L':
        return va_arg(arguments->list, long long);
    case 'z':
        return (intmax_t)va_arg(arguments->list, size_t);
    case 'j':
        return va_arg(arguments->list, intmax_t);
    case 't':
        return va_arg(arguments->list, ptrdiff_t);
    default:
        return va_arg(arguments->list, int);
    }
}

static uintmax_t next_unsigned(const conversion *how, arguments_left *arguments)
{
    return how->length == 0 || how->length == 'h' || how->length == 'H' ? va_arg(arguments->list, unsigned)
                                                                        : (uintmax_t)next_integer(how, arguments);
}

/* Numbers go through snprintf by a conversion that is put together again. */
static void add_number(output *out, const conversion *how, arguments_left *arguments)
{
    char spec[24], text[512];

    if (strchr("diuoxX", how->kind) != NULL)
        snprintf(spec, sizeof spec, "%%%s*.*j%c", how->flags, how->kind);
    else
        snprintf(spec, sizeof spec, "%%%s*.*%s%c", how->flags, how->length == 'L' ? "L" : "", how->kind);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (how->kind == 'd' || how->kind == 'i')
        snprintf(text, sizeof text, spec, how->width, how->precision, next_integer(how, arguments));
    else if (strchr("uoxX", how->kind) != NULL)
        snprintf(text, sizeof text, spec, how->width, how->precision, next_unsigned(how, arguments));
    else if (how->length == 'L')
        snprintf(text, sizeof text, spec, how->width, how->precision, va_arg(arguments->list, long double));
    else
        snprintf(text, sizeof text, spec, how->width, how->precision, va_arg(arguments->list, double));
#pragma GCC diagnostic pop
    add(out, text, strlen(text));
}

static void add_conversion(output *out, const conversion *how, arguments_left *arguments)
{
    const char *text;
    char single[2] = {0};

    switch (how->kind) {
    case '%':
        add(out, "%", 1);
        break;
    case 'c':
        single[0] = (char)va_arg(arguments->list, int);
        add_padded(out, &(conversion){.width = how->width, .precision = 1}, single);
        break;
    case 's':
        text = va_arg(arguments->list, const char *);
        add_padded(out, how, text == NULL ? "(null)" : text);
        break;
    default:
        add_number(out, how, arguments);
        break;
    }
}

void qctx_shown_vformat(char *buffer, size_t size, const char *format, va_list arguments)
{
    output out = {.buffer = buffer, .size = size};
    arguments_left left;

    va_copy(left.list, arguments);
    while (*format != '\0' && !out.full) {
        format = add_literal(&out, format);
        if (*format == '%') {
            format++;
            const conversion how = read_conversion(&format, &left);

            add_conversion(&out, &how, &left);
        }
    }
    va_end(left.list);
    buffer[out.used] = '\0';
}

void qctx_shown_print(FILE *out, const char *format, ...)
{
    char text[1 << 13];
    va_list arguments;

    va_start(arguments, format);
    qctx_shown_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    fputs(text, out);
}
