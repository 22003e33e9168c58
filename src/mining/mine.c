#include "qctx/mining/mine.h"

#include <math.h>
#include <stdlib.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/retrieval/scores.h"
#include "qctx/retrieval/shard.h"
#include "qctx/retrieval/topk.h"

/*
 * Questions are mined a round at a time, so that their lists take a bounded memory: a multiple of the blocks that rows
 * are projected in (retrieval/shard), by which their bits do not depend on the rounds.
 */
enum { ROUND_STEP = 128, ROUND_MOST = 1 << 14, ROUND_BYTES = 64 << 20 };

struct qctx_miner {
    qctx_comm *comm;
    const qctx_opened *opened;
    const qctx_examples *examples;
    int64_t stores;
    int32_t *sources;  /* [stores] the first source of each */
    int32_t *store_of; /* [training sources] */
    int64_t *first;    /* [stores + 1] the number of its first context */
    uint64_t *content; /* [first[stores]] */
    uint64_t *asked;   /* [examples] equal for equally worded questions */
    uint64_t *known;   /* [known_count] what may be right for which wording, ascending */
    int64_t known_count;
    int64_t *numbers; /* [examples] 0, 1, … */
};

/* What a question's list is chosen from, and where it goes. */
typedef struct {
    const qctx_miner *miner;
    const qctx_mining_rule *rule;
    int64_t wide;          /* hits of a question */
    int64_t count;         /* negatives of a question, at most: not more than hits */
    int64_t round;         /* questions of a round */
    qctx_hit *hits;        /* [round, wide] */
    int64_t *offsets;      /* [round + 1] into the two below */
    int64_t *places;       /* [most] numbers of the right contexts */
    double *scores;        /* [most] theirs */
    int64_t *list_offsets; /* [examples + 1] */
    qctx_negative *listed; /* [examples, count], of which the filled ones stand without gaps */
} mining;

static qctx_store *store_at(const qctx_miner *miner, int64_t store)
{
    return miner->opened->train[miner->sources[store]].store;
}

/* Numbers the stores of the training sources, each once. */
static void list_stores(qctx_miner *miner)
{
    for (int64_t s = 0; s < miner->opened->train_count; s++) {
        int64_t store = 0;

        while (store < miner->stores && store_at(miner, store) != miner->opened->train[s].store)
            store++;
        miner->store_of[s] = (int32_t)store;
        if (store < miner->stores)
            continue;
        miner->sources[store] = (int32_t)s;
        miner->first[store + 1] = miner->first[store] + qctx_store_count(miner->opened->train[s].store, QCTX_CONTEXT);
        miner->stores++;
    }
}

/* asked [examples] = the content of each one's question. Local. */
static qctx_status read_questions(qctx_miner *miner, qctx_error *error)
{
    const qctx_examples *examples = miner->examples;
    qctx_status status = QCTX_OK;

    for (int64_t k = 0; k < miner->stores && status == QCTX_OK; k++) {
        uint64_t *content = qctx_alloc(qctx_store_count(store_at(miner, k), QCTX_QUESTION), sizeof *content,
                                       "the questions that are mined for", error);

        status =
            content == NULL ? QCTX_ERR_MEMORY : qctx_store_content(store_at(miner, k), QCTX_QUESTION, content, error);
        for (int64_t i = 0; i < examples->count && status == QCTX_OK; i++)
            if (miner->store_of[examples->source[i]] == k)
                miner->asked[i] = content[examples->question[i]];
        free(content);
    }
    return status;
}

/* One number for a question and a context by their contents. */
static uint64_t pair_of(uint64_t question, uint64_t context)
{
    return qctx_hash(&context, sizeof context, question);
}

/* What is no negative of a question is none of any that is worded like it. */
static void list_known(qctx_miner *miner)
{
    const qctx_examples *examples = miner->examples;

    for (int64_t i = 0; i < examples->count; i++)
        for (int64_t a = examples->offsets[i]; a < examples->offsets[i + 1]; a++)
            miner->known[miner->known_count++] = pair_of(miner->asked[i], examples->content[a]);
    qctx_sort_numbers(miner->known, miner->known_count);
}

