/* BertNormalizer: cleaning, spaces around ideographs, accents, lower case. */
#include <stdlib.h>

#include "pipeline.h"
#include "qctx/text/unicode.h"

/* A run of ASCII as one table lookup a byte: 0 where clean_text removes it, else what stands in its place. */
static void fill_table(const tokenizer_bert_settings *settings, unsigned char table[128])
{
    for (unsigned point = 0; point < 128; point++) {
        unsigned char mapped = (unsigned char)point;

        if (settings->clean_text && tokenizer_bert_is_control(point))
            mapped = 0;
        else if (settings->clean_text && (point == '\t' || point == '\n' || point == '\r'))
            mapped = ' ';
        else if (settings->lowercase && point >= 'A' && point <= 'Z')
            mapped = (unsigned char)(point + ('a' - 'A'));
        table[point] = mapped;
    }
}

/* Cleans a character that is not ASCII and sets ideographs apart; returns the bytes written, at most 5. */
static int64_t clean_character(const tokenizer_bert_settings *settings, uint32_t point, char *out)
{
    int64_t written = 0;

    if (settings->clean_text) {
        if (point == 0xFFFD || tokenizer_bert_is_control(point))
            return 0;
        if (qctx_unicode_is_space(point)) {
            out[0] = ' ';
            return 1;
        }
    }
    if (settings->handle_chinese_chars && tokenizer_bert_is_chinese(point)) {
        out[written++] = ' ';
        written += qctx_unicode_put(point, out + written);
        out[written++] = ' ';
        return written;
    }
    return qctx_unicode_put(point, out);
}

/* Cleaning, ideographs, and ASCII's lower case; `*ascii` says whether nothing else is left in the text. */
static qctx_status clean(const tokenizer_bert_settings *settings, const tokenizer_text *text, tokenizer_text *result,
                         bool *ascii, qctx_error *error)
{
    unsigned char table[128];
    int64_t at = 0;
    char *out;
    qctx_status status;

    /* An ideograph of three bytes grows to five, which is the most that anything grows. */
    result->length = 0;
    status = tokenizer_text_reserve(result, 2 * text->length, error);
    if (status != QCTX_OK)
        return status;
    fill_table(settings, table);
    out = result->bytes;
    *ascii = true;
    while (at < text->length) {
        unsigned char byte = (unsigned char)text->bytes[at];
        uint32_t point;

        if (byte < 128) {
            *out = (char)table[byte];
            out += table[byte] != 0 || !settings->clean_text;
            at++;
            continue;
        }
        at = qctx_unicode_next(text->bytes, text->length, at, &point);
        out += clean_character(settings, point, out);
        *ascii = false;
    }
    result->length = out - result->bytes;
    return QCTX_OK;
}

/* Decomposes the text and drops the accents. */
static qctx_status strip_accents(tokenizer_text *text, qctx_error *error)
{
    char *decomposed = NULL;
    int64_t length, at = 0;
    qctx_status status = qctx_unicode_normalize(QCTX_NFD, text->bytes, text->length, &decomposed, &length, error);

    if (status != QCTX_OK)
        return status;
    text->length = 0;
    status = tokenizer_text_reserve(text, length, error);
    while (status == QCTX_OK && at < length) {
        uint32_t point;

        at = qctx_unicode_next(decomposed, length, at, &point);
        if (point < 0x300 || !tokenizer_bert_is_accent(point))
            text->length += qctx_unicode_put(point, text->bytes + text->length);
    }
    free(decomposed);
    return status;
}

qctx_status tokenizer_bert_normalize(const tokenizer_bert_settings *settings, const tokenizer_text *text,
                                     tokenizer_text *result, qctx_error *error)
{
    bool ascii;
    char *lower = NULL;
    int64_t length;
    qctx_status status = clean(settings, text, result, &ascii, error);

    if (status != QCTX_OK || ascii)
        return status;
    if (settings->strip_accents)
        status = strip_accents(result, error);
    if (status != QCTX_OK || !settings->lowercase)
        return status;
    status = qctx_unicode_lower(result->bytes, result->length, &lower, &length, error);
    if (status == QCTX_OK)
        status = tokenizer_text_set(result, lower, length, error);
    free(lower);
    return status;
}
