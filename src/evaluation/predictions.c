#include "qctx/evaluation/predictions.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/retrieval/topk.h"
#include "qctx/text/json.h"

enum { TOP = QCTX_PREDICTIONS_TOP };

const char *const qctx_predictions_group_names[] = {
    [QCTX_PREDICTIONS_WON] = "won",
    [QCTX_PREDICTIONS_LOST] = "lost",
    [QCTX_PREDICTIONS_BOTH_WRONG] = "both_wrong",
    [QCTX_PREDICTIONS_BOTH_RIGHT] = "both_right",
    NULL,
};

/* A question of the set with the positions of its best right context. */
typedef struct {
    int64_t question;
    int64_t no_head;
    int64_t head;
    qctx_predictions_group group;
} placed;

/* Where the best right context of a question stands; INT64_MAX where none is there. */
static int64_t best_position(const qctx_eval_set *set, double relevant, const int64_t *positions, int64_t question)
{
    int64_t best = INT64_MAX;

    for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++)
        if (set->contexts[a] != QCTX_ABSENT && qctx_grade_reaches(set->grades, a, relevant))
            best = positions[a] < best ? positions[a] : best;
    return best;
}

static qctx_predictions_group group_of(int64_t no_head, int64_t head)
{
    if (head == 0)
        return no_head == 0 ? QCTX_PREDICTIONS_BOTH_RIGHT : QCTX_PREDICTIONS_WON;
    return no_head == 0 ? QCTX_PREDICTIONS_LOST : QCTX_PREDICTIONS_BOTH_WRONG;
}

/* By group; in it those further down with the head first, then those further down without it. */
static int compare_placed(const void *a, const void *b)
{
    const placed *x = a, *y = b;

    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->head != y->head)
        return x->head > y->head ? -1 : 1;
    if (x->no_head != y->no_head)
        return x->no_head > y->no_head ? -1 : 1;
    return (x->question > y->question) - (x->question < y->question);
}

qctx_status qctx_predictions_choose(const qctx_eval_set *set, double relevant, const int64_t *no_head,
                                    const int64_t *head, qctx_predictions_chosen *chosen, qctx_error *error)
{
    const int64_t count = set->count;
    placed *order = qctx_alloc(count, sizeof *order, "the order of questions", error);

    if (order == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t q = 0; q < count; q++) {
        int64_t without = best_position(set, relevant, no_head, q);
        int64_t with = best_position(set, relevant, head, q);

        order[q] = (placed){q, without, with, group_of(without, with)};
    }
    qsort(order, (size_t)count, sizeof *order, compare_placed);
    memset(chosen, 0, QCTX_PREDICTIONS_GROUPS * sizeof *chosen);
    for (int64_t i = 0; i < count; i++) {
        qctx_predictions_chosen *group = &chosen[order[i].group];

        group->count++;
        if (group->shown < QCTX_PREDICTIONS_EACH)
            group->questions[group->shown++] = order[i].question;
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
    const qctx_predictions *of;
    const qctx_predictions_chosen *chosen; /* [QCTX_PREDICTIONS_GROUPS] */
    const int64_t *candidates;
    const qctx_hit *hits; /* [shown of all groups, TOP] */
} prediction_sheet;

/* What a group is called; an encoder alone is not both wrong, but wrong. */
static const char *name_of(const qctx_predictions *of, int group)
{
    const char *name = qctx_predictions_group_names[group];

    return of->head != NULL ? name : group == QCTX_PREDICTIONS_BOTH_WRONG ? "wrong" : "right";
}

/* Whether there can be questions of a group: an encoder alone wins and loses none. */
static bool has_group(const qctx_predictions *of, int group)
{
    return of->head != NULL || group == QCTX_PREDICTIONS_BOTH_WRONG || group == QCTX_PREDICTIONS_BOTH_RIGHT;
}

static json_t *header_of(const prediction_sheet *sheet)
{
    const qctx_predictions *of = sheet->of;
    json_t *line = json_pack("{s:s, s:I, s:s}", "source", of->source, "questions", (json_int_t)of->set->count,
                             "candidates", qctx_candidates_names[of->protocol->candidates]);

    for (int g = 0; g < QCTX_PREDICTIONS_GROUPS; g++)
        if (has_group(of, g))
            json_object_set_new(line, name_of(of, g), json_integer(sheet->chosen[g].count));
    json_object_set_new(line, "shown_of_each", json_integer(QCTX_PREDICTIONS_EACH));
    return line;
}

static bool answers(const qctx_predictions *of, int64_t question, int64_t row)
{
    const qctx_eval_set *set = of->set;

    for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++)
        if (set->contexts[a] == row)
            return qctx_grade_reaches(set->grades, a, of->protocol->relevant);
    return false;
}

/* The position of the best right context, from 1; null where none is there. */
static json_t *position_of(const qctx_predictions *of, const int64_t *positions, int64_t question)
{
    const int64_t best = best_position(of->set, of->protocol->relevant, positions, question);

    return best < INT64_MAX ? json_integer(best + 1) : json_null();
}

static void set_positions(json_t *line, const qctx_predictions *of, int64_t question)
{
    json_object_set_new(line, of->head != NULL ? "position_no_head" : "position",
                        position_of(of, of->no_head, question));
    if (of->head != NULL)
        json_object_set_new(line, "position_head", position_of(of, of->head, question));
}

