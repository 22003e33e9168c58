#include "qctx/dataset/examples.h"

#include <stdlib.h>

#include "qctx/base/hash.h"
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

/* The groups of contexts are those of titles and, where there is none, of contents. */
static uint64_t title_of(const qctx_context_keys *keys, int64_t context)
{
    return keys->groups[context] == keys->content[context] ? 0 : keys->groups[context];
}

/*
 * Appends a question of a set of a training source: the contexts that it makes pairs with, then those that are no
 * negatives of it. One without pairs is left out.
 */
static void add_example(const qctx_division *work, int32_t source, const qctx_eval_set *set, int64_t index,
                        qctx_examples *examples)
{
    const int64_t own = qctx_eval_set_own(set, index), first = examples->offsets[examples->count];
    int64_t *end = &examples->offsets[examples->count + 1];

    examples->source[examples->count] = source;
    examples->question[examples->count] = set->questions[index];
    *end = first;
    for (int64_t a = set->offsets[index]; a < set->offsets[index + 1]; a++)
        if (set->contexts[a] != QCTX_ABSENT && qctx_grade_reaches(set->grades, a, work->config->data.min_grade))
            add_context(work, source, set->contexts[a], examples);
    examples->pairs[examples->count] = *end - first;
    if (*end == first)
        return;
    examples->titles[examples->count] = title_of(&work->keys[source], examples->contexts[first]);
    for (int64_t a = set->offsets[index]; a < set->offsets[index + 1]; a++)
        if (set->contexts[a] != QCTX_ABSENT && !qctx_grade_reaches(set->grades, a, work->config->data.min_grade))
            add_context(work, source, set->contexts[a], examples);
    if (own != QCTX_ABSENT)
        add_context(work, source, own, examples);
    examples->count++;
}

/* Room for so many examples with so many contexts in all. */
static qctx_status allocate(qctx_examples *examples, int64_t count, int64_t contexts, qctx_error *error)
{
    examples->source = qctx_alloc(count, sizeof *examples->source, "training examples", error);
    examples->question = qctx_alloc(count, sizeof *examples->question, "training examples", error);
    examples->offsets = qctx_alloc(count + 1, sizeof *examples->offsets, "training examples", error);
    examples->pairs = qctx_alloc(count, sizeof *examples->pairs, "training examples", error);
    examples->contexts = qctx_alloc(contexts, sizeof *examples->contexts, "training examples", error);
    examples->content = qctx_alloc(contexts, sizeof *examples->content, "training examples", error);
    examples->titles = qctx_alloc(count, sizeof *examples->titles, "training examples", error);
    if (examples->source == NULL || examples->question == NULL || examples->offsets == NULL ||
        examples->pairs == NULL || examples->contexts == NULL || examples->content == NULL || examples->titles == NULL)
        return QCTX_ERR_MEMORY;
    return QCTX_OK;
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

/* The best grade of a context of the corpus, or 0 where the training questions have none. */
static double best_grade(const qctx_division *work)
{
    double best = 0;

    for (int64_t s = 0; s < work->opened->train_count; s++) {
        const qctx_eval_set set = qctx_source_questions(&work->opened->train[s]);

        for (int64_t a = 0; a < set.offsets[set.count]; a++)
            if (set.contexts[a] != QCTX_ABSENT && qctx_grade(set.grades, a) > best)
                best = qctx_grade(set.grades, a);
    }
    return best;
}

static qctx_status fail_without_examples(const qctx_division *work, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_DATA, "data.train: no questions are left to train on");
    if (work->count > 0)
        return qctx_hint(error, "hold out less (eval.tune), or raise the limit of the sources");
    if (best_grade(work) > 0)
        return qctx_hint(error, "lower data.min_grade: the best grade here is %.15g", best_grade(work));
    return qctx_hint(error, "none of the contexts that answer them is in the corpus");
}

/* Says what the held-out questions take from training. Rank 0 only. */
static void tell_of_division(const qctx_division *work, int64_t held_out, int64_t dropped)
{
    if (work->corpus_stays)
        qctx_info("the corpus stays: like those of the other splits, the %lld held-out questions ask for contexts that "
                  "training questions ask for, too",
                  (long long)held_out);
    else if (work->shares_contexts)
        qctx_warn("the training questions share their contexts: those of the %lld that are held out are trained on "
                  "as well; eval.tune_split can name a split to choose by instead",
                  (long long)held_out);
    else if (dropped > work->count / 4)
        qctx_warn("left out %lld of %lld training questions, since they share contexts with those that are held out; "
                  "eval.tune_split can name a split to choose by instead",
                  (long long)dropped, (long long)work->count);
    else if (dropped > 0)
        qctx_info("left out %lld training questions whose contexts are held out for tuning", (long long)dropped);
}

