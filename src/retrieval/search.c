#include "qctx/retrieval/search.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/platform/mapped.h"
#include "qctx/retrieval/shard.h"
#include "qctx/text/text.h"

struct qctx_search {
    qctx_comm *comm;
    qctx_encoder *encoder;
    const qctx_projector *projector;
    int64_t count;
    qctx_shard *shards; /* [count], of the stores */
    float *question;    /* [dim of the encoder] */
};

static qctx_status create(qctx_comm *comm, int64_t count, qctx_encoder *encoder, const qctx_projector *projector,
                          qctx_search **created, qctx_error *error)
{
    qctx_search *search = NULL;

    if (qctx_encoder_dim(encoder) != projector->input)
        return qctx_fail(error, QCTX_ERR_MISMATCH, "the encoder gives rows of %lld, the head takes rows of %lld",
                         (long long)qctx_encoder_dim(encoder), (long long)projector->input);
    search = qctx_alloc(1, sizeof *search, "a search", error);
    if (search == NULL)
        return QCTX_ERR_MEMORY;
    *created = search;
    search->comm = comm;
    search->encoder = encoder;
    search->projector = projector;
    search->question = qctx_alloc(projector->input, sizeof *search->question, "a question", error);
    search->shards = qctx_alloc(count, sizeof *search->shards, "a search", error);
    return search->question == NULL || search->shards == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

qctx_status qctx_search_create(qctx_comm *comm, qctx_store *const *stores, int64_t count, qctx_encoder *encoder,
                               const qctx_projector *projector, qctx_search **created, qctx_error *error)
{
    qctx_search *search = NULL;
    qctx_status status = qctx_agree(comm, create(comm, count, encoder, projector, &search, error), error);

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        const qctx_rows contexts = qctx_rows_of_store(stores[i], QCTX_CONTEXT);

        status = qctx_shard_create(comm, &contexts, projector, NULL, qctx_store_count(stores[i], QCTX_CONTEXT),
                                   QCTX_PRECISION_AUTO, &search->shards[i], error);
        search->count += status == QCTX_OK;
    }
    if (status == QCTX_OK) {
        *created = search;
        search = NULL;
    }
    qctx_search_destroy(search);
    return status;
}

void qctx_search_destroy(qctx_search *search)
{
    if (search == NULL)
        return;
    for (int64_t i = 0; i < search->count; i++)
        qctx_shard_free(&search->shards[i]);
    free(search->shards);
    free(search->question);
    free(search);
}

qctx_status qctx_search_check(const char *question, qctx_error *error)
{
    size_t length = strlen(question), bad;
    qctx_spans words = {0};
    qctx_status status;

    if (!qctx_text_is_utf8(question, length, &bad))
        return qctx_fail(error, QCTX_ERR_DATA, "the question is not UTF-8 at byte %zu", bad + 1);
    status = qctx_text_words(question, length, &words, error);
    if (status == QCTX_OK && words.count == 0)
        status = qctx_fail(error, QCTX_ERR_DATA, "the question has no words");
    free(words.items);
    return status;
}

/* Equal scores are in the order of the stores, and of their rows. */
static int by_score(const void *left, const void *right)
{
    const qctx_found *a = left, *b = right;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->store != b->store)
        return a->store < b->store ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* The k best of all stores among the k best of each, hits [stores, k]. Returns how many there are. */
static int64_t merge(const qctx_search *search, const qctx_hit *hits, int64_t k, qctx_found *all, qctx_found *found)
{
    int64_t count = 0;

    for (int64_t store = 0; store < search->count; store++)
        for (const qctx_hit *hit = hits + store * k; hit < hits + (store + 1) * k; hit++)
            if (hit->candidate >= 0)
                all[count++] = (qctx_found){hit->score, store, hit->candidate};
    qsort(all, (size_t)count, sizeof *all, by_score);
    count = qctx_smaller(count, k);
    memcpy(found, all, (size_t)count * sizeof *found);
    return count;
}

qctx_status qctx_search_ask(qctx_search *search, const char *question, int64_t k, qctx_found *found, int64_t *count,
                            qctx_error *error)
{
    const qctx_rows rows = qctx_rows_of_array(search->question, search->projector->input, 0);
    const int64_t row = 0;
    qctx_hit *hits = qctx_alloc(search->count * k, sizeof *hits, "hits", error);
    qctx_found *all = qctx_alloc(search->count * k, sizeof *all, "hits", error);
    qctx_status status = hits == NULL || all == NULL ? QCTX_ERR_MEMORY : qctx_search_check(question, error);

    if (status == QCTX_OK)
        status = qctx_encoder_encode(search->encoder, QCTX_QUESTION, &question, 1, search->question, error);
    status = qctx_agree(search->comm, qctx_mapped_check(status, error), error);
    for (int64_t i = 0; i < search->count && status == QCTX_OK; i++) {
        const qctx_query query = {search->comm, &search->shards[i], search->projector, &rows, &row, 1};

        status = qctx_topk(&query, k, hits + i * k, error);
    }
    if (status == QCTX_OK)
        *count = merge(search, hits, k, all, found);
    free(hits);
    free(all);
    return status;
}
