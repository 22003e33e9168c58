#include "qctx/text/json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/shown.h"

/* Some editors begin a UTF-8 file with a byte order mark; JSON does not know it. */
static size_t byte_order_mark(const char *text, size_t bytes)
{
    return bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/*
 * Python writes integers of any length, and jansson refuses a file for one that 64 bits do not hold
 * ("model_max_length": 1000000000000000019884624838656). Outside of strings, the last digits of one that cannot fit
 * become an exponent, so that it is read as a number, of the same size up to the seventeenth digit.
 */
static void shorten_integers(char *text, size_t bytes)
{
    enum { FITS = 19, EXPONENT = 4 };
    bool in_string = false;
    size_t digits = 0;

    for (size_t i = 0; i <= bytes; i++) {
        if (!in_string && i < bytes && text[i] >= '0' && text[i] <= '9') {
            digits++;
            continue;
        }
        if (digits > FITS && text[i] != '.' && text[i] != 'e' && text[i] != 'E' &&
            !(i > digits && strchr(".eE+", text[i - digits - 1]) != NULL))
            memcpy(text + i - EXPONENT, "e004", EXPONENT);
        digits = 0;
        if (in_string && i < bytes && text[i] == '\\')
            i++;
        else if (i < bytes && text[i] == '"')
            in_string = !in_string;
    }
}

const char *qctx_json_type(const json_t *value)
{
    if (value == NULL)
        return "nothing";
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        return "null";
    }
    return "an unknown value";
}

static qctx_status parse(const char *text, size_t bytes, size_t flags, const char *place, json_t **root,
                         qctx_error *error)
{
    json_error_t problem;

    *root = json_loadb(text, bytes, JSON_DECODE_ANY | flags, &problem);
    if (*root == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s:%d: not valid JSON: %s", place, problem.column, problem.text);
    return QCTX_OK;
}

static qctx_status parse_document(const char *text, size_t bytes, const char *path, json_t **root, qctx_error *error)
{
    json_error_t problem;

    *root = json_loadb(text, bytes, JSON_DECODE_ANY, &problem);
    if (*root != NULL)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s:%d:%d: not valid JSON: %s", path, problem.line, problem.column, problem.text);
    return qctx_hint(error, "check that the file is complete and is JSON in UTF-8");
}

/* Frees `text`. */
static qctx_status parse_file(char *text, size_t bytes, const char *path, json_t **root, qctx_error *error)
{
    qctx_status status;
    size_t skipped;

    if (bytes == 0) {
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: the file is empty, expected JSON", path);
    } else {
        skipped = byte_order_mark(text, bytes);
        shorten_integers(text, bytes);
        status = parse_document(text + skipped, bytes - skipped, path, root, error);
    }
    free(text);
    return status;
}

qctx_status qctx_json_load_file(const char *path, json_t **root, qctx_error *error)
{
    char *text = NULL;
    size_t bytes;
    qctx_status status = qctx_file_read(path, &text, &bytes, error);

    return status == QCTX_OK ? parse_file(text, bytes, path, root, error) : status;
}

qctx_status qctx_json_load_inside(const char *path, json_t **root, qctx_error *error)
{
    char *text = NULL;
    size_t bytes;
    qctx_status status = qctx_file_read_inside(path, &text, &bytes, error);

    return status == QCTX_OK ? parse_file(text, bytes, path, root, error) : status;
}

/* The code unit of an escape "\uXXXX" at `at`, or −1. */
static long escaped_unit(const char *at, const char *end)
{
    char digits[5] = {0};
    char *last;
    long unit;

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    memcpy(digits, at + 2, 4);
    unit = strtol(digits, &last, 16);
    return last == digits + 4 && digits[0] != '-' && digits[0] != '+' && digits[0] != ' ' ? unit : -1;
}

/* Copies the escape at `*from` to `*to`, mended. */
static void mend_escape(const char **from, const char *end, char **to, qctx_json_mends *mends)
{
    long unit = escaped_unit(*from, end), next = unit < 0 ? -1 : escaped_unit(*from + 6, end);
    bool pair = unit >= 0xD800 && unit <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF;
    size_t length = pair ? 12 : unit >= 0 ? 6 : end - *from < 2 ? 1 : 2;

    memcpy(*to, *from, length);
    if (unit == 0) {
        mends->nuls++;
        memcpy(*to, "\\u0020", length);
    } else if (!pair && unit >= 0xD800 && unit <= 0xDFFF) {
        mends->surrogates++;
        memcpy(*to, "\\uFFFD", length);
    }
    *from += length;
    *to += length;
}

/* The length of a name of a number that JSON does not have, or 0. */
static size_t odd_number(const char *at, const char *end)
{
    static const char *const names[] = {"NaN", "Infinity", "-Infinity"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i]);

        if ((size_t)(end - at) >= length && memcmp(at, names[i], length) == 0)
            return length;
    }
    return 0;
}

