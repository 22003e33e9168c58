/* Records: objects and arrays with a question, its contexts and negatives, by the names that libraries give them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_internal.h"
#include "qctx/base/mem.h"

const char *const qctx_import_role_names[] = {
    [QCTX_IMPORT_QUESTION] = "question", [QCTX_IMPORT_CONTEXT] = "context",
    [QCTX_IMPORT_TITLE] = "title",       [QCTX_IMPORT_ID] = "id",
    [QCTX_IMPORT_NEGATIVE] = "negative", [QCTX_IMPORT_LABEL] = "label",
    [QCTX_IMPORT_ROLES] = NULL,
};

/* In the order in which they are taken where a record has several. */
static const char *const question_keys[] = {"question", "query", "anchor", "sentence1", NULL};
/* "positive_passages" is Tevatron's, "positive_ctxs" is DPR's, "pos" is FlagEmbedding's. */
static const char *const context_keys[] = {
    "context",       "passage",  "positive", "pos",  "positives", "positive_passages",
    "positive_ctxs", "document", "answer",   "text", "sentence2", NULL};
static const char *const list_keys[] = {"positive",      "pos",    "positives", "positive_passages",
                                        "positive_ctxs", "answer", NULL};
static const char *const title_keys[] = {"title", NULL};
static const char *const id_keys[] = {"id", "_id", "query_id", "question_id", "qid", NULL};
static const char *const negative_keys[] = {
    "negative",          "neg", "negatives", "negative_ctxs", "hard_negatives", "hard_negative", "hard_negative_ctxs",
    "negative_passages", NULL};
static const char *const label_keys[] = {"label", "score", NULL};
static const char *const text_keys[] = {"text", "passage", "context", "contents", "content", "passage_text", NULL};
static const char *const *const keys_of_role[QCTX_IMPORT_ROLES] = {question_keys, context_keys,  title_keys,
                                                                   id_keys,       negative_keys, label_keys};

/* A record being read. */
typedef struct {
    const import_source *source;
    const json_t *object;
    const char *place;
    const char *taken[QCTX_IMPORT_ROLES]; /* the key of each role, NULL if the record has none */
    const char *question, *title, *id;
    char *lead;
    int64_t row; /* of the question once it is added, or −1 */
    char number[32], title_number[32];
    import_fields fields; /* of the record, which its passages may have of their own */
    bool sentence;        /* the context is a sentence of what the record has for it */
} reading;

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

bool import_names_question(const char *name)
{
    return is_one_of(name, question_keys);
}

bool import_names_context(const char *name)
{
    return is_one_of(name, context_keys);
}

/* "negative", and "negative_1", "negative_2", … where there are several. */
static bool is_negative_key(const char *name)
{
    static const char *const stems[] = {"negative_", "neg_", "hard_negative_"};

    for (size_t i = 0; i < sizeof stems / sizeof stems[0]; i++) {
        size_t length = strlen(stems[i]);

        if (strncasecmp(name, stems[i], length) == 0 && name[length] != '\0' &&
            strspn(name + length, "0123456789") == strlen(name + length))
            return true;
    }
    return is_one_of(name, negative_keys);
}

void import_list_keys(const json_t *object, char *text, size_t size)
{
    size_t used = 0;
    const char *key;
    json_t *value;

    text[0] = '\0';
    json_object_foreach((json_t *)object, key, value)
    {
        int length = snprintf(text + used, size - used, "%s'%s'", used > 0 ? ", " : "", key);

        if (length < 0 || (size_t)length >= size - used) {
            text[used] = '\0';
            return;
        }
        used += (size_t)length;
    }
}

static bool has_columns(const qctx_import_job *job)
{
    for (int role = 0; role < QCTX_IMPORT_ROLES; role++)
        if (job->columns[role] != NULL)
            return true;
    return false;
}

bool import_takes_key(const qctx_import_job *job, const char *name)
{
    bool named = has_columns(job);

    if ((!named && is_negative_key(name)) || import_is_field(job, name))
        return true;
    for (int role = 0; role < QCTX_IMPORT_ROLES; role++)
        if (named ? job->columns[role] != NULL && strcasecmp(job->columns[role], name) == 0
                  : is_one_of(name, keys_of_role[role]))
            return true;
    return false;
}

