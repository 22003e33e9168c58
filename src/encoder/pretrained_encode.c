/* Texts to rows: groups of tokenised texts, dealt to the threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pretrained_internal.h"
#include "qctx/base/dot.h"
#include "qctx/base/mem.h"
#include "qctx/text/unicode.h"

/*
 * Tokens of a group: enough for products to run at their full rate, few enough for all that stands between them to
 * stay in the cache, and for the threads to have several groups each.
 */
enum { GROUP_TOKENS = 192 };

typedef struct {
    const pretrained_model *model;
    const pretrained_tokens *tokens;
    int64_t dim;
    const char *const *texts;
    float *rows;
    int64_t group_count;
    int64_t *groups; /* [group_count + 1]: the first text of each, in the order of tokens */
    int64_t most;    /* texts of the largest group */
    /* Of the whole team, guarded by the critical section. */
    qctx_status status;
    qctx_error *error;
} running;

/* Groups follow from the lengths alone. A text without any token is in none. */
static qctx_status divide(running *team, qctx_error *error)
{
    const pretrained_tokens *tokens = team->tokens;
    int64_t i = 0;

    team->groups = qctx_alloc(tokens->count + 1, sizeof *team->groups, "groups of texts", error);
    if (team->groups == NULL)
        return QCTX_ERR_MEMORY;
    while (i < tokens->count && tokens->offsets[i + 1] > tokens->offsets[i]) {
        int64_t first = i++;

        while (i < tokens->count && tokens->offsets[i + 1] > tokens->offsets[i] &&
               tokens->offsets[i + 1] - tokens->offsets[first] <= GROUP_TOKENS)
            i++;
        team->groups[++team->group_count] = i;
        team->most = i - first > team->most ? i - first : team->most;
    }
    return QCTX_OK;
}

static qctx_status refuse(const running *team, int64_t text, qctx_error *error)
{
    const char *begin = team->texts[text];
    size_t shown = strnlen(begin, 60);

    /* The text is not cut within a character. */
    while (shown > 0 && !qctx_unicode_begins(begin[shown]))
        shown--;
    return qctx_fail(error, QCTX_ERR_DATA, "%s: gives no finite vector for the text '%.*s'", team->model->folder.path,
                     (int)shown, begin);
}

/* row [dim] = the first coordinates of a vector, at unit length; the first unit vector where it has no direction. */
static qctx_status finish(const running *team, const float *vector, int64_t text, qctx_error *error)
{
    float *row = team->rows + text * team->dim;
    double norm = vector != NULL ? sqrt(qctx_dot(vector, vector, team->dim)) : 0.0;

    if (!isfinite(norm))
        return refuse(team, text, error);
    for (int64_t j = 0; j < team->dim; j++)
        row[j] = norm > 0.0 ? (float)(vector[j] / norm) : 0.0f;
    if (norm == 0.0)
        row[0] = 1.0f;
    return QCTX_OK;
}

typedef struct {
    qctx_transformer_workspace *workspace;
    int64_t *offsets; /* [most + 1] */
    float *vectors;   /* [most, dim of the model] */
} thread_buffers;

static qctx_status run_group(const running *team, const thread_buffers *buffers, int64_t group, qctx_error *error)
{
    const pretrained_tokens *tokens = team->tokens;
    int64_t first = team->groups[group], count = team->groups[group + 1] - first;
    int64_t width = qctx_transformer_dim(team->model->transformer);
    qctx_token_batch batch = {count, buffers->offsets, tokens->ids + tokens->offsets[first]};
    qctx_status status;

    for (int64_t i = 0; i <= count; i++)
        buffers->offsets[i] = tokens->offsets[first + i] - tokens->offsets[first];
    status = qctx_transformer_forward(team->model->transformer, buffers->workspace, &batch, buffers->vectors, error);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        status = finish(team, buffers->vectors + i * width, tokens->order[first + i], error);
    return status;
}

static qctx_status open_buffers(const running *team, thread_buffers *buffers, qctx_error *error)
{
    int64_t width = qctx_transformer_dim(team->model->transformer);

    *buffers = (thread_buffers){NULL, NULL, NULL};
    buffers->offsets = qctx_alloc(team->most + 1, sizeof *buffers->offsets, "a group of texts", error);
    buffers->vectors = qctx_alloc(team->most * width, sizeof *buffers->vectors, "a group's vectors", error);
    if (buffers->offsets == NULL || buffers->vectors == NULL)
        return QCTX_ERR_MEMORY;
    return qctx_transformer_workspace_create(team->model->transformer, &buffers->workspace, error);
}

/* What each thread of the team runs; all of them meet the loop, also one that has failed. */
static void work(running *team)
{
    thread_buffers buffers;
    qctx_error own;
    qctx_status status = open_buffers(team, &buffers, &own);

#pragma omp for schedule(dynamic, 1)
    for (int64_t group = 0; group < team->group_count; group++)
        if (status == QCTX_OK)
            status = run_group(team, &buffers, group, &own);
#pragma omp critical(pretrained_team)
    pretrained_take_error(&team->status, team->error, status, &own);
    qctx_transformer_workspace_destroy(buffers.workspace);
    free(buffers.offsets);
    free(buffers.vectors);
}

qctx_status pretrained_run(const pretrained_model *model, const pretrained_tokens *tokens, int64_t dim,
                           const char *const *texts, float *rows, qctx_error *error)
{
    running team = {.model = model, .tokens = tokens, .dim = dim, .texts = texts, .rows = rows, .error = error};

    team.status = divide(&team, error);
    if (team.status == QCTX_OK) {
#pragma omp parallel if (team.group_count > 1)
        work(&team);
        for (int64_t i = team.groups[team.group_count]; i < tokens->count && team.status == QCTX_OK; i++)
            team.status = finish(&team, NULL, tokens->order[i], error);
    }
    free(team.groups);
    return team.status;
}

/* What the texts of a call took. */
static qctx_status count_work(pretrained_state *state, const pretrained_model *model, const pretrained_tokens *tokens,
                              qctx_error *error)
{
    int64_t *lengths = qctx_alloc(tokens->count, sizeof *lengths, "the lengths of texts", error);

    if (lengths == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < tokens->count; i++)
        lengths[i] = tokens->offsets[i + 1] - tokens->offsets[i];
    state->work.texts += tokens->count;
    state->work.tokens += tokens->offsets[tokens->count];
    state->work.truncated += tokens->truncated;
    state->work.flops += qctx_transformer_flops(model->transformer, lengths, tokens->count);
    free(lengths);
    return QCTX_OK;
}

qctx_status pretrained_encode(void *opaque, qctx_side side, const char *const *texts, int64_t count, float *rows,
                              qctx_error *error)
{
    pretrained_state *state = opaque;
    pretrained_model *model = &state->models[pretrained_model_of(state, side)];
    pretrained_tokens tokens = {0};
    qctx_status status = pretrained_model_load(model, state->settings.precision, error);

    if (status == QCTX_OK)
        status = pretrained_tokenise(model, state->settings.prompts[side], texts, count, &tokens, error);

    if (status == QCTX_OK)
        status = pretrained_run(model, &tokens, state->settings.dim, texts, rows, error);
    if (status == QCTX_OK)
        status = count_work(state, model, &tokens, error);
    pretrained_tokens_free(&tokens);
    return status;
}