/* Writes the text, mended, to `to`, which has room for twice as much; returns the bytes written. */
static size_t mend(const char *from, size_t bytes, char *to, qctx_json_mends *mends)
{
    const char *end = from + bytes;
    char *first = to;
    bool in_string = false;

    while (from < end) {
        size_t odd = in_string ? 0 : odd_number(from, end);

        if (in_string && *from == '\\') {
            mend_escape(&from, end, &to, mends);
        } else if (odd > 0) {
            memcpy(to, "null", 4);
            to += 4;
            from += odd;
            mends->numbers++;
        } else {
            in_string = in_string != (*from == '"');
            *to++ = *from++;
        }
    }
    return (size_t)(to - first);
}

/* Parses a text in which no key of an object is given twice; `*doubled` says whether one is, which is no error then. */
static qctx_status parse_once(const char *text, size_t bytes, const char *place, bool document, bool *doubled,
                              json_t **root, qctx_error *error)
{
    json_error_t problem;

    *doubled = false;
    *root = json_loadb(text, bytes, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &problem);
    if (*root == NULL)
        *doubled = json_error_code(&problem) == json_error_duplicate_key;
    if (*root != NULL || *doubled)
        return QCTX_OK;
    return document ? parse_document(text, bytes, place, root, error) : parse(text, bytes, 0, place, root, error);
}

/* As Python reads it, of keys that are given twice the last; `mends` counts the text, or it is refused. */
static qctx_status parse_either(const char *text, size_t bytes, const char *place, bool document, json_t **root,
                                qctx_json_mends *mends, qctx_error *error)
{
    bool doubled;
    qctx_status status = parse_once(text, bytes, place, document, &doubled, root, error);

    if (status != QCTX_OK || !doubled)
        return status;
    if (mends == NULL)
        return parse(text, bytes, JSON_REJECT_DUPLICATES, place, root, error);
    mends->doubled++;
    return document ? parse_document(text, bytes, place, root, error) : parse(text, bytes, 0, place, root, error);
}

qctx_status qctx_json_parse_python(const char *text, size_t bytes, const char *place, bool document, json_t **root,
                                   qctx_json_mends *mends, qctx_error *error)
{
    qctx_json_mends found = {0};
    qctx_status status = parse_either(text, bytes, place, document, root, mends, error);
    size_t length = bytes;
    char *mended;

    if (status == QCTX_OK)
        return status;
    mended = malloc(2 * bytes + 1);
    if (mended == NULL)
        return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for a text of %zu bytes", 2 * bytes + 1);
    if (mends != NULL)
        length = mend(text, bytes, mended, &found);
    else
        memcpy(mended, text, bytes);
    shorten_integers(mended, length);
    /* A text that stays malformed is reported as it was: places in the mended one would be others. */
    if (parse_either(mended, length, place, document, root, mends == NULL ? NULL : &found, NULL) == QCTX_OK) {
        status = QCTX_OK;
        if (mends != NULL) {
            mends->numbers += found.numbers;
            mends->surrogates += found.surrogates;
            mends->nuls += found.nuls;
            mends->doubled += found.doubled;
        }
    }
    free(mended);
    return status;
}

qctx_status qctx_json_parse(const char *text, size_t bytes, const char *place, json_t **root, qctx_error *error)
{
    return parse(text, bytes, 0, place, root, error);
}

qctx_status qctx_json_parse_unique(const char *text, size_t bytes, const char *place, json_t **root, qctx_error *error)
{
    return parse(text, bytes, JSON_REJECT_DUPLICATES, place, root, error);
}

