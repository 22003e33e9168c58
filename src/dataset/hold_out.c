#include "qctx/dataset/hold_out.h"

#include <stdlib.h>

#include "hold_out_internal.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/rng.h"

/*
 * With eval.tune auto: this share of the questions, and where that is less than FEWEST_HELD_OUT of them, so many, but
 * not more than a fifth. Fewer cannot tell epochs apart that differ by a hundredth.
 */
static const double usual_share = 0.05;
enum { FEWEST_HELD_OUT = 200, MOST_HELD_OUT_PART = 5 };

static qctx_status read_keys(qctx_division *work, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t s = 0; s < work->opened->train_count && status == QCTX_OK; s++)
        status = qctx_context_keys_read(work->opened->train[s].store, &work->keys[s], error);
    return status;
}

/* What the questions of a source make pairs with. */
static qctx_status list_pairs(const qctx_opened_source *source, double min_grade, qctx_training_pairs *pairs,
                              qctx_error *error)
{
    const qctx_eval_set set = qctx_source_questions(source);
    int64_t used = 0;

    pairs->offsets = qctx_alloc(set.count + 1, sizeof *pairs->offsets, "the training pairs", error);
    pairs->contexts = qctx_alloc(set.offsets[set.count], sizeof *pairs->contexts, "the training pairs", error);
    if (pairs->offsets == NULL || pairs->contexts == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t k = 0; k < set.count; k++) {
        for (int64_t a = set.offsets[k]; a < set.offsets[k + 1]; a++)
            if (set.contexts[a] != QCTX_ABSENT && qctx_grade_reaches(set.grades, a, min_grade))
                pairs->contexts[used++] = set.contexts[a];
        pairs->offsets[k + 1] = used;
    }
    return QCTX_OK;
}

static qctx_status list_questions(qctx_division *work, qctx_error *error)
{
    int64_t room = 0;

    for (int64_t s = 0; s < work->opened->train_count; s++) {
        qctx_status status = list_pairs(&work->opened->train[s], work->config->data.min_grade, &work->pairs[s], error);

        if (status != QCTX_OK)
            return status;
        room += qctx_source_questions(&work->opened->train[s]).count;
    }
    work->questions = qctx_alloc(room, sizeof *work->questions, "the training questions", error);
    if (work->questions == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < work->opened->train_count; s++)
        for (int64_t k = 0; k < qctx_source_questions(&work->opened->train[s]).count; k++)
            if (work->pairs[s].offsets[k + 1] > work->pairs[s].offsets[k])
                work->questions[work->count++] = (qctx_training_question){.source = (int32_t)s, .index = k};
    if (work->count < room)
        qctx_info(
            "%lld training questions have no context of the corpus with a grade of %.15g (data.min_grade) or more",
            (long long)(room - work->count), work->config->data.min_grade);
    return QCTX_OK;
}

const int64_t *qctx_division_contexts(const qctx_division *work, const qctx_training_question *question, int64_t *count)
{
    const qctx_training_pairs *pairs = &work->pairs[question->source];

    *count = pairs->offsets[question->index + 1] - pairs->offsets[question->index];
    return pairs->contexts + pairs->offsets[question->index];
}

/* Whether any right context of a candidate has its key in the sorted list. */
static bool touches(const qctx_division *work, const qctx_training_question *question, bool by_group,
                    const uint64_t *sorted, int64_t sorted_count)
{
    const qctx_context_keys *keys = &work->keys[question->source];
    int64_t count;
    const int64_t *contexts = qctx_division_contexts(work, question, &count);

    for (int64_t c = 0; c < count; c++)
        if (qctx_sorted_has(sorted, sorted_count, (by_group ? keys->groups : keys->content)[contexts[c]]))
            return true;
    return false;
}

bool qctx_division_is_touched(const qctx_division *work, const qctx_training_question *question)
{
    return touches(work, question, false, work->contents, work->content_count);
}

/* A group's place in the seeded order, and the number of questions whose first context is in it. */
typedef struct {
    uint64_t place;
    uint64_t key;
    int64_t questions;
} group_row;

static int compare_key(const void *a, const void *b)
{
    const group_row *x = a, *y = b;

    return (x->key > y->key) - (x->key < y->key);
}

static int compare_place(const void *a, const void *b)
{
    const group_row *x = a, *y = b;

    if (x->place != y->place)
        return x->place < y->place ? -1 : 1;
    return compare_key(a, b);
}

/*
 * Picks whole groups in a seeded order until the wanted number of questions is reached, and marks every question that
 * touches one. Reports how many were marked.
 */
