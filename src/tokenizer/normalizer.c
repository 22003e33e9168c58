/* The steps of a normaliser, taken one after the other. */
#include <stdlib.h>
#include <string.h>

#include "normalizer_internal.h"
#include "qctx/text/unicode.h"

void tokenizer_normalizer_destroy(tokenizer_normalizer *normalizer)
{
    if (normalizer == NULL)
        return;
    for (int64_t i = 0; i < normalizer->count; i++) {
        free(normalizer->steps[i].pattern);
        free(normalizer->steps[i].content);
    }
    free(normalizer->steps);
    free(normalizer);
}

static qctx_status normalize(qctx_normal_form form, const tokenizer_text *text, tokenizer_text *result,
                             qctx_error *error)
{
    char *normal = NULL;
    int64_t length = 0;
    qctx_status status = qctx_unicode_normalize(form, text->bytes, text->length, &normal, &length, error);

    if (status == QCTX_OK)
        status = tokenizer_text_set(result, normal, length, error);
    free(normal);
    return status;
}

static qctx_status lower(const tokenizer_text *text, tokenizer_text *result, qctx_error *error)
{
    char *small = NULL;
    int64_t length = 0;
    qctx_status status = qctx_unicode_lower(text->bytes, text->length, &small, &length, error);

    if (status == QCTX_OK)
        status = tokenizer_text_set(result, small, length, error);
    free(small);
    return status;
}

/* Marks as Unicode 9 has them; two letters of Vedic Sanskrit were marks then. */
static bool is_combining(uint32_t point)
{
    if (point < 0x300)
        return false;
    return point == 0x1CF2 || point == 0x1CF3 || (qctx_unicode_is_any_mark(point) && qctx_unicode_age(point) <= 9);
}

static qctx_status strip_marks(const tokenizer_text *text, tokenizer_text *result, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    result->length = 0;
    for (int64_t at = 0, next; at < text->length && status == QCTX_OK; at = next) {
        uint32_t point;

        next = qctx_unicode_next(text->bytes, text->length, at, &point);
        if (!is_combining(point))
            status = tokenizer_text_append(result, text->bytes + at, next - at, error);
    }
    return status;
}

static qctx_status strip_ends(const normalizer_step *step, const tokenizer_text *text, tokenizer_text *result,
                              qctx_error *error)
{
    int64_t first = step->left ? tokenizer_spaces_end(text->bytes, text->length, 0) : 0;
    int64_t end = step->right ? tokenizer_spaces_begin(text->bytes, text->length) : text->length;

    return tokenizer_text_set(result, text->bytes + first, end > first ? end - first : 0, error);
}

static qctx_status replace_text(const normalizer_step *step, const tokenizer_text *text, tokenizer_text *result,
                                qctx_error *error)
{
    int64_t pattern = (int64_t)strlen(step->pattern), content = (int64_t)strlen(step->content), at = 0;
    qctx_status status = QCTX_OK;

    result->length = 0;
    while (status == QCTX_OK && at < text->length) {
        const char *rest = text->bytes + at;
        const char *found = memmem(rest, (size_t)(text->length - at), step->pattern, (size_t)pattern);
        int64_t between = found == NULL ? text->length - at : found - rest;

        status = tokenizer_text_append(result, rest, between, error);
        if (found != NULL && status == QCTX_OK)
            status = tokenizer_text_append(result, step->content, content, error);
        at += between + (found == NULL ? 0 : pattern);
    }
    return status;
}

static qctx_status replace_spaces(const normalizer_step *step, const tokenizer_text *text, tokenizer_text *result,
                                  qctx_error *error)
{
    int64_t content = (int64_t)strlen(step->content), first = 0, at = 0;
    qctx_status status = QCTX_OK;

    result->length = 0;
    while (status == QCTX_OK && at < text->length) {
        int64_t behind = tokenizer_spaces_end(text->bytes, text->length, at);
        uint32_t point;

        if (behind > at) {
            status = tokenizer_text_append(result, text->bytes + first, at - first, error);
            if (status == QCTX_OK)
                status = tokenizer_text_append(result, step->content, content, error);
            first = at = behind;
        } else
            at = qctx_unicode_next(text->bytes, text->length, at, &point);
    }
    if (status == QCTX_OK)
        status = tokenizer_text_append(result, text->bytes + first, at - first, error);
    return status;
}

static qctx_status run_step(const normalizer_step *step, const tokenizer_text *text, tokenizer_text *result,
                            qctx_error *error)
{
    switch (step->kind) {
    case NORMALIZER_BERT:
        return tokenizer_bert_normalize(&step->bert, text, result, error);
    case NORMALIZER_FORM:
        return normalize(step->form, text, result, error);
    case NORMALIZER_LOWER:
        return lower(text, result, error);
    case NORMALIZER_STRIP_MARKS:
        return strip_marks(text, result, error);
    case NORMALIZER_STRIP_ENDS:
        return strip_ends(step, text, result, error);
    case NORMALIZER_REPLACE_TEXT:
        return replace_text(step, text, result, error);
    case NORMALIZER_REPLACE_SPACES:
        return replace_spaces(step, text, result, error);
    }
    return qctx_fail(error, QCTX_ERR_INTERNAL, "an unknown step of a normaliser");
}

qctx_status tokenizer_normalizer_run(const tokenizer_normalizer *normalizer, tokenizer_text *text,
                                     tokenizer_text *spare, qctx_error *error)
{
    for (int64_t i = 0; i < normalizer->count; i++) {
        tokenizer_text before = *text;
        qctx_status status = run_step(&normalizer->steps[i], text, spare, error);

        if (status != QCTX_OK)
            return status;
        *text = *spare;
        *spare = before;
    }
    return QCTX_OK;
}
