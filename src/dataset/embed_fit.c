/* What an encoder learns from, and the encoder that a store remembers. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/data/context_texts.h"
#include "qctx/dataset/embed.h"

/* Marks the contexts of one source; `wanted` [context_count]. */
static void mark_source(const qctx_fit_source *source, bool *wanted)
{
    const qctx_split *split = source->split == NULL ? NULL : qctx_corpus_split(source->corpus, source->split, NULL);

    if (split == NULL) {
        if (source->split != NULL)
            qctx_info("the encoder learns from all %lld contexts of a corpus that has no split '%s'",
                      (long long)source->corpus->context_count, source->split);
        memset(wanted, true, (size_t)source->corpus->context_count * sizeof *wanted);
        return;
    }
    for (int64_t i = 0; i < split->offsets[split->count]; i++)
        if (split->contexts[i] != QCTX_ABSENT)
            wanted[split->contexts[i]] = true;
}

/* What an encoder learns from, of all corpora. */
typedef struct {
    qctx_context_texts *corpora; /* [sources]; of a corpus that is named twice the first one */
    const char **texts;          /* into them */
    int64_t count;
} lessons;

/* Appends the texts of the corpus of sources[index], of all sources that name it. */
static qctx_status collect_corpus(const qctx_fit_source *sources, int64_t count, int64_t index, bool titles,
                                  lessons *collected, qctx_error *error)
{
    const qctx_corpus *corpus = sources[index].corpus;
    qctx_context_texts *seen = &collected->corpora[index];
    bool *wanted;
    qctx_status status = qctx_context_texts_make(corpus, qctx_context_field(titles), seen, error);

    if (status != QCTX_OK)
        return status;
    wanted = qctx_alloc(corpus->context_count, sizeof *wanted, "contexts to learn from", error);
    if (wanted == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = index; i < count; i++)
        if (sources[i].corpus == corpus)
            mark_source(&sources[i], wanted);
    for (int64_t i = 0; i < corpus->context_count; i++)
        if (wanted[i])
            collected->texts[collected->count++] = seen->items[i];
    free(wanted);
    return QCTX_OK;
}

static bool named_before(const qctx_fit_source *sources, int64_t index)
{
    for (int64_t i = 0; i < index; i++)
        if (sources[i].corpus == sources[index].corpus)
            return true;
    return false;
}

static qctx_status collect(const qctx_fit_source *sources, int64_t count, bool titles, lessons *collected,
                           qctx_error *error)
{
    qctx_status status = QCTX_OK;
    int64_t room = 0;

    for (int64_t i = 0; i < count; i++)
        room += named_before(sources, i) ? 0 : sources[i].corpus->context_count;
    collected->corpora = qctx_alloc(count, sizeof *collected->corpora, "texts to learn from", error);
    collected->texts = qctx_alloc(room, sizeof *collected->texts, "texts to learn from", error);
    if (collected->corpora == NULL || collected->texts == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        if (!named_before(sources, i))
            status = collect_corpus(sources, count, i, titles, collected, error);
    return status;
}

qctx_status qctx_embed_fit(qctx_comm *comm, qctx_encoder *encoder, const qctx_fit_source *sources, int64_t count,
                           bool titles, qctx_error *error)
{
    lessons collected = {0};
    qctx_status status = qctx_agree(comm, collect(sources, count, titles, &collected, error), error);

    if (status == QCTX_OK)
        status = qctx_encoder_fit(encoder, comm, collected.texts, collected.count, error);
    if (status == QCTX_OK)
        qctx_info("encoder %s learnt from %lld context%s", qctx_encoder_name(encoder), (long long)collected.count,
                  qctx_plural(collected.count));
    for (int64_t i = 0; i < count && collected.corpora != NULL; i++)
        qctx_context_texts_free(&collected.corpora[i]);
    free(collected.corpora);
    free(collected.texts);
    return status;
}

qctx_status qctx_embed_encoder_of(qctx_store *store, qctx_encoder **encoder, qctx_error *error)
{
    const char *settings = qctx_store_encoder_settings(store);
    void *table = NULL;
    size_t bytes = 0;
    qctx_status status;

    if (qctx_store_encoder(store)[0] == '\0') {
        qctx_fail(error, QCTX_ERR_DATA, "%s: the store does not say which encoder made its vectors",
                  qctx_store_path(store));
        return qctx_hint(error, "new texts cannot be put beside vectors of an unknown encoder; embed them yourself "
                                "into a store");
    }
    status = qctx_store_encoder_table(store, &table, &bytes, error);
    if (status == QCTX_OK)
        status = qctx_encoder_restore(qctx_store_encoder(store), settings[0] != '\0' ? settings : NULL, table, bytes,
                                      encoder, error);
    free(table);
    return status;
}