static qctx_status hold_out_groups(qctx_division *work, bool by_group, int64_t wanted, int64_t *marked,
                                   qctx_error *error)
{
    qctx_status status = QCTX_ERR_MEMORY;
    group_row *rows = qctx_alloc(work->count, sizeof *rows, "hold-out groups", error);
    uint64_t *picked = qctx_alloc(work->count, sizeof *picked, "hold-out groups", error);
    int64_t groups = 0, picked_count = 0, reached = 0;

    if (rows == NULL || picked == NULL)
        goto out;
    for (int64_t i = 0; i < work->count; i++) {
        const qctx_context_keys *keys = &work->keys[work->questions[i].source];
        int64_t count;
        const int64_t *contexts = qctx_division_contexts(work, &work->questions[i], &count);

        rows[i].key = (by_group ? keys->groups : keys->content)[contexts[0]];
        rows[i].questions = 1;
    }
    qsort(rows, (size_t)work->count, sizeof *rows, compare_key);
    for (int64_t i = 0; i < work->count; i++) {
        if (groups > 0 && rows[groups - 1].key == rows[i].key)
            rows[groups - 1].questions++;
        else
            rows[groups++] = rows[i];
    }
    for (int64_t g = 0; g < groups; g++)
        rows[g].place = qctx_rng((uint64_t)work->config->run.seed, QCTX_STREAM_TUNE, rows[g].key, 0);
    qsort(rows, (size_t)groups, sizeof *rows, compare_place);
    for (int64_t g = 0; g < groups && reached < wanted; g++) {
        picked[picked_count++] = rows[g].key;
        reached += rows[g].questions;
    }
    qctx_sort_numbers(picked, picked_count);
    *marked = 0;
    for (int64_t i = 0; i < work->count; i++) {
        work->questions[i].held_out = touches(work, &work->questions[i], by_group, picked, picked_count);
        *marked += work->questions[i].held_out;
    }
    status = QCTX_OK;
out:
    free(rows);
    free(picked);
    return status;
}

/*
 * Marks exactly the wanted number of single questions in the seeded order. Their contexts are trained on with other
 * questions.
 */
static qctx_status hold_out_single(qctx_division *work, int64_t wanted, qctx_error *error)
{
    group_row *rows = qctx_alloc(work->count, sizeof *rows, "hold-out questions", error);

    if (rows == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < work->count; i++) {
        const qctx_training_question *question = &work->questions[i];

        rows[i] = (group_row){.key = (uint64_t)i};
        rows[i].place = qctx_rng((uint64_t)work->config->run.seed, QCTX_STREAM_TUNE, (uint64_t)question->source,
                                 (uint64_t)question->index);
        work->questions[i].held_out = false;
    }
    qsort(rows, (size_t)work->count, sizeof *rows, compare_place);
    for (int64_t i = 0; i < wanted; i++)
        work->questions[rows[i].key].held_out = true;
    free(rows);
    return QCTX_OK;
}

int64_t qctx_hold_out_wanted(double share, int64_t questions)
{
    bool by_data = share == QCTX_CONFIG_AUTO;
    int64_t wanted = (int64_t)((by_data ? usual_share : share) * (double)questions + 0.5);
    int64_t least = qctx_smaller(FEWEST_HELD_OUT, questions / MOST_HELD_OUT_PART);

    return by_data && wanted < least ? least : wanted;
}

static qctx_status collect_contents(qctx_division *work, qctx_error *error)
{
    int64_t capacity = 0;

    for (int64_t i = 0; i < work->count; i++) {
        const qctx_training_question *question = &work->questions[i];
        const qctx_split *split = work->opened->train[question->source].split;
        const int64_t first = split->offsets[question->index], end = split->offsets[question->index + 1];
        qctx_status status;

        if (!question->held_out)
            continue;
        status = qctx_grow((void **)&work->contents, &capacity, work->content_count + end - first,
                           sizeof *work->contents, "held-out contents", error);
        if (status != QCTX_OK)
            return status;
        for (int64_t a = first; a < end; a++)
            if (split->contexts[a] != QCTX_ABSENT)
                work->contents[work->content_count++] = work->keys[question->source].content[split->contexts[a]];
    }
    qctx_sort_numbers(work->contents, work->content_count);
    return QCTX_OK;
}

/* Whether more than half of the questions that are to be trained on would be held out, or left out for their contexts.
 */
static bool is_entangled(const qctx_division *work, int64_t wanted)
{
    int64_t lost = 0;

    for (int64_t i = 0; i < work->count; i++)
        lost += work->questions[i].held_out || qctx_division_is_touched(work, &work->questions[i]);
    return lost - wanted > (work->count - wanted) / 2;
}

