/* The splits of a corpus, from the files of its folder qrels. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "corpus_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/data/lines.h"

typedef struct {
    int64_t question, context;
} answer;

typedef struct {
    answer *items;
    int64_t count, capacity;
} answers;

static bool parse_score(const char *text, double *score)
{
    char *end;

    *score = strtod(text, &end);
    while (*end == ' ')
        end++;
    return end != text && *end == '\0' && isfinite(*score);
}

/* Columns of a line: BEIR's three, TREC's four, and one more that is too many. */
enum { BEIR_COLUMNS = 3, TREC_COLUMNS = 4, COLUMNS_MOST = 5 };

/*
 * Cuts a line in place, at its tabs, or where it has none at runs of spaces, as trec_eval reads; a tab behind the
 * score begins no column. Returns how many columns there are, COLUMNS_MOST for more.
 */
static int cut_columns(char *text, char *columns[COLUMNS_MOST])
{
    const bool tabs = strchr(text, '\t') != NULL;
    int count = 0;

    while (count < COLUMNS_MOST) {
        text += tabs ? 0 : strspn(text, " ");
        if (*text == '\0' && (count >= BEIR_COLUMNS || !tabs))
            return count;
        columns[count++] = text;
        text += strcspn(text, tabs ? "\t" : " ");
        if (*text == '\0')
            return count;
        *text++ = '\0';
    }
    return count;
}

/* Leaves the question, the context and the score, or says what was found. TREC's second column means nothing. */
static qctx_status take_columns(qctx_lines *lines, char *columns[COLUMNS_MOST], qctx_error *error)
{
    const int count = cut_columns(lines->text, columns);

    if (count == TREC_COLUMNS) {
        columns[1] = columns[2];
        columns[2] = columns[3];
    }
    if (count == BEIR_COLUMNS || count == TREC_COLUMNS)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: expected question id, context id and score, found %s%d column%s",
              lines->place, count == COLUMNS_MOST ? "at least " : "", count, count == 1 ? "" : "s");
    return qctx_hint(error, "columns are divided by tabs, or by spaces where no id has one; TREC's four columns, with "
                            "an ignored one in the second place, are read too");
}

static qctx_status take_answer(qctx_corpus *corpus, qctx_lines *lines, answers *found, qctx_error *error)
{
    char *columns[COLUMNS_MOST] = {NULL};
    int64_t question, context;
    double score;
    qctx_status status = take_columns(lines, columns, error);

    if (status != QCTX_OK)
        return status;
    question = qctx_textmap_find(&corpus->memory->question_rows, columns[0]);
    context = qctx_textmap_find(&corpus->memory->context_rows, columns[1]);
    if (!parse_score(columns[2], &score)) {
        if (lines->number == 1 && question < 0 && context < 0)
            return QCTX_OK; /* a header line */
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the score '%s' is not a number", lines->place, columns[2]);
    }
    corpus->memory->unknown_questions += question < 0;
    corpus->memory->unknown_contexts += question >= 0 && context < 0;
    if (question < 0 || context < 0 || score <= 0 || question == ROW_WITHOUT_TEXT || context == ROW_WITHOUT_TEXT)
        return QCTX_OK;
    status =
        qctx_grow((void **)&found->items, &found->capacity, found->count + 1, sizeof *found->items, "answers", error);
    if (status == QCTX_OK)
        found->items[found->count++] = (answer){question, context};
    return status;
}

static int compare_answers(const void *left, const void *right)
{
    const answer *a = left, *b = right;

    if (a->question != b->question)
        return a->question < b->question ? -1 : 1;
    return (a->context > b->context) - (a->context < b->context);
}

