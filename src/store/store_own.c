/* The contexts of a store that have a question's own id: in some data sets (ArguAna, Quora) questions are contexts. */
#include <stdlib.h>
#include <string.h>

#include "qctx/base/arena.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/textmap.h"
#include "store_internal.h"

/* Ids that are read at a time. */
enum { BLOCK = 1024 };

/* The ids of questions, and their rows. */
typedef struct {
    qctx_arena texts;
    qctx_textmap rows;
} question_ids;

/* Takes the ids of the rows first … first + count − 1 of a side. */
typedef qctx_status take_ids(void *context, int64_t first, int64_t count, char *const *ids, qctx_error *error);

/* Reads all ids of a side in blocks. */
static qctx_status read_ids(qctx_store *store, qctx_side side, take_ids *take, void *context, qctx_error *error)
{
    const int64_t total = store->sides[side].count;
    int64_t rows[BLOCK];
    qctx_status status = QCTX_OK;

    for (int64_t first = 0; first < total && status == QCTX_OK; first += BLOCK) {
        const int64_t count = qctx_smaller(BLOCK, total - first);
        char *ids[BLOCK] = {NULL};

        for (int64_t i = 0; i < count; i++)
            rows[i] = first + i;
        status = qctx_store_texts(store, side, QCTX_FIELD_ID, rows, count, ids, error);
        if (status == QCTX_OK)
            status = take(context, first, count, ids, error);
        for (int64_t i = 0; i < count; i++)
            free(ids[i]);
    }
    return status;
}

static qctx_status keep_ids(void *context, int64_t first, int64_t count, char *const *ids, qctx_error *error)
{
    question_ids *kept = context;
    qctx_status status = QCTX_OK;
    int64_t row;

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        const char *id = qctx_arena_text(&kept->texts, ids[i], strlen(ids[i]), error);

        status = id == NULL ? QCTX_ERR_MEMORY : qctx_textmap_add(&kept->rows, id, first + i, &row, error);
    }
    return status;
}

/* What contexts are compared with. */
typedef struct {
    const qctx_textmap *rows;
    int64_t *own;
    int64_t found;
} id_search;

static qctx_status find_ids(void *context, int64_t first, int64_t count, char *const *ids, qctx_error *error)
{
    id_search *search = context;

    (void)error;
    for (int64_t i = 0; i < count; i++) {
        const int64_t question = qctx_textmap_find(search->rows, ids[i]);

        if (question < 0)
            continue;
        search->own[question] = first + i;
        search->found++;
    }
    return QCTX_OK;
}

static bool has_texts(const qctx_store *store, const char *dataset)
{
    qctx_h5_shape shape;

    return qctx_h5_exists(store->file, dataset) && qctx_h5_inspect(store->file, dataset, &shape, NULL) == QCTX_OK &&
           shape.is_text;
}

/* Whether both sides have ids of their own: rows that only stand in for ids, and bare numbers, are equal by chance. */
static bool has_ids(const qctx_store *store)
{
    return has_texts(store, "questions/id") && has_texts(store, "contexts/id");
}

static qctx_status find_own(qctx_store *store, int64_t *own, int64_t *found, qctx_error *error)
{
    question_ids questions = {0};
    id_search search = {&questions.rows, own, 0};
    qctx_status status = read_ids(store, QCTX_QUESTION, keep_ids, &questions, error);

    for (int64_t q = 0; q < store->sides[QCTX_QUESTION].count; q++)
        own[q] = QCTX_ABSENT;
    if (status == QCTX_OK)
        status = read_ids(store, QCTX_CONTEXT, find_ids, &search, error);
    *found = search.found;
    qctx_textmap_free(&questions.rows);
    qctx_arena_free(&questions.texts);
    return status;
}

qctx_status qctx_store_own_contexts(qctx_store *store, const int64_t **own, qctx_error *error)
{
    int64_t *rows, found = 0;
    qctx_status status;

    *own = store->own;
    if (store->own_is_known)
        return QCTX_OK;
    if (!has_ids(store)) {
        store->own_is_known = true;
        return qctx_mapped_check(QCTX_OK, error);
    }
    rows = qctx_alloc(store->sides[QCTX_QUESTION].count, sizeof *rows, "the questions' own contexts", error);
    status = rows == NULL ? QCTX_ERR_MEMORY : find_own(store, rows, &found, error);
    if (status == QCTX_OK && found > 0) {
        *own = store->own = rows;
        rows = NULL;
    }
    store->own_is_known = status == QCTX_OK;
    free(rows);
    return status;
}