/* Of the questions of a split of a training source, those with a context that its training questions ask for. */
static int64_t count_known(const qctx_split *split, const bool *asked)
{
    int64_t known = 0;

    for (int64_t k = 0; k < split->count; k++) {
        int64_t a = split->offsets[k];

        while (a < split->offsets[k + 1] && (split->contexts[a] == QCTX_ABSENT || !asked[split->contexts[a]]))
            a++;
        known += a < split->offsets[k + 1];
    }
    return known;
}

/* Whether the other splits of the sources mostly ask for contexts that training questions ask for, too. */
static qctx_status find_whether_it_stays(qctx_division *work, qctx_error *error)
{
    int64_t questions = 0, known = 0;

    for (int64_t s = 0; s < work->opened->train_count; s++) {
        const qctx_opened_source *source = &work->opened->train[s];
        const qctx_training_pairs *pairs = &work->pairs[s];
        bool *asked = qctx_alloc(qctx_store_count(source->store, QCTX_CONTEXT), sizeof *asked, "the hold-out", error);

        if (asked == NULL)
            return QCTX_ERR_MEMORY;
        for (int64_t p = 0; p < pairs->offsets[qctx_source_questions(source).count]; p++)
            asked[pairs->contexts[p]] = true;
        for (int64_t i = 0; i < qctx_store_split_count(source->store); i++) {
            const qctx_split *split = qctx_store_split_at(source->store, i);

            if (split == source->split)
                continue;
            questions += split->count;
            known += count_known(split, asked);
        }
        free(asked);
    }
    work->corpus_stays = 2 * known > questions;
    return QCTX_OK;
}

static qctx_status hold_out_share(qctx_division *work, qctx_error *error)
{
    int64_t wanted = qctx_hold_out_wanted(work->config->eval.tune, work->count);
    int64_t marked = 0;
    qctx_status status;

    if (wanted == 0)
        return QCTX_OK;
    status = find_whether_it_stays(work, error);
    if (status != QCTX_OK)
        return status;
    if (work->corpus_stays) {
        work->shares_contexts = true;
        return hold_out_single(work, wanted, error);
    }
    status = hold_out_groups(work, true, wanted, &marked, error);
    /* A few huge titles would take the training data away: then contexts are the groups. */
    if (status == QCTX_OK && marked > 2 * wanted + 100)
        status = hold_out_groups(work, false, wanted, &marked, error);
    if (status == QCTX_OK)
        status = collect_contents(work, error);
    /* Where questions have many contexts, most share one with those that are held out. */
    if (status == QCTX_OK && is_entangled(work, wanted)) {
        work->shares_contexts = true;
        work->content_count = 0;
        status = hold_out_single(work, wanted, error);
    }
    return status;
}

static qctx_status divide(qctx_division *work, qctx_error *error)
{
    qctx_status status;

    work->keys = qctx_alloc(work->opened->train_count, sizeof *work->keys, "content numbers", error);
    work->pairs = qctx_alloc(work->opened->train_count, sizeof *work->pairs, "the training pairs", error);
    if (work->keys == NULL || work->pairs == NULL)
        return QCTX_ERR_MEMORY;
    status = read_keys(work, error);
    if (status == QCTX_OK)
        status = list_questions(work, error);
    if (status == QCTX_OK && work->config->eval.tune_split[0] == '\0')
        status = hold_out_share(work, error);
    return status;
}

void qctx_division_free(qctx_division *work)
{
    for (int64_t s = 0; work->keys != NULL && s < work->opened->train_count; s++)
        qctx_context_keys_free(&work->keys[s]);
    for (int64_t s = 0; work->pairs != NULL && s < work->opened->train_count; s++) {
        free(work->pairs[s].offsets);
        free(work->pairs[s].contexts);
    }
    free(work->keys);
    free(work->pairs);
    free(work->questions);
    free(work->contents);
}

qctx_status qctx_hold_out(const qctx_config *config, const qctx_opened *opened, qctx_division *division,
                          qctx_held_out *held_out, qctx_error *error)
{
    qctx_status status;

    *division = (qctx_division){.config = config, .opened = opened};
    *held_out = (qctx_held_out){0};
    status = divide(division, error);
    if (status != QCTX_OK)
        return status;
    return config->eval.tune_split[0] != '\0' ? hold_out_named_sets(division, held_out, error)
                                              : hold_out_share_sets(division, held_out, error);
}
