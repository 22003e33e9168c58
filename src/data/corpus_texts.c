/* A corpus made from texts in memory. */
#include <stdio.h>
#include <string.h>

#include "corpus_internal.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

static qctx_status take_text(qctx_corpus *corpus, const char *text, qctx_error *error)
{
    qctx_arena *texts = &corpus->memory->texts;
    qctx_context *context = &corpus->contexts[corpus->context_count];
    char id[32];
    const int length = snprintf(id, sizeof id, "%lld", (long long)corpus->context_count + 1);

    context->title = "";
    context->id = qctx_arena_text(texts, id, (size_t)length, error);
    context->text = context->id == NULL ? NULL : qctx_arena_text(texts, text, strlen(text), error);
    if (context->text == NULL)
        return QCTX_ERR_MEMORY;
    corpus->context_count++;
    corpus->fingerprint = qctx_hash_text(text, corpus->fingerprint);
    return QCTX_OK;
}

qctx_status qctx_corpus_of_texts(const char *name, const char *const *texts, int64_t count, qctx_corpus **made,
                                 qctx_error *error)
{
    qctx_corpus *corpus = qctx_alloc(1, sizeof *corpus, "a corpus", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (corpus == NULL)
        return status;
    corpus->memory = qctx_alloc(1, sizeof *corpus->memory, "a corpus", error);
    corpus->contexts = qctx_alloc(count, sizeof *corpus->contexts, "contexts", error);
    if (corpus->memory != NULL && corpus->contexts != NULL) {
        corpus->folder = qctx_arena_text(&corpus->memory->texts, name, strlen(name), error);
        status = corpus->folder == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        status = take_text(corpus, texts[i], error);
    if (status != QCTX_OK) {
        qctx_corpus_destroy(corpus);
        return status;
    }
    *made = corpus;
    return QCTX_OK;
}