/* Whether passages say which of them were selected for the answer, as MS MARCO's do: {passage_text, is_selected}. */
static bool are_selected(const json_t *passages)
{
    const json_t *one = json_is_array(passages) ? json_array_get(passages, 0) : passages;

    return json_object_get(one, "is_selected") != NULL && json_object_get(one, "passage_text") != NULL;
}

static void find_keys(reading *at)
{
    const qctx_import_job *job = at->source->job;
    bool named = has_columns(job);

    for (int role = 0; role < QCTX_IMPORT_ROLES; role++) {
        at->taken[role] = NULL;
        if (job->columns[role] != NULL)
            at->taken[role] = import_find_key(at->object, job->columns[role]);
        for (int i = 0; !named && keys_of_role[role][i] != NULL && at->taken[role] == NULL; i++)
            at->taken[role] = import_find_key(at->object, keys_of_role[role][i]);
        if (role == QCTX_IMPORT_CONTEXT && !named && at->taken[role] == NULL &&
            are_selected(json_object_get(at->object, "passages")))
            at->taken[role] = "passages";
        at->source->counts->met[role] = at->source->counts->met[role] || at->taken[role] != NULL;
    }
}

static const json_t *value_of(const reading *at, qctx_import_role role)
{
    return at->taken[role] == NULL ? NULL : json_object_get(at->object, at->taken[role]);
}

/* Both are needed: the message names what there is, what is known, and the option. */
static qctx_status require(const reading *at, qctx_import_role role, qctx_error *error)
{
    const char *wanted = at->source->job->columns[role];
    char found[256];

    if (at->taken[role] != NULL)
        return QCTX_OK;
    import_list_keys(at->object, found, sizeof found);
    if (wanted != NULL)
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: --columns names '%s' for the %s; found %s", at->place, wanted,
                  qctx_import_role_names[role], found[0] != '\0' ? found : "none");
    else
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: the key '%s' is missing; found %s; known for a %s: %s", at->place,
                  keys_of_role[role][0], found[0] != '\0' ? found : "none", qctx_import_role_names[role],
                  role == QCTX_IMPORT_QUESTION ? IMPORT_KNOWN_QUESTIONS : IMPORT_KNOWN_CONTEXTS);
    return qctx_hint(error, "other names: --columns question=NAME,context=NAME; see 'qctx-dist import --help'");
}

/* A title or an id, "" where there is none. */
static qctx_status get_name(const reading *at, qctx_import_role role, char number[32], const char **text,
                            qctx_error *error)
{
    *text = "";
    if (at->taken[role] == NULL)
        return QCTX_OK;
    return import_get_name(at->object, at->taken[role], !at->source->job->strict, at->place, number, text, error);
}

/*
 * Whether label or score say that the two texts do not belong together: 0 and less do. A label of 1 says that they do,
 * and any other leaves it open, as does a score of two sentences, which may be of any scale. Other scores than 0 are
 * votes or ranks, and other labels than numbers say what a text is about.
 */
static qctx_status read_label(const reading *at, bool *no_pair, qctx_error *error)
{
    const char *key = at->taken[QCTX_IMPORT_LABEL];
    double number;
    bool decides;

    *no_pair = false;
    if (key == NULL || !import_get_number(value_of(at, QCTX_IMPORT_LABEL), &number))
        return QCTX_OK;
    decides = strcasecmp(key, "score") != 0 || strcasecmp(at->taken[QCTX_IMPORT_QUESTION], "sentence1") == 0 ||
              at->source->job->columns[QCTX_IMPORT_LABEL] != NULL;
    *no_pair = number <= 0;
    if (*no_pair || number == 1 || !decides)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %g, expected 1 for a pair or 0 for none", at->place, key, number);
    return qctx_hint(error, "--columns question=NAME,context=NAME leaves it out, and takes every record for a pair");
}

