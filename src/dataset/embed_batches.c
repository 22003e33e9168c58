/* Which texts are encoded together: each once, with others of its length. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/textmap.h"

/*
 * A batch is a call of the encoder: enough texts for the threads of a rank, few enough that ranks finish together and
 * that a kill costs little; fewer where there would be less than so many batches. A byte is about a quarter of a token.
 */
enum { BATCH_TEXTS_MAX = 256, BATCH_TEXTS_MIN = 64, BATCHES = 64, BATCH_BYTES = 1 << 16 };

/* Models read no more of a text than some hundred tokens; of what is beyond only the tokenizer hears. */
enum { READ_BYTES = 2048, UNREAD_SHARE = 16 };

/* Attention adds half as much again at about this length. */
static const double quadratic_bytes = 8192;

/* A text, at its first row. */
typedef struct {
    const char *text;
    int64_t bytes;
    int64_t row;
    int64_t repeats; /* rows that have it */
    int64_t number;  /* as it was found */
} distinct;

typedef struct {
    int64_t count; /* rows */
    int64_t distinct_count;
    distinct *found;  /* [distinct_count] */
    int64_t *of_rows; /* [count]: the number of each row's text */
} side_texts;

/* What is embedded of a corpus. */
typedef struct {
    const qctx_corpus *corpus;
    const qctx_embed_batches *batches;
} embedded_texts;

static const char *text_of(const embedded_texts *all, qctx_side side, int64_t row)
{
    return side == QCTX_QUESTION ? all->corpus->questions[row].text : all->batches->contexts[row];
}

