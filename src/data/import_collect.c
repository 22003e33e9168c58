/* What readers share on the way to a record, and the collection that records are merged into and written from. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"
#include "qctx/base/mem.h"

qctx_status import_get_id(const json_t *record, const char *key, const char *place, char number[32], const char **id,
                          qctx_error *error)
{
    const json_t *value = json_object_get(record, key);

    if (json_is_integer(value)) {
        snprintf(number, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        *id = number;
        return QCTX_OK;
    }
    return qctx_json_get_string(record, key, "", place, id, error);
}

char *import_prefix(const qctx_import_job *job, const char *title, const char *section, qctx_error *error)
{
    if (!job->prefix || qctx_text_is_blank(title, strlen(title)))
        return qctx_strdup("", error);
    if (qctx_text_is_blank(section, strlen(section)))
        return qctx_format(error, "This is a question about %s. ", title);
    return qctx_format(error, "This is a question about %s. Specifically, %s. ", title, section);
}

int import_split(import_collection *collection, const char *name)
{
    for (int i = 0; i < collection->split_count; i++)
        if (strcmp(collection->splits[i], name) == 0)
            return i;
    collection->splits[collection->split_count] = name;
    return collection->split_count++;
}

static const char *keep(import_collection *collection, const char *text, qctx_error *error)
{
    return qctx_arena_text(&collection->texts, text, strlen(text), error);
}

/* The context with this text, made if it is new. */
static qctx_status enter_context(import_collection *collection, const char *text, const char *title, int64_t *context,
                                 qctx_error *error)
{
    import_context fresh = {0};
    qctx_status status;

    *context = qctx_textmap_find(&collection->context_of_text, text);
    if (*context >= 0)
        return QCTX_OK;
    fresh.text = keep(collection, text, error);
    fresh.title = keep(collection, title, error);
    if (fresh.text == NULL || fresh.title == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_textmap_add(&collection->context_of_text, fresh.text, collection->context_count, context, error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&collection->contexts, &collection->context_capacity, collection->context_count + 1,
                           sizeof fresh, "contexts", error);
    if (status == QCTX_OK)
        collection->contexts[collection->context_count++] = fresh;
    return status;
}

/* Whether this question was met with this context in this split; enters it if not. */
static qctx_status enter_pair(import_collection *collection, int split, int64_t context, const char *question,
                              bool *known, qctx_error *error)
{
    int64_t before = collection->pairs.count, kept;
    char *key = qctx_format(error, "%d %" PRId64 " %s", split, context, question);
    qctx_status status = QCTX_ERR_MEMORY;
    const char *stored;

    if (key == NULL)
        return status;
    *known = qctx_textmap_find(&collection->pairs, key) >= 0;
    stored = *known ? key : keep(collection, key, error);
    if (stored != NULL)
        status = *known ? QCTX_OK : qctx_textmap_add(&collection->pairs, stored, before, &kept, error);
    free(key);
    return status;
}

/* Ids stand in columns of qrels and run files, so they are free of white space. */
static char *clean_id(const import_collection *collection, const char *id, qctx_error *error)
{
    char *clean = id == NULL ? NULL : qctx_text_squeeze(id, strlen(id), error);

    if (clean == NULL || clean[0] == '\0') {
        free(clean);
        return qctx_format(error, "q%" PRId64, collection->question_count);
    }
    for (char *at = strchr(clean, ' '); at != NULL; at = strchr(at, ' '))
        *at = '_';
    return clean;
}

/* Replaces `*id`, which the question `owner` holds, by the first free "id-2", "id-3", … */
static qctx_status rename_id(import_collection *collection, import_question *owner, char **id, qctx_error *error)
{
    char *renamed = NULL;

    do {
        free(renamed);
        owner->reuses++;
        renamed = qctx_format(error, "%s-%" PRId64, *id, owner->reuses + 1);
        if (renamed == NULL)
            return QCTX_ERR_MEMORY;
    } while (qctx_textmap_find(&collection->question_of_id, renamed) >= 0);
    free(*id);
    *id = renamed;
    return QCTX_OK;
}

static qctx_status append_question(import_collection *collection, const char *id, const char *text, int split,
                                   int64_t context, int64_t *question, qctx_error *error)
{
    import_question fresh = {keep(collection, id, error), keep(collection, text, error), split, 0, context};
    qctx_status status;

    if (fresh.id == NULL || fresh.text == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_textmap_add(&collection->question_of_id, fresh.id, collection->question_count, question, error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&collection->questions, &collection->question_capacity,
                           collection->question_count + 1, sizeof fresh, "questions", error);
    if (status == QCTX_OK)
        collection->questions[collection->question_count++] = fresh;
    return status;
}

/* The question of this id, text and split; made, under an id of its own, if it is new. */
static qctx_status enter_question(const import_source *source, const char *given, const char *text, int64_t context,
                                  int64_t *question, qctx_error *error)
{
    import_collection *collection = source->collection;
    char *id = clean_id(collection, given, error);
    qctx_status status = QCTX_OK;

    if (id == NULL)
        return QCTX_ERR_MEMORY;
    *question = qctx_textmap_find(&collection->question_of_id, id);
    if (*question >= 0) {
        import_question *owner = &collection->questions[*question];

        if (owner->split == source->split && strcmp(owner->text, text) == 0)
            goto out;
        source->counts->renamed++;
        status = rename_id(collection, owner, &id, error);
    }
    if (status == QCTX_OK)
        status = append_question(collection, id, text, source->split, context, question, error);
out:
    free(id);
    return status;
}

static qctx_status append_answer(import_collection *collection, int64_t question, int64_t context, const char *title,
                                 qctx_error *error)
{
    import_answer answer = {question, context, collection->contexts[context].title};
    qctx_status status;

    if (strcmp(answer.title, title) != 0)
        answer.title = keep(collection, title, error);
    if (answer.title == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_grow((void **)&collection->answers, &collection->answer_capacity, collection->answer_count + 1,
                       sizeof answer, "answers", error);
    if (status == QCTX_OK)
        collection->answers[collection->answer_count++] = answer;
    return status;
}

qctx_status import_add(const import_source *source, const import_record *record, qctx_error *error)
{
    import_collection *collection = source->collection;
    char *joined = qctx_format(error, "%s%s", record->lead, record->question);
    char *question = joined == NULL ? NULL : qctx_text_squeeze(joined, strlen(joined), error);
    char *context = qctx_text_squeeze(record->context, strlen(record->context), error);
    char *title = qctx_text_squeeze(record->title, strlen(record->title), error);
    int64_t context_row, question_row;
    bool known;
    qctx_status status = QCTX_ERR_MEMORY;

    if (question == NULL || context == NULL || title == NULL)
        goto out;
    status = enter_context(collection, context, title, &context_row, error);
    if (status == QCTX_OK)
        status = enter_pair(collection, source->split, context_row, question, &known, error);
    if (status != QCTX_OK)
        goto out;
    if (known) {
        source->counts->merged++;
        goto out;
    }
    status = enter_question(source, record->id, question, context_row, &question_row, error);
    if (status == QCTX_OK)
        status = append_answer(collection, question_row, context_row, title, error);
    if (status == QCTX_OK)
        source->counts->kept++;
out:
    free(joined);
    free(question);
    free(context);
    free(title);
    return status;
}

/* Counts, per split and pair of splits, the contexts that are used. `used` [context] is a bit set of splits. */
static void count_contexts(const import_collection *collection, const uint32_t *used, qctx_import_report *report)
{
    for (int64_t i = 0; i < collection->context_count; i++)
        for (int a = 0; a < collection->split_count; a++) {
            if ((used[i] >> a & 1) == 0)
                continue;
            report->splits[a].contexts++;
            for (int b = 0; b < collection->split_count; b++)
                report->shared[a][b] += b != a && (used[i] >> b & 1) != 0;
        }
}

static qctx_status fill_report(const import_collection *collection, qctx_import_report *report, qctx_error *error)
{
    uint32_t *used = qctx_alloc(collection->context_count, sizeof *used, "the report", error);

    if (used == NULL)
        return QCTX_ERR_MEMORY;
    report->questions = collection->question_count;
    report->contexts = collection->context_count;
    report->split_count = collection->split_count;
    for (int i = 0; i < collection->split_count; i++)
        report->splits[i].name = collection->splits[i];
    for (int64_t i = 0; i < collection->question_count; i++)
        report->splits[collection->questions[i].split].questions++;
    for (int64_t i = 0; i < collection->answer_count; i++) {
        const import_answer *answer = &collection->answers[i];

        used[answer->context] |= UINT32_C(1) << collection->questions[answer->question].split;
    }
    count_contexts(collection, used, report);
    free(used);
    return QCTX_OK;
}

qctx_status import_write(const import_collection *collection, qctx_corpus_writer *writer, qctx_import_report *report,
                         qctx_error *error)
{
    qctx_status status = fill_report(collection, report, error);
    char id[32];

    for (int64_t i = 0; i < collection->context_count && status == QCTX_OK; i++) {
        snprintf(id, sizeof id, "c%" PRId64, i);
        status =
            qctx_corpus_writer_context(writer, id, collection->contexts[i].title, collection->contexts[i].text, error);
    }
    for (int64_t i = 0; i < collection->question_count && status == QCTX_OK; i++)
        status = qctx_corpus_writer_question(writer, collection->questions[i].id, collection->questions[i].text, error);
    for (int64_t i = 0; i < collection->answer_count && status == QCTX_OK; i++) {
        const import_question *question = &collection->questions[collection->answers[i].question];

        snprintf(id, sizeof id, "c%" PRId64, collection->answers[i].context);
        status = qctx_corpus_writer_answer(writer, collection->splits[question->split], question->id, id, error);
    }
    return status;
}

void import_free(import_collection *collection)
{
    qctx_textmap_free(&collection->context_of_text);
    qctx_textmap_free(&collection->question_of_id);
    qctx_textmap_free(&collection->pairs);
    qctx_arena_free(&collection->texts);
    free(collection->contexts);
    free(collection->questions);
    free(collection->answers);
}