static bool is_blank(const char *text)
{
    return qctx_text_is_blank(text, strlen(text));
}

static qctx_status take_context(reading *at, const char *text, const char *title, const import_fields *own,
                                qctx_error *error)
{
    import_fields fields = *own;
    import_record record = {.id = at->id,
                            .title = title != NULL ? title : at->title,
                            .lead = "",
                            .question = at->question,
                            .context = text,
                            .fields = &fields,
                            .sentence = at->sentence,
                            .flat = true};
    qctx_status status;

    for (int slot = 0; slot < IMPORT_SLOTS; slot++)
        if (fields.texts[slot] == NULL)
            fields.texts[slot] = at->fields.texts[slot];
    at->source->counts->read++;
    if (is_blank(at->question) || is_blank(text)) {
        at->source->counts->empty++;
        return QCTX_OK;
    }
    free(at->lead);
    at->lead = import_prefix(at->source->job, record.title, "", error);
    if (at->lead == NULL)
        return QCTX_ERR_MEMORY;
    record.lead = at->lead;
    status = import_add(at->source, &record, &at->row, error);
    return status;
}

static qctx_status take_negative(reading *at, const char *text, const char *title, const import_fields *own,
                                 qctx_error *error)
{
    return at->row < 0 ? QCTX_OK
                       : import_add_negative(at->source, at->row, text, title != NULL ? title : "", own, error);
}

/* Takes a text with the title and the fields that are its own. */
typedef qctx_status (*take_passage)(reading *at, const char *text, const char *title, const import_fields *own,
                                    qctx_error *error);

/* A passage is a text, or an object with a text and perhaps a title. */
static qctx_status read_passage(reading *at, const char *key, const json_t *value, take_passage take, qctx_error *error)
{
    const char *text = json_string_value(value), *title = NULL;
    import_fields own = {0};
    qctx_status status = QCTX_OK;

    if (json_is_null(value))
        text = "";
    for (int i = 0; json_is_object(value) && text_keys[i] != NULL && text == NULL; i++)
        text = json_string_value(json_object_get(value, text_keys[i]));
    if (json_is_object(value))
        title = json_string_value(json_object_get(value, "title"));
    if (text == NULL) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %s%s, expected a string", at->place, key, qctx_json_type(value),
                  json_is_object(value) ? " without 'text'" : "");
        return json_is_array(value) ? qctx_hint(error, "where each text of the list answers the question: --columns "
                                                       "question=NAME,context=NAME takes them all")
                                    : QCTX_ERR_FORMAT;
    }
    if (json_is_object(value))
        status = import_read_fields(at->source, value, at->place, &own, error);
    return status == QCTX_OK ? take(at, text, title, &own, error) : status;
}

/* One passage, or a list of them where the key, or the user's naming it, lets it be one. */
static qctx_status read_passages(reading *at, const char *key, bool lists, take_passage take, qctx_error *error)
{
    const json_t *value = json_object_get(at->object, key);
    qctx_status status = QCTX_OK;

    if (!lists || !json_is_array(value))
        return read_passage(at, key, value, take, error);
    for (size_t i = 0; i < json_array_size(value) && status == QCTX_OK; i++)
        status = read_passage(at, key, json_array_get(value, i), take, error);
    return status;
}

static qctx_status read_negatives(reading *at, qctx_error *error)
{
    const char *named = at->taken[QCTX_IMPORT_NEGATIVE];
    bool user_named = has_columns(at->source->job);
    qctx_status status = QCTX_OK;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)at->object, key, value)
    {
        if (user_named ? named != NULL && strcmp(key, named) == 0 : is_negative_key(key))
            status = read_passages(at, key, true, take_negative, error);
        if (status != QCTX_OK)
            break;
    }
    return status;
}

/* Whether answers say where they begin, or that there are none. */
static bool are_placed(const json_t *answers)
{
    if (json_is_object(answers))
        return json_object_get(answers, "answer_start") != NULL ||
               json_array_size(json_object_get(answers, "text")) == 0;
    return json_is_null(answers) || (json_is_array(answers) && !json_is_string(json_array_get(answers, 0)));
}