static int longest_first(const void *left, const void *right)
{
    const distinct *a = left, *b = right;

    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? 1 : -1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Finds the distinct texts of a side and brings them into order; contexts of several fields are in it already. */
static qctx_status find_texts(const embedded_texts *all, qctx_side side, side_texts *texts, qctx_error *error)
{
    qctx_textmap map = {0};
    qctx_status status = QCTX_OK;

    texts->count = side == QCTX_QUESTION ? all->corpus->question_count : all->corpus->context_count;
    texts->found = qctx_alloc(texts->count, sizeof *texts->found, "distinct texts", error);
    texts->of_rows = qctx_alloc(texts->count, sizeof *texts->of_rows, "distinct texts", error);
    if (texts->found == NULL || texts->of_rows == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t row = 0; row < texts->count && status == QCTX_OK; row++) {
        const char *text = text_of(all, side, row);
        int64_t number = texts->distinct_count;

        status = qctx_textmap_add(&map, text, number, &texts->of_rows[row], error);
        if (status != QCTX_OK)
            break;
        if (texts->of_rows[row] == number)
            texts->found[texts->distinct_count++] = (distinct){text, (int64_t)strlen(text), row, 0, number};
        texts->found[texts->of_rows[row]].repeats++;
    }
    qctx_textmap_free(&map);
    if (status == QCTX_OK && (side == QCTX_QUESTION || all->batches->field_count == 1))
        qsort(texts->found, (size_t)texts->distinct_count, sizeof *texts->found, longest_first);
    return status;
}

/* Bytes that count as read by a model. */
static int64_t read_bytes(int64_t bytes)
{
    return qctx_smaller(bytes, READ_BYTES);
}

static double cost_of(int64_t bytes)
{
    double read = (double)read_bytes(bytes);

    return 1 + read + read * read / quadratic_bytes + ((double)bytes - read) / UNREAD_SHARE;
}

/* The batches in the making, whose arrays they themselves see as constant. */
typedef struct {
    qctx_embed_batches *batches;
    int64_t *batch_firsts;
    qctx_side *batch_sides;
    int64_t *vector_firsts;
    int64_t *rows;
    int64_t count;
    int64_t vectors;
    int64_t batch_texts; /* at most */
} builder;

static int64_t batch_texts(int64_t texts)
{
    int64_t even = qctx_smaller(texts / BATCHES, BATCH_TEXTS_MAX);

    return even > BATCH_TEXTS_MIN ? even : BATCH_TEXTS_MIN;
}

/* Cuts the texts of one side into batches. */
static void cut_side(builder *b, qctx_side side, const side_texts *texts)
{
    int64_t in_batch = 0, bytes = 0;

    for (int64_t i = 0; i < texts->distinct_count; i++) {
        const distinct *text = &texts->found[i];

        if (i == 0 || in_batch == b->batch_texts || bytes + read_bytes(text->bytes) > BATCH_BYTES) {
            b->batch_sides[b->count] = side;
            b->batch_firsts[b->count++] = b->vectors;
            in_batch = bytes = 0;
        }
        in_batch++;
        bytes += read_bytes(text->bytes);
        b->batches->costs[b->count - 1] += cost_of(text->bytes);
        b->batches->texts[b->vectors] = text->text;
        b->vector_firsts[b->vectors + 1] = b->vector_firsts[b->vectors] + text->repeats;
        b->vectors++;
        b->batches->longest = in_batch > b->batches->longest ? in_batch : b->batches->longest;
    }
}

/* Lists the rows of each text, ascending, where cut_side left room for them. */
static qctx_status list_rows(builder *b, const side_texts *texts, int64_t first, qctx_error *error)
{
    int64_t *next = qctx_alloc(texts->distinct_count, sizeof *next, "rows of texts", error);

    if (next == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < texts->distinct_count; i++)
        next[texts->found[i].number] = b->vector_firsts[first + i];
    for (int64_t row = 0; row < texts->count; row++)
        b->rows[next[texts->of_rows[row]]++] = row;
    free(next);
    return QCTX_OK;
}

static qctx_status make_room(builder *b, int64_t texts, int64_t rows, qctx_error *error)
{
    qctx_embed_batches *batches = b->batches;

    b->batch_texts = batch_texts(texts);
    /* No batch is empty, so there are no more of them than texts. */
    b->batch_firsts = qctx_alloc(texts + 1, sizeof *b->batch_firsts, "batches of texts", error);
    b->batch_sides = qctx_alloc(texts, sizeof *b->batch_sides, "batches of texts", error);
    b->vector_firsts = qctx_alloc(texts + 1, sizeof *b->vector_firsts, "batches of texts", error);
    b->rows = qctx_alloc(rows, sizeof *b->rows, "rows of texts", error);
    batches->texts = qctx_alloc(texts, sizeof *batches->texts, "batches of texts", error);
    batches->costs = qctx_alloc(texts, sizeof *batches->costs, "batches of texts", error);
    batches->text_count = texts;
    batches->store = (qctx_store_batches){0, b->batch_firsts, b->batch_sides, b->vector_firsts, b->rows};
    return b->batch_firsts == NULL || b->batch_sides == NULL || b->vector_firsts == NULL || b->rows == NULL ||
                   batches->texts == NULL || batches->costs == NULL
               ? QCTX_ERR_MEMORY
               : QCTX_OK;
}

/* What stands for a context of several fields: their texts, each behind its length, so that no two sets make one. */
static qctx_status stand_for(const qctx_embed_batches *batches, int64_t context, qctx_arena *arena, const char **kept,
                             qctx_error *error)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    for (int64_t f = 0; f < batches->field_count && out != NULL; f++)
        fprintf(out, "%zu %s", strlen(batches->fields[f].items[context]), batches->fields[f].items[context]);
    if (out == NULL || fclose(out) != 0)
        qctx_fail(error, QCTX_ERR_MEMORY, "no memory for the fields of a context");
    else
        *kept = qctx_arena_text(arena, text, bytes, error);
    free(text);
    return *kept == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

static qctx_status take_fields(const qctx_corpus *corpus, const char *const *fields, int64_t field_count,
                               qctx_embed_batches *batches, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    batches->contexts = qctx_alloc(corpus->context_count, sizeof *batches->contexts, "texts of contexts", error);
    if (batches->contexts == NULL)
        return QCTX_ERR_MEMORY;
    while (batches->field_count < field_count && status == QCTX_OK) {
        const int64_t f = batches->field_count++;

        status = qctx_context_texts_make(corpus, fields[f], &batches->fields[f], error);
    }
    for (int64_t i = 0; i < corpus->context_count && status == QCTX_OK; i++) {
        if (field_count == 1)
            batches->contexts[i] = batches->fields[0].items[i];
        else
            status = stand_for(batches, i, &batches->made, &batches->contexts[i], error);
    }
    return status;
}

qctx_status qctx_embed_batches_make(const qctx_corpus *corpus, const char *const *fields, int64_t field_count,
                                    qctx_embed_batches *batches, qctx_error *error)
{
    embedded_texts all = {.corpus = corpus};
    side_texts sides[2] = {{0}, {0}};
    builder b = {.batches = batches};
    qctx_status status;

    *batches = (qctx_embed_batches){0};
    all.batches = batches;
    status = take_fields(corpus, fields, field_count, batches, error);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT && status == QCTX_OK; side++)
        status = find_texts(&all, side, &sides[side], error);
    if (status == QCTX_OK)
        status = make_room(&b, sides[QCTX_QUESTION].distinct_count + sides[QCTX_CONTEXT].distinct_count,
                           sides[QCTX_QUESTION].count + sides[QCTX_CONTEXT].count, error);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT && status == QCTX_OK; side++) {
        int64_t first = b.vectors;

        cut_side(&b, side, &sides[side]);
        status = list_rows(&b, &sides[side], first, error);
    }
    if (status == QCTX_OK) {
        b.batch_firsts[b.count] = b.vectors;
        batches->store.count = b.count;
    }
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        free(sides[side].found);
        free(sides[side].of_rows);
    }
    return status;
}

