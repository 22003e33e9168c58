/* A split: which contexts answer which of its questions. Corpora and stores hold theirs in the same form. */
#ifndef QCTX_DATA_SPLIT_H
#define QCTX_DATA_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"

/* Stands for the row of a context that was judged to answer, but is not there: no search finds it. */
enum { QCTX_ABSENT = -1 };

/*
 * Question k of the split is row questions[k] of the corpus, answered by
 * contexts[offsets[k]] … contexts[offsets[k + 1] − 1] (row numbers, ascending, at least one, no duplicate; before them
 * QCTX_ABSENT once for every context that is not there).
 */
typedef struct {
    char name[64];
    int64_t count;      /* questions of the split */
    int64_t *questions; /* [count], ascending: the order of queries.jsonl */
    int64_t *offsets;   /* [count + 1] */
    int64_t *contexts;  /* [offsets[count]] */
    float *grades;      /* [offsets[count]] how well they answer, above 0; NULL: all are 1 */
    struct {
        int64_t lines;             /* judgements in the file of qrels, right or not; 0 of a store */
        int64_t unknown_questions; /* of these: whose question is not in queries.jsonl */
        int64_t unknown_contexts;  /* … of known questions, whose context is not in corpus.jsonl, or has no text */
        int64_t without_answer;    /* known questions that no context answers: all their scores are 0 or less */
    } judged;
} qctx_split;

/* Whether a split may have this name: letters, digits, "_", "-", ".", not first a dot, at most 63. Cannot fail. */
bool qctx_split_name_is_valid(const char *name);

/*
 * The split of that name, or NULL with `error` filled (DATA: names those that exist, and the nearest as a hint; or says
 * why the split has no question with an answer);
 * `place` is what the message begins with. Local.
 */
const qctx_split *qctx_splits_find(const qctx_split *splits, int64_t count, const char *name, const char *place,
                                   qctx_error *error);

/* The grade of answer a of a split, whose `grades` may be NULL. Local. Cannot fail. */
static inline float qctx_grade(const float *grades, int64_t a)
{
    return grades == NULL ? 1.0f : grades[a];
}

/*
 * Whether that grade is `level` or above. A level is compared in the precision of grades: 0.7 reaches 0.7. Local.
 * Cannot fail.
 */
static inline bool qctx_grade_reaches(const float *grades, int64_t a, double level)
{
    return qctx_grade(grades, a) >= (float)level;
}

/* Sorts rows [count], each once and without QCTX_ABSENT; returns how many are left. Local. Cannot fail. */
int64_t qctx_distinct_contexts(int64_t *rows, int64_t count);

/* Frees the splits and their lists. Local. */
void qctx_splits_free(qctx_split *splits, int64_t count);

#endif
