/* The texts of a store, read from the file when they are asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/data/context_texts.h"
#include "store_internal.h"

/* Texts that are read at a time. */
enum { BLOCK = 1024 };

static void dataset_name(qctx_side side, qctx_field field, char *name, size_t bytes)
{
    static const char *const fields[] = {"id", "text", "title"};

    snprintf(name, bytes, "%s/%s", qctx_store_group_name(side), fields[field]);
}

/* Whether the store has the field, and as numbers; one of another length than the vectors is refused. */
static qctx_status find_field(const qctx_store *store, qctx_side side, qctx_field field, bool *found, bool *numbers,
                              qctx_error *error)
{
    char name[32];
    qctx_h5_shape shape;
    qctx_status status;

    dataset_name(side, field, name, sizeof name);
    *numbers = false;
    *found = qctx_h5_exists(store->file, name);
    if (!*found)
        return QCTX_OK;
    status = qctx_h5_inspect(store->file, name, &shape, error);
    if (status == QCTX_OK && shape.shape[0] != store->sides[side].count)
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s has %lld entries, but there are %lld vectors", store->path,
                           name, (long long)shape.shape[0], (long long)store->sides[side].count);
    *numbers = status == QCTX_OK && field == QCTX_FIELD_ID && shape.is_integer && shape.rank == 1;
    return status;
}

static char *stand_in(qctx_field field, int64_t row, qctx_error *error)
{
    if (field == QCTX_FIELD_ID)
        return qctx_format(error, "%lld", (long long)row);
    return qctx_strdup("", error);
}

/* A row that is asked for, and where its text goes. */
typedef struct {
    int64_t row;
    int64_t place;
} request;

static int by_row(const void *left, const void *right)
{
    const request *a = left;
    const request *b = right;

    return (a->row > b->row) - (a->row < b->row);
}

/* Reads whole numbers, as somebody else's store may have for ids, as texts [count]. */
static qctx_status read_numbers(const qctx_store *store, const char *dataset, int64_t first, int64_t count,
                                char **texts, qctx_error *error)
{
    int64_t numbers[BLOCK];
    qctx_status status = qctx_h5_read(store->file, dataset, QCTX_H5_INT64, first, count, numbers, error);

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        texts[i] = qctx_format(error, "%lld", (long long)numbers[i]);
        if (texts[i] == NULL)
            status = QCTX_ERR_MEMORY;
    }
    return status;
}

/* Reads the rows of `wanted` [count], sorted and less than BLOCK apart, with one call. */
static qctx_status read_span(const qctx_store *store, const char *dataset, bool numbers, const request *wanted,
                             int64_t count, char **texts, qctx_error *error)
{
    char *span[BLOCK] = {NULL};
    int64_t first = wanted[0].row;
    int64_t length = wanted[count - 1].row - first + 1;
    qctx_status status = numbers ? read_numbers(store, dataset, first, length, span, error)
                                 : qctx_h5_read_texts(store->file, dataset, first, length, span, error);

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        texts[wanted[i].place] = qctx_strdup(span[wanted[i].row - first], error);
        if (texts[wanted[i].place] == NULL)
            status = QCTX_ERR_MEMORY;
    }
    for (int64_t i = 0; i < length; i++)
        free(span[i]);
    return status;
}

static qctx_status read_field(const qctx_store *store, qctx_side side, qctx_field field, bool numbers,
                              const int64_t *rows, int64_t count, char **texts, qctx_error *error)
{
    request *wanted = qctx_alloc(count, sizeof *wanted, "texts", error);
    qctx_status status = wanted == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    char name[32];

    dataset_name(side, field, name, sizeof name);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        wanted[i] = (request){rows[i], i};
    if (status == QCTX_OK)
        qsort(wanted, (size_t)count, sizeof *wanted, by_row);
    for (int64_t first = 0, end = 0; first < count && status == QCTX_OK; first = end) {
        while (end < count && wanted[end].row - wanted[first].row < BLOCK)
            end++;
        status = read_span(store, name, numbers, wanted + first, end - first, texts, error);
    }
    free(wanted);
    return status;
}

