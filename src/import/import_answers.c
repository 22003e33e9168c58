/* Answers of SQuAD's kind: where they stand in their paragraph, and the sentences around them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"
#include "qctx/base/mem.h"

#define UNANSWERABLE "CANNOTANSWER"

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

/* Byte offset of UTF-16 unit `index`, or −1 if the text is shorter or the unit is the second of a character. */
static int64_t utf16_offset(const char *text, size_t length, int64_t index)
{
    size_t at = 0;

    while (index > 0 && at < length) {
        unsigned char lead = (unsigned char)text[at];

        index -= lead >= 0xF0 ? 2 : 1;
        at += lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    }
    return index == 0 ? (int64_t)at : -1;
}

static bool stands_at(const import_paragraph *paragraph, const char *answer, int64_t first)
{
    size_t length = strlen(answer);

    return first >= 0 && (uint64_t)first <= paragraph->length && paragraph->length - (size_t)first >= length &&
           memcmp(paragraph->text + first, answer, length) == 0;
}

/* The byte at which the answer stands as its offset says, in one of the units that are in use, or −1. */
static int64_t exact_place(const import_paragraph *paragraph, const char *answer, int64_t start, bool *in_codepoints)
{
    const int64_t places[] = {qctx_text_byte_offset(paragraph->text, paragraph->length, start),
                              utf16_offset(paragraph->text, paragraph->length, start), start};

    for (int i = 0; i < 3; i++)
        if (stands_at(paragraph, answer, places[i])) {
            *in_codepoints = i == 0;
            return places[i];
        }
    return -1;
}

/* The number of answers; both forms of `answers` have one. */
static size_t count_answers(const json_t *answers)
{
    const json_t *texts = json_is_object(answers) ? json_object_get(answers, "text") : answers;

    return json_is_array(texts) ? json_array_size(texts) : json_is_string(texts) ? 1 : 0;
}

/* Where an answer begins: a whole number, however it is written, or nothing, which is 0 as far as it is looked for. */
static qctx_status get_start(const json_t *position, bool strict, const char *place, int64_t *start, qctx_error *error)
{
    bool absent = position == NULL || json_is_null(position);
    double number = 0;

    if (json_is_integer(position)) {
        *start = json_integer_value(position);
        return QCTX_OK;
    }
    if (strict || (!absent && !import_get_number(position, &number)) || number != floor(number) || fabs(number) > 9e15)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'answer_start' is %s, expected an integer", place,
                         qctx_json_type(position));
    *start = (int64_t)number;
    return QCTX_OK;
}

/* Answer number `index`. */
static qctx_status get_answer(const json_t *answers, size_t index, bool strict, const char *place, const char **text,
                              int64_t *start, qctx_error *error)
{
    const json_t *object = json_is_object(answers) ? answers : json_array_get(answers, index);
    const json_t *found = json_is_string(object) ? object : json_object_get(object, "text");
    const json_t *position = json_object_get(object, "answer_start");

    if (object == answers) {
        found = json_is_array(found) ? json_array_get(found, index) : found;
        position = json_is_array(position) ? json_array_get(position, index) : position;
    }
    if (strict && object != answers && !json_is_object(object))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an object with the key 'text'", place,
                         qctx_json_type(object));
    if (!json_is_string(found))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: a text of 'answers' is %s, expected a string", place,
                         qctx_json_type(found));
    *text = json_string_value(found);
    return get_start(position, strict, place, start, error);
}

/* The first answer that stands where it says. The first of all says whether there is one, as QuAC has it. */
static qctx_status find_exactly(const import_source *source, const import_paragraph *paragraph, const json_t *answers,
                                const char *place, import_finding *finding, qctx_span *span, qctx_error *error)
{
    *finding = IMPORT_NO_TEXT;
    for (size_t i = 0; i < count_answers(answers); i++) {
        const char *text;
        int64_t start, first;
        bool in_codepoints;
        qctx_status status = get_answer(answers, i, source->job->strict, place, &text, &start, error);

        if (status != QCTX_OK)
            return status;
        if (i == 0 && source->counts->format == QCTX_IMPORT_QUAC && strcmp(text, UNANSWERABLE) == 0) {
            *finding = IMPORT_UNANSWERABLE;
            return QCTX_OK;
        }
        if (qctx_text_is_blank(text, strlen(text)))
            continue;
        first = exact_place(paragraph, text, start, &in_codepoints);
        *finding = first < 0 ? IMPORT_NOT_FOUND : IMPORT_FOUND;
        if (first < 0)
            continue;
        *span = (qctx_span){first, first + (int64_t)strlen(text)};
        source->counts->repaired += !in_codepoints;
        return QCTX_OK;
    }
    return QCTX_OK;
}

/* The first answer that stands anywhere, at its place nearest to where it says. */
static void find_nearby(const import_source *source, const import_paragraph *paragraph, const json_t *answers,
                        import_finding *finding, qctx_span *span)
{
    for (size_t i = 0; i < count_answers(answers); i++) {
        const char *text;
        int64_t start, wanted, first;

        if (get_answer(answers, i, false, "", &text, &start, NULL) != QCTX_OK || qctx_text_is_blank(text, strlen(text)))
            continue;
        wanted = qctx_text_byte_offset(paragraph->text, paragraph->length, start);
        wanted = wanted >= 0 ? wanted : start < 0 ? 0 : (int64_t)paragraph->length;
        first = nearest_occurrence(paragraph->text, paragraph->length, text, strlen(text), wanted);
        if (first < 0)
            continue;
        *span = (qctx_span){first, first + (int64_t)strlen(text)};
        *finding = IMPORT_FOUND;
        source->counts->repaired++;
        return;
    }
}

