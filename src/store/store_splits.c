/* The splits of a store: read whole, checked, and brought into the corpus's form. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "store_internal.h"

/* Reads answers/SPLIT/FIELD; `*values` is the caller's. */
static qctx_status read_list(const qctx_store *store, const char *split, const char *field, int64_t **values,
                             int64_t *count, qctx_error *error)
{
    char *dataset = qctx_format(error, "answers/%s/%s", split, field);
    qctx_h5_shape shape;
    qctx_status status = QCTX_ERR_MEMORY;

    if (dataset == NULL)
        return status;
    status = qctx_h5_inspect(store->file, dataset, &shape, error);
    if (status != QCTX_OK)
        goto out;
    if (shape.rank != 1 || !shape.is_integer) {
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s is not a list of integers", store->path, dataset);
        goto out;
    }
    *count = shape.shape[0];
    *values = qctx_alloc(*count, sizeof **values, "the answers of a split", error);
    status = *values == NULL ? QCTX_ERR_MEMORY
                             : qctx_h5_read(store->file, dataset, QCTX_H5_INT64, 0, *count, *values, error);
out:
    free(dataset);
    return status;
}

static qctx_status check_range(const qctx_store *store, const qctx_split *split, const char *field,
                               const int64_t *values, int64_t count, int64_t lowest, int64_t limit, qctx_error *error)
{
    for (int64_t i = 0; i < count; i++)
        if (values[i] < lowest || values[i] >= limit)
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: answers/%s/%s: entry %lld is %lld; expected 0 to %lld%s",
                             store->path, split->name, field, (long long)i, (long long)values[i], (long long)limit - 1,
                             lowest == QCTX_ABSENT ? ", or -1 for what is not in the store" : "");
    return QCTX_OK;
}

/* Contexts are rows, or QCTX_ABSENT; not all of a split are absent. */
static qctx_status check_contexts(const qctx_store *store, const qctx_split *split, int64_t count, qctx_error *error)
{
    const int64_t limit = store->sides[QCTX_CONTEXT].count;
    qctx_status status = check_range(store, split, "contexts", split->contexts, count, QCTX_ABSENT, limit, error);

    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        if (split->contexts[i] != QCTX_ABSENT)
            return QCTX_OK;
    if (status == QCTX_OK)
        status = qctx_fail(error, QCTX_ERR_DATA, "%s: answers/%s: none of the contexts is in the store", store->path,
                           split->name);
    return status;
}

/* Reads answers/SPLIT/grades where there is one. */
static qctx_status read_grades(const qctx_store *store, qctx_split *split, qctx_error *error)
{
    const int64_t answers = split->offsets[split->count];
    char *dataset = qctx_format(error, "answers/%s/grades", split->name);
    qctx_h5_shape shape;
    qctx_status status = QCTX_OK;

    if (dataset == NULL)
        return QCTX_ERR_MEMORY;
    if (!qctx_h5_exists(store->file, dataset))
        goto out;
    status = qctx_h5_inspect(store->file, dataset, &shape, error);
    if (status != QCTX_OK)
        goto out;
    if (shape.rank != 1 || shape.shape[0] != answers) {
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s is not a list of %lld numbers, one for each of contexts",
                           store->path, dataset, (long long)answers);
        goto out;
    }
    split->grades = qctx_alloc(answers, sizeof *split->grades, "the grades of a split", error);
    status = split->grades == NULL
                 ? QCTX_ERR_MEMORY
                 : qctx_h5_read(store->file, dataset, QCTX_H5_FLOAT32, 0, answers, split->grades, error);
    for (int64_t a = 0; a < answers && status == QCTX_OK; a++)
        if (!(split->grades[a] > 0 && isfinite(split->grades[a])))
            status = qctx_fail(error, QCTX_ERR_FORMAT,
                               "%s: %s: entry %lld is %g; expected a number above 0, since contexts answer",
                               store->path, dataset, (long long)a, (double)split->grades[a]);
out:
    free(dataset);
    return status;
}

static qctx_status check_offsets(const qctx_store *store, const qctx_split *split, int64_t contexts, qctx_error *error)
{
    const int64_t *offsets = split->offsets;

    if (offsets[0] != 0 || offsets[split->count] != contexts)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: answers/%s/offsets runs from %lld to %lld; expected 0 to %lld, the length of contexts",
                         store->path, split->name, (long long)offsets[0], (long long)offsets[split->count],
                         (long long)contexts);
    for (int64_t k = 0; k < split->count; k++)
        if (offsets[k + 1] <= offsets[k])
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "%s: answers/%s/offsets: entry %lld is %lld after %lld; expected ascending numbers, since "
                             "every question of a split has an answer",
                             store->path, split->name, (long long)k + 1, (long long)offsets[k + 1],
                             (long long)offsets[k]);
    return QCTX_OK;
}

/* A context that answers, with its grade. */
typedef struct {
    int64_t context;
    float grade;
} graded;

static int compare_graded(const void *left, const void *right)
{
    const graded *a = left, *b = right;

    if (a->context != b->context)
        return a->context < b->context ? -1 : 1;
    return (a->grade > b->grade) - (a->grade < b->grade);
}