static qctx_status wrong_type(const json_t *object, const char *key, const char *expected, const char *place,
                              qctx_error *error)
{
    const json_t *found = json_object_get(object, key);

    if (!json_is_object(object))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an object with the key '%s'", place,
                         qctx_json_type(object), key);
    if (found == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the key '%s' is missing, expected %s", place, key, expected);
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %s, expected %s", place, key, qctx_json_type(found),
                     expected);
}

qctx_status qctx_json_get_string(const json_t *object, const char *key, const char *fallback, const char *place,
                                 const char **value, qctx_error *error)
{
    const json_t *found = json_object_get(object, key);

    if (fallback != NULL && json_is_object(object) && (found == NULL || json_is_null(found))) {
        *value = fallback;
        return QCTX_OK;
    }
    if (!json_is_string(found))
        return wrong_type(object, key, "a string", place, error);
    *value = json_string_value(found);
    return QCTX_OK;
}

qctx_status qctx_json_get_number(const json_t *object, const char *key, const char *place, double *value,
                                 qctx_error *error)
{
    const json_t *found = json_object_get(object, key);

    if (!json_is_number(found))
        return wrong_type(object, key, "a number", place, error);
    *value = json_number_value(found);
    return QCTX_OK;
}

qctx_status qctx_json_get_array(const json_t *object, const char *key, const char *place, json_t **value,
                                qctx_error *error)
{
    json_t *found = json_object_get(object, key);

    if (!json_is_array(found))
        return wrong_type(object, key, "an array", place, error);
    *value = found;
    return QCTX_OK;
}

qctx_status qctx_json_get_bool(const json_t *object, const char *key, bool fallback, const char *place, bool *value,
                               qctx_error *error)
{
    const json_t *found = json_object_get(object, key);

    *value = fallback;
    if (found == NULL || json_is_null(found))
        return QCTX_OK;
    if (!json_is_boolean(found))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %s, expected a boolean", place, key,
                         qctx_json_type(found));
    *value = json_is_true(found);
    return QCTX_OK;
}

qctx_status qctx_json_get_integer(const json_t *object, const char *key, int64_t fallback, int64_t least, int64_t most,
                                  const char *place, int64_t *value, qctx_error *error)
{
    const json_t *found = json_object_get(object, key);

    *value = fallback;
    if (found == NULL || json_is_null(found))
        return QCTX_OK;
    if (!json_is_integer(found))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %s, expected an integer", place, key,
                         qctx_json_type(found));
    *value = json_integer_value(found);
    if (*value < least || *value > most)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %lld, expected %lld to %lld", place, key,
                         (long long)*value, (long long)least, (long long)most);
    return QCTX_OK;
}

/* Outside of strings there are line ends and ASCII alone; within them C0 is escaped already. */
static void print_character(const qctx_character *c, const char *bytes, FILE *out)
{
    if (!c->escaped || c->code < 0x20)
        fwrite(bytes, 1, c->bytes, out);
    else if (c->code < 0x10000)
        fprintf(out, "\\u%04X", (unsigned)c->code);
    else
        fprintf(out, "\\u%04X\\u%04X", 0xD7C0u + ((unsigned)c->code >> 10), 0xDC00u + ((unsigned)c->code & 0x3FF));
}

bool qctx_json_print(const json_t *value, size_t flags, FILE *out)
{
    char *text = json_dumps(value, flags);
    const size_t length = text == NULL ? 0 : strlen(text);
    const bool printed = text != NULL;

    for (size_t at = 0; at < length;) {
        const qctx_character c = qctx_character_at(text, length, at);

        print_character(&c, text + at, out);
        at += c.bytes;
    }
    free(text);
    return printed && !ferror(out);
}

char *qctx_json_format(const json_t *value, size_t flags, qctx_error *error)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    bool printed = out != NULL && qctx_json_print(value, flags, out);

    printed = (out == NULL || fclose(out) == 0) && printed;
    if (printed)
        return text;
    qctx_fail(error, QCTX_ERR_INTERNAL, "a value could not be written as JSON (out of memory, or not UTF-8)");
    free(text);
    return NULL;
}

char *qctx_json_dump(const json_t *value, qctx_error *error)
{
    return qctx_json_format(value, JSON_COMPACT | JSON_ENCODE_ANY, error);
}