/* Local. */
static qctx_status fill(qctx_miner *miner, qctx_error *error)
{
    const int64_t sources = miner->opened->train_count, examples = miner->examples->count;
    const char *what = "the contexts that negatives are mined from";
    qctx_status status = QCTX_OK;

    miner->sources = qctx_alloc(sources, sizeof *miner->sources, what, error);
    miner->store_of = qctx_alloc(sources, sizeof *miner->store_of, what, error);
    miner->first = qctx_alloc(sources + 1, sizeof *miner->first, what, error);
    miner->numbers = qctx_alloc(examples, sizeof *miner->numbers, what, error);
    miner->asked = qctx_alloc(examples, sizeof *miner->asked, what, error);
    miner->known = qctx_alloc(miner->examples->offsets[examples], sizeof *miner->known, what, error);
    if (miner->sources == NULL || miner->store_of == NULL || miner->first == NULL || miner->numbers == NULL ||
        miner->asked == NULL || miner->known == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < examples; i++)
        miner->numbers[i] = i;
    list_stores(miner);
    miner->content = qctx_alloc(qctx_miner_contexts(miner), sizeof *miner->content, what, error);
    if (miner->content == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t k = 0; k < miner->stores && status == QCTX_OK; k++)
        status = qctx_store_content(store_at(miner, k), QCTX_CONTEXT, miner->content + miner->first[k], error);
    if (status == QCTX_OK)
        status = read_questions(miner, error);
    if (status == QCTX_OK)
        list_known(miner);
    return status;
}

qctx_status qctx_miner_create(qctx_comm *comm, const qctx_opened *opened, const qctx_examples *examples,
                              qctx_miner **created, qctx_error *error)
{
    qctx_miner *miner = qctx_alloc(1, sizeof *miner, "the miner of negatives", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (miner != NULL) {
        miner->comm = comm;
        miner->opened = opened;
        miner->examples = examples;
        status = fill(miner, error);
    }
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK) {
        qctx_miner_destroy(miner);
        return status;
    }
    *created = miner;
    return QCTX_OK;
}

void qctx_miner_destroy(qctx_miner *miner)
{
    if (miner == NULL)
        return;
    free(miner->sources);
    free(miner->store_of);
    free(miner->first);
    free(miner->content);
    free(miner->asked);
    free(miner->known);
    free(miner->numbers);
    free(miner);
}

int64_t qctx_miner_contexts(const qctx_miner *miner)
{
    return miner->first[miner->stores];
}

/* The store that context `number` stands in. */
static int64_t store_of_number(const qctx_miner *miner, int64_t number)
{
    return qctx_lower_bound(miner->first + 1, miner->stores, number + 1);
}

static void gather_contexts(const qctx_rows *self, const int64_t *rows, int64_t count, float *out)
{
    const qctx_miner *miner = self->from;

    for (int64_t i = 0; i < count; i++) {
        const int64_t store = store_of_number(miner, rows[i]), row = rows[i] - miner->first[store];

        qctx_store_gather(store_at(miner, store), QCTX_CONTEXT, &row, 1, out + i * self->dim);
    }
}

/* Their numbers are those of the examples. */
static void gather_questions(const qctx_rows *self, const int64_t *rows, int64_t count, float *out)
{
    const qctx_miner *miner = self->from;
    const qctx_examples *examples = miner->examples;

    for (int64_t i = 0; i < count; i++)
        qctx_store_gather(miner->opened->train[examples->source[rows[i]]].store, QCTX_QUESTION,
                          &examples->question[rows[i]], 1, out + i * self->dim);
}

static int64_t round_of(const qctx_miner *miner, int64_t wide)
{
    const int64_t fits = ROUND_BYTES / (wide * (int64_t)sizeof(qctx_hit)) / ROUND_STEP * ROUND_STEP;

    return qctx_smaller(qctx_smaller(qctx_larger(fits, ROUND_STEP), ROUND_MOST), miner->examples->count);
}

/* Local. */
static qctx_status allocate(mining *work, qctx_error *error)
{
    const int64_t examples = work->miner->examples->count;
    const int64_t most = work->round * qctx_examples_most_contexts(work->miner->examples);
    const char *what = "mined negatives";

    work->hits = qctx_alloc(work->round * work->wide, sizeof *work->hits, what, error);
    work->offsets = qctx_alloc(work->round + 1, sizeof *work->offsets, what, error);
    work->places = qctx_alloc(most, sizeof *work->places, what, error);
    work->scores = qctx_alloc(most, sizeof *work->scores, what, error);
    work->list_offsets = qctx_alloc(examples + 1, sizeof *work->list_offsets, what, error);
    work->listed = qctx_alloc(examples * work->count, sizeof *work->listed, what, error);
    if (work->hits == NULL || work->offsets == NULL || work->places == NULL || work->scores == NULL ||
        work->list_offsets == NULL || work->listed == NULL)
        return QCTX_ERR_MEMORY;
    return QCTX_OK;
}