static qctx_status fill_examples(qctx_comm *comm, const qctx_division *work, qctx_examples *examples, qctx_error *error)
{
    int64_t held_out = 0, dropped = 0;
    qctx_status status = allocate(examples, work->count, most_contexts(work), error);

    if (status != QCTX_OK)
        return status;
    for (int64_t i = 0; i < work->count; i++) {
        const qctx_training_question *question = &work->questions[i];
        const qctx_eval_set set = qctx_source_questions(&work->opened->train[question->source]);

        if (question->held_out)
            held_out++;
        else if (qctx_division_is_touched(work, question))
            dropped++;
        else
            add_example(work, question->source, &set, question->index, examples);
    }
    if (qctx_comm_rank(comm) == 0)
        tell_of_division(work, held_out, dropped);
    return examples->count == 0 ? fail_without_examples(work, error) : QCTX_OK;
}

/* The training source whose store a tuning set is of. */
static int32_t source_of(const qctx_division *work, const qctx_tuning *tuning)
{
    int32_t source = 0;

    while (work->opened->train[source].store != tuning->set.store)
        source++;
    return source;
}

static qctx_status fill_held_out(const qctx_division *work, const qctx_held_out *held_out, qctx_examples *examples,
                                 qctx_error *error)
{
    int64_t contexts = held_out->questions;
    qctx_status status;

    for (int64_t s = 0; s < held_out->count; s++)
        contexts += held_out->sets[s].set.offsets[held_out->sets[s].set.count];
    status = allocate(examples, held_out->questions, contexts, error);
    for (int64_t s = 0; s < held_out->count && status == QCTX_OK; s++) {
        const qctx_tuning *tuning = &held_out->sets[s];

        for (int64_t q = 0; q < tuning->set.count; q++)
            add_example(work, source_of(work, tuning), &tuning->set, q, examples);
    }
    return status;
}

qctx_status qctx_training_set_build(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                                    qctx_training_set *set, qctx_error *error)
{
    qctx_division division;
    qctx_status status;

    *set = (qctx_training_set){0};
    status = qctx_hold_out(config, opened, &division, &set->held_out, error);
    if (status == QCTX_OK)
        status = fill_examples(comm, &division, &set->examples, error);
    if (status == QCTX_OK)
        status = fill_held_out(&division, &set->held_out, &set->held_out_examples, error);
    status = qctx_agree(comm, status, error);
    qctx_division_free(&division);
    if (status != QCTX_OK)
        qctx_training_set_free(set);
    return status;
}

static void free_examples(qctx_examples *examples)
{
    free(examples->source);
    free(examples->question);
    free(examples->offsets);
    free(examples->pairs);
    free(examples->contexts);
    free(examples->content);
    free(examples->titles);
}

void qctx_training_set_free(qctx_training_set *set)
{
    qctx_held_out_free(&set->held_out);
    free_examples(&set->examples);
    free_examples(&set->held_out_examples);
    *set = (qctx_training_set){0};
}

int64_t qctx_examples_fingerprint(const qctx_examples *examples, const qctx_opened *opened)
{
    const size_t count = (size_t)examples->count, contexts = (size_t)examples->offsets[examples->count];
    uint64_t hash = 0;

    for (int64_t s = 0; s < opened->train_count; s++) {
        const uint64_t checksum = qctx_store_checksum(opened->train[s].store);

        hash = qctx_hash(&checksum, sizeof checksum, hash);
    }
    hash = qctx_hash(examples->source, count * sizeof *examples->source, hash);
    hash = qctx_hash(examples->question, count * sizeof *examples->question, hash);
    hash = qctx_hash(examples->offsets, (count + 1) * sizeof *examples->offsets, hash);
    hash = qctx_hash(examples->contexts, contexts * sizeof *examples->contexts, hash);
    if (examples->pairs != NULL)
        hash = qctx_hash(examples->pairs, count * sizeof *examples->pairs, hash);
    return hash == 0 ? 1 : (int64_t)hash;
}

int64_t qctx_examples_pairs(const qctx_examples *examples, int64_t example)
{
    return examples->pairs != NULL ? examples->pairs[example]
                                   : examples->offsets[example + 1] - examples->offsets[example];
}

int64_t qctx_examples_most_contexts(const qctx_examples *examples)
{
    int64_t most = 0;

    for (int64_t i = 0; i < examples->count; i++) {
        int64_t count = examples->offsets[i + 1] - examples->offsets[i];

        most = count > most ? count : most;
    }
    return most;
}
