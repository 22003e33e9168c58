#include "qctx/data/context_texts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/base/suggest.h"
#include "qctx/text/text.h"

const char *qctx_context_field(bool titles)
{
    return titles ? QCTX_CONTEXT_TITLED_TEXT : QCTX_CONTEXT_TEXT;
}

static bool is_text(const char *field)
{
    return strcmp(field, QCTX_CONTEXT_TEXT) == 0;
}

static bool is_title(const char *field)
{
    return strcmp(field, QCTX_CONTEXT_TITLE) == 0;
}

static bool is_titled_text(const char *field)
{
    return strcmp(field, QCTX_CONTEXT_TITLED_TEXT) == 0;
}

static bool has_title(const qctx_context *context)
{
    return !qctx_text_is_blank(context->title, strlen(context->title));
}

/* How many contexts have a field of their own, which is neither "text" nor "title+text". */
static int64_t count_of(const qctx_corpus *corpus, const char *field)
{
    const qctx_corpus_field *found = is_title(field) ? NULL : qctx_corpus_find_field(corpus, field);
    int64_t titled = 0;

    if (!is_title(field))
        return found == NULL ? 0 : found->contexts;
    for (int64_t i = 0; i < corpus->context_count; i++)
        titled += has_title(&corpus->contexts[i]);
    return titled;
}

/* The fields that a corpus has, "text, title+text, title, paragraph", cut to fit. */
static void list_fields(const char *const *names, int64_t count, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (int64_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", names[i]);
}

static qctx_status refuse_unknown(const qctx_corpus *corpus, const char *field, qctx_error *error)
{
    const char **names = qctx_alloc(corpus->field_count + 3, sizeof *names, "names of fields", error);
    const char *nearest;
    char list[512];
    int64_t count = 0;

    if (names == NULL)
        return QCTX_ERR_MEMORY;
    names[count++] = QCTX_CONTEXT_TEXT;
    if (count_of(corpus, QCTX_CONTEXT_TITLE) > 0) {
        names[count++] = QCTX_CONTEXT_TITLE;
        names[count++] = QCTX_CONTEXT_TITLED_TEXT;
    }
    for (int64_t i = 0; i < corpus->field_count; i++)
        if (corpus->fields[i].contexts > 0)
            names[count++] = corpus->fields[i].name;
    nearest = qctx_suggest(field, names, count);
    list_fields(names, count, list, sizeof list);
    qctx_fail(error, QCTX_ERR_DATA, "%s: no context has the field '%s'; found %s", corpus->folder, field, list);
    if (nearest != NULL)
        qctx_hint(error, "did you mean '%s'?", nearest);
    else
        qctx_hint(error, "fields are keys of corpus.jsonl; qctx-dist import --help says which ones it keeps");
    free(names);
    return QCTX_ERR_DATA;
}

qctx_status qctx_context_field_check(const qctx_corpus *corpus, const char *field, qctx_error *error)
{
    const qctx_corpus_field *found = qctx_corpus_find_field(corpus, field);

    if (is_text(field) || is_titled_text(field))
        return QCTX_OK;
    if (!is_title(field) && found != NULL && found->odd_place != NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %s, expected a string", found->odd_place, field,
                         found->odd_type);
    return count_of(corpus, field) > 0 ? QCTX_OK : refuse_unknown(corpus, field, error);
}

void qctx_context_field_warn(const qctx_corpus *corpus, const char *field)
{
    const int64_t without =
        is_text(field) || is_titled_text(field) ? 0 : corpus->context_count - count_of(corpus, field);

    if (without > 0)
        qctx_warn("%s: %" PRId64 " of %" PRId64 " context%s %s no '%s'; %s text stands for it", corpus->folder, without,
                  corpus->context_count, qctx_plural(corpus->context_count), without == 1 ? "has" : "have", field,
                  without == 1 ? "its" : "their");
}

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

/* Puts what the contexts have in the field in the place of their texts. */
static qctx_status take_field(const qctx_corpus *corpus, const char *field, qctx_context_texts *texts,
                              qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (!is_title(field) && !is_titled_text(field)) {
        const qctx_corpus_field *found = qctx_corpus_find_field(corpus, field);

        return found == NULL ? refuse_unknown(corpus, field, error)
                             : qctx_corpus_read_field(corpus, found, &texts->kept, texts->items, error);
    }
    for (int64_t i = 0; i < corpus->context_count && status == QCTX_OK; i++) {
        const qctx_context *context = &corpus->contexts[i];

        if (is_titled_text(field) && has_both(context))
            status = join(context, &texts->kept, &texts->items[i], error);
        else if (is_title(field) && has_title(context))
            texts->items[i] = context->title;
    }
    return status;
}

qctx_status qctx_context_texts_make(const qctx_corpus *corpus, const char *field, qctx_context_texts *texts,
                                    qctx_error *error)
{
    *texts = (qctx_context_texts){0};
    texts->items = qctx_alloc(corpus->context_count, sizeof *texts->items, "texts of contexts", error);
    if (texts->items == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < corpus->context_count; i++)
        texts->items[i] = corpus->contexts[i].text;
    return is_text(field) ? QCTX_OK : take_field(corpus, field, texts, error);
}

void qctx_context_texts_free(qctx_context_texts *texts)
{
    free(texts->items);
    qctx_arena_free(&texts->kept);
    *texts = (qctx_context_texts){0};
}

bool qctx_context_texts_differ(const qctx_corpus *corpus, const char *field)
{
    if (is_text(field))
        return false;
    if (!is_title(field) && !is_titled_text(field))
        return qctx_corpus_find_field(corpus, field) != NULL;
    for (int64_t i = 0; i < corpus->context_count; i++)
        if (corpus->contexts[i].title[0] != '\0')
            return true;
    return false;
}

uint64_t qctx_context_texts_fingerprint(const qctx_corpus *corpus, const char *field)
{
    const qctx_corpus_field *found;

    if (!qctx_context_texts_differ(corpus, field))
        return corpus->fingerprint;
    if (is_titled_text(field))
        return qctx_hash_text("titles and texts", corpus->fingerprint);
    if (is_title(field))
        return qctx_hash_text("titles", corpus->fingerprint);
    found = qctx_corpus_find_field(corpus, field);
    return qctx_hash(&found->hash, sizeof found->hash, qctx_hash_text(field, corpus->fingerprint));
}
