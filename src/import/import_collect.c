/* What readers share on the way to a record, and the collection that records are merged into and written from. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/shown.h"

qctx_status import_get_name(const json_t *record, const char *key, bool reals, const char *place, char number[32],
                            const char **text, qctx_error *error)
{
    const json_t *value = json_object_get(record, key);

    *text = number;
    if (json_is_integer(value))
        snprintf(number, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (reals && json_is_real(value))
        snprintf(number, 32, "%.17g", json_real_value(value)); /* 7.0, where pandas met a missing one, is 7 */
    else
        return qctx_json_get_string(record, key, "", place, text, error);
    return QCTX_OK;
}

bool import_get_number(const json_t *value, double *number)
{
    const char *text = json_string_value(value);
    char *end;

    if (json_is_boolean(value) || json_is_number(value)) {
        *number = json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
        return true;
    }
    if (text == NULL || text[0] == '\0')
        return false;
    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0) {
        *number = strcasecmp(text, "true") == 0;
        return true;
    }
    *number = strtod(text, &end);
    return *end == '\0';
}

void import_tidy_name(char *name, bool exact)
{
    size_t first = strspn(name, " \t\r\n"), length;

    memmove(name, name + first, strlen(name + first) + 1);
    for (length = strlen(name); length > 0 && strchr(" \t\r\n", name[length - 1]) != NULL; length--)
        name[length - 1] = '\0';
    for (; *name != '\0' && !exact; name++)
        *name = *name == ' ' || *name == '-' ? '_' : (char)tolower((unsigned char)*name);
}

void import_note_unused(qctx_import_counts *counts, const char *key)
{
    static const char more[] = ", …";
    char *unused = counts->unused;
    size_t used = strlen(unused), length;
    char name[128];

    qctx_shown_excerpt(key, strlen(key), name, sizeof name);
    length = strlen(name);
    if (length == 0)
        return;
    for (const char *hit = strstr(unused, name); hit != NULL; hit = strstr(hit + 1, name))
        if ((hit == unused || hit[-1] == ' ') && (hit[length] == ',' || hit[length] == '\0'))
            return;
    if (used + length + 2 + sizeof more < sizeof counts->unused)
        snprintf(unused + used, sizeof counts->unused - used, "%s%s", used > 0 ? ", " : "", name);
    else if (used < sizeof more || strcmp(unused + used + 1 - sizeof more, more) != 0)
        snprintf(unused + used, sizeof counts->unused - used, "%s", more);
}

