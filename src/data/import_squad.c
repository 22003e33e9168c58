/* The documents of SQuAD and QuAC: paragraphs, their questions, and where the answers stand. */
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"
#include "qctx/base/mem.h"

#define UNANSWERABLE "CANNOTANSWER"

/* Where the reader stands. Texts are borrowed from the parsed file. */
typedef struct {
    const import_source *source;
    bool quac;
    const char *title, *section;
    const char *paragraph;
    size_t length;        /* of the paragraph, without QuAC's mark at its end */
    const json_t *turns;  /* the paragraph's questions */
    qctx_spans sentences; /* of the paragraph; divided when the first answer asks for them */
    bool divided;
    char place[1280]; /* "file: data[i].paragraphs[j].qas[k]" */
} reading;

bool import_is_quac(const json_t *root)
{
    const json_t *article = json_array_get(json_object_get(root, "data"), 0);
    const json_t *paragraph = json_array_get(json_object_get(article, "paragraphs"), 0);
    const json_t *turn = json_array_get(json_object_get(paragraph, "qas"), 0);

    return json_object_get(article, "background") != NULL || json_object_get(turn, "followup") != NULL ||
           json_object_get(turn, "yesno") != NULL || json_object_get(turn, "orig_answer") != NULL;
}

/* The occurrence of the answer nearest to byte `wanted`, or −1. */
static int64_t nearest_occurrence(const char *paragraph, size_t length, const char *answer, size_t answer_length,
                                  int64_t wanted)
{
    const char *end = paragraph + length;
    int64_t nearest = -1;

    for (const char *at = memmem(paragraph, length, answer, answer_length); at != NULL;
         at = memmem(at + 1, (size_t)(end - at - 1), answer, answer_length)) {
        if (nearest >= 0 && llabs(at - paragraph - wanted) >= llabs(nearest - wanted))
            break; /* from here on they lie farther away */
        nearest = at - paragraph;
    }
    return nearest;
}

/* Finds the bytes of an answer said to begin at code point `start`. Returns false if the paragraph lacks it. */
static bool locate(const reading *at, const char *answer, int64_t start, qctx_span *span)
{
    size_t answer_length = strlen(answer);
    int64_t first = qctx_text_byte_offset(at->paragraph, at->length, start);

    if (first < 0 || at->length - (size_t)first < answer_length ||
        memcmp(at->paragraph + first, answer, answer_length) != 0) {
        int64_t wanted = first >= 0 ? first : start < 0 ? 0 : (int64_t)at->length;

        first = nearest_occurrence(at->paragraph, at->length, answer, answer_length, wanted);
        if (first < 0)
            return false;
        at->source->counts->repaired++;
    }
    *span = (qctx_span){first, first + (int64_t)answer_length};
    return true;
}

/* Widens an answer's bytes to the sentences that it touches and `radius` more on either side. */
static qctx_status widen_to_sentences(reading *at, qctx_span *span, qctx_error *error)
{
    int64_t radius = at->source->job->radius;
    int64_t first = 0, last;
    qctx_status status = QCTX_OK;

    if (!at->divided)
        status = qctx_text_sentences(at->source->text, at->paragraph, at->length, &at->sentences, error);
    if (status != QCTX_OK)
        return status;
    at->divided = true;
    /* The answer is not blank, so it touches at least one of the sentences, which cover all but white space. */
    last = at->sentences.count - 1;
    while (first < last && at->sentences.items[first].end <= span->first)
        first++;
    while (last > first && at->sentences.items[last].first >= span->end)
        last--;
    first = first > radius ? first - radius : 0;
    last = last < at->sentences.count - 1 - radius ? last + radius : at->sentences.count - 1;
    *span = (qctx_span){at->sentences.items[first].first, at->sentences.items[last].end};
    return QCTX_OK;
}

/* Earlier questions of the dialog, in order, each followed by a space; freshly allocated. */
static char *earlier_turns(const reading *at, size_t turn, qctx_error *error)
{
    size_t history = at->quac ? (size_t)at->source->job->history : 0;
    char *text = qctx_strdup("", error);

    for (size_t i = turn > history ? turn - history : 0; i < turn && text != NULL; i++) {
        const char *question = json_string_value(json_object_get(json_array_get(at->turns, i), "question"));
        char *longer = qctx_format(error, "%s%s ", text, question != NULL ? question : "");

        free(text);
        text = longer;
    }
    return text;
}

static qctx_status add_question(reading *at, size_t turn, const char *id, const char *question, qctx_span span,
                                qctx_error *error)
{
    char *prefix = import_prefix(at->source->job, at->title, at->quac ? at->section : "", error);
    char *earlier = earlier_turns(at, turn, error);
    char *lead = prefix == NULL || earlier == NULL ? NULL : qctx_format(error, "%s%s", prefix, earlier);
    char *context = qctx_format(error, "%.*s", (int)(span.end - span.first), at->paragraph + span.first);
    qctx_status status = QCTX_ERR_MEMORY;

    if (lead != NULL && context != NULL) {
        import_record record = {id, at->title, lead, question, context};

        status = import_add(at->source, &record, error);
    }
    free(prefix);
    free(earlier);
    free(lead);
    free(context);
    return status;
}