/* Whether the record is a question of SQuAD without its paragraphs, as the Hub has it. */
static bool is_answered(const reading *at)
{
    const char *key = at->taken[QCTX_IMPORT_CONTEXT];
    double impossible;

    if (has_columns(at->source->job) || key == NULL || strcasecmp(key, "context") != 0 ||
        !json_is_string(json_object_get(at->object, key)))
        return false;
    return (import_get_number(json_object_get(at->object, "is_impossible"), &impossible) && impossible != 0) ||
           are_placed(json_object_get(at->object, "answers"));
}

/* Notes the keys from which nothing is taken. */
static void note_unused(const reading *at)
{
    bool answered = is_answered(at);
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)at->object, key, value)
    {
        bool known = (is_negative_key(key) && !has_columns(at->source->job)) || import_is_field(at->source->job, key) ||
                     (answered && (strcmp(key, "answers") == 0 || strcmp(key, "is_impossible") == 0));

        for (int role = 0; role < QCTX_IMPORT_ROLES; role++)
            known = known || (at->taken[role] != NULL && strcmp(at->taken[role], key) == 0);
        if (!known)
            import_note_unused(at->source->counts, key);
    }
}

/* A table has answers as Python prints them, "{'text': array(['x'], …": the pair may be none, which a text hides. */
static qctx_status refuse_printed_answers(const reading *at, qctx_error *error)
{
    const char *text = json_string_value(json_object_get(at->object, "answers"));

    if (text == NULL || (text[0] != '{' && text[0] != '[') || has_columns(at->source->job))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'answers' is a text that a program printed, expected an array or an object",
              at->place);
    return qctx_hint(error,
                     "export the records as JSONL; --columns question=NAME,context=NAME takes every one for a pair");
}

/* Takes the sentence of the answer, as from an article. */
static qctx_status read_answered(reading *at, qctx_error *error)
{
    const char *text = json_string_value(value_of(at, QCTX_IMPORT_CONTEXT));
    import_paragraph paragraph = {.text = text, .length = strlen(text)};
    import_fields own = {0};
    import_finding finding;
    qctx_span span;
    qctx_status status = import_find_answer(at->source, &paragraph, at->object, at->place, &finding, &span, error);

    if (status == QCTX_OK && finding == IMPORT_FOUND) {
        char *context = qctx_format(error, "%.*s", (int)(span.end - span.first), text + span.first);
        char *title = import_page_title(at->title, error);

        status = context == NULL || title == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
        at->sentence = !at->source->job->paragraph;
        own = at->fields;
        if (status == QCTX_OK && at->sentence)
            status = import_describe_sentence(&paragraph, &own, error);
        if (status == QCTX_OK)
            status = take_context(at, context, title, &own, error);
        free(context);
        free(title);
    } else if (status == QCTX_OK) {
        at->source->counts->read++;
        import_count_finding(at->source, finding);
    }
    import_free_paragraph(&paragraph);
    return status;
}

/* Takes those that were selected, or not; the object of lists as well as the list of objects. Returns their number. */
static qctx_status take_selected(reading *at, const json_t *passages, bool wanted, int64_t *taken, qctx_error *error)
{
    const json_t *texts = json_object_get(passages, "passage_text"), *marks = json_object_get(passages, "is_selected");
    size_t count = json_is_array(passages) ? json_array_size(passages) : json_array_size(texts);
    qctx_status status = QCTX_OK;

    *taken = 0;
    for (size_t i = 0; i < count && status == QCTX_OK; i++) {
        const json_t *one = json_array_get(passages, i);
        const json_t *mark = one != NULL ? json_object_get(one, "is_selected") : json_array_get(marks, i);
        const json_t *text = one != NULL ? json_object_get(one, "passage_text") : json_array_get(texts, i);
        double selected;

        if (!import_get_number(mark, &selected))
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'is_selected' is %s, expected 1 or 0", at->place,
                             qctx_json_type(mark));
        if ((selected != 0) != wanted)
            continue;
        (*taken)++;
        status = read_passage(at, "passages", text, wanted ? take_context : take_negative, error);
    }
    return status;
}

