#include "qctx/dataset/opened.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

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

enum { BLOCK = 4096 };

/* hashes [count] of the texts of questions; 0 where there is none. */
static qctx_status hash_questions(const qctx_eval_set *set, uint64_t *hashes, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t first = 0; first < set->count && status == QCTX_OK; first += BLOCK) {
        const int64_t count = qctx_smaller(BLOCK, set->count - first);
        char *texts[BLOCK];

        status =
            qctx_store_texts(set->store, QCTX_QUESTION, QCTX_FIELD_TEXT, set->questions + first, count, texts, error);
        for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
            hashes[first + i] = texts[i][0] == '\0' ? 0 : qctx_hash_text(texts[i], 0);
            free(texts[i]);
        }
    }
    return status;
}

/* How many questions of a set have the text of one of another store's. */
static qctx_status count_texts(const qctx_eval_set *set, const qctx_eval_set *other, int64_t *shared, qctx_error *error)
{
    uint64_t *asked = qctx_alloc(set->count, sizeof *asked, "the questions of a source", error);
    uint64_t *known = qctx_alloc(other->count, sizeof *known, "the questions of a source", error);
    qctx_status status = asked == NULL || known == NULL ? QCTX_ERR_MEMORY : hash_questions(set, asked, error);

    *shared = 0;
    if (status == QCTX_OK)
        status = hash_questions(other, known, error);
    if (status == QCTX_OK)
        qctx_sort_numbers(known, other->count);
    for (int64_t i = 0; i < set->count && status == QCTX_OK; i++)
        *shared += asked[i] != 0 && qctx_sorted_has(known, other->count, asked[i]);
    free(asked);
    free(known);
    return status;
}

/* Of the questions of one store by their rows, else by their texts. */
static qctx_status count_shared(const qctx_eval_set *set, const qctx_eval_set *other, int64_t *shared,
                                qctx_error *error)
{
    if (set->store != other->store)
        return count_texts(set, other, shared, error);
    *shared = qctx_eval_set_shared(set, other);
    return QCTX_OK;
}

static qctx_status refuse_guard(const char *name, const char *trained, int64_t shared, int64_t count, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_DATA,
              "eval.guard: %lld of the %lld questions of %s are trained on (%s of data.train), where a head gains by "
              "heart",
              (long long)shared, (long long)count, name, trained);
    return qctx_hint(error, "a guard is data of another kind, or at least other questions");
}

static qctx_status check_source(const qctx_opened *opened, const qctx_opened_source *source, bool is_guard,
                                qctx_error *error)
{
    const qctx_eval_set measured = qctx_source_questions(source);

    for (int64_t t = 0; t < opened->train_count; t++) {
        const qctx_eval_set trained = qctx_source_questions(&opened->train[t]);
        int64_t shared;
        qctx_status status = count_shared(&measured, &trained, &shared, error);

        if (status != QCTX_OK)
            return status;
        if (is_guard && 2 * shared > measured.count)
            return refuse_guard(source->name, opened->train[t].name, shared, measured.count, error);
        if (shared > 0)
            qctx_warn("%s: %lld of its %lld questions %s trained on (%s): %s", source->name, (long long)shared,
                      (long long)measured.count, shared == 1 ? "is" : "are", opened->train[t].name,
                      is_guard ? "it guards the less" : "its table flatters the head");
    }
    return QCTX_OK;
}

qctx_status qctx_opened_check_trained(const qctx_opened *opened, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t e = 0; e < opened->eval_count && status == QCTX_OK; e++)
        status = check_source(opened, &opened->eval[e], false, error);
    for (int64_t g = 0; g < opened->guard_count && status == QCTX_OK; g++)
        status = check_source(opened, &opened->guard[g], true, error);
    return status;
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
