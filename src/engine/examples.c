#include "qctx/engine/examples.h"

#include <stdlib.h>

#include "examples_internal.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"

qctx_eval_set qctx_source_questions(const qctx_opened_source *source)
{
    const qctx_split *split = source->split;
    int64_t count = source->limit > 0 && source->limit < split->count ? source->limit : split->count;

    return (qctx_eval_set){source->store, count, split->questions, split->offsets, split->contexts};
}

static qctx_status fill_examples(const division *work, qctx_examples *examples, qctx_error *error)
{
    int64_t positives = 0, dropped = 0;

    for (int64_t i = 0; i < work->count; i++) {
        int64_t n;

        examples_contexts_of(work, &work->candidates[i], &n);
        positives += n;
    }
    examples->source = qctx_alloc(work->count, sizeof *examples->source, "training examples", error);
    examples->question = qctx_alloc(work->count, sizeof *examples->question, "training examples", error);
    examples->offsets = qctx_alloc(work->count + 1, sizeof *examples->offsets, "training examples", error);
    examples->contexts = qctx_alloc(positives, sizeof *examples->contexts, "training examples", error);
    examples->content = qctx_alloc(positives, sizeof *examples->content, "training examples", error);
    if (examples->source == NULL || examples->question == NULL || examples->offsets == NULL ||
        examples->contexts == NULL || examples->content == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < work->count; i++) {
        const candidate *question = &work->candidates[i];
        const qctx_split *split = work->opened->train[question->source].split;
        int64_t n, at = examples->offsets[examples->count];
        const int64_t *contexts = examples_contexts_of(work, question, &n);

        if (question->held_out)
            continue;
        if (examples_is_touched(work, question)) {
            dropped++;
            continue;
        }
        examples->source[examples->count] = question->source;
        examples->question[examples->count] = split->questions[question->index];
        for (int64_t c = 0; c < n; c++) {
            examples->contexts[at + c] = contexts[c];
            examples->content[at + c] = work->keys[question->source].content[contexts[c]];
        }
        examples->offsets[++examples->count] = at + n;
    }
    if (dropped > 0)
        qctx_info("left out %lld training questions whose contexts are held out for tuning", (long long)dropped);
    if (examples->count == 0) {
        qctx_fail(error, QCTX_ERR_DATA, "data.train: no questions are left to train on");
        return qctx_hint(error, "hold out less (eval.tune), or raise the limit of the sources");
    }
    return QCTX_OK;
}

/* One tuning set from questions of a split: those that `take` marks, or all where it is NULL. */
static qctx_status fill_tuning(qctx_store *store, const qctx_split *split, int64_t limit, const candidate *take,
                               qctx_tuning *tuning, qctx_error *error)
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
    tuning->set = (qctx_eval_set){store, at, tuning->questions, tuning->offsets, tuning->contexts};
    return QCTX_OK;
}

static void free_tuning(qctx_tuning *tuning)
{
    free(tuning->questions);
    free(tuning->offsets);
    free(tuning->contexts);
    *tuning = (qctx_tuning){0};
}

static qctx_status fill_tunings(const division *work, qctx_training_set *set, qctx_error *error)
{
    const candidate *take = work->candidates;

    set->tuning = qctx_alloc(work->opened->train_count, sizeof *set->tuning, "tuning sets", error);
    if (set->tuning == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < work->opened->train_count; s++) {
        const qctx_opened_source *source = &work->opened->train[s];
        int64_t limit = qctx_source_questions(source).count;
        qctx_tuning *tuning = &set->tuning[set->tuning_count++];
        qctx_status status = fill_tuning(source->store, source->split, limit, take, tuning, error);

        if (status != QCTX_OK)
            return status;
        take += limit;
        set->tuning_questions += tuning->set.count;
        /* A source without held-out questions has nothing to evaluate. */
        if (tuning->set.count == 0) {
            free_tuning(tuning);
            set->tuning_count--;
        }
    }
    return QCTX_OK;
}

/* With eval.tune_split, that split of every training source that has it. */
static qctx_status fill_named_tunings(const division *work, qctx_training_set *set, qctx_error *error)
{
    const char *name = work->config->eval.tune_split;

    set->tuning = qctx_alloc(work->opened->train_count, sizeof *set->tuning, "tuning sets", error);
    if (set->tuning == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < work->opened->train_count; s++) {
        qctx_store *store = work->opened->train[s].store;
        const qctx_split *split = qctx_store_split(store, name, error);
        qctx_status status;

        if (split == NULL)
            return QCTX_ERR_DATA;
        status = fill_tuning(store, split, split->count, NULL, &set->tuning[set->tuning_count++], error);
        if (status != QCTX_OK)
            return status;
        set->tuning_questions += split->count;
    }
    return QCTX_OK;
}

static qctx_status build_local(division *work, bool with_examples, qctx_training_set *set, qctx_error *error)
{
    qctx_status status = examples_divide(work, error);

    if (status == QCTX_OK && with_examples)
        status = fill_examples(work, &set->examples, error);
    if (status != QCTX_OK)
        return status;
    return work->config->eval.tune_split[0] != '\0' ? fill_named_tunings(work, set, error)
                                                    : fill_tunings(work, set, error);
}

/* Collective. */
static qctx_status build(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened, bool with_examples,
                         qctx_training_set *set, qctx_error *error)
{
    division work = {.config = config, .opened = opened};
    qctx_status status;

    *set = (qctx_training_set){0};
    status = qctx_agree(comm, build_local(&work, with_examples, set, error), error);
    examples_division_free(&work);
    if (status != QCTX_OK)
        qctx_training_set_free(set);
    return status;
}

qctx_status qctx_training_set_build(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                                    qctx_training_set *set, qctx_error *error)
{
    return build(comm, config, opened, true, set, error);
}

qctx_status qctx_training_set_hold_out(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                                       qctx_training_set *set, qctx_error *error)
{
    return build(comm, config, opened, false, set, error);
}

void qctx_training_set_free(qctx_training_set *set)
{
    for (int64_t s = 0; s < set->tuning_count; s++)
        free_tuning(&set->tuning[s]);
    free(set->tuning);
    free(set->examples.source);
    free(set->examples.question);
    free(set->examples.offsets);
    free(set->examples.contexts);
    free(set->examples.content);
    *set = (qctx_training_set){0};
}
