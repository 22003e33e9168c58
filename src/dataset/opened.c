#include "qctx/dataset/opened.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"

int64_t qctx_opened_reported_count(const qctx_opened *opened)
{
    return opened->eval_count + opened->guard_count;
}

const qctx_opened_source *qctx_opened_reported(const qctx_opened *opened, int64_t index)
{
    return index < opened->eval_count ? &opened->eval[index] : &opened->guard[index - opened->eval_count];
}

qctx_eval_set qctx_source_questions(const qctx_opened_source *source)
{
    const qctx_split *split = source->split;
    int64_t count = source->limit > 0 && source->limit < split->count ? source->limit : split->count;

    qctx_eval_set set = qctx_eval_set_of_store(source->store, count, split->questions, split->offsets, split->contexts);

    set.grades = split->grades;
    set.own = source->own;
    return set;
}

/* Whether two opened stores hold the same questions under the same names of splits. */
static bool is_same_data(const qctx_store *one, const qctx_store *other)
{
    const uint64_t corpus = qctx_store_corpus_fingerprint(one);

    return one == other || (corpus != 0 && corpus == qctx_store_corpus_fingerprint(other)) ||
           (qctx_store_checksum(one) != 0 && qctx_store_checksum(one) == qctx_store_checksum(other));
}

qctx_status qctx_opened_check_guards(const qctx_opened *opened, qctx_error *error)
{
    for (int64_t g = 0; g < opened->guard_count; g++)
        for (int64_t t = 0; t < opened->train_count; t++) {
            const qctx_opened_source *guard = &opened->guard[g], *trained = &opened->train[t];

            if (!is_same_data(guard->store, trained->store) || strcmp(guard->split->name, trained->split->name) != 0)
                continue;
            qctx_fail(error, QCTX_ERR_DATA,
                      "eval.guard: %s is trained on (%s of data.train), where a head gains by heart", guard->name,
                      trained->name);
            return qctx_hint(error, "a guard is data of another kind, or at least another split");
        }
    return QCTX_OK;
}

static void warn_of_trained(const qctx_opened *opened, const qctx_opened_source *source, const char *consequence)
{
    const qctx_eval_set measured = qctx_source_questions(source);

    for (int64_t t = 0; t < opened->train_count; t++) {
        const qctx_eval_set trained = qctx_source_questions(&opened->train[t]);
        const int64_t shared = qctx_eval_set_shared(&measured, &trained);

        if (shared > 0)
            qctx_warn("%s: %lld of its %lld questions are trained on (%s): %s", source->name, (long long)shared,
                      (long long)measured.count, opened->train[t].name, consequence);
    }
}

void qctx_opened_warn_of_trained(const qctx_opened *opened)
{
    for (int64_t e = 0; e < opened->eval_count; e++)
        warn_of_trained(opened, &opened->eval[e], "its table flatters the head");
    for (int64_t g = 0; g < opened->guard_count; g++)
        warn_of_trained(opened, &opened->guard[g], "it guards the less");
}

void qctx_opened_close(qctx_opened *opened)
{
    for (int64_t i = 0; i < opened->store_count; i++)
        qctx_store_close(opened->stores[i]);
    free(opened->stores);
    free(opened->train);
    free(opened->eval);
    free(opened->guard);
    *opened = (qctx_opened){0};
}