/* The sentences from `first` to `last` with `count` on either side, as far as there are some. */
static void find_surroundings(import_paragraph *paragraph, int64_t first, int64_t last, int64_t count)
{
    const qctx_spans *sentences = &paragraph->sentences;
    const int64_t start = first > count ? first - count : 0;
    const int64_t end = last < sentences->count - 1 - count ? last + count : sentences->count - 1;

    paragraph->around = (qctx_span){0, 0};
    if (start < first || last < end)
        paragraph->around = (qctx_span){sentences->items[start].first, sentences->items[end].end};
}

/* Widens an answer's bytes to the sentences that it touches and `radius` more on either side. */
static qctx_status widen_to_sentences(const import_source *source, import_paragraph *paragraph, qctx_span *span,
                                      qctx_error *error)
{
    const qctx_spans *sentences = &paragraph->sentences;
    int64_t radius = source->job->radius;
    int64_t first = 0, last;
    qctx_status status = QCTX_OK;

    if (!paragraph->divided)
        status = qctx_text_sentences(source->text, paragraph->text, paragraph->length, &paragraph->sentences, error);
    if (status != QCTX_OK)
        return status;
    paragraph->divided = true;
    /* The answer is not blank, so it touches at least one of the sentences, which cover all but white space. */
    last = sentences->count - 1;
    while (first < last && sentences->items[first].end <= span->first)
        first++;
    while (last > first && sentences->items[last].first >= span->end)
        last--;
    first = first > radius ? first - radius : 0;
    last = last < sentences->count - 1 - radius ? last + radius : sentences->count - 1;
    *span = (qctx_span){sentences->items[first].first, sentences->items[last].end};
    find_surroundings(paragraph, first, last, source->job->surroundings);
    return QCTX_OK;
}

/* The answers of a question, NULL if it says that it has none. */
static qctx_status get_answers(const json_t *turn, bool strict, const char *place, const json_t **answers,
                               qctx_error *error)
{
    const json_t *impossible = json_object_get(turn, "is_impossible");
    double is_impossible = 0;

    *answers = NULL;
    if (impossible != NULL && !json_is_null(impossible) &&
        (!import_get_number(impossible, &is_impossible) || (strict && !json_is_boolean(impossible))))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'is_impossible' is %s, expected a boolean", place,
                         qctx_json_type(impossible));
    if (is_impossible != 0)
        return QCTX_OK;
    *answers = json_object_get(turn, "answers");
    if (*answers == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the key 'answers' is missing, expected an array", place);
    if (json_is_null(*answers)) {
        *answers = NULL;
        return QCTX_OK;
    }
    if (json_is_object(*answers)) {
        const json_t *texts = json_object_get(*answers, "text");

        if (json_is_array(texts) || json_is_string(texts))
            return QCTX_OK;
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'text' of 'answers' is %s, expected an array", place,
                         qctx_json_type(texts));
    }
    if (!json_is_array(*answers))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'answers' is %s, expected an array", place,
                         qctx_json_type(*answers));
    return QCTX_OK;
}

qctx_status import_find_answer(const import_source *source, import_paragraph *paragraph, const json_t *turn,
                               const char *place, import_finding *finding, qctx_span *span, qctx_error *error)
{
    const json_t *answers;
    qctx_status status = get_answers(turn, source->job->strict, place, &answers, error);

    *finding = IMPORT_UNANSWERABLE;
    if (status != QCTX_OK || answers == NULL || count_answers(answers) == 0)
        return status;
    status = find_exactly(source, paragraph, answers, place, finding, span, error);
    if (status == QCTX_OK && *finding == IMPORT_NOT_FOUND)
        find_nearby(source, paragraph, answers, finding, span);
    if (status != QCTX_OK || *finding != IMPORT_FOUND)
        return status;
    if (source->job->paragraph) {
        *span = (qctx_span){0, (int64_t)paragraph->length};
        return QCTX_OK;
    }
    return widen_to_sentences(source, paragraph, span, error);
}

qctx_status import_describe_sentence(import_paragraph *paragraph, import_fields *fields, qctx_error *error)
{
    const qctx_span around = paragraph->around;

    if (paragraph->whole == NULL)
        paragraph->whole = qctx_format(error, "%.*s", (int)paragraph->length, paragraph->text);
    free(paragraph->surroundings);
    paragraph->surroundings =
        qctx_format(error, "%.*s", (int)(around.end - around.first), paragraph->text + around.first);
    if (fields->texts[IMPORT_PARAGRAPH] == NULL)
        fields->texts[IMPORT_PARAGRAPH] = paragraph->whole;
    if (fields->texts[IMPORT_SURROUNDINGS] == NULL)
        fields->texts[IMPORT_SURROUNDINGS] = paragraph->surroundings;
    return paragraph->whole == NULL || paragraph->surroundings == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

void import_free_paragraph(import_paragraph *paragraph)
{
    free(paragraph->sentences.items);
    free(paragraph->whole);
    free(paragraph->surroundings);
    *paragraph = (import_paragraph){0};
}

void import_count_finding(const import_source *source, import_finding finding)
{
    qctx_import_counts *counts = source->counts;

    counts->unanswerable += finding == IMPORT_UNANSWERABLE;
    counts->empty += finding == IMPORT_NO_TEXT;
    counts->not_found += finding == IMPORT_NOT_FOUND;
}