/* Sorts answers [count] and keeps each context once, by its highest grade, but all that are absent. */
static int64_t tidy_answers(graded *answers, int64_t count)
{
    int64_t kept = 0;

    qsort(answers, (size_t)count, sizeof *answers, compare_graded);
    for (int64_t i = 0; i < count; i++)
        if (answers[i].context == QCTX_ABSENT || i + 1 == count || answers[i].context != answers[i + 1].context)
            answers[kept++] = answers[i];
    return kept;
}

/* Tidies each question's contexts: a foreign store may list them in any order, and twice. */
static qctx_status tidy_contexts(qctx_split *split, qctx_error *error)
{
    graded *answers = qctx_alloc(split->offsets[split->count], sizeof *answers, "the answers of a split", error);
    int64_t kept = 0;

    if (answers == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t k = 0; k < split->count; k++) {
        const int64_t first = split->offsets[k], count = split->offsets[k + 1] - first;
        int64_t distinct;

        for (int64_t a = 0; a < count; a++)
            answers[a] = (graded){split->contexts[first + a], qctx_grade(split->grades, first + a)};
        distinct = tidy_answers(answers, count);
        split->offsets[k] = kept;
        for (int64_t a = 0; a < distinct; a++, kept++) {
            split->contexts[kept] = answers[a].context;
            if (split->grades != NULL)
                split->grades[kept] = answers[a].grade;
        }
    }
    split->offsets[split->count] = kept;
    free(answers);
    return QCTX_OK;
}

/* Where a split does not say which questions are its own, it is about all of them in order. */
static qctx_status read_questions(const qctx_store *store, qctx_split *split, qctx_error *error)
{
    char *dataset = qctx_format(error, "answers/%s/questions", split->name);
    int64_t total = store->sides[QCTX_QUESTION].count;
    bool given;

    if (dataset == NULL)
        return QCTX_ERR_MEMORY;
    given = qctx_h5_exists(store->file, dataset);
    free(dataset);
    if (given)
        return read_list(store, split->name, "questions", &split->questions, &split->count, error);
    split->count = total;
    split->questions = qctx_alloc(total, sizeof *split->questions, "the questions of a split", error);
    if (split->questions == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < total; i++)
        split->questions[i] = i;
    return QCTX_OK;
}

static qctx_status read_split(const qctx_store *store, const char *name, qctx_split *split, qctx_error *error)
{
    int64_t offsets = 0;
    int64_t contexts = 0;
    qctx_status status;

    if (strlen(name) >= sizeof split->name)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: answers/%s: the name of a split has at most %d letters",
                         store->path, name, (int)sizeof split->name - 1);
    snprintf(split->name, sizeof split->name, "%s", name);
    status = read_questions(store, split, error);
    if (status == QCTX_OK)
        status = read_list(store, name, "offsets", &split->offsets, &offsets, error);
    if (status == QCTX_OK)
        status = read_list(store, name, "contexts", &split->contexts, &contexts, error);
    if (status != QCTX_OK)
        return status;
    if (split->count == 0)
        return qctx_fail(error, QCTX_ERR_DATA, "%s: answers/%s has no questions", store->path, name);
    if (offsets != split->count + 1)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: answers/%s/offsets has %lld entries; expected %lld, one more than the questions",
                         store->path, name, (long long)offsets, (long long)split->count + 1);
    status = check_range(store, split, "questions", split->questions, split->count, 0,
                         store->sides[QCTX_QUESTION].count, error);
    if (status == QCTX_OK)
        status = check_offsets(store, split, contexts, error);
    if (status == QCTX_OK)
        status = check_contexts(store, split, contexts, error);
    if (status == QCTX_OK)
        status = read_grades(store, split, error);
    return status == QCTX_OK ? tidy_contexts(split, error) : status;
}

qctx_status qctx_store_read_splits(qctx_store *store, qctx_error *error)
{
    char **names = NULL;
    int64_t count = 0;
    qctx_status status;

    if (!qctx_h5_exists(store->file, "answers") && store->contexts_only)
        return QCTX_OK;
    if (!qctx_h5_exists(store->file, "answers")) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: there is no group answers", store->path);
        return qctx_hint(error, "answers/SPLIT says which contexts answer which question");
    }
    status = qctx_h5_list(store->file, "answers", &names, &count, error);
    if (status != QCTX_OK)
        return status;
    if (count == 0)
        status = qctx_fail(error, QCTX_ERR_DATA, "%s: answers holds no split", store->path);
    else if ((store->splits = qctx_alloc(count, sizeof *store->splits, "splits", error)) == NULL)
        status = QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        status = read_split(store, names[i], &store->splits[i], error);
        store->split_count = i + 1;
    }
    for (int64_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return status;
}

int64_t qctx_store_split_count(const qctx_store *store)
{
    return store->split_count;
}

const qctx_split *qctx_store_split_at(const qctx_store *store, int64_t index)
{
    return &store->splits[index];
}

const qctx_split *qctx_store_split(const qctx_store *store, const char *name, qctx_error *error)
{
    return qctx_splits_find(store->splits, store->split_count, name, store->path, error);
}
