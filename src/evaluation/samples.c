#include "qctx/evaluation/samples.h"

#include <stdlib.h>

#include "qctx/base/mem.h"

static bool is_right(const qctx_eval_set *set, double relevant, int64_t answer)
{
    return set->contexts[answer] != QCTX_ABSENT && qctx_grade_reaches(set->grades, answer, relevant);
}

bool qctx_samples_may_ask(const qctx_eval_set *set, double relevant, int64_t question)
{
    for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++)
        if (is_right(set, relevant, a))
            return true;
    return false;
}

/* The questions that are asked as a set of their own, against all contexts of the corpus. */
typedef struct {
    qctx_protocol protocol;
    qctx_eval_set set;
    int64_t *questions; /* [count]: rows; and what the set borrows besides */
    int64_t *offsets;
    int64_t *contexts;
    float *grades;
    int64_t *positions; /* [answers] */
    int64_t *numbers;   /* [count]: 0, 1, …: all of the set are asked */
    int64_t *candidates;
    int64_t candidate_count;
    qctx_hit *hits; /* [count] */
} sample_work;

static void free_work(sample_work *work)
{
    free(work->questions);
    free(work->offsets);
    free(work->contexts);
    free(work->grades);
    free(work->positions);
    free(work->numbers);
    free(work->candidates);
    free(work->hits);
}

static qctx_status allocate(const qctx_eval_set *set, int64_t count, sample_work *work, qctx_error *error)
{
    const int64_t answers = set->offsets[set->count];

    work->questions = qctx_alloc(count, sizeof *work->questions, "samples", error);
    work->offsets = qctx_alloc(count + 1, sizeof *work->offsets, "samples", error);
    work->contexts = qctx_alloc(answers, sizeof *work->contexts, "samples", error);
    work->grades = qctx_alloc(answers, sizeof *work->grades, "samples", error);
    work->positions = qctx_alloc(answers, sizeof *work->positions, "samples", error);
    work->numbers = qctx_alloc(count, sizeof *work->numbers, "samples", error);
    work->hits = qctx_alloc(count, sizeof *work->hits, "samples", error);
    if (work->questions == NULL || work->offsets == NULL || work->contexts == NULL || work->grades == NULL ||
        work->positions == NULL || work->numbers == NULL || work->hits == NULL)
        return QCTX_ERR_MEMORY;
    return QCTX_OK;
}

static qctx_status prepare(const qctx_eval_set *set, double relevant, const int64_t *asked, int64_t count,
                           sample_work *work, qctx_error *error)
{
    qctx_status status = allocate(set, count, work, error);
    int64_t used = 0;

    if (status != QCTX_OK)
        return status;
    for (int64_t i = 0; i < count; i++) {
        work->numbers[i] = i;
        work->questions[i] = set->questions[asked[i]];
        for (int64_t a = set->offsets[asked[i]]; a < set->offsets[asked[i] + 1]; a++, used++) {
            work->contexts[used] = set->contexts[a];
            work->grades[used] = qctx_grade(set->grades, a);
        }
        work->offsets[i + 1] = used;
    }
    work->set = qctx_eval_set_of_store(set->store, count, work->questions, work->offsets, work->contexts);
    work->set.grades = work->grades;
    work->set.own = set->own;
    work->protocol =
        (qctx_protocol){.candidates = QCTX_CANDIDATES_CORPUS, .scan = QCTX_PRECISION_AUTO, .relevant = relevant};
    return qctx_evaluate_candidates(&work->set, &work->protocol, &work->candidates, &work->candidate_count, error);
}

/* What stands first. Collective. */
static qctx_status find_first(qctx_comm *comm, const qctx_projector *projector, sample_work *work, qctx_error *error)
{
    qctx_shard shard = {0};
    const qctx_query query = {comm,           &shard, projector, &work->set.rows[QCTX_QUESTION], work->questions,
                              work->set.count};
    qctx_status status = qctx_shard_create(comm, &work->set.rows[QCTX_CONTEXT], projector, work->candidates,
                                           work->candidate_count, work->protocol.scan, &shard, error);

    if (status == QCTX_OK)
        status = qctx_evaluate_lists(&query, &work->set, work->numbers, work->candidates, 1, work->hits, error);
    qctx_shard_free(&shard);
    return status;
}

static int64_t best_position(const sample_work *work, int64_t sample)
{
    int64_t best = INT64_MAX;

    for (int64_t a = work->offsets[sample]; a < work->offsets[sample + 1]; a++)
        if (is_right(&work->set, work->protocol.relevant, a) && work->positions[a] < best)
            best = work->positions[a];
    return best;
}

static qctx_status tell(const sample_work *work, int64_t i, qctx_sample *sample, qctx_error *error)
{
    qctx_store *store = work->set.store;
    const int64_t first = work->candidates[work->hits[i].candidate];
    qctx_status status =
        qctx_store_texts(store, QCTX_QUESTION, QCTX_FIELD_ID, &work->questions[i], 1, &sample->id, error);

    if (status == QCTX_OK)
        status =
            qctx_store_texts(store, QCTX_QUESTION, QCTX_FIELD_TEXT, &work->questions[i], 1, &sample->question, error);
    if (status == QCTX_OK)
        status = qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_TEXT, &first, 1, &sample->first, error);
    sample->position = best_position(work, i) + 1;
    return status;
}

qctx_status qctx_samples_find(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                              double relevant, const int64_t *asked, int64_t count, qctx_sample *samples,
                              qctx_error *error)
{
    sample_work work = {0};
    qctx_status status = qctx_agree(comm, prepare(set, relevant, asked, count, &work, error), error);

    if (status == QCTX_OK)
        status = qctx_evaluate(comm, &work.set, projector, &work.protocol, work.positions, NULL, error);
    if (status == QCTX_OK)
        status = find_first(comm, projector, &work, error);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        status = tell(&work, i, &samples[i], error);
    status = qctx_agree(comm, status, error);
    free_work(&work);
    return status;
}

void qctx_samples_free(qctx_sample *samples, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        free(samples[i].id);
        free(samples[i].question);
        free(samples[i].first);
        samples[i] = (qctx_sample){0};
    }
}
