#include <stdlib.h>
#include <string.h>

#include "mine_internal.h"
#include "qctx/base/mem.h"
#include "qctx/platform/stop.h"
#include "qctx/text/json.h"

const char *const mine_format_names[] = {
    [MINE_TSV] = "tsv", [MINE_N_TUPLE] = "n-tuple", [MINE_FLAGEMBEDDING] = "flagembedding", NULL};

/* What stands for questions and contexts: ids in a table, else texts. */
typedef struct {
    const mine_sheet *sheet;
    char **questions; /* [examples] */
    char **contexts;  /* [contexts of the store], those that are written; NULL elsewhere */
} words;

/* Row numbers in the store of an example's negatives: place i of its list. */
static int64_t negative_row(const mine_sheet *sheet, int64_t example, int64_t i)
{
    return sheet->lists->pool.list[sheet->lists->places[sheet->lists->offsets[example] + i]].row;
}

static int64_t negative_count(const mine_sheet *sheet, int64_t example)
{
    return sheet->lists->offsets[example + 1] - sheet->lists->offsets[example];
}

/* Whether the format has a line for an example. */
static bool is_written(const mine_sheet *sheet, int64_t example)
{
    return negative_count(sheet, example) >= (sheet->format == MINE_N_TUPLE ? sheet->count : 1);
}

/* Marks the rows of the contexts that are written; returns how many. */
static int64_t mark_contexts(const mine_sheet *sheet, bool *used)
{
    const qctx_examples *examples = sheet->examples;
    int64_t count = 0;

    for (int64_t i = 0; i < examples->count; i++) {
        if (!is_written(sheet, i))
            continue;
        for (int64_t k = 0; k < negative_count(sheet, i); k++)
            used[negative_row(sheet, i, k)] = true;
        for (int64_t a = 0; a < qctx_examples_pairs(examples, i) && sheet->format != MINE_TSV; a++)
            used[examples->contexts[examples->offsets[i] + a]] = true;
    }
    for (int64_t row = 0; row < qctx_store_count(sheet->store, QCTX_CONTEXT); row++)
        count += used[row];
    return count;
}

/* An id must fit its column, and a text must be there. */
static qctx_status check_word(const mine_sheet *sheet, qctx_side side, int64_t row, const char *word, qctx_error *error)
{
    if (sheet->format == MINE_TSV && (word[0] == '\0' || strpbrk(word, "\t\r\n") != NULL)) {
        qctx_fail(error, QCTX_ERR_DATA, "%s: the %s id '%s' %s, which a table cannot hold",
                  qctx_store_path(sheet->store), qctx_side_names[side], word,
                  word[0] == '\0' ? "is empty" : "has a tab or a line end in it");
        return qctx_hint(error, "--format n-tuple and flagembedding write texts instead");
    }
    if (word[0] != '\0')
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_DATA, "%s: the %s of row %lld has no text", qctx_store_path(sheet->store),
              qctx_side_names[side], (long long)row);
    return qctx_hint(error, "--format tsv writes ids instead");
}

/* words [count] = the ids or texts of these rows. */
static qctx_status read_words(const mine_sheet *sheet, qctx_side side, const int64_t *rows, int64_t count, char **read,
                              qctx_error *error)
{
    const qctx_field field = sheet->format == MINE_TSV ? QCTX_FIELD_ID : QCTX_FIELD_TEXT;
    qctx_status status = qctx_store_texts(sheet->store, side, field, rows, count, read, error);

    if (status == QCTX_OK && field == QCTX_FIELD_TEXT && side == QCTX_CONTEXT &&
        qctx_store_titles(sheet->store) == QCTX_TITLES_JOINED)
        status = qctx_store_join_titles(sheet->store, rows, count, read, error);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        status = check_word(sheet, side, rows[i], read[i], error);
    return status;
}

static qctx_status read_contexts(words *known, qctx_error *error)
{
    const mine_sheet *sheet = known->sheet;
    const int64_t total = qctx_store_count(sheet->store, QCTX_CONTEXT);
    bool *used = qctx_alloc(total, sizeof *used, "what is written", error);
    int64_t *rows = qctx_alloc(total, sizeof *rows, "what is written", error), count = 0;
    char **read = NULL;
    qctx_status status = QCTX_ERR_MEMORY;

    known->contexts = qctx_alloc(total, sizeof *known->contexts, "what is written", error);
    if (used == NULL || rows == NULL || known->contexts == NULL)
        goto out;
    read = qctx_alloc(mark_contexts(sheet, used), sizeof *read, "what is written", error);
    if (read == NULL)
        goto out;
    for (int64_t row = 0; row < total; row++)
        if (used[row])
            rows[count++] = row;
    status = read_words(sheet, QCTX_CONTEXT, rows, count, read, error);
    for (int64_t i = 0; i < count; i++)
        known->contexts[rows[i]] = read[i];
out:
    free(used);
    free(rows);
    free(read);
    return status;
}