static json_t *line_of(const prediction_sheet *sheet, int group, int64_t question, const qctx_hit *hits,
                       qctx_error *error)
{
    const qctx_eval_set *set = sheet->of->set;
    const int64_t row = set->questions[question];
    json_t *line = json_pack("{s:s}", "group", name_of(sheet->of, group)), *right = json_array(), *top = json_array();

    json_object_set_new(line, "id", text_of(set->store, QCTX_QUESTION, QCTX_FIELD_ID, row, error));
    json_object_set_new(line, "question", text_of(set->store, QCTX_QUESTION, QCTX_FIELD_TEXT, row, error));
    set_positions(line, sheet->of, question);
    for (int64_t a = set->offsets[question]; a < set->offsets[question + 1]; a++)
        if (set->contexts[a] != QCTX_ABSENT && qctx_grade_reaches(set->grades, a, sheet->of->protocol->relevant))
            json_array_append_new(right, context_of(set->store, set->contexts[a], error));
    for (int64_t i = 0; i < TOP && hits[i].candidate >= 0; i++) {
        int64_t found = sheet->candidates[hits[i].candidate];
        json_t *context = context_of(set->store, found, error);

        json_object_set_new(context, "score", json_real(hits[i].score));
        json_object_set_new(context, "is_right", json_boolean(answers(sheet->of, question, found)));
        json_array_append_new(top, context);
    }
    json_object_set_new(line, "right", right);
    json_object_set_new(line, "top", top);
    return line;
}

/* Writes a line and releases it; `failure` says what it could not be made of. */
static qctx_status write_line(FILE *out, json_t *line, const qctx_error *failure, qctx_error *error)
{
    char *text = qctx_json_dump(line, error);
    qctx_status status = text == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (text != NULL)
        fprintf(out, "%s\n", text);
    if (failure->code != QCTX_OK) {
        *error = *failure;
        status = failure->code;
    }
    free(text);
    json_decref(line);
    return status;
}

static qctx_status write_lines(FILE *out, const prediction_sheet *sheet, qctx_error *error)
{
    qctx_error failure = {0};
    const qctx_hit *hits = sheet->hits;
    qctx_status status = write_line(out, header_of(sheet), &failure, error);

    for (int g = 0; g < QCTX_PREDICTIONS_GROUPS; g++)
        for (int64_t i = 0; i < sheet->chosen[g].shown && status == QCTX_OK; i++, hits += TOP) {
            json_t *line = line_of(sheet, g, sheet->chosen[g].questions[i], hits, &failure);

            status = write_line(out, line, &failure, error);
        }
    return status;
}

/* The best candidates of the chosen questions: hits [shown of all groups, TOP]. Collective. */
static qctx_status find_top(qctx_comm *comm, const qctx_predictions *of, const qctx_predictions_chosen *chosen,
                            const int64_t *candidates, int64_t total, qctx_hit *hits, qctx_error *error)
{
    const qctx_eval_set *set = of->set;
    int64_t rows[QCTX_PREDICTIONS_GROUPS * QCTX_PREDICTIONS_EACH], count = 0;
    int64_t asked[QCTX_PREDICTIONS_GROUPS * QCTX_PREDICTIONS_EACH];
    qctx_shard shard;
    qctx_query query = {comm, &shard, of->projector, &set->rows[QCTX_QUESTION], rows, 0};
    qctx_status status = qctx_shard_create(comm, &set->rows[QCTX_CONTEXT], of->projector, candidates, total,
                                           QCTX_PRECISION_FLOAT32, &shard, error);

    if (status != QCTX_OK)
        return status;
    for (int g = 0; g < QCTX_PREDICTIONS_GROUPS; g++)
        for (int64_t i = 0; i < chosen[g].shown; i++)
            asked[count++] = chosen[g].questions[i];
    for (int64_t i = 0; i < count; i++)
        rows[i] = set->questions[asked[i]];
    query.count = count;
    status = qctx_evaluate_lists(&query, set, asked, candidates, TOP, hits, error);
    qctx_shard_free(&shard);
    return status;
}

qctx_status qctx_predictions_write(qctx_comm *comm, FILE *out, const qctx_predictions *of, qctx_error *error)
{
    qctx_predictions_chosen chosen[QCTX_PREDICTIONS_GROUPS];
    qctx_hit hits[QCTX_PREDICTIONS_GROUPS * QCTX_PREDICTIONS_EACH * TOP];
    int64_t total = 0, *candidates = NULL;
    qctx_status status = qctx_predictions_choose(of->set, of->protocol->relevant, of->no_head,
                                                 of->head != NULL ? of->head : of->no_head, chosen, error);

    if (status == QCTX_OK)
        status = qctx_evaluate_candidates(of->set, of->protocol, &candidates, &total, error);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = find_top(comm, of, chosen, candidates, total, hits, error);
    if (status == QCTX_OK && qctx_comm_rank(comm) == 0)
        status = write_lines(out, &(prediction_sheet){of, chosen, candidates, hits}, error);
    status = qctx_agree(comm, status, error);
    free(candidates);
    return status;
}