void qctx_embed_batches_free(qctx_embed_batches *batches)
{
    free((void *)batches->store.firsts);
    free((void *)batches->store.sides);
    free((void *)batches->store.vector_firsts);
    free((void *)batches->store.rows);
    free(batches->texts);
    free(batches->costs);
    free(batches->contexts);
    for (int64_t f = 0; f < batches->field_count; f++)
        qctx_context_texts_free(&batches->fields[f]);
    qctx_arena_free(&batches->made);
    *batches = (qctx_embed_batches){0};
}

/* A batch that is still to be dealt. */
typedef struct {
    int64_t batch;
    double cost;
} missing_batch;

static int costliest_first(const void *left, const void *right)
{
    const missing_batch *a = left, *b = right;

    if (a->cost != b->cost)
        return a->cost < b->cost ? 1 : -1;
    return (a->batch > b->batch) - (a->batch < b->batch);
}

int64_t qctx_embed_deal(const qctx_embed_batches *batches, const bool *done, int rank, int ranks, int64_t *own,
                        qctx_error *error)
{
    missing_batch *missing = qctx_alloc(batches->store.count, sizeof *missing, "batches of texts", error);
    double *loads = qctx_alloc(ranks, sizeof *loads, "ranks", error);
    int64_t missing_count = 0;
    int64_t owned = 0;

    if (missing == NULL || loads == NULL) {
        owned = -1;
        goto out;
    }
    for (int64_t i = 0; i < batches->store.count; i++)
        if (!done[i])
            missing[missing_count++] = (missing_batch){i, batches->costs[i]};
    qsort(missing, (size_t)missing_count, sizeof *missing, costliest_first);
    for (int64_t i = 0; i < missing_count; i++) {
        int least = 0;

        for (int r = 1; r < ranks; r++)
            if (loads[r] < loads[least])
                least = r;
        loads[least] += missing[i].cost;
        if (least == rank)
            own[owned++] = missing[i].batch;
    }
out:
    free(missing);
    free(loads);
    return owned;
}
