/* The held-out questions of each source as sets to be evaluated. */
#include <stdlib.h>

#include "hold_out_internal.h"
#include "qctx/base/mem.h"

/* Appends question k of a split. */
static void add_question(const qctx_split *split, int64_t k, int64_t at, qctx_tuning *tuning)
{
    int64_t used = tuning->offsets[at];

    tuning->questions[at] = split->questions[k];
    for (int64_t a = split->offsets[k]; a < split->offsets[k + 1]; a++, used++) {
        tuning->contexts[used] = split->contexts[a];
        if (split->grades != NULL)
            tuning->grades[used] = split->grades[a];
    }
    tuning->offsets[at + 1] = used;
}

/*
 * One tuning set from the first `limit` questions of a split of the source's store: those that `take` [taken] marks, in
 * ascending order, or all where it is NULL.
 */
static qctx_status fill_tuning(const qctx_opened_source *source, const qctx_split *split, int64_t limit,
                               const qctx_training_question *take, int64_t taken, qctx_tuning *tuning,
                               qctx_error *error)
{
    const int64_t answers = split->offsets[limit];
    int64_t at = 0;

    tuning->questions = qctx_alloc(limit, sizeof *tuning->questions, "tuning questions", error);
    tuning->offsets = qctx_alloc(limit + 1, sizeof *tuning->offsets, "tuning questions", error);
    tuning->contexts = qctx_alloc(answers, sizeof *tuning->contexts, "tuning questions", error);
    if (split->grades != NULL)
        tuning->grades = qctx_alloc(answers, sizeof *tuning->grades, "tuning questions", error);
    if (tuning->questions == NULL || tuning->offsets == NULL || tuning->contexts == NULL ||
        (split->grades != NULL && tuning->grades == NULL))
        return QCTX_ERR_MEMORY;
    for (int64_t k = 0; k < limit && take == NULL; k++)
        add_question(split, k, at++, tuning);
    for (int64_t i = 0; i < taken; i++)
        if (take[i].held_out)
            add_question(split, take[i].index, at++, tuning);
    tuning->set = qctx_eval_set_of_store(source->store, at, tuning->questions, tuning->offsets, tuning->contexts);
    tuning->set.grades = tuning->grades;
    tuning->set.own = source->own;
    return QCTX_OK;
}

static void free_tuning(qctx_tuning *tuning)
{
    free(tuning->questions);
    free(tuning->offsets);
    free(tuning->contexts);
    free(tuning->grades);
    *tuning = (qctx_tuning){0};
}

qctx_status hold_out_share_sets(const qctx_division *work, qctx_held_out *held_out, qctx_error *error)
{
    int64_t first = 0;

    held_out->sets = qctx_alloc(work->opened->train_count, sizeof *held_out->sets, "tuning sets", error);
    if (held_out->sets == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < work->opened->train_count; s++) {
        const qctx_opened_source *source = &work->opened->train[s];
        int64_t limit = qctx_source_questions(source).count;
        qctx_tuning *tuning = &held_out->sets[held_out->count++];
        int64_t end = first;
        qctx_status status;

        while (end < work->count && work->questions[end].source == s)
            end++;
        status = fill_tuning(source, source->split, limit, work->questions + first, end - first, tuning, error);
        if (status != QCTX_OK)
            return status;
        first = end;
        held_out->questions += tuning->set.count;
        /* A source without held-out questions has nothing to evaluate. */
        if (tuning->set.count == 0) {
            free_tuning(tuning);
            held_out->count--;
        }
    }
    return QCTX_OK;
}

/* With eval.tune_split, that split of every training source that has it. */
qctx_status hold_out_named_sets(const qctx_division *work, qctx_held_out *held_out, qctx_error *error)
{
    const char *name = work->config->eval.tune_split;

    held_out->sets = qctx_alloc(work->opened->train_count, sizeof *held_out->sets, "tuning sets", error);
    if (held_out->sets == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < work->opened->train_count; s++) {
        const qctx_opened_source *source = &work->opened->train[s];
        const qctx_split *split = qctx_store_split(source->store, name, error);
        qctx_status status;

        if (split == NULL)
            return QCTX_ERR_DATA;
        status = fill_tuning(source, split, split->count, NULL, 0, &held_out->sets[held_out->count++], error);
        if (status != QCTX_OK)
            return status;
        held_out->questions += split->count;
    }
    return QCTX_OK;
}

void qctx_held_out_free(qctx_held_out *held_out)
{
    for (int64_t s = 0; s < held_out->count; s++)
        free_tuning(&held_out->sets[s]);
    free(held_out->sets);
    *held_out = (qctx_held_out){0};
}
