/* The token ids of texts, made by the threads and brought into the order of groups. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "pretrained_internal.h"
#include "qctx/base/mem.h"

/* The ids of one text: those from `first` on in the list of a thread. */
typedef struct {
    const qctx_ids *list;
    int64_t first, count, text;
} piece;

typedef struct {
    const pretrained_model *model;
    const char *prompt;
    const char *const *texts;
    int64_t count;
    piece *pieces;   /* [count] */
    qctx_ids *lists; /* one a thread; it and what follows are guarded by the critical section */
    int64_t list_count;
    int64_t truncated;
    qctx_status status;
    qctx_error *error;
} tokenising;

void pretrained_take_error(qctx_status *status, qctx_error *error, qctx_status own_status, const qctx_error *own)
{
    if (own_status == QCTX_OK || *status != QCTX_OK)
        return;
    *status = own_status;
    if (error != NULL)
        *error = *own;
}

/* A text with the prompt before it, in a buffer that grows; the text itself where there is no prompt. */
static const char *prompted(const char *prompt, const char *text, char **buffer, int64_t *capacity, qctx_error *error)
{
    size_t before = strlen(prompt), length = strlen(text);

    if (before == 0)
        return text;
    if (qctx_grow((void **)buffer, capacity, (int64_t)(before + length + 1), 1, "a text with its prompt", error) !=
        QCTX_OK)
        return NULL;
    memcpy(*buffer, prompt, before);
    memcpy(*buffer + before, text, length + 1);
    return *buffer;
}

/* Refuses the ids from `first` on that have no embedding. */
static qctx_status check_ids(const pretrained_model *model, const qctx_ids *ids, int64_t first, qctx_error *error)
{
    const qctx_model_folder *folder = &model->folder;

    if (qctx_tokenizer_size(model->tokenizer) <= folder->vocabulary)
        return QCTX_OK;
    for (int64_t i = first; i < ids->count; i++)
        if (ids->items[i] >= folder->vocabulary) {
            qctx_fail(error, QCTX_ERR_MISMATCH,
                      "%s: a text holds the added token with id %d, but %s has embeddings for %lld tokens, ids up to "
                      "%lld",
                      folder->tokenizer, (int)ids->items[i], qctx_safetensors_path(folder->tensors),
                      (long long)folder->vocabulary, (long long)folder->vocabulary - 1);
            return qctx_hint(error, "the token was added to the tokenizer without an embedding: take it out of the "
                                    "texts, or out of the tokenizer's files");
        }
    return QCTX_OK;
}

/* What each thread of the team runs; all of them meet the loop, also one that has failed. */
static void tokenise(tokenising *team)
{
    qctx_tokenizer_scratch *scratch = NULL;
    qctx_ids *ids;
    char *buffer = NULL;
    int64_t capacity = 0, truncated = 0;
    qctx_error own;
    qctx_status status = qctx_tokenizer_scratch_create(team->model->tokenizer, &scratch, &own);

#pragma omp critical(pretrained_team)
    ids = &team->lists[team->list_count++];
#pragma omp for schedule(dynamic, 64)
    for (int64_t i = 0; i < team->count; i++) {
        const char *text = NULL;
        bool cut = false;
        int64_t first = ids->count;

        if (status == QCTX_OK)
            text = prompted(team->prompt, team->texts[i], &buffer, &capacity, &own);
        if (status == QCTX_OK)
            status = text == NULL ? QCTX_ERR_MEMORY
                                  : qctx_tokenizer_encode(team->model->tokenizer, scratch, text,
                                                          team->model->folder.max_tokens, ids, &cut, &own);
        if (status == QCTX_OK)
            status = check_ids(team->model, ids, first, &own);
        team->pieces[i] = (piece){ids, first, ids->count - first, i};
        truncated += cut;
    }
#pragma omp critical(pretrained_team)
    {
        team->truncated += truncated;
        pretrained_take_error(&team->status, team->error, status, &own);
    }
    qctx_tokenizer_scratch_destroy(scratch);
    free(buffer);
}

/* Longest first; among equals the earlier text. */
static int compare_pieces(const void *left, const void *right)
{
    const piece *a = left, *b = right;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a->text < b->text ? -1 : a->text > b->text;
}

/* The pieces one after the other in the order of groups. */
static qctx_status join(tokenising *team, pretrained_tokens *tokens, qctx_error *error)
{
    static const char purpose[] = "the tokens of texts";
    int64_t total = 0;

    qsort(team->pieces, (size_t)team->count, sizeof *team->pieces, compare_pieces);
    for (int64_t i = 0; i < team->count; i++)
        total += team->pieces[i].count;
    tokens->order = qctx_alloc(team->count, sizeof *tokens->order, purpose, error);
    tokens->offsets = qctx_alloc(team->count + 1, sizeof *tokens->offsets, purpose, error);
    tokens->ids = qctx_alloc(total, sizeof *tokens->ids, purpose, error);
    if (tokens->order == NULL || tokens->offsets == NULL || tokens->ids == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < team->count; i++) {
        const piece *from = &team->pieces[i];

        tokens->order[i] = from->text;
        tokens->offsets[i + 1] = tokens->offsets[i] + from->count;
        if (from->count > 0)
            memcpy(tokens->ids + tokens->offsets[i], from->list->items + from->first,
                   (size_t)from->count * sizeof *tokens->ids);
    }
    tokens->count = team->count;
    tokens->truncated = team->truncated;
    return QCTX_OK;
}

qctx_status pretrained_tokenise(const pretrained_model *model, const char *prompt, const char *const *texts,
                                int64_t count, pretrained_tokens *tokens, qctx_error *error)
{
    tokenising team = {.model = model, .prompt = prompt, .texts = texts, .count = count, .error = error};
    int threads = omp_get_max_threads();

    *tokens = (pretrained_tokens){0};
    team.pieces = qctx_alloc(count, sizeof *team.pieces, "the tokens of texts", error);
    team.lists = qctx_alloc(threads, sizeof *team.lists, "the tokens of texts", error);
    if (team.pieces == NULL || team.lists == NULL)
        team.status = QCTX_ERR_MEMORY;
    else {
#pragma omp parallel num_threads(threads) if (count > 1)
        tokenise(&team);
    }
    if (team.status == QCTX_OK)
        team.status = join(&team, tokens, error);
    for (int64_t i = 0; i < team.list_count; i++)
        free(team.lists[i].items);
    free(team.lists);
    free(team.pieces);
    return team.status;
}

void pretrained_tokens_free(pretrained_tokens *tokens)
{
    free(tokens->order);
    free(tokens->offsets);
    free(tokens->ids);
}
