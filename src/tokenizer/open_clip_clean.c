/* OpenCLIP's cleaning: ftfy line by line, HTML twice, white space, lower case. */
#include "open_clip_clean_internal.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/text/unicode.h"

/* Whether ftfy leaves a line as it is: printable ASCII without a '&'. */
static bool is_plain(const char *line, int64_t length)
{
    for (int64_t i = 0; i < length; i++)
        if ((line[i] < ' ' && line[i] != '\t' && line[i] != '\n' && line[i] != '\f') || line[i] > '~' || line[i] == '&')
            return false;
    return true;
}

/* One round of repairs of a line, in place; `*changed` says whether anything is another than before. */
static qctx_status fix_once(tokenizer_text *line, bool html, bool *changed, qctx_error *error)
{
    tokenizer_text unescaped = {0}, fixed = {0};
    tokenizer_text before = {0};
    char *normal = NULL;
    int64_t normal_length = 0;
    qctx_status status = tokenizer_text_append(&before, line->bytes, line->length, error);

    if (status == QCTX_OK)
        status = html ? clean_unescape_strictly(line, &unescaped, error)
                      : tokenizer_text_append(&unescaped, line->bytes, line->length, error);
    if (status == QCTX_OK)
        status = clean_characters(&unescaped, &fixed, error);
    if (status == QCTX_OK)
        status = qctx_unicode_normalize(QCTX_NFC_WHOLE, fixed.length > 0 ? fixed.bytes : "", fixed.length, &normal,
                                        &normal_length, error);
    if (status != QCTX_OK)
        goto out;
    *changed = normal_length != before.length || memcmp(normal, before.bytes, (size_t)normal_length) != 0;
    line->length = 0;
    status = tokenizer_text_append(line, normal, normal_length, error);
out:
    free(unescaped.bytes);
    free(fixed.bytes);
    free(before.bytes);
    free(normal);
    return status;
}

/* Repairs a line until nothing changes any more, and appends it. */
static qctx_status fix_line(const char *bytes, int64_t length, bool html, tokenizer_text *to, qctx_error *error)
{
    tokenizer_text line = {0};
    bool changed = true;
    qctx_status status = tokenizer_text_append(&line, bytes, length, error);

    while (status == QCTX_OK && changed)
        status = fix_once(&line, html, &changed, error);
    if (status == QCTX_OK)
        status = tokenizer_text_append(to, line.bytes, line.length, error);
    free(line.bytes);
    return status;
}

static qctx_status fix_lines(const char *text, int64_t length, tokenizer_text *to, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    bool html = true;

    for (int64_t at = 0, end; at < length && status == QCTX_OK; at = end) {
        const char *break_at = memchr(text + at, '\n', (size_t)(length - at));

        end = break_at == NULL ? length : break_at - text + 1;
        /* From a '<' on, the text may be HTML itself, whose references ftfy leaves alone. */
        html = html && memchr(text + at, '<', (size_t)(end - at)) == NULL;
        if (is_plain(text + at, end - at))
            status = tokenizer_text_append(to, text + at, end - at, error);
        else
            status = fix_line(text + at, end - at, html, to, error);
    }
    return status;
}

/* Takes the references of HTML that are left out of a text, in place. */
static qctx_status unescape(tokenizer_text *text, qctx_error *error)
{
    tokenizer_text unescaped = {0};
    qctx_status status;

    if (text->length == 0 || memchr(text->bytes, '&', (size_t)text->length) == NULL)
        return QCTX_OK;
    status = clean_unescape_loosely(text, &unescaped, error);
    free(text->bytes);
    *text = unescaped;
    return status;
}

/* One space for each run of white space, none at the ends, in place. */
static void squeeze(tokenizer_text *text)
{
    int64_t kept = 0;
    bool space = false;

    for (int64_t at = 0, next; at < text->length; at = next) {
        uint32_t point;

        next = qctx_unicode_next(text->bytes, text->length, at, &point);
        if (qctx_unicode_is_space(point)) {
            space = kept > 0;
            continue;
        }
        if (space)
            text->bytes[kept++] = ' ';
        space = false;
        memmove(text->bytes + kept, text->bytes + at, (size_t)(next - at));
        kept += next - at;
    }
    text->length = kept;
}

qctx_status tokenizer_open_clip_clean(const char *text, int64_t length, char **cleaned, int64_t *cleaned_length,
                                      qctx_error *error)
{
    tokenizer_text fixed = {0};
    qctx_status status = fix_lines(text, length, &fixed, error);

    *cleaned = NULL;
    *cleaned_length = 0;
    for (int round = 0; round < 2 && status == QCTX_OK; round++)
        status = unescape(&fixed, error);
    if (status != QCTX_OK)
        goto out;
    squeeze(&fixed);
    status =
        qctx_unicode_lower_whole(fixed.length > 0 ? fixed.bytes : "", fixed.length, cleaned, cleaned_length, error);
out:
    free(fixed.bytes);
    return status;
}
