/* The splits of a corpus, from the files of its folder qrels. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "corpus_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qrels_columns.h"

/*
 * A judgement of one line; the grade is 0 where the context was judged not to answer. Contexts that are not there have
 * the numbers −1, −2 … of their own.
 */
typedef struct {
    int64_t question, context;
    float grade;
    int64_t line;
} judgement;

typedef struct {
    judgement *items;
    int64_t count, capacity;
    qctx_arena ids; /* of contexts that are not there, and their numbers from 0 */
    qctx_textmap absent;
} judgements;

/* The row of a context, or its number below 0. */
static qctx_status find_context(const qctx_corpus *corpus, const char *id, judgements *found, int64_t *context,
                                qctx_error *error)
{
    const char *kept;
    int64_t number;
    qctx_status status;

    *context = qctx_textmap_find(&corpus->memory->context_rows, id);
    if (*context >= 0 && *context != ROW_WITHOUT_TEXT)
        return QCTX_OK;
    kept = qctx_arena_text(&found->ids, id, strlen(id), error);
    if (kept == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_textmap_add(&found->absent, kept, found->absent.count, &number, error);
    *context = -1 - number;
    return status;
}

static qctx_status take_judgement(qctx_corpus *corpus, qctx_split *split, const char *const fields[QRELS_ROLES],
                                  double score, judgements *found, qctx_error *error)
{
    const int64_t question = qctx_textmap_find(&corpus->memory->question_rows, fields[QRELS_QUESTION]);
    int64_t context;
    qctx_status status;

    split->judged.lines++;
    split->judged.unknown_questions += question < 0;
    if (question < 0 || question == ROW_WITHOUT_TEXT)
        return QCTX_OK;
    status = find_context(corpus, fields[QRELS_CONTEXT], found, &context, error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&found->items, &found->capacity, found->count + 1, sizeof *found->items,
                           "judgements", error);
    if (status != QCTX_OK)
        return status;
    split->judged.unknown_contexts += context < 0;
    found->items[found->count++] = (judgement){question, context, score > 0 ? (float)score : 0.0f, split->judged.lines};
    return QCTX_OK;
}

static bool judge_the_same(const judgement *a, const judgement *b)
{
    return a->question == b->question && a->context == b->context;
}

static int compare_judgements(const void *left, const void *right)
{
    const judgement *a = left, *b = right;

    if (a->question != b->question)
        return a->question < b->question ? -1 : 1;
    if (a->context != b->context)
        return a->context < b->context ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

/* Sorts the judgements and keeps the last one of each question and context, as BEIR and pytrec_eval do. */
static void settle_judgements(judgements *found, int64_t *contradictory)
{
    int64_t kept = 0;

    if (found->count == 0)
        return;
    qsort(found->items, (size_t)found->count, sizeof *found->items, compare_judgements);
    for (int64_t i = 0; i < found->count; i++) {
        const judgement *at = &found->items[i];

        if (i + 1 == found->count || !judge_the_same(at, at + 1))
            found->items[kept++] = *at;
        else
            *contradictory += at->grade != at[1].grade;
    }
    found->count = kept;
}

/* Appends the answers of one question, judgements first … end − 1; one that none answers is counted only. */
static void arrange_question(const judgements *found, int64_t first, int64_t end, qctx_split *split)
{
    int64_t used = split->offsets[split->count];

    for (int64_t i = first; i < end; i++) {
        const judgement *at = &found->items[i];

        if (at->grade == 0)
            continue;
        split->contexts[used] = at->context < 0 ? QCTX_ABSENT : at->context;
        split->grades[used++] = at->grade;
    }
    if (used == split->offsets[split->count]) {
        split->judged.without_answer++;
        return;
    }
    split->questions[split->count++] = found->items[first].question;
    split->offsets[split->count] = used;
}

/* Lays settled judgements out as a CSR list of the contexts that answer. */
static qctx_status arrange(const judgements *found, qctx_split *split, qctx_error *error)
{
    split->questions = qctx_alloc(found->count, sizeof *split->questions, "a split", error);
    split->offsets = qctx_alloc(found->count + 1, sizeof *split->offsets, "a split", error);
    split->contexts = qctx_alloc(found->count, sizeof *split->contexts, "a split", error);
    split->grades = qctx_alloc(found->count, sizeof *split->grades, "a split", error);
    if (split->questions == NULL || split->offsets == NULL || split->contexts == NULL || split->grades == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t first = 0, end; first < found->count; first = end) {
        for (end = first + 1; end < found->count && found->items[end].question == found->items[first].question; end++)
            ;
        arrange_question(found, first, end, split);
    }
    return QCTX_OK;
}

/*
 * Drops grades that say nothing, and all answers where none of them is there. What a program that knew neither grades
 * nor missing contexts would have read otherwise gets another fingerprint, so that it is not taken from its stores.
 */
static void simplify(qctx_split *split, uint64_t *fingerprint)
{
    const int64_t answers = split->offsets[split->count];
    int64_t absent = 0, graded = 0;

    for (int64_t a = 0; a < answers; a++) {
        absent += split->contexts[a] == QCTX_ABSENT;
        graded += split->grades[a] != 1.0f;
    }
    if (graded == 0) {
        free(split->grades);
        split->grades = NULL;
    }
    if (absent == answers)
        split->count = 0;
    else if (absent + graded > 0)
        *fingerprint = qctx_hash("graded", sizeof "graded", *fingerprint);
}

/* Reads the lines of one file. */
static qctx_status read_judgements(qctx_corpus *corpus, qctx_split *split, qctx_lines *lines, judgements *found,
                                   qctx_error *error)
{
    qrels_header header = {0};
    qctx_status status = QCTX_OK;
    bool more = true;

    while (status == QCTX_OK) {
        const char *fields[QRELS_ROLES];
        double score;
        bool is_header;

        status = qctx_lines_next(lines, &more, error);
        if (status != QCTX_OK || !more)
            break;
        status = qrels_read_line(lines, &header, fields, &score, &is_header, error);
        if (status == QCTX_OK && !is_header)
            status = take_judgement(corpus, split, fields, score, found, error);
    }
    return status;
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
    judgements found = {0};
    qctx_split *split;
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
    if (status == QCTX_OK)
        status = read_judgements(corpus, split, &lines, &found, error);
    corpus->fingerprint = lines.hash;
    if (status != QCTX_OK)
        goto out;
    settle_judgements(&found, &corpus->memory->contradictory);
    status = arrange(&found, split, error);
    if (status == QCTX_OK)
        simplify(split, &corpus->fingerprint);
out:
    qctx_lines_close(&lines);
    free(found.items);
    qctx_textmap_free(&found.absent);
    qctx_arena_free(&found.ids);
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

/* One usable split is enough; where there is none, the message is about the first. */
static qctx_status check_any_is_usable(const qctx_corpus *corpus, const char *folder, const char *file,
                                       qctx_error *error)
{
    char *path;

    for (int64_t i = 0; i < corpus->split_count; i++)
        if (corpus->splits[i].count > 0)
            return QCTX_OK;
    path = qctx_path_join(folder, file, error);
    if (path == NULL)
        return QCTX_ERR_MEMORY;
    qctx_splits_find(corpus->splits, 1, corpus->splits[0].name, path, error);
    free(path);
    return QCTX_ERR_DATA;
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
    for (int i = 0; i < count && status == QCTX_OK; i++)
        status = read_split(corpus, path, entries[i]->d_name, error);
    if (status == QCTX_OK)
        status = check_any_is_usable(corpus, path, entries[0]->d_name, error);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    free(path);
    return status;
}
