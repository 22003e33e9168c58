/* The articles of SQuAD and QuAC: paragraphs and their questions. */
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
    char *page_title;           /* of SQuAD: what `title` is then */
    import_fields of_article;   /* fields that the user names */
    import_fields fields;       /* likewise, those of the paragraph over them */
    import_paragraph paragraph; /* without QuAC's mark at its end */
    const json_t *turns;        /* the paragraph's questions */
    char place[1280];           /* "file: data[i].paragraphs[j].qas[k]" */
} reading;

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
    char *context = qctx_format(error, "%.*s", (int)(span.end - span.first), at->paragraph.text + span.first);
    int64_t row;
    import_fields fields = at->fields;
    const bool sentence = !at->source->job->paragraph;
    qctx_status status = lead == NULL || context == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && sentence)
        status = import_describe_sentence(&at->paragraph, &fields, error);
    if (status == QCTX_OK) {
        import_record record = {.id = id,
                                .title = at->title,
                                .lead = lead,
                                .question = question,
                                .context = context,
                                .fields = &fields,
                                .sentence = sentence};

        status = import_add(at->source, &record, &row, error);
    }
    free(prefix);
    free(earlier);
    free(lead);
    free(context);
    return status;
}

/* Notes keys that neither SQuAD nor QuAC has. */
static void note_unused(const reading *at, const json_t *turn)
{
    static const char *const known[] = {"id",       "question", "answers",    "is_impossible", "plausible_answers",
                                        "followup", "yesno",    "orig_answer"};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)turn, key, value)
    {
        bool found = false;

        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            found = found || strcmp(known[i], key) == 0;
        if (!found)
            import_note_unused(at->source->counts, key);
    }
}

static qctx_status read_turn(reading *at, size_t index, qctx_error *error)
{
    const json_t *turn = json_array_get(at->turns, index);
    const char *question, *id;
    import_finding finding;
    qctx_span span;
    char number[32];
    qctx_status status = qctx_json_get_string(turn, "question", NULL, at->place, &question, error);

    if (status == QCTX_OK)
        status = import_get_name(turn, "id", !at->source->job->strict, at->place, number, &id, error);
    if (status == QCTX_OK)
        status = import_find_answer(at->source, &at->paragraph, turn, at->place, &finding, &span, error);
    if (status != QCTX_OK)
        return status;
    note_unused(at, turn);
    at->source->counts->read++;
    if (finding != IMPORT_UNANSWERABLE && (qctx_text_is_blank(question, strlen(question)) ||
                                           qctx_text_is_blank(at->paragraph.text, at->paragraph.length)))
        finding = IMPORT_NO_TEXT;
    if (finding == IMPORT_FOUND)
        return add_question(at, index, id, question, span, error);
    import_count_finding(at->source, finding);
    return QCTX_OK;
}

static qctx_status read_paragraph(reading *at, const json_t *paragraph, qctx_error *error)
{
    size_t place_length = strlen(at->place);
    size_t mark = strlen(UNANSWERABLE);
    const char *text;
    json_t *turns;
    qctx_status status = qctx_json_get_string(paragraph, "context", NULL, at->place, &text, error);

    if (status == QCTX_OK)
        status = qctx_json_get_array(paragraph, "qas", at->place, &turns, error);
    if (status != QCTX_OK)
        return status;
    at->turns = turns;
    import_free_paragraph(&at->paragraph);
    at->paragraph = (import_paragraph){.text = text, .length = strlen(text)};
    at->fields = at->of_article;
    status = import_read_fields(at->source, paragraph, at->place, &at->fields, error);
    if (status != QCTX_OK)
        return status;
    if (at->paragraph.length > INT32_MAX)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the context is longer than 2 GiB", at->place);
    if (at->quac && at->paragraph.length >= mark && strcmp(text + at->paragraph.length - mark, UNANSWERABLE) == 0)
        at->paragraph.length -= mark;
    for (size_t i = 0; i < json_array_size(turns) && status == QCTX_OK; i++) {
        snprintf(at->place + place_length, sizeof at->place - place_length, ".qas[%zu]", i);
        status = import_leave_out(at->source, read_turn(at, i, error), error);
    }
    return status;
}

static qctx_status read_title(reading *at, const json_t *article, char number[32], qctx_error *error)
{
    qctx_status status =
        import_get_name(article, "title", !at->source->job->strict, at->place, number, &at->title, error);

    if (status != QCTX_OK || at->quac)
        return status;
    at->title = at->page_title = import_page_title(at->title, error);
    return at->title == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static qctx_status read_paragraphs(reading *at, const json_t *article, qctx_error *error)
{
    size_t place_length = strlen(at->place);
    json_t *paragraphs;
    char number[32];
    qctx_status status = read_title(at, article, number, error);

    if (status == QCTX_OK)
        status = import_read_fields(at->source, article, at->place, &at->of_article, error);
    if (status == QCTX_OK && at->quac)
        status = qctx_json_get_string(article, "section_title", "", at->place, &at->section, error);
    if (status == QCTX_OK)
        status = qctx_json_get_array(article, "paragraphs", at->place, &paragraphs, error);
    if (status != QCTX_OK)
        return status;
    for (size_t i = 0; i < json_array_size(paragraphs) && status == QCTX_OK; i++) {
        snprintf(at->place + place_length, sizeof at->place - place_length, ".paragraphs[%zu]", i);
        status = import_leave_out(at->source, read_paragraph(at, json_array_get(paragraphs, i), error), error);
    }
    return status;
}

qctx_status import_read_article(const import_source *source, const json_t *article, const char *place,
                                qctx_error *error)
{
    reading at = {.source = source, .quac = source->counts->format == QCTX_IMPORT_QUAC};
    qctx_status status;

    snprintf(at.place, sizeof at.place, "%s", place);
    status = read_paragraphs(&at, article, error);
    import_free_paragraph(&at.paragraph);
    free(at.page_title);
    return status;
}
