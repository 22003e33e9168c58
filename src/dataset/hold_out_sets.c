/* The held-out questions of each source as sets to be evaluated. */
#include <stdlib.h>

#include "hold_out_internal.h"
#include "qctx/base/mem.h"

/* One tuning set from questions of a split: those that `take` marks, or all where it is NULL. */
static qctx_status fill_tuning(qctx_store *store, const qctx_split *split, int64_t limit,
                               const qctx_training_question *take, qctx_tuning *tuning, qctx_error *error)
{
    int64_t at = 0;

    tuning->questions = qctx_alloc(limit, sizeof *tuning->questions, "tuning questions", error);
    tuning->offsets = qctx_alloc(limit + 1, sizeof *tuning->offsets, "tuning questions", error);
    tuning->contexts = qctx_alloc(split->offsets[limit], sizeof *tuning->contexts, "tuning questions", error);
    if (tuning->questions == NULL || tuning->offsets == NULL || tuning->contexts == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t k = 0; k < limit; k++) {
        if (take != NULL && !take[k].held_out)
            continue;
        tuning->questions[at] = split->questions[k];
        tuning->offsets[at + 1] = tuning->offsets[at];
        for (int64_t c = split->offsets[k]; c < split->offsets[k + 1]; c++)
            tuning->contexts[tuning->offsets[at + 1]++] = split->contexts[c];
        at++;
    }
    tuning->set = qctx_eval_set_of_store(store, at, tuning->questions, tuning->offsets, tuning->contexts);
    return QCTX_OK;
}

static void free_tuning(qctx_tuning *tuning)
{
    free(tuning->questions);
    free(tuning->offsets);
    free(tuning->contexts);
    *tuning = (qctx_tuning){0};
}

qctx_status hold_out_share_sets(const qctx_division *work, qctx_held_out *held_out, qctx_error *error)
{
    const qctx_training_question *take = work->questions;

    held_out->sets = qctx_alloc(work->opened->train_count, sizeof *held_out->sets, "tuning sets", error);
    if (held_out->sets == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < work->opened->train_count; s++) {
        const qctx_opened_source *source = &work->opened->train[s];
        int64_t limit = qctx_source_questions(source).count;
        qctx_tuning *tuning = &held_out->sets[held_out->count++];
        qctx_status status = fill_tuning(source->store, source->split, limit, take, tuning, error);

        if (status != QCTX_OK)
            return status;
        take += limit;
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
        qctx_store *store = work->opened->train[s].store;
        const qctx_split *split = qctx_store_split(store, name, error);
        qctx_status status;

        if (split == NULL)
            return QCTX_ERR_DATA;
        status = fill_tuning(store, split, split->count, NULL, &held_out->sets[held_out->count++], error);
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