qctx_status qctx_store_texts(qctx_store *store, qctx_side side, qctx_field field, const int64_t *rows, int64_t count,
                             char **texts, qctx_error *error)
{
    bool found, numbers;
    qctx_status status = find_field(store, side, field, &found, &numbers, error);

    for (int64_t i = 0; i < count; i++)
        texts[i] = NULL;
    if (status == QCTX_OK && found)
        status = read_field(store, side, field, numbers, rows, count, texts, error);
    for (int64_t i = 0; i < count && status == QCTX_OK && !found; i++) {
        texts[i] = stand_in(field, rows[i], error);
        if (texts[i] == NULL)
            status = QCTX_ERR_MEMORY;
    }
    status = qctx_mapped_check(status, error);
    for (int64_t i = 0; i < count && status != QCTX_OK; i++) {
        free(texts[i]);
        texts[i] = NULL;
    }
    return status;
}

qctx_status qctx_store_join_titles(qctx_store *store, const int64_t *rows, int64_t count, char **texts,
                                   qctx_error *error)
{
    char **titles = qctx_alloc(count, sizeof *titles, "the titles of contexts", error);
    qctx_status status = titles == NULL
                             ? QCTX_ERR_MEMORY
                             : qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_TITLE, rows, count, titles, error);

    for (int64_t i = 0; i < count && status == QCTX_OK; i++) {
        char *joined;

        if (titles[i][0] == '\0' || strcmp(titles[i], texts[i]) == 0)
            continue;
        joined = qctx_context_text_join(titles[i], texts[i], error);
        if (joined == NULL)
            status = QCTX_ERR_MEMORY;
        free(texts[i]);
        texts[i] = joined;
    }
    for (int64_t i = 0; i < count && titles != NULL; i++)
        free(titles[i]);
    free(titles);
    return status;
}

/* hashes [rows of the side] = hash of each row's field; empty texts leave theirs untouched. */
static qctx_status hash_texts(qctx_store *store, qctx_side side, qctx_field field, uint64_t *hashes, qctx_error *error)
{
    /* Of what other fields a context is made, the store does not know: title and text tell most of them apart. */
    const bool joined = side == QCTX_CONTEXT && field == QCTX_FIELD_TEXT &&
                        (store->titles == QCTX_TITLES_JOINED || store->titles == QCTX_TITLES_FIELDS);
    char *texts[BLOCK];
    int64_t rows[BLOCK];
    int64_t total = store->sides[side].count;
    qctx_status status = QCTX_OK;

    for (int64_t first = 0; first < total && status == QCTX_OK; first += BLOCK) {
        int64_t count = total - first < BLOCK ? total - first : BLOCK;

        for (int64_t i = 0; i < count; i++)
            rows[i] = first + i;
        status = qctx_store_texts(store, side, field, rows, count, texts, error);
        if (status == QCTX_OK && joined)
            status = qctx_store_join_titles(store, rows, count, texts, error);
        for (int64_t i = 0; i < count; i++) {
            if (status == QCTX_OK && texts[i][0] != '\0')
                hashes[first + i] = qctx_hash_text(texts[i], (uint64_t)field);
            free(texts[i]);
        }
    }
    return status;
}

qctx_status qctx_store_content(qctx_store *store, qctx_side side, uint64_t *content, qctx_error *error)
{
    size_t bytes = qctx_store_row_bytes(store, side);
    const qctx_store_rows_of *all = &store->sides[side];

    for (int64_t i = 0; i < all->count; i++)
        content[i] = qctx_hash(all->data + (size_t)i * bytes, bytes, 0);
    return hash_texts(store, side, QCTX_FIELD_TEXT, content, error);
}

qctx_status qctx_store_groups(qctx_store *store, uint64_t *groups, qctx_error *error)
{
    qctx_status status = qctx_store_content(store, QCTX_CONTEXT, groups, error);

    if (status == QCTX_OK)
        status = hash_texts(store, QCTX_CONTEXT, QCTX_FIELD_TITLE, groups, error);
    return status;
}