static void release(mining *work)
{
    free(work->hits);
    free(work->offsets);
    free(work->places);
    free(work->scores);
    free(work->list_offsets);
    free(work->listed);
}

/* The right contexts of examples first … first + count − 1, by number. */
static void list_places(mining *work, int64_t first, int64_t count)
{
    const qctx_examples *examples = work->miner->examples;
    int64_t used = 0;

    for (int64_t q = 0; q < count; q++) {
        const int64_t example = first + q, pairs = qctx_examples_pairs(examples, example);
        const int64_t begin = work->miner->first[work->miner->store_of[examples->source[example]]];

        for (int64_t a = 0; a < pairs; a++)
            work->places[used++] = begin + examples->contexts[examples->offsets[example] + a];
        work->offsets[q + 1] = used;
    }
}

/* The most that a negative of question q of the round may score. */
static double highest(const mining *work, int64_t q)
{
    double least = INFINITY;

    for (int64_t a = work->offsets[q]; a < work->offsets[q + 1]; a++)
        least = fmin(least, work->scores[a]);
    return least - (1.0 - work->rule->margin) * fabs(least);
}

/* Whether a content may be right for the example's question, or is one of the `count` listed ones. */
static bool is_known(const qctx_miner *miner, int64_t example, uint64_t content, const qctx_negative *listed,
                     int64_t count)
{
    if (qctx_sorted_has(miner->known, miner->known_count, pair_of(miner->asked[example], content)))
        return true;
    for (int64_t k = 0; k < count; k++)
        if (listed[k].content == content)
            return true;
    return false;
}

static void choose(mining *work, int64_t first, int64_t q)
{
    const qctx_miner *miner = work->miner;
    const int64_t example = first + q;
    const double bound = highest(work, q);
    qctx_negative *listed = work->listed + work->list_offsets[example];
    int64_t count = 0;

    for (int64_t k = 0; k < work->wide && count < work->count; k++) {
        const qctx_hit *hit = &work->hits[q * work->wide + k];
        int64_t store;

        if (hit->candidate < 0)
            break;
        if (!(hit->score <= bound) || is_known(miner, example, miner->content[hit->candidate], listed, count))
            continue;
        store = store_of_number(miner, hit->candidate);
        listed[count++] = (qctx_negative){.content = miner->content[hit->candidate],
                                          .row = hit->candidate - miner->first[store],
                                          .source = miner->sources[store]};
    }
    work->list_offsets[example + 1] = work->list_offsets[example] + count;
}

/* Collective. */
static qctx_status mine_round(mining *work, qctx_query *query, int64_t first, int64_t count, qctx_error *error)
{
    qctx_status status;

    query->rows = work->miner->numbers + first;
    query->count = count;
    list_places(work, first, count);
    status = qctx_topk(query, work->wide, work->hits, error);
    if (status == QCTX_OK)
        status = qctx_scores(query, work->offsets, work->places, work->scores, error);
    for (int64_t q = 0; q < count && status == QCTX_OK; q++)
        choose(work, first, q);
    return status;
}

qctx_status qctx_miner_mine(qctx_miner *miner, const qctx_projector *projector, const qctx_mining_rule *rule,
                            qctx_listed_negatives *lists, qctx_error *error)
{
    const qctx_rows contexts = {.gather = gather_contexts, .from = miner, .dim = projector->input};
    const qctx_rows questions = {.gather = gather_questions, .from = miner, .dim = projector->input};
    const int64_t total = qctx_miner_contexts(miner), examples = miner->examples->count;
    mining work = {.miner = miner, .rule = rule, .wide = qctx_smaller(rule->depth, total)};
    qctx_shard shard = {0};
    qctx_query query = {.comm = miner->comm, .shard = &shard, .projector = projector, .questions = &questions};
    qctx_status status;

    *lists = (qctx_listed_negatives){0};
    work.count = qctx_smaller(rule->count, work.wide);
    work.round = round_of(miner, work.wide);
    status = qctx_agree(miner->comm, allocate(&work, error), error);
    if (status == QCTX_OK)
        status = qctx_shard_create(miner->comm, &contexts, projector, NULL, total, QCTX_PRECISION_AUTO, &shard, error);
    for (int64_t first = 0; first < examples && status == QCTX_OK; first += work.round)
        status = mine_round(&work, &query, first, qctx_smaller(work.round, examples - first), error);
    if (status == QCTX_OK)
        status = qctx_agree(miner->comm,
                            qctx_listed_negatives_make(examples, work.list_offsets, work.listed, lists, error), error);
    qctx_shard_free(&shard);
    release(&work);
    return status;
}
