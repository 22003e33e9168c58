#include "qctx/engine/examples.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"

/* What is known of the contexts of one training source, [contexts of its store]. */
typedef struct {
    uint64_t *content;
    uint64_t *groups;
} context_keys;

/* A question during the division: which source, which question of its split, which group decides. */
typedef struct {
    int32_t source;
    int64_t index;
    bool held_out;
} candidate;

typedef struct {
    const qctx_config *config;
    const qctx_opened *opened;
    context_keys *keys; /* [train_count] */
    int64_t count;
    candidate *candidates;
} division;

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static bool contains(const uint64_t *sorted, int64_t count, uint64_t key)
{
    return count > 0 && bsearch(&key, sorted, (size_t)count, sizeof key, compare_u64) != NULL;
}

static int64_t questions_of(const qctx_opened_source *source)
{
    int64_t count = source->split->count;

    return source->limit > 0 && source->limit < count ? source->limit : count;
}

qctx_eval_set qctx_source_questions(const qctx_opened_source *source)
{
    const qctx_split *split = source->split;

    return (qctx_eval_set){source->store, questions_of(source), split->questions, split->offsets, split->contexts};
}

static qctx_status read_keys(division *work, qctx_error *error)
{
    for (int64_t s = 0; s < work->opened->train_count; s++) {
        qctx_store *store = work->opened->train[s].store;
        int64_t contexts = qctx_store_count(store, QCTX_STORE_CONTEXTS);
        context_keys *keys = &work->keys[s];
        qctx_status status;

        keys->content = qctx_alloc(contexts, sizeof *keys->content, "content numbers", error);
        keys->groups = qctx_alloc(contexts, sizeof *keys->groups, "group numbers", error);
        if (keys->content == NULL || keys->groups == NULL)
            return QCTX_ERR_MEMORY;
        status = qctx_store_content(store, keys->content, error);
        if (status == QCTX_OK)
            status = qctx_store_groups(store, keys->groups, error);
        if (status != QCTX_OK)
            return status;
    }
    return QCTX_OK;
}

static qctx_status list_candidates(division *work, qctx_error *error)
{
    int64_t at = 0;

    for (int64_t s = 0; s < work->opened->train_count; s++)
        work->count += questions_of(&work->opened->train[s]);
    work->candidates = qctx_alloc(work->count, sizeof *work->candidates, "the training questions", error);
    if (work->candidates == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < work->opened->train_count; s++)
        for (int64_t k = 0; k < questions_of(&work->opened->train[s]); k++)
            work->candidates[at++] = (candidate){.source = (int32_t)s, .index = k};
    return QCTX_OK;
}

/* The rows of the right contexts of a candidate. */
static const int64_t *contexts_of(const division *work, const candidate *question, int64_t *count)
{
    const qctx_split *split = work->opened->train[question->source].split;

    *count = split->offsets[question->index + 1] - split->offsets[question->index];
    return split->contexts + split->offsets[question->index];
}

