#include "qctx/retrieval/search.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/retrieval/shard.h"
#include "qctx/text/text.h"

struct qctx_search {
    qctx_comm *comm;
    qctx_encoder *encoder;
    const qctx_projector *projector;
    qctx_shard shard;
    float *question; /* [dim of the encoder] */
};

static qctx_status create(qctx_comm *comm, qctx_encoder *encoder, const qctx_projector *projector,
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
    return search->question == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

qctx_status qctx_search_over_store(qctx_comm *comm, qctx_store *store, qctx_encoder *encoder,
                                   const qctx_projector *projector, qctx_search **created, qctx_error *error)
{
    const qctx_rows contexts = qctx_rows_of_store(store, QCTX_CONTEXT);
    qctx_search *search = NULL;
    qctx_status status = qctx_agree(comm, create(comm, encoder, projector, &search, error), error);

    if (status == QCTX_OK)
        status = qctx_shard_create(comm, &contexts, projector, NULL, qctx_store_count(store, QCTX_CONTEXT),
                                   QCTX_PRECISION_AUTO, &search->shard, error);
    if (status == QCTX_OK) {
        *created = search;
        search = NULL;
    }
    qctx_search_destroy(search);
    return status;
}

qctx_status qctx_search_over_texts(qctx_comm *comm, const char *const *texts, int64_t count, qctx_encoder *encoder,
                                   const qctx_projector *projector, qctx_search **created, qctx_error *error)
{
    qctx_search *search = NULL;
    float *encoded = NULL;
    int64_t first, own;
    qctx_rows rows;
    qctx_status status = create(comm, encoder, projector, &search, error);

    qctx_shard_range(comm, count, &first, &own);
    if (status == QCTX_OK) {
        encoded = qctx_alloc(own * projector->input, sizeof *encoded, "encoded texts", error);
        status = encoded == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    if (status == QCTX_OK && own > 0)
        status = qctx_encoder_encode(encoder, QCTX_CONTEXT, texts + first, own, encoded, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;
    rows = qctx_rows_of_array(encoded, projector->input, first);
    status = qctx_shard_create(comm, &rows, projector, NULL, count, QCTX_PRECISION_AUTO, &search->shard, error);
    if (status == QCTX_OK) {
        *created = search;
        search = NULL;
    }
out:
    free(encoded);
    qctx_search_destroy(search);
    return status;
}

void qctx_search_destroy(qctx_search *search)
{
    if (search == NULL)
        return;
    qctx_shard_free(&search->shard);
    free(search->question);
    free(search);
}

int64_t qctx_search_count(const qctx_search *search)
{
    return search->shard.total;
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

qctx_status qctx_search_ask(qctx_search *search, const char *question, int64_t k, qctx_hit *hits, qctx_error *error)
{
    const qctx_rows rows = qctx_rows_of_array(search->question, search->projector->input, 0);
    const int64_t row = 0;
    const qctx_query query = {search->comm, &search->shard, search->projector, &rows, &row, 1};
    qctx_status status = qctx_search_check(question, error);

    if (status == QCTX_OK)
        status = qctx_encoder_encode(search->encoder, QCTX_QUESTION, &question, 1, search->question, error);
    status = qctx_agree(search->comm, status, error);
    if (status != QCTX_OK)
        return status;
    return qctx_topk(&query, k, hits, error);
}
