/* The lists of the examples, from the lines of a teacher's files. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "teacher_internal.h"

/* By question, content and line. */
static int compare_scores(const void *left, const void *right)
{
    const teacher_score *a = left, *b = right;

    if (a->example != b->example)
        return a->example < b->example ? -1 : 1;
    if (a->context.content != b->context.content)
        return a->context.content < b->context.content ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

/* Keeps the last score of each question and content. */
static void drop_overruled(teacher_reading *reading)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < reading->count; i++) {
        const teacher_score *at = &reading->scores[i], *next = at + 1;

        if (i + 1 == reading->count || next->example != at->example || next->context.content != at->context.content)
            reading->scores[kept++] = *at;
        else
            reading->counts.contradictory += next->score != at->score;
    }
    reading->count = kept;
}

static qctx_scored_role role_of(const qctx_examples *examples, int64_t example, uint64_t content)
{
    const int64_t first = examples->offsets[example], pairs = first + qctx_examples_pairs(examples, example);

    for (int64_t a = first; a < examples->offsets[example + 1]; a++)
        if (examples->content[a] == content)
            return a < pairs ? QCTX_SCORED_RIGHT : QCTX_SCORED_NEITHER;
    return QCTX_SCORED_WRONG;
}

/* Whether the scores first … end − 1, of one question, make a list; counts what does not. */
static bool make_list(teacher_reading *reading, const qctx_examples *examples, int64_t first, int64_t end)
{
    bool has[QCTX_SCORED_NEITHER + 1] = {false};

    if (end - first == 1) {
        reading->counts.singles++;
        return false;
    }
    for (int64_t i = first; i < end; i++)
        has[role_of(examples, reading->scores[i].example, reading->scores[i].context.content)] = true;
    if (!reading->margins || (has[QCTX_SCORED_RIGHT] && has[QCTX_SCORED_WRONG]))
        return true;
    reading->counts.without_margin++;
    return false;
}

/* Keeps the scores of lists alone. */
static void drop_without_list(teacher_reading *reading, const qctx_examples *examples)
{
    int64_t kept = 0;

    for (int64_t first = 0, end; first < reading->count; first = end) {
        for (end = first + 1; end < reading->count && reading->scores[end].example == reading->scores[first].example;)
            end++;
        if (!make_list(reading, examples, first, end))
            continue;
        memmove(reading->scores + kept, reading->scores + first, (size_t)(end - first) * sizeof *reading->scores);
        kept += end - first;
    }
    reading->count = kept;
}

/* The scored contexts of all examples, in order, and where those of each begin. */
static qctx_status list_contexts(const teacher_reading *reading, int64_t examples, qctx_listed_negatives *lists,
                                 qctx_error *error)
{
    const char *what = "a teacher's lists";
    int64_t *offsets = qctx_alloc(examples + 1, sizeof *offsets, what, error);
    qctx_negative *listed = qctx_alloc(reading->count, sizeof *listed, what, error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (offsets == NULL || listed == NULL)
        goto out;
    for (int64_t e = 0; e < reading->count; e++) {
        listed[e] = reading->scores[e].context;
        offsets[reading->scores[e].example + 1]++;
    }
    for (int64_t i = 0; i < examples; i++)
        offsets[i + 1] += offsets[i];
    status = qctx_listed_negatives_make(examples, offsets, listed, lists, error);
out:
    free(offsets);
    free(listed);
    return status;
}

qctx_status teacher_arrange(teacher_reading *reading, const qctx_examples *examples, qctx_teacher *teacher,
                            qctx_error *error)
{
    const char *what = "a teacher's lists";

    if (reading->count > 0)
        qsort(reading->scores, (size_t)reading->count, sizeof *reading->scores, compare_scores);
    drop_overruled(reading);
    drop_without_list(reading, examples);
    teacher->scores = qctx_alloc(reading->count, sizeof *teacher->scores, what, error);
    teacher->roles = qctx_alloc(reading->count, sizeof *teacher->roles, what, error);
    if (teacher->scores == NULL || teacher->roles == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t e = 0; e < reading->count; e++) {
        teacher->scores[e] = reading->scores[e].score;
        teacher->roles[e] = (uint8_t)role_of(examples, reading->scores[e].example, reading->scores[e].context.content);
    }
    if (list_contexts(reading, examples->count, &teacher->lists, error) != QCTX_OK)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < examples->count; i++)
        teacher->longest = qctx_larger(teacher->longest, teacher->lists.offsets[i + 1] - teacher->lists.offsets[i]);
    return QCTX_OK;
}
