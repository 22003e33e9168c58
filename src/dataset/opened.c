#include "qctx/dataset/opened.h"

#include <stdlib.h>

qctx_eval_set qctx_source_questions(const qctx_opened_source *source)
{
    const qctx_split *split = source->split;
    int64_t count = source->limit > 0 && source->limit < split->count ? source->limit : split->count;

    qctx_eval_set set = qctx_eval_set_of_store(source->store, count, split->questions, split->offsets, split->contexts);

    set.grades = split->grades;
    set.own = source->own;
    return set;
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
