#include "qctx/evaluation/trec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/text/unicode.h"

/* Questions whose lists are held at a time. */
enum { BLOCK = 4096 };

char *qctx_trec_tag(const char *name, qctx_error *error)
{
    const int64_t length = (int64_t)strlen(name);
    char *tag = qctx_alloc(length + 2, 1, "the tag of a TREC run", error), *end = tag;

    for (int64_t at = 0, next; tag != NULL && at < length; at = next) {
        uint32_t point;

        next = qctx_unicode_next(name, length, at, &point);
        if (qctx_unicode_is_space(point) || qctx_unicode_is_other(point)) {
            *end++ = '-';
        } else {
            memcpy(end, name + at, (size_t)(next - at));
            end += next - at;
        }
    }
    if (tag != NULL && end == tag)
        *tag = '-';
    return tag;
}

void qctx_trec_lines(FILE *out, const char *tag, const char *question, const qctx_hit *hits, int64_t k,
                     char *const *ids)
{
    float last = INFINITY;

    for (int64_t i = 0; i < k && hits[i].candidate >= 0; i++) {
        const float score = (float)hits[i].score;

        last = score < last ? score : nextafterf(last, -INFINITY);
        /* Nine digits tell any two floats apart. */
        fprintf(out, "%s Q0 %s %lld %.9g %s\n", question, ids[hits[i].candidate], (long long)i + 1, (double)last, tag);
    }
}

qctx_status qctx_trec_check_id(const char *kind, const char *id, qctx_error *error)
{
    if (id[0] != '\0' && id[strcspn(id, " \t\n\v\f\r")] == '\0')
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_DATA, "the %s id '%s' %s, which the columns of a TREC run cannot hold", kind, id,
              id[0] == '\0' ? "is empty" : "contains white space");
    return qctx_hint(error, "give the corpus ids without white space");
}

/* The ids of some rows, each fit for a run: `*ids` [count] and its texts are the caller's. */
static qctx_status read_ids(qctx_store *store, qctx_side side, const int64_t *rows, int64_t count, char ***ids,
                            qctx_error *error)
{
    qctx_status status;

    *ids = qctx_alloc(count, sizeof **ids, "the ids of a TREC run", error);
    if (*ids == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_store_texts(store, side, QCTX_FIELD_ID, rows, count, *ids, error);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        status = qctx_trec_check_id(qctx_side_names[side], (*ids)[i], error);
    return status;
}

static void free_texts(char **texts, int64_t count)
{
    for (int64_t i = 0; i < count && texts != NULL; i++)
        free(texts[i]);
    free(texts);
}

/* What rank 0 writes with. */
typedef struct {
    char **questions; /* ids */
    char **contexts;
    FILE *out;
} run_writer;

static qctx_status read_both_ids(const qctx_eval_set *set, const int64_t *candidates, int64_t total, run_writer *writer,
                                 qctx_error *error)
{
    qctx_status status = read_ids(set->store, QCTX_QUESTION, set->questions, set->count, &writer->questions, error);

    if (status == QCTX_OK)
        status = read_ids(set->store, QCTX_CONTEXT, candidates, total, &writer->contexts, error);
    return status;
}

qctx_status qctx_trec_check(qctx_comm *comm, const qctx_eval_set *set, const qctx_protocol *protocol, qctx_error *error)
{
    int64_t *candidates = NULL, total = 0;
    run_writer writer = {0};
    qctx_status status = qctx_evaluate_candidates(set, protocol, &candidates, &total, error);

    if (status == QCTX_OK && qctx_comm_rank(comm) == 0)
        status = read_both_ids(set, candidates, total, &writer, error);
    free_texts(writer.questions, set->count);
    free_texts(writer.contexts, total);
    free(candidates);
    return qctx_agree(comm, status, error);
}

static qctx_status write_lists(qctx_comm *comm, const qctx_eval_set *set, const qctx_shard *shard,
                               const int64_t *candidates, const qctx_projector *projector, const qctx_trec_run *run,
                               const run_writer *writer, qctx_error *error)
{
    const int64_t depth = run->depth < shard->total ? run->depth : shard->total;
    const int64_t block = set->count < BLOCK ? set->count : BLOCK;
    qctx_hit *hits = qctx_alloc(block * depth, sizeof *hits, "the lists of a TREC run", error);
    int64_t *asked = qctx_alloc(block, sizeof *asked, "the questions of a TREC run", error);
    qctx_status status = qctx_agree(comm, hits == NULL || asked == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    for (int64_t first = 0; first < set->count && status == QCTX_OK; first += block) {
        int64_t count = set->count - first < block ? set->count - first : block;
        const qctx_query query = {comm, shard, projector, &set->rows[QCTX_QUESTION], set->questions + first, count};

        for (int64_t q = 0; q < count; q++)
            asked[q] = first + q;
        status = qctx_evaluate_lists(&query, set, asked, candidates, depth, hits, error);
        for (int64_t q = 0; q < count && status == QCTX_OK && writer->out != NULL; q++)
            qctx_trec_lines(writer->out, run->tag, writer->questions[first + q], hits + q * depth, depth,
                            writer->contexts);
    }
    free(hits);
    free(asked);
    return status;
}

qctx_status qctx_trec_write(qctx_comm *comm, FILE *out, const qctx_eval_set *set, const qctx_projector *projector,
                            const qctx_protocol *protocol, const qctx_trec_run *run, qctx_error *error)
{
    int64_t *candidates = NULL, total = 0;
    run_writer writer = {.out = out};
    qctx_shard shard = {0};
    qctx_status status = qctx_evaluate_candidates(set, protocol, &candidates, &total, error);

    if (status == QCTX_OK && qctx_comm_rank(comm) == 0)
        status = read_both_ids(set, candidates, total, &writer, error);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = qctx_shard_create(comm, &set->rows[QCTX_CONTEXT], projector, candidates, total, QCTX_PRECISION_AUTO,
                                   &shard, error);
    if (status == QCTX_OK)
        status = write_lists(comm, set, &shard, candidates, projector, run, &writer, error);
    free_texts(writer.questions, set->count);
    free_texts(writer.contexts, total);
    free(candidates);
    qctx_shard_free(&shard);
    return status;
}
