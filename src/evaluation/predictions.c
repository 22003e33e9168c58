#include "qctx/evaluation/predictions.h"

#include <stdbool.h>
#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/retrieval/topk.h"
#include "qctx/text/json.h"

enum { TOP = QCTX_PREDICTIONS_TOP };

/* A question of the set with the positions of its best right context. */
typedef struct {
    int64_t question;
    int64_t no_head;
    int64_t head;
} placed;

static int64_t best_position(const int64_t *positions, const int64_t *offsets, int64_t question)
{
    int64_t best = positions[offsets[question]];

    for (int64_t a = offsets[question]; a < offsets[question + 1]; a++)
        best = positions[a] < best ? positions[a] : best;
    return best;
}

static int compare_placed(const void *a, const void *b)
{
    const placed *x = a, *y = b;

    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    if (x->no_head != y->no_head)
        return x->no_head > y->no_head ? -1 : 1;
    return (x->question > y->question) - (x->question < y->question);
}

qctx_status qctx_predictions_choose(const int64_t *no_head, const int64_t *head, const int64_t *offsets, int64_t count,
                                    int64_t *chosen, int64_t *each, qctx_error *error)
{
    placed *order = qctx_alloc(count, sizeof *order, "the order of questions", error);

    if (order == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t q = 0; q < count; q++)
        order[q] = (placed){q, best_position(no_head, offsets, q), best_position(head, offsets, q)};
    qsort(order, (size_t)count, sizeof *order, compare_placed);
    *each = count / 2 < QCTX_PREDICTIONS_EACH ? count / 2 : QCTX_PREDICTIONS_EACH;
    for (int64_t i = 0; i < *each; i++) {
        chosen[i] = order[i].question;
        chosen[*each + i] = order[count - 1 - i].question;
    }
    free(order);
    return QCTX_OK;
}

/* A text of one row, freshly allocated as a JSON string; NULL on failure. */
static json_t *text_of(qctx_store *store, qctx_side side, qctx_field field, int64_t row, qctx_error *error)
{
    char *text = NULL;
    json_t *value = NULL;

    if (qctx_store_texts(store, side, field, &row, 1, &text, error) != QCTX_OK)
        return NULL;
    value = json_string(text);
    if (value == NULL)
        qctx_fail(error, QCTX_ERR_DATA, "%s: a text of row %lld is not UTF-8", qctx_store_path(store), (long long)row);
    free(text);
    return value;
}

/* {"id", "title", "text"}; members that failed are missing and `error` says why. */
static json_t *context_of(qctx_store *store, int64_t row, qctx_error *error)
{
    json_t *object = json_object();

    json_object_set_new(object, "id", text_of(store, QCTX_CONTEXT, QCTX_FIELD_ID, row, error));
    json_object_set_new(object, "title", text_of(store, QCTX_CONTEXT, QCTX_FIELD_TITLE, row, error));
    json_object_set_new(object, "text", text_of(store, QCTX_CONTEXT, QCTX_FIELD_TEXT, row, error));
    return object;
}

/* What the lines are made from. */
typedef struct {
    const qctx_eval_set *set;
    const int64_t *candidates;
    const int64_t *no_head;
    const int64_t *head;
} prediction_sheet;

static bool answers(const qctx_eval_set *set, int64_t question, int64_t row)
{
    for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++)
        if (set->contexts[a] == row)
            return true;
    return false;
}

