/* What the collection keeps of contexts beside title and text, and what surrounds those that were taken whole. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"
#include "qctx/base/mem.h"

static int64_t slots_of(const qctx_import_job *job)
{
    return IMPORT_OWN + job->field_count;
}

int import_slot(const qctx_import_job *job, int64_t index)
{
    if (strcmp(job->fields[index].name, QCTX_IMPORT_PARAGRAPH) == 0)
        return IMPORT_PARAGRAPH;
    if (strcmp(job->fields[index].name, QCTX_IMPORT_SURROUNDINGS) == 0)
        return IMPORT_SURROUNDINGS;
    return IMPORT_OWN + (int)index;
}

void import_list_fields(const import_context *context, const qctx_import_job *job,
                        qctx_corpus_writer_field fields[IMPORT_SLOTS])
{
    fields[IMPORT_PARAGRAPH].name = QCTX_IMPORT_PARAGRAPH;
    fields[IMPORT_SURROUNDINGS].name = QCTX_IMPORT_SURROUNDINGS;
    for (int64_t i = 0; i < job->field_count; i++)
        fields[import_slot(job, i)].name = job->fields[i].name;
    for (int slot = 0; slot < IMPORT_SLOTS; slot++)
        fields[slot].text = context->fields == NULL || slot >= slots_of(job) ? NULL : context->fields[slot];
}

/* Keeps a text that is squeezed. Sentences of one paragraph share it. */
static const char *keep_text(import_collection *collection, int slot, const char *text, qctx_error *error)
{
    const char *kept;

    if (slot == IMPORT_PARAGRAPH && collection->paragraph != NULL && strcmp(collection->paragraph, text) == 0)
        return collection->paragraph;
    kept = qctx_arena_text(&collection->texts, text, strlen(text), error);
    if (slot == IMPORT_PARAGRAPH)
        collection->paragraph = kept;
    return kept;
}

/* Gives a context a field, unless the text is blank, or a paragraph that is the context itself. */
static qctx_status keep_field(import_collection *collection, const qctx_import_job *job, import_context *context,
                              int slot, const char *text, qctx_error *error)
{
    char *squeezed = qctx_text_squeeze_lines(text, strlen(text), error);
    qctx_status status = squeezed == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status != QCTX_OK || squeezed[0] == '\0' || (slot == IMPORT_PARAGRAPH && strcmp(squeezed, context->text) == 0))
        goto out;
    if (context->fields == NULL)
        context->fields = qctx_alloc(slots_of(job), sizeof *context->fields, "fields of a context", error);
    if (context->fields != NULL)
        context->fields[slot] = keep_text(collection, slot, squeezed, error);
    status = context->fields == NULL || context->fields[slot] == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
out:
    free(squeezed);
    return status;
}

qctx_status import_keep_fields(const import_source *source, int64_t context, const import_fields *fields,
                               qctx_error *error)
{
    import_context *kept = &source->collection->contexts[context];
    qctx_status status = QCTX_OK;

    for (int slot = 0; slot < slots_of(source->job) && fields != NULL && status == QCTX_OK; slot++)
        if (fields->texts[slot] != NULL && (kept->fields == NULL || kept->fields[slot] == NULL))
            status = keep_field(source->collection, source->job, kept, slot, fields->texts[slot], error);
    return status;
}

/* Contexts that surround each other. */
typedef struct {
    const import_collection *collection;
    int64_t *previous, *next; /* [contexts] of the same file and title, −1 where there is none */
} neighbourhood;

/* Whether contexts of its title may surround one. */
static bool may_be_surrounded(const import_context *context)
{
    return context->file >= 0 && context->title[0] != '\0';
}

/* Links each context to the last one before it of the same file and title. */
static qctx_status link_neighbours(neighbourhood *around, import_collection *collection, qctx_error *error)
{
    int64_t *last = qctx_alloc(collection->context_count, sizeof *last, "the last contexts of titles", error);
    qctx_textmap groups = {0};
    qctx_status status = last == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t i = 0; i < collection->context_count && status == QCTX_OK; i++) {
        const import_context *context = &collection->contexts[i];
        int64_t group;

        around->previous[i] = around->next[i] = -1;
        if (!may_be_surrounded(context))
            continue;
        char *key = qctx_format(error, "%d %s", context->file, context->title);
        const char *kept = key == NULL ? NULL : qctx_arena_text(&collection->texts, key, strlen(key), error);
        const int64_t count = groups.count;

        free(key);
        status = kept == NULL ? QCTX_ERR_MEMORY : qctx_textmap_add(&groups, kept, count, &group, error);
        if (status == QCTX_OK && groups.count == count) {
            around->previous[i] = last[group];
            around->next[last[group]] = i;
        }
        if (status == QCTX_OK)
            last[group] = i;
    }
    qctx_textmap_free(&groups);
    free(last);
    return status;
}

/* The texts of a context and of up to `count` before and behind it, divided by spaces; freshly allocated. */
static char *join_neighbours(const neighbourhood *around, int64_t context, int64_t count, qctx_error *error)
{
    const import_context *contexts = around->collection->contexts;
    int64_t first = context, taken = 0;
    char *text = qctx_strdup("", error);

    for (int64_t i = 0; i < count && around->previous[first] >= 0; i++)
        first = around->previous[first];
    for (int64_t i = first; i >= 0 && text != NULL && taken < count; i = around->next[i]) {
        char *longer;

        taken += i > context;
        longer = qctx_format(error, "%s%s ", text, contexts[i].text);
        free(text);
        text = longer;
    }
    return text;
}

static qctx_status surround(import_collection *collection, const qctx_import_job *job, qctx_error *error)
{
    const int64_t count = collection->context_count;
    neighbourhood around = {.collection = collection,
                            .previous = qctx_alloc(count, sizeof *around.previous, "neighbours of contexts", error),
                            .next = qctx_alloc(count, sizeof *around.next, "neighbours of contexts", error)};
    qctx_status status =
        around.previous == NULL || around.next == NULL ? QCTX_ERR_MEMORY : link_neighbours(&around, collection, error);

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        import_context *context = &collection->contexts[i];
        char *text;

        if ((around.previous[i] < 0 && around.next[i] < 0) ||
            (context->fields != NULL && context->fields[IMPORT_SURROUNDINGS] != NULL))
            continue;
        text = join_neighbours(&around, i, job->surroundings, error);
        status =
            text == NULL ? QCTX_ERR_MEMORY : keep_field(collection, job, context, IMPORT_SURROUNDINGS, text, error);
        free(text);
    }
    free(around.previous);
    free(around.next);
    return status;
}

static void count_fields(const import_context *context, const qctx_import_job *job, qctx_import_report *report)
{
    if (context->fields == NULL)
        return;
    report->paragraphs += context->fields[IMPORT_PARAGRAPH] != NULL;
    report->surroundings += context->fields[IMPORT_SURROUNDINGS] != NULL;
    for (int64_t i = 0; i < job->field_count; i++)
        report->fields[i] += context->fields[import_slot(job, i)] != NULL;
}

qctx_status import_finish_fields(import_collection *collection, const qctx_import_job *job, qctx_import_report *report,
                                 qctx_error *error)
{
    qctx_status status = job->surroundings > 0 ? surround(collection, job, error) : QCTX_OK;

    for (int64_t i = 0; i < collection->context_count && status == QCTX_OK; i++)
        count_fields(&collection->contexts[i], job, report);
    return status;
}
