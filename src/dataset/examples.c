#include "qctx/dataset/examples.h"

#include <stdlib.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"

static qctx_status fill_examples(const qctx_division *work, qctx_examples *examples, qctx_error *error)
{
    int64_t positives = 0, dropped = 0;

    for (int64_t i = 0; i < work->count; i++) {
        int64_t n;

        qctx_division_contexts(work, &work->questions[i], &n);
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
        const qctx_training_question *question = &work->questions[i];
        const qctx_split *split = work->opened->train[question->source].split;
        int64_t n, at = examples->offsets[examples->count];
        const int64_t *contexts = qctx_division_contexts(work, question, &n);

        if (question->held_out)
            continue;
        if (qctx_division_is_touched(work, question)) {
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
    free(set->examples.contexts);
    free(set->examples.content);
    *set = (qctx_training_set){0};
}