/* Sorts the answers, drops repeated ones and lays them out as a CSR list. */
static qctx_status arrange(answers *found, qctx_split *split, qctx_error *error)
{
    int64_t used = 0;

    qsort(found->items, (size_t)found->count, sizeof *found->items, compare_answers);
    split->questions = qctx_alloc(found->count, sizeof *split->questions, "a split", error);
    split->offsets = qctx_alloc(found->count + 1, sizeof *split->offsets, "a split", error);
    split->contexts = qctx_alloc(found->count, sizeof *split->contexts, "a split", error);
    if (split->questions == NULL || split->offsets == NULL || split->contexts == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < found->count; i++) {
        const answer *at = &found->items[i];

        if (i > 0 && compare_answers(at - 1, at) == 0)
            continue;
        if (i == 0 || at[-1].question != at->question) {
            split->questions[split->count] = at->question;
            split->offsets[split->count++] = used;
        }
        split->contexts[used++] = at->context;
    }
    split->offsets[split->count] = used;
    return QCTX_OK;
}

static bool has_split(const qctx_corpus *corpus, const char *name)
{
    for (int64_t i = 0; i < corpus->split_count; i++)
        if (strcmp(corpus->splits[i].name, name) == 0)
            return true;
    return false;
}

/* Reads one file as the corpus' next split. */
static qctx_status read_split(qctx_corpus *corpus, const char *folder, const char *file, qctx_error *error)
{
    const size_t length = corpus_split_name_length(file);
    char *path = qctx_path_join(folder, file, error);
    qctx_lines lines = {.hash = qctx_hash(file, length, corpus->fingerprint)};
    answers found = {0};
    qctx_split *split;
    bool more = true;
    qctx_status status = QCTX_ERR_MEMORY;

    if (path == NULL)
        goto out;
    status = qctx_grow((void **)&corpus->splits, &corpus->memory->split_capacity, corpus->split_count + 1,
                       sizeof *corpus->splits, "splits", error);
    if (status != QCTX_OK)
        goto out;
    split = &corpus->splits[corpus->split_count];
    if (length >= sizeof split->name) {
        status =
            qctx_fail(error, QCTX_ERR_FORMAT, "%s: a split's name has at most %zu bytes", path, sizeof split->name - 1);
        goto out;
    }
    memset(split, 0, sizeof *split);
    memcpy(split->name, file, length);
    if (has_split(corpus, split->name)) {
        status = corpus_refuse_forms(folder, split->name, error);
        goto out;
    }
    corpus->split_count++;

    status = qctx_lines_open(&lines, path, error);
    while (status == QCTX_OK) {
        status = qctx_lines_next(&lines, &more, error);
        if (status != QCTX_OK || !more)
            break;
        status = take_answer(corpus, &lines, &found, error);
    }
    corpus->fingerprint = lines.hash;
    if (status == QCTX_OK && found.count == 0)
        status = qctx_fail(error, QCTX_ERR_DATA, "%s: the split has no question with an answer", path);
    if (status == QCTX_OK)
        status = arrange(&found, split, error);
out:
    qctx_lines_close(&lines);
    free(found.items);
    free(path);
    return status;
}

static int is_split_file(const struct dirent *entry)
{
    return corpus_split_name_length(entry->d_name) > 0;
}

/* Names are compared by bytes: their order must not depend on the locale. */
static int compare_names(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

qctx_status corpus_read_splits(qctx_corpus *corpus, const char *folder, qctx_error *error)
{
    char *path = qctx_path_join(folder, "qrels", error);
    struct dirent **entries = NULL;
    int count = 0;
    qctx_status status = QCTX_OK;

    if (path == NULL)
        return QCTX_ERR_MEMORY;
    count = scandir(path, &entries, is_split_file, compare_names);
    if (count < 0)
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot open the folder of splits: %s", path, strerror(errno));
    else if (count == 0)
        status = qctx_fail(error, QCTX_ERR_DATA, "%s: no split in this folder, expected files such as train.tsv", path);
    for (int i = 0; i < count; i++) {
        if (status == QCTX_OK)
            status = read_split(corpus, path, entries[i]->d_name, error);
        free(entries[i]);
    }
    free(entries);
    free(path);
    return status;
}
