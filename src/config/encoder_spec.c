#include "qctx/config/encoder_spec.h"

#include <string.h>

#include "qctx/data/context_texts.h"

const char *qctx_encoder_spec_model_setting(const qctx_encoder_spec *spec)
{
    if (spec->precision != QCTX_PRECISION_FLOAT32)
        return "precision";
    if (spec->dim != 0)
        return "dim";
    if (spec->pooling[0] != '\0')
        return "pooling";
    if (strcmp(spec->question_prompt, QCTX_PROMPT_OF_MODEL) != 0)
        return "question_prompt";
    if (strcmp(spec->context_prompt, QCTX_PROMPT_OF_MODEL) != 0)
        return "context_prompt";
    return spec->context_model[0] != '\0' ? "context_model" : NULL;
}

const char *qctx_encoder_entry_field(const qctx_encoder_entry *entry, bool titles)
{
    return entry->field == NULL || strcmp(entry->field, qctx_context_field(titles)) == 0 ? NULL : entry->field;
}

bool qctx_encoder_entries_match(const qctx_encoder_entry *one, const qctx_encoder_entry *other)
{
    const char *a = one->model, *b = other->model;

    while (*a != '\0' && *a == *b)
        a++, b++;
    return a[strspn(a, "/")] == '\0' && b[strspn(b, "/")] == '\0';
}
