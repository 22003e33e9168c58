/* Sizes of memory as people write them: "500MB", "1.5GiB", and 0 for none given. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_internal.h"
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

bool qctx_config_parse_bytes(const char *text, int64_t *bytes)
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

const char *qctx_config_suggest_bytes(const char *text, char buffer[QCTX_EXPECTED_MAX])
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
