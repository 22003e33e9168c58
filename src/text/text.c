/* What ICU's break iterator and normaliser do: sentences, case folding. */
#include "qctx/text/text.h"

#include <stdlib.h>
#include <unicode/ubrk.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utext.h>

#include "qctx/base/mem.h"
#include "text_internal.h"

struct qctx_text {
    UBreakIterator *sentences;
    UText *view; /* of the text that is being divided */
    const UNormalizer2 *casefold;
    UChar *wide, *normal; /* UTF-16 before and after folding */
    int64_t wide_capacity, normal_capacity;
    char *folded;
    int64_t folded_capacity;
};

static qctx_status icu_failed(const char *what, UErrorCode code, qctx_error *error)
{
    if (code == U_MEMORY_ALLOCATION_ERROR)
        return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory while %s", what);
    return qctx_fail(error, QCTX_ERR_INTERNAL, "ICU failed while %s: %s", what, u_errorName(code));
}

qctx_status qctx_text_create(qctx_text **created, qctx_error *error)
{
    qctx_text *text = qctx_alloc(1, sizeof *text, "text analysis", error);
    UErrorCode code = U_ZERO_ERROR;

    if (text == NULL)
        return QCTX_ERR_MEMORY;
    /* The root locale, so that no user's locale changes what a corpus is made of. */
    text->sentences = ubrk_open(UBRK_SENTENCE, "", NULL, 0, &code);
    text->casefold = unorm2_getNFKCCasefoldInstance(&code);
    if (U_FAILURE(code)) {
        qctx_text_destroy(text);
        return icu_failed("opening its break rules and normal forms", code, error);
    }
    *created = text;
    return QCTX_OK;
}

void qctx_text_destroy(qctx_text *text)
{
    if (text == NULL)
        return;
    ubrk_close(text->sentences);
    utext_close(text->view);
    free(text->wide);
    free(text->normal);
    free(text->folded);
    free(text);
}

qctx_status qctx_text_sentences(qctx_text *text, const char *bytes, size_t length, qctx_spans *spans, qctx_error *error)
{
    UErrorCode code = U_ZERO_ERROR;
    qctx_status status = QCTX_OK;
    int32_t first = 0;

    spans->count = 0;
    if (length > INT32_MAX)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "a text of %zu bytes is too long to divide into sentences", length);
    text->view = utext_openUTF8(text->view, bytes, (int64_t)length, &code);
    ubrk_setUText(text->sentences, text->view, &code);
    if (U_FAILURE(code))
        return icu_failed("looking for sentences", code, error);
    for (int32_t end = ubrk_next(text->sentences); end != UBRK_DONE && status == QCTX_OK;
         end = ubrk_next(text->sentences)) {
        qctx_span sentence = qctx_text_trim(bytes, first, end);
        qctx_span *last = spans->count > 0 ? &spans->items[spans->count - 1] : NULL;

        if (sentence.first < sentence.end && last != NULL &&
            text_ends_in_abbreviation(bytes, length, last, sentence.first))
            last->end = sentence.end;
        else if (sentence.first < sentence.end)
            status = text_add_span(spans, sentence.first, sentence.end, error);
        first = end;
    }
    return status;
}

/* The common case: ASCII letters fold by themselves. Returns false at the first other byte. */
static bool fold_ascii(const char *bytes, size_t length, char *folded)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)bytes[i] >= 0x80)
            return false;
        folded[i] = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] + ('a' - 'A') : bytes[i]);
    }
    return true;
}

static qctx_status reserve_fold(qctx_text *text, int64_t wide, int64_t normal, int64_t folded, qctx_error *error)
{
    qctx_status status =
        qctx_grow((void **)&text->wide, &text->wide_capacity, wide, sizeof(UChar), "text folding", error);

    if (status == QCTX_OK)
        status =
            qctx_grow((void **)&text->normal, &text->normal_capacity, normal, sizeof(UChar), "text folding", error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&text->folded, &text->folded_capacity, folded, 1, "text folding", error);
    return status;
}

static int32_t at_most_int32(int64_t count)
{
    return (int32_t)(count < INT32_MAX ? count : INT32_MAX);
}

qctx_status qctx_text_fold(qctx_text *text, const char *bytes, size_t length, const char **folded,
                           size_t *folded_length, qctx_error *error)
{
    UErrorCode code = U_ZERO_ERROR;
    int32_t wide_length, normal_length, out_length;
    qctx_status status;

    /* One code point grows to 18 UTF-16 units at most, each of 3 bytes at most; typical texts do not grow. */
    if (length > INT32_MAX / 64)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "a text of %zu bytes is too long to be folded", length);
    status = reserve_fold(text, (int64_t)length + 1, (int64_t)length + 64, (int64_t)length + 64, error);
    if (status != QCTX_OK)
        return status;
    *folded = text->folded;
    *folded_length = length;
    if (fold_ascii(bytes, length, text->folded))
        return QCTX_OK;

    u_strFromUTF8(text->wide, at_most_int32(text->wide_capacity), &wide_length, bytes, (int32_t)length, &code);
    if (U_FAILURE(code))
        return icu_failed("folding a text", code, error);
    normal_length = unorm2_normalize(text->casefold, text->wide, wide_length, text->normal,
                                     at_most_int32(text->normal_capacity), &code);
    if (code == U_BUFFER_OVERFLOW_ERROR) {
        code = U_ZERO_ERROR;
        status = reserve_fold(text, 0, (int64_t)normal_length + 1, 0, error);
        if (status != QCTX_OK)
            return status;
        normal_length = unorm2_normalize(text->casefold, text->wide, wide_length, text->normal,
                                         at_most_int32(text->normal_capacity), &code);
    }
    if (U_FAILURE(code))
        return icu_failed("folding a text", code, error);
    status = reserve_fold(text, 0, 0, (int64_t)normal_length * 3 + 1, error);
    if (status != QCTX_OK)
        return status;
    u_strToUTF8(text->folded, at_most_int32(text->folded_capacity), &out_length, text->normal, normal_length, &code);
    if (U_FAILURE(code))
        return icu_failed("folding a text", code, error);
    *folded = text->folded;
    *folded_length = (size_t)out_length;
    return QCTX_OK;
}