/* Whether any right context of a candidate has its key in the sorted list. */
static bool touches(const division *work, const candidate *question, bool by_group, const uint64_t *sorted,
                    int64_t sorted_count)
{
    const context_keys *keys = &work->keys[question->source];
    int64_t count;
    const int64_t *contexts = contexts_of(work, question, &count);

    for (int64_t c = 0; c < count; c++)
        if (contains(sorted, sorted_count, (by_group ? keys->groups : keys->content)[contexts[c]]))
            return true;
    return false;
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
static qctx_status hold_out_groups(division *work, bool by_group, int64_t wanted, int64_t *marked, qctx_error *error)
{
    qctx_status status = QCTX_ERR_MEMORY;
    group_row *rows = qctx_alloc(work->count, sizeof *rows, "hold-out groups", error);
    uint64_t *picked = qctx_alloc(work->count, sizeof *picked, "hold-out groups", error);
    int64_t groups = 0, picked_count = 0, reached = 0;

    if (rows == NULL || picked == NULL)
        goto out;
    for (int64_t i = 0; i < work->count; i++) {
        const context_keys *keys = &work->keys[work->candidates[i].source];
        int64_t count;
        const int64_t *contexts = contexts_of(work, &work->candidates[i], &count);

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
    qsort(picked, (size_t)picked_count, sizeof *picked, compare_u64);
    *marked = 0;
    for (int64_t i = 0; i < work->count; i++) {
        work->candidates[i].held_out = touches(work, &work->candidates[i], by_group, picked, picked_count);
        *marked += work->candidates[i].held_out;
    }
    status = QCTX_OK;
out:
    free(rows);
    free(picked);
    return status;
}

static qctx_status hold_out_share(division *work, qctx_error *error)
{
    int64_t wanted = (int64_t)(work->config->eval.tune * (double)work->count + 0.5);
    int64_t marked = 0;
    qctx_status status;

    if (wanted == 0)
        return QCTX_OK;
    status = hold_out_groups(work, true, wanted, &marked, error);
    /* A few huge titles would take the training data away: then contexts are the groups. */
    if (status == QCTX_OK && marked > 2 * wanted + 100)
        status = hold_out_groups(work, false, wanted, &marked, error);
    return status;
}

/* Contents of all right contexts of the held-out questions, sorted. */
static qctx_status held_out_contents(const division *work, uint64_t **contents, int64_t *count, qctx_error *error)
{
    int64_t capacity = 0;

    *count = 0;
    for (int64_t i = 0; i < work->count; i++) {
        const candidate *question = &work->candidates[i];
        int64_t n;
        const int64_t *contexts = contexts_of(work, question, &n);
        qctx_status status;

        if (!question->held_out)
            continue;
        status = qctx_grow((void **)contents, &capacity, *count + n, sizeof **contents, "held-out contents", error);
        if (status != QCTX_OK)
            return status;
        for (int64_t c = 0; c < n; c++)
            (*contents)[(*count)++] = work->keys[question->source].content[contexts[c]];
    }
    if (*count > 0)
        qsort(*contents, (size_t)*count, sizeof **contents, compare_u64);
    return QCTX_OK;
}

static qctx_status fill_examples(const division *work, const uint64_t *contents, int64_t content_count,
                                 qctx_examples *examples, qctx_error *error)
{
    int64_t positives = 0, dropped = 0;

    for (int64_t i = 0; i < work->count; i++) {
        int64_t n;

        contexts_of(work, &work->candidates[i], &n);
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
        const int64_t *contexts = contexts_of(work, question, &n);

        if (question->held_out)
            continue;
        if (touches(work, question, false, contents, content_count)) {
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

static qctx_status fill_tunings(const division *work, qctx_training_set *set, qctx_error *error)
{
    const candidate *take = work->candidates;

    set->tuning = qctx_alloc(work->opened->train_count, sizeof *set->tuning, "tuning sets", error);
    if (set->tuning == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < work->opened->train_count; s++) {
        const qctx_opened_source *source = &work->opened->train[s];
        int64_t limit = questions_of(source);
        qctx_tuning *tuning = &set->tuning[set->tuning_count++];
        qctx_status status = fill_tuning(source->store, source->split, limit, take, tuning, error);

        if (status != QCTX_OK)
            return status;
        take += limit;
        set->tuning_questions += tuning->set.count;
        /* A source without held-out questions has nothing to evaluate. */
        if (tuning->set.count == 0) {
            free(tuning->questions);
            free(tuning->offsets);
            free(tuning->contexts);
            *tuning = (qctx_tuning){0};
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
            return error != NULL ? error->code : QCTX_ERR_DATA;
        status = fill_tuning(store, split, split->count, NULL, &set->tuning[set->tuning_count++], error);
        if (status != QCTX_OK)
            return status;
        set->tuning_questions += split->count;
    }
    return QCTX_OK;
}

static qctx_status build_local(division *work, qctx_training_set *set, qctx_error *error)
{
    bool named = work->config->eval.tune_split[0] != '\0';
    uint64_t *contents = NULL;
    int64_t content_count = 0;
    qctx_status status;

    work->keys = qctx_alloc(work->opened->train_count, sizeof *work->keys, "content numbers", error);
    if (work->keys == NULL)
        return QCTX_ERR_MEMORY;
    status = read_keys(work, error);
    if (status == QCTX_OK)
        status = list_candidates(work, error);
    if (status == QCTX_OK && !named)
        status = hold_out_share(work, error);
    if (status == QCTX_OK)
        status = held_out_contents(work, &contents, &content_count, error);
    if (status == QCTX_OK)
        status = fill_examples(work, contents, content_count, &set->examples, error);
    if (status == QCTX_OK)
        status = named ? fill_named_tunings(work, set, error) : fill_tunings(work, set, error);
    free(contents);
    return status;
}

qctx_status qctx_training_set_build(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                                    qctx_training_set *set, qctx_error *error)
{
    division work = {.config = config, .opened = opened};
    qctx_status status;

    *set = (qctx_training_set){0};
    status = qctx_agree(comm, build_local(&work, set, error), error);
    for (int64_t s = 0; work.keys != NULL && s < opened->train_count; s++) {
        free(work.keys[s].content);
        free(work.keys[s].groups);
    }
    free(work.keys);
    free(work.candidates);
    if (status != QCTX_OK)
        qctx_training_set_free(set);
    return status;
}

void qctx_training_set_free(qctx_training_set *set)
{
    for (int64_t s = 0; s < set->tuning_count; s++) {
        free(set->tuning[s].questions);
        free(set->tuning[s].offsets);
        free(set->tuning[s].contexts);
    }
    free(set->tuning);
    free(set->examples.source);
    free(set->examples.question);
    free(set->examples.offsets);
    free(set->examples.contexts);
    free(set->examples.content);
    *set = (qctx_training_set){0};
}