char *import_page_title(const char *name, qctx_error *error)
{
    char *title = qctx_strdup(name, error);

    for (char *c = title; c != NULL && *c != '\0'; c++)
        if (*c == '_')
            *c = ' ';
    return title;
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

/* Makes a context of a text with its line breaks; `squeezed` is the same without. `file` as the context has it. */
static qctx_status make_context(import_collection *collection, const char *text, const char *squeezed,
                                const char *title, int file, int64_t *context, qctx_error *error)
{
    import_context fresh = {
        .text = keep(collection, text, error), .title = keep(collection, title, error), .file = file};
    const char *key =
        fresh.text != NULL && strcmp(text, squeezed) != 0 ? keep(collection, squeezed, error) : fresh.text;
    qctx_status status;

    if (fresh.text == NULL || fresh.title == NULL || key == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_textmap_add(&collection->context_of_text, key, collection->context_count, context, error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&collection->contexts, &collection->context_capacity, collection->context_count + 1,
                           sizeof fresh, "contexts", error);
    if (status == QCTX_OK)
        collection->contexts[collection->context_count++] = fresh;
    return status;
}

/*
 * The context with this text, made if it is new. Contexts that differ in line breaks alone are one, which keeps those
 * that it was met with first, as it does its title and fields.
 */
static qctx_status enter_context(const import_source *source, const char *text, const char *title, bool sentence,
                                 const import_fields *fields, int64_t *context, qctx_error *error)
{
    import_collection *collection = source->collection;
    char *squeezed = qctx_text_squeeze(text, strlen(text), error);
    qctx_status status = squeezed == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    *context = squeezed == NULL ? -1 : qctx_textmap_find(&collection->context_of_text, squeezed);
    if (status == QCTX_OK && *context < 0)
        status = make_context(collection, text, squeezed, title, sentence ? -1 : source->file, context, error);
    free(squeezed);
    return status == QCTX_OK ? import_keep_fields(source, *context, fields, error) : status;
}

/* The row under a key of a split and a text, −1 if there is none; then `question` is entered, unless that is −1. */
static qctx_status find_or_enter(import_collection *collection, qctx_textmap *map, char *key, int64_t question,
                                 int64_t *found, qctx_error *error)
{
    const char *stored;
    int64_t kept;

    *found = qctx_textmap_find(map, key);
    if (*found >= 0 || question < 0)
        return QCTX_OK;
    stored = keep(collection, key, error);
    return stored == NULL ? QCTX_ERR_MEMORY : qctx_textmap_add(map, stored, question, &kept, error);
}

/* The question of this text that was met with this context in this split, or −1; enters `question` if it is not. */
static qctx_status enter_pair(import_collection *collection, int split, int64_t context, const char *text,
                              int64_t question, int64_t *found, qctx_error *error)
{
    char *key = qctx_format(error, "%d %" PRId64 " %s", split, context, text);
    qctx_status status =
        key == NULL ? QCTX_ERR_MEMORY : find_or_enter(collection, &collection->pairs, key, question, found, error);

    free(key);
    return status;
}

/* The first flat question of this text in this split, or −1; enters `question` if it is not. */
static qctx_status enter_alike(import_collection *collection, int split, const char *text, int64_t question,
                               int64_t *found, qctx_error *error)
{
    char *key = qctx_format(error, "%d %s", split, text);
    qctx_status status = key == NULL
                             ? QCTX_ERR_MEMORY
                             : find_or_enter(collection, &collection->questions_alike, key, question, found, error);

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
    import_question fresh = {keep(collection, id, error), keep(collection, text, error), split, split, 0, context};
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

/* The question of this id, text and split; made, under an id of its own, if it is new. `first_context` is a context
 * that its own belong with. */
static qctx_status enter_question(const import_source *source, const char *given, const char *text,
                                  int64_t first_context, int64_t *question, qctx_error *error)
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
        status = append_question(collection, id, text, source->split, first_context, question, error);
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

/*
 * The question of a record. Flat records of the same question belong together: without an id they are one question,
 * and with ids of their own they stay on one side of a hold-out.
 */
static qctx_status place_question(const import_source *source, const import_record *record, const char *text,
                                  int64_t context, int64_t *question, qctx_error *error)
{
    import_collection *collection = source->collection;
    bool has_id = record->id != NULL && !qctx_text_is_blank(record->id, strlen(record->id));
    int64_t alike = -1;
    qctx_status status = QCTX_OK;

    if (record->flat)
        status = enter_alike(collection, source->split, text, -1, &alike, error);
    if (status != QCTX_OK)
        return status;
    if (alike >= 0 && !has_id) {
        *question = alike;
        return QCTX_OK;
    }
    if (alike >= 0)
        context = collection->questions[alike].first_context;
    status = enter_question(source, record->id, text, context, question, error);
    if (status == QCTX_OK && record->flat)
        status = enter_alike(collection, source->split, text, *question, &alike, error);
    return status;
}

/* Adds a record whose texts are squeezed. */
static qctx_status add_squeezed(const import_source *source, const import_record *record, const char *text,
                                const char *context, const char *title, int64_t *question, qctx_error *error)
{
    import_collection *collection = source->collection;
    int64_t row, found;
    qctx_status status = enter_context(source, context, title, record->sentence, record->fields, &row, error);

    if (status == QCTX_OK)
        status = enter_pair(collection, source->split, row, text, -1, question, error);
    if (status != QCTX_OK)
        return status;
    if (*question >= 0) {
        source->counts->merged++;
        return QCTX_OK;
    }
    status = place_question(source, record, text, row, question, error);
    if (status == QCTX_OK)
        status = enter_pair(collection, source->split, row, text, *question, &found, error);
    if (status == QCTX_OK)
        status = append_answer(collection, *question, row, title, error);
    if (status == QCTX_OK) {
        source->counts->kept++;
        source->counts->untitled += source->job->prefix && title[0] == '\0';
    }
    return status;
}

qctx_status import_add(const import_source *source, const import_record *record, int64_t *question, qctx_error *error)
{
    char *joined = qctx_format(error, "%s%s", record->lead, record->question);
    char *text = joined == NULL ? NULL : qctx_text_squeeze(joined, strlen(joined), error);
    char *context = qctx_text_squeeze_lines(record->context, strlen(record->context), error);
    char *title = qctx_text_squeeze(record->title, strlen(record->title), error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (text != NULL && context != NULL && title != NULL)
        status = add_squeezed(source, record, text, context, title, question, error);
    free(joined);
    free(text);
    free(context);
    free(title);
    return status;
}

qctx_status import_add_negative(const import_source *source, int64_t question, const char *text, const char *title,
                                const import_fields *fields, qctx_error *error)
{
    import_collection *collection = source->collection;
    import_negative negative = {.question = question, .order = collection->negative_count};
    char *context = qctx_text_squeeze_lines(text, strlen(text), error);
    char *squeezed = qctx_text_squeeze(title, strlen(title), error);
    qctx_status status = context == NULL || squeezed == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && context[0] != '\0') {
        status = enter_context(source, context, squeezed, false, fields, &negative.context, error);
        if (status == QCTX_OK)
            status = qctx_grow((void **)&collection->negatives, &collection->negative_capacity,
                               collection->negative_count + 1, sizeof negative, "negatives", error);
        if (status == QCTX_OK) {
            collection->negatives[collection->negative_count++] = negative;
            source->counts->negatives++;
        }
    }
    free(context);
    free(squeezed);
    return status;
}

qctx_status import_leave_out(const import_source *source, qctx_status status, const qctx_error *error)
{
    qctx_import_counts *counts = source->counts;

    if (status != QCTX_ERR_FORMAT || source->job->strict)
        return status;
    if (counts->malformed == 0 && error != NULL)
        counts->first_problem = *error;
    counts->malformed++;
    return QCTX_OK;
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

static int by_context(const void *left, const void *right)
{
    const import_negative *a = left, *b = right;

    if (a->question != b->question)
        return a->question < b->question ? -1 : 1;
    if (a->context != b->context)
        return a->context < b->context ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static int by_order(const void *left, const void *right)
{
    const import_negative *a = left, *b = right;

    if (a->question != b->question)
        return a->question < b->question ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* Whether a context answers a question in some split. */
static bool is_answer(const import_collection *collection, const import_negative *negative)
{
    const import_question *question = &collection->questions[negative->question];
    char *key = qctx_format(NULL, "%d %" PRId64 " %s", question->entered_split, negative->context, question->text);
    bool answers = key != NULL && qctx_textmap_find(&collection->pairs, key) >= 0;

    free(key);
    return answers;
}

/*
 * Leaves of all negatives each once and none that answers its question, by question and in the order in which they were
 * read, in which the hardest may stand first. Returns how many.
 */
static int64_t settle_negatives(const import_collection *collection, qctx_import_report *report)
{
    import_negative *all = collection->negatives, last = {.question = -1};
    int64_t kept = 0;

    if (collection->negative_count > 0)
        qsort(all, (size_t)collection->negative_count, sizeof *all, by_context);
    for (int64_t i = 0; i < collection->negative_count; i++) {
        const bool again = all[i].question == last.question && all[i].context == last.context;

        last = all[i];
        if (!again && is_answer(collection, &last))
            report->answering_negatives++;
        else if (!again)
            all[kept++] = last;
    }
    if (kept > 0)
        qsort(all, (size_t)kept, sizeof *all, by_order);
    return kept;
}

static qctx_status write_negatives(const import_collection *collection, qctx_corpus_writer *writer,
                                   qctx_import_report *report, qctx_error *error)
{
    const int64_t count = settle_negatives(collection, report);
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        const import_negative *negative = &collection->negatives[i];
        const import_question *question = &collection->questions[negative->question];
        char id[32];

        snprintf(id, sizeof id, "c%" PRId64, negative->context);
        status = qctx_corpus_writer_negative(writer, collection->splits[question->split], question->id, id, error);
        report->splits[question->split].negatives++;
        report->negatives++;
    }
    return status;
}

qctx_status import_write(const import_collection *collection, const qctx_import_job *job, qctx_corpus_writer *writer,
                         qctx_import_report *report, qctx_error *error)
{
    qctx_status status = fill_report(collection, report, error);
    qctx_corpus_writer_field fields[IMPORT_SLOTS] = {0};
    char id[32];

    for (int64_t i = 0; i < collection->context_count && status == QCTX_OK; i++) {
        const import_context *context = &collection->contexts[i];

        snprintf(id, sizeof id, "c%" PRId64, i);
        import_list_fields(context, job, fields);
        status = qctx_corpus_writer_context(writer, id, context->title, context->text, fields, IMPORT_SLOTS, error);
    }
    for (int64_t i = 0; i < collection->question_count && status == QCTX_OK; i++)
        status = qctx_corpus_writer_question(writer, collection->questions[i].id, collection->questions[i].text, error);
    for (int64_t i = 0; i < collection->answer_count && status == QCTX_OK; i++) {
        const import_question *question = &collection->questions[collection->answers[i].question];

        snprintf(id, sizeof id, "c%" PRId64, collection->answers[i].context);
        status = qctx_corpus_writer_answer(writer, collection->splits[question->split], question->id, id, error);
    }
    return status == QCTX_OK ? write_negatives(collection, writer, report, error) : status;
}

void import_free(import_collection *collection)
{
    qctx_textmap_free(&collection->context_of_text);
    qctx_textmap_free(&collection->question_of_id);
    qctx_textmap_free(&collection->pairs);
    qctx_textmap_free(&collection->questions_alike);
    for (int64_t i = 0; i < collection->context_count; i++)
        free(collection->contexts[i].fields);
    free(collection->negatives);
    qctx_arena_free(&collection->texts);
    free(collection->contexts);
    free(collection->questions);
    free(collection->answers);
}