static json_t *line_of(const prediction_sheet *sheet, const char *kind, int64_t question, const qctx_hit *hits,
                       qctx_error *error)
{
    const qctx_eval_set *set = sheet->set;
    const int64_t row = set->questions[question];
    json_t *line = json_pack("{s:s}", "kind", kind), *right = json_array(), *top = json_array();

    json_object_set_new(line, "id", text_of(set->store, QCTX_QUESTION, QCTX_FIELD_ID, row, error));
    json_object_set_new(line, "question", text_of(set->store, QCTX_QUESTION, QCTX_FIELD_TEXT, row, error));
    json_object_set_new(line, "position_no_head", json_integer(best_position(sheet->no_head, set->offsets, question)));
    json_object_set_new(line, "position_head", json_integer(best_position(sheet->head, set->offsets, question)));
    for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++)
        json_array_append_new(right, context_of(set->store, set->contexts[a], error));
    for (int64_t i = 0; i < TOP && hits[i].candidate >= 0; i++) {
        int64_t found = sheet->candidates[hits[i].candidate];
        json_t *context = context_of(set->store, found, error);

        json_object_set_new(context, "score", json_real(hits[i].score));
        json_object_set_new(context, "is_right", json_boolean(answers(set, question, found)));
        json_array_append_new(top, context);
    }
    json_object_set_new(line, "right", right);
    json_object_set_new(line, "top", top);
    return line;
}

static qctx_status write_lines(const char *path, const prediction_sheet *sheet, const int64_t *chosen, int64_t each,
                               const qctx_hit *hits, qctx_error *error)
{
    qctx_outfile *file = NULL;
    qctx_status status = qctx_outfile_open(path, &file, error);

    for (int64_t i = 0; i < 2 * each && status == QCTX_OK; i++) {
        qctx_error failure = {0};
        json_t *line = line_of(sheet, i < each ? "best" : "worst", chosen[i], hits + i * TOP, &failure);
        char *text = qctx_json_dump(line, error);

        if (text == NULL)
            status = QCTX_ERR_MEMORY;
        else
            fprintf(qctx_outfile_stream(file), "%s\n", text);
        if (failure.code != QCTX_OK) {
            *error = failure;
            status = failure.code;
        }
        free(text);
        json_decref(line);
    }
    if (status == QCTX_OK)
        return qctx_outfile_commit(file, error);
    qctx_outfile_discard(file);
    return status;
}

/* The best candidates of the chosen questions: hits [2·each, TOP]. */
static qctx_status find_top(qctx_comm *comm, const qctx_eval_set *set, const qctx_projector *projector,
                            const int64_t *candidates, int64_t total, const int64_t *chosen, int64_t count,
                            qctx_hit *hits, qctx_error *error)
{
    int64_t rows[2 * QCTX_PREDICTIONS_EACH];
    qctx_shard shard;
    const qctx_query query = {comm, &shard, projector, &set->rows[QCTX_QUESTION], rows, count};
    qctx_status status = qctx_shard_create(comm, &set->rows[QCTX_CONTEXT], projector, candidates, total,
                                           QCTX_PRECISION_FLOAT32, &shard, error);

    if (status != QCTX_OK)
        return status;
    for (int64_t i = 0; i < count; i++)
        rows[i] = set->questions[chosen[i]];
    status = qctx_topk(&query, TOP, hits, error);
    qctx_shard_free(&shard);
    return status;
}

qctx_status qctx_predictions_write(qctx_comm *comm, const char *path, const qctx_eval_set *set,
                                   const qctx_projector *projector, const qctx_protocol *protocol,
                                   const int64_t *no_head, const int64_t *head, qctx_error *error)
{
    int64_t chosen[2 * QCTX_PREDICTIONS_EACH], each = 0, total = 0, *candidates = NULL;
    qctx_hit hits[2 * QCTX_PREDICTIONS_EACH * TOP];
    qctx_status status = qctx_predictions_choose(no_head, head, set->offsets, set->count, chosen, &each, error);

    if (status == QCTX_OK)
        status = qctx_evaluate_candidates(set, protocol, &candidates, &total, error);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = find_top(comm, set, projector, candidates, total, chosen, 2 * each, hits, error);
    if (status != QCTX_OK)
        goto out;
    if (qctx_comm_rank(comm) == 0) {
        const prediction_sheet sheet = {set, candidates, no_head, head};

        status = write_lines(path, &sheet, chosen, each, hits, error);
    }
    status = qctx_agree(comm, status, error);
out:
    free(candidates);
    return status;
}
