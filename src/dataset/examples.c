#include "qctx/dataset/examples.h"

#include <stdlib.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"

/* Appends a context of the example that is being filled. */
static void add_context(const qctx_division *work, int32_t source, int64_t context, qctx_examples *examples)
{
    int64_t *end = &examples->offsets[examples->count + 1];

    examples->contexts[*end] = context;
    examples->content[*end] = work->keys[source].content[context];
    (*end)++;
}

/* Appends a training question: the contexts that it makes pairs with, then those that are no negatives of it. */
static void add_example(const qctx_division *work, const qctx_training_question *question, qctx_examples *examples)
{
    const qctx_eval_set set = qctx_source_questions(&work->opened->train[question->source]);
    const int64_t own = qctx_eval_set_own(&set, question->index);
    int64_t pairs;
    const int64_t *contexts = qctx_division_contexts(work, question, &pairs);

    examples->source[examples->count] = question->source;
    examples->question[examples->count] = set.questions[question->index];
    examples->pairs[examples->count] = pairs;
    examples->offsets[examples->count + 1] = examples->offsets[examples->count];
    for (int64_t c = 0; c < pairs; c++)
        add_context(work, question->source, contexts[c], examples);
    for (int64_t a = set.offsets[question->index]; a < set.offsets[question->index + 1]; a++)
        if (set.contexts[a] != QCTX_ABSENT && !qctx_grade_reaches(set.grades, a, work->config->data.min_grade))
            add_context(work, question->source, set.contexts[a], examples);
    if (own != QCTX_ABSENT)
        add_context(work, question->source, own, examples);
    examples->count++;
}

/* The most contexts that all examples together have. */
static int64_t most_contexts(const qctx_division *work)
{
    int64_t most = work->count;

    for (int64_t s = 0; s < work->opened->train_count; s++) {
        const qctx_eval_set set = qctx_source_questions(&work->opened->train[s]);

        most += set.offsets[set.count];
    }
    return most;
}

static qctx_status fill_examples(const qctx_division *work, qctx_examples *examples, qctx_error *error)
{
    const int64_t most = most_contexts(work);
    int64_t dropped = 0;

    examples->source = qctx_alloc(work->count, sizeof *examples->source, "training examples", error);
    examples->question = qctx_alloc(work->count, sizeof *examples->question, "training examples", error);
    examples->offsets = qctx_alloc(work->count + 1, sizeof *examples->offsets, "training examples", error);
    examples->pairs = qctx_alloc(work->count, sizeof *examples->pairs, "training examples", error);
    examples->contexts = qctx_alloc(most, sizeof *examples->contexts, "training examples", error);
    examples->content = qctx_alloc(most, sizeof *examples->content, "training examples", error);
    if (examples->source == NULL || examples->question == NULL || examples->offsets == NULL ||
        examples->pairs == NULL || examples->contexts == NULL || examples->content == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < work->count; i++) {
        const qctx_training_question *question = &work->questions[i];

        if (question->held_out)
            continue;
        if (qctx_division_is_touched(work, question))
            dropped++;
        else
            add_example(work, question, examples);
    }
    if (dropped > 0)
        qctx_info("left out %lld training questions whose contexts are held out for tuning", (long long)dropped);
    if (examples->count == 0) {
        qctx_fail(error, QCTX_ERR_DATA, "data.train: no questions are left to train on");
        return qctx_hint(error, "hold out less (eval.tune), or raise the limit of the sources");
    }
    return QCTX_OK;
}

qctx_status qctx_training_set_build(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                                    qctx_training_set *set, qctx_error *error)
{
    qctx_division division;
    qctx_status status;

    *set = (qctx_training_set){0};
    status = qctx_hold_out(config, opened, &division, &set->held_out, error);
    if (status == QCTX_OK)
        status = fill_examples(&division, &set->examples, error);
    status = qctx_agree(comm, status, error);
    qctx_division_free(&division);
    if (status != QCTX_OK)
        qctx_training_set_free(set);
    return status;
}

void qctx_training_set_free(qctx_training_set *set)
{
    qctx_held_out_free(&set->held_out);
    free(set->examples.source);
    free(set->examples.question);
    free(set->examples.offsets);
    free(set->examples.pairs);
    free(set->examples.contexts);
    free(set->examples.content);
    *set = (qctx_training_set){0};
}
