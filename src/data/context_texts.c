#include "qctx/data/context_texts.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/text/text.h"

char *qctx_context_text_join(const char *title, const char *text, qctx_error *error)
{
    char *joined = qctx_format(error, "%s %s", title, text);
    qctx_span inside;

    if (joined == NULL)
        return NULL;
    inside = qctx_text_trim(joined, 0, (int64_t)strlen(joined));
    memmove(joined, joined + inside.first, (size_t)(inside.end - inside.first));
    joined[inside.end - inside.first] = '\0';
    return joined;
}

/* A context that is nothing but a title has it in the place of its text already. */
static bool has_both(const qctx_context *context)
{
    return context->title[0] != '\0' && context->text != context->title;
}

static qctx_status join(const qctx_context *context, qctx_arena *arena, const char **kept, qctx_error *error)
{
    char *joined = qctx_context_text_join(context->title, context->text, error);

    if (joined != NULL && joined[0] != '\0')
        *kept = qctx_arena_text(arena, joined, strlen(joined), error);
    else
        *kept = joined != NULL ? context->text : NULL; /* nothing but white space, which encoders get as it is */
    free(joined);
    return *kept == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

qctx_status qctx_context_texts_make(const qctx_corpus *corpus, bool titles, qctx_context_texts *texts,
                                    qctx_error *error)
{
    qctx_status status = QCTX_OK;

    *texts = (qctx_context_texts){0};
    texts->items = qctx_alloc(corpus->context_count, sizeof *texts->items, "texts of contexts", error);
    if (texts->items == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < corpus->context_count && status == QCTX_OK; i++) {
        const qctx_context *context = &corpus->contexts[i];

        texts->items[i] = context->text;
        if (titles && has_both(context))
            status = join(context, &texts->joined, &texts->items[i], error);
    }
    return status;
}

void qctx_context_texts_free(qctx_context_texts *texts)
{
    free(texts->items);
    qctx_arena_free(&texts->joined);
    *texts = (qctx_context_texts){0};
}

bool qctx_context_texts_differ(const qctx_corpus *corpus, bool titles)
{
    for (int64_t i = 0; titles && i < corpus->context_count; i++)
        if (corpus->contexts[i].title[0] != '\0')
            return true;
    return false;
}

uint64_t qctx_context_texts_fingerprint(const qctx_corpus *corpus, bool titles)
{
    if (!qctx_context_texts_differ(corpus, titles))
        return corpus->fingerprint;
    return qctx_hash_text("titles and texts", corpus->fingerprint);
}