/* MS MARCO: the passages that were selected answer the question, the others do not; with none there is no answer. */
static qctx_status read_selected(reading *at, const json_t *passages, qctx_error *error)
{
    int64_t taken;
    qctx_status status = take_selected(at, passages, true, &taken, error);

    if (status == QCTX_OK && taken == 0) {
        at->source->counts->read++;
        at->source->counts->unanswerable++;
        return QCTX_OK;
    }
    return status == QCTX_OK ? take_selected(at, passages, false, &taken, error) : status;
}

static qctx_status read_contexts(reading *at, qctx_error *error)
{
    const char *key = at->taken[QCTX_IMPORT_CONTEXT];
    bool lists = has_columns(at->source->job) || is_one_of(key, list_keys);

    if (is_answered(at))
        return read_answered(at, error);
    if (strcmp(key, "passages") == 0 && are_selected(value_of(at, QCTX_IMPORT_CONTEXT)))
        return read_selected(at, value_of(at, QCTX_IMPORT_CONTEXT), error);
    return read_passages(at, key, lists, take_context, error);
}

static qctx_status read_object(reading *at, qctx_error *error)
{
    bool no_pair = false;
    qctx_status status;

    find_keys(at);
    status = require(at, QCTX_IMPORT_QUESTION, error);
    if (status == QCTX_OK)
        status = require(at, QCTX_IMPORT_CONTEXT, error);
    if (status == QCTX_OK)
        status = qctx_json_get_string(at->object, at->taken[QCTX_IMPORT_QUESTION], "", at->place, &at->question, error);
    if (status == QCTX_OK)
        status = get_name(at, QCTX_IMPORT_TITLE, at->title_number, &at->title, error);
    if (status == QCTX_OK)
        status = get_name(at, QCTX_IMPORT_ID, at->number, &at->id, error);
    if (status == QCTX_OK)
        status = import_read_fields(at->source, at->object, at->place, &at->fields, error);
    if (status == QCTX_OK)
        status = read_label(at, &no_pair, error);
    if (status == QCTX_OK)
        status = refuse_printed_answers(at, error);
    if (status != QCTX_OK)
        return status;
    note_unused(at);
    if (no_pair) {
        at->source->counts->read++;
        at->source->counts->no_pair++;
        return QCTX_OK;
    }
    status = read_contexts(at, error);
    return status == QCTX_OK ? read_negatives(at, error) : status;
}

/* A question, its context, and negatives: [anchor, positive, negative …] of sentence-transformers. */
static qctx_status read_array(reading *at, const json_t *array, qctx_error *error)
{
    const import_fields none = {0};
    size_t count = json_array_size(array);
    qctx_status status;

    /* Its texts have no names that --columns could mean. */
    if (at->source->job->columns[QCTX_IMPORT_QUESTION] != NULL || at->source->job->columns[QCTX_IMPORT_CONTEXT] != NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: found an array, whose texts have no names; --columns wants objects", at->place);
    for (size_t i = 0; i < count; i++)
        if (!json_is_string(json_array_get(array, i)))
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found an array that holds %s, expected question and context",
                             at->place, qctx_json_type(json_array_get(array, i)));
    if (count < 2)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: found an array of %zu, expected an object, or an array of question and context",
                         at->place, count);
    at->question = json_string_value(json_array_get(array, 0));
    at->title = "";
    status = take_context(at, json_string_value(json_array_get(array, 1)), NULL, &none, error);
    for (size_t i = 2; i < count && status == QCTX_OK; i++)
        status = take_negative(at, json_string_value(json_array_get(array, i)), NULL, &none, error);
    return status;
}

qctx_status import_read_record(const import_source *source, const json_t *record, const char *place, qctx_error *error)
{
    reading at = {.source = source, .object = record, .place = place, .row = -1};
    qctx_status status;

    if (json_is_array(record))
        status = read_array(&at, record, error);
    else if (json_is_object(record))
        status = read_object(&at, error);
    else
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an object", place, qctx_json_type(record));
    free(at.lead);
    return status;
}
