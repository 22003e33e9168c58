#include "qctx/dataset/opened.h"

#include <stdlib.h>

#include "qctx/base/log.h"

qctx_eval_set qctx_source_questions(const qctx_opened_source *source)
{
    const qctx_split *split = source->split;
    int64_t count = source->limit > 0 && source->limit < split->count ? source->limit : split->count;

    qctx_eval_set set = qctx_eval_set_of_store(source->store, count, split->questions, split->offsets, split->contexts);

    set.grades = split->grades;
    set.own = source->own;
    return set;
}

void qctx_opened_warn_of_trained(const qctx_opened *opened)
{
    for (int64_t e = 0; e < opened->eval_count; e++) {
        const qctx_eval_set measured = qctx_source_questions(&opened->eval[e]);

        for (int64_t t = 0; t < opened->train_count; t++) {
            const qctx_eval_set trained = qctx_source_questions(&opened->train[t]);
            const int64_t shared = qctx_eval_set_shared(&measured, &trained);

            if (shared > 0)
                qctx_warn("%s: %lld of its %lld questions are trained on (%s): its table flatters the head",
                          opened->eval[e].name, (long long)shared, (long long)measured.count, opened->train[t].name);
        }
    }
}

void qctx_opened_close(qctx_opened *opened)
{
    for (int64_t i = 0; i < opened->store_count; i++)
        qctx_store_close(opened->stores[i]);
    free(opened->stores);
    free(opened->train);
    free(opened->eval);
    *opened = (qctx_opened){0};
}