/* The first answer of a question; `*text` is NULL if it has none. */
static qctx_status get_answer(const reading *at, const json_t *turn, const char **text, int64_t *start,
                              qctx_error *error)
{
    const json_t *impossible = json_object_get(turn, "is_impossible");
    const json_t *answer, *position;
    json_t *answers;
    qctx_status status;

    *text = NULL;
    if (impossible != NULL && !json_is_boolean(impossible) && !json_is_null(impossible))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'is_impossible' is %s, expected a boolean", at->place,
                         qctx_json_type(impossible));
    if (json_is_true(impossible))
        return QCTX_OK;
    status = qctx_json_get_array(turn, "answers", at->place, &answers, error);
    if (status != QCTX_OK || json_array_size(answers) == 0)
        return status;
    answer = json_array_get(answers, 0);
    status = qctx_json_get_string(answer, "text", NULL, at->place, text, error);
    if (status != QCTX_OK)
        return status;
    position = json_object_get(answer, "answer_start");
    if (!json_is_integer(position))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'answer_start' is %s, expected an integer", at->place,
                         qctx_json_type(position));
    *start = json_integer_value(position);
    if (at->quac && strcmp(*text, UNANSWERABLE) == 0)
        *text = NULL;
    return QCTX_OK;
}

static qctx_status read_turn(reading *at, size_t index, qctx_error *error)
{
    const json_t *turn = json_array_get(at->turns, index);
    qctx_import_counts *counts = at->source->counts;
    const char *question, *id, *answer;
    qctx_span span = {0, (int64_t)at->length};
    int64_t start = 0;
    char number[32];
    qctx_status status = qctx_json_get_string(turn, "question", NULL, at->place, &question, error);

    if (status == QCTX_OK)
        status = import_get_id(turn, "id", at->place, number, &id, error);
    if (status == QCTX_OK)
        status = get_answer(at, turn, &answer, &start, error);
    if (status != QCTX_OK)
        return status;
    counts->read++;
    if (answer == NULL) {
        counts->unanswerable++;
        return QCTX_OK;
    }
    if (qctx_text_is_blank(question, strlen(question)) || qctx_text_is_blank(answer, strlen(answer)) ||
        qctx_text_is_blank(at->paragraph, at->length)) {
        counts->empty++;
        return QCTX_OK;
    }
    if (!locate(at, answer, start, &span)) {
        counts->not_found++;
        return QCTX_OK;
    }
    if (at->source->job->paragraph)
        span = (qctx_span){0, (int64_t)at->length};
    else
        status = widen_to_sentences(at, &span, error);
    return status == QCTX_OK ? add_question(at, index, id, question, span, error) : status;
}

static qctx_status read_paragraph(reading *at, const json_t *paragraph, qctx_error *error)
{
    size_t place_length = strlen(at->place);
    size_t mark = strlen(UNANSWERABLE);
    json_t *turns;
    qctx_status status = qctx_json_get_string(paragraph, "context", NULL, at->place, &at->paragraph, error);

    if (status == QCTX_OK)
        status = qctx_json_get_array(paragraph, "qas", at->place, &turns, error);
    if (status != QCTX_OK)
        return status;
    at->turns = turns;
    at->divided = false;
    at->length = strlen(at->paragraph);
    if (at->length > INT32_MAX)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the context is longer than 2 GiB", at->place);
    if (at->quac && at->length >= mark && strcmp(at->paragraph + at->length - mark, UNANSWERABLE) == 0)
        at->length -= mark;
    for (size_t i = 0; i < json_array_size(turns) && status == QCTX_OK; i++) {
        snprintf(at->place + place_length, sizeof at->place - place_length, ".qas[%zu]", i);
        status = read_turn(at, i, error);
    }
    return status;
}

static qctx_status read_article(reading *at, const json_t *article, qctx_error *error)
{
    size_t place_length = strlen(at->place);
    json_t *paragraphs;
    qctx_status status = qctx_json_get_string(article, "title", "", at->place, &at->title, error);

    if (status == QCTX_OK && at->quac)
        status = qctx_json_get_string(article, "section_title", "", at->place, &at->section, error);
    if (status == QCTX_OK)
        status = qctx_json_get_array(article, "paragraphs", at->place, &paragraphs, error);
    if (status != QCTX_OK)
        return status;
    for (size_t i = 0; i < json_array_size(paragraphs) && status == QCTX_OK; i++) {
        snprintf(at->place + place_length, sizeof at->place - place_length, ".paragraphs[%zu]", i);
        status = read_paragraph(at, json_array_get(paragraphs, i), error);
    }
    return status;
}

qctx_status import_read_squad(const import_source *source, const json_t *root, qctx_error *error)
{
    reading at = {.source = source, .quac = source->counts->format == QCTX_IMPORT_QUAC};
    json_t *articles;
    qctx_status status = qctx_json_get_array(root, "data", source->path, &articles, error);

    for (size_t i = 0; status == QCTX_OK && i < json_array_size(articles); i++) {
        snprintf(at.place, sizeof at.place, "%.1024s: data[%zu]", source->path, i);
        status = read_article(&at, json_array_get(articles, i), error);
    }
    if (status == QCTX_ERR_FORMAT)
        qctx_hint(error, "%s files hold data[].paragraphs[] with 'context' and 'qas'; see 'qctx-dist import --help'",
                  at.quac ? "QuAC" : "SQuAD");
    free(at.sentences.items);
    return status;
}