static void free_words(words *known)
{
    for (int64_t i = 0; i < known->sheet->examples->count && known->questions != NULL; i++)
        free(known->questions[i]);
    for (int64_t i = 0; i < qctx_store_count(known->sheet->store, QCTX_CONTEXT) && known->contexts != NULL; i++)
        free(known->contexts[i]);
    free(known->questions);
    free(known->contexts);
}

static const char *negative_of(const words *known, int64_t example, int64_t i)
{
    return known->contexts[negative_row(known->sheet, example, i)];
}

/* Writes an object as a line and releases it. */
static qctx_status write_object(FILE *out, const mine_sheet *sheet, int64_t example, json_t *object, qctx_error *error)
{
    char *text = object == NULL ? NULL : qctx_json_dump(object, error);

    if (object == NULL)
        return qctx_fail(error, QCTX_ERR_DATA, "%s: a text of question row %lld or of its contexts is not UTF-8",
                         qctx_store_path(sheet->store), (long long)sheet->examples->question[example]);
    if (text != NULL)
        fprintf(out, "%s\n", text);
    json_decref(object);
    free(text);
    return text == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static qctx_status write_tuple(FILE *out, const words *known, int64_t example, const char *positive, qctx_error *error)
{
    json_t *object = json_pack("{s:s, s:s}", "anchor", known->questions[example], "positive", positive);

    for (int64_t i = 0; i < known->sheet->count && object != NULL; i++) {
        char key[32];

        snprintf(key, sizeof key, "negative_%lld", (long long)i + 1);
        if (json_object_set_new(object, key, json_string(negative_of(known, example, i))) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return write_object(out, known->sheet, example, object, error);
}

static qctx_status write_flag(FILE *out, const words *known, int64_t example, qctx_error *error)
{
    const qctx_examples *examples = known->sheet->examples;
    json_t *positives = json_array(), *negatives = json_array();
    bool good = true;

    for (int64_t a = 0; a < qctx_examples_pairs(examples, example) && good; a++)
        good = json_array_append_new(
                   positives, json_string(known->contexts[examples->contexts[examples->offsets[example] + a]])) == 0;
    for (int64_t i = 0; i < negative_count(known->sheet, example) && good; i++)
        good = json_array_append_new(negatives, json_string(negative_of(known, example, i))) == 0;
    if (!good) {
        json_decref(positives);
        json_decref(negatives);
        return write_object(out, known->sheet, example, NULL, error);
    }
    return write_object(
        out, known->sheet, example,
        json_pack("{s:s, s:o, s:o}", "query", known->questions[example], "pos", positives, "neg", negatives), error);
}

static qctx_status write_example(FILE *out, const words *known, int64_t example, qctx_error *error)
{
    const mine_sheet *sheet = known->sheet;
    const int64_t *positives = sheet->examples->contexts + sheet->examples->offsets[example];
    qctx_status status = QCTX_OK;

    switch (sheet->format) {
    case MINE_TSV:
        for (int64_t i = 0; i < negative_count(sheet, example); i++)
            fprintf(out, "%s\t%s\n", known->questions[example], negative_of(known, example, i));
        return QCTX_OK;
    case MINE_N_TUPLE:
        for (int64_t a = 0; a < qctx_examples_pairs(sheet->examples, example) && status == QCTX_OK; a++)
            status = write_tuple(out, known, example, known->contexts[positives[a]], error);
        return status;
    case MINE_FLAGEMBEDDING:
        return write_flag(out, known, example, error);
    }
    return QCTX_OK;
}

qctx_status mine_write(FILE *out, const mine_sheet *sheet, int64_t *left_out, qctx_error *error)
{
    const qctx_examples *examples = sheet->examples;
    words known = {.sheet = sheet,
                   .questions = qctx_alloc(examples->count, sizeof *known.questions, "what is written", error)};
    qctx_status status = known.questions == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    *left_out = 0;
    if (status == QCTX_OK)
        status = read_words(sheet, QCTX_QUESTION, examples->question, examples->count, known.questions, error);
    if (status == QCTX_OK)
        status = read_contexts(&known, error);
    if (status == QCTX_OK && sheet->format == MINE_TSV)
        fputs("query-id\tcorpus-id\n", out);
    for (int64_t i = 0; i < examples->count && status == QCTX_OK && !ferror(out); i++) {
        if (is_written(sheet, i))
            status = write_example(out, &known, i, error);
        else
            ++*left_out;
        if (status == QCTX_OK)
            status = qctx_stop_check(error);
    }
    free_words(&known);
    return status;
}
