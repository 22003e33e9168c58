/* Rows of a step that stand in no store: every example is a question with one right context, all of them different. */
#include <stdlib.h>

#include "bench_internal.h"
#include "qctx/base/mem.h"

static void gather(const qctx_loader *loader, qctx_side side, const int64_t *example, const int64_t *chosen,
                   int64_t count, float *out)
{
    const bench_pool *pool = loader->from;

#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; i++)
        bench_pool_row(pool, side, side == QCTX_QUESTION ? example[i] : chosen[i], out + i * loader->dim);
}

static void prefetch(const qctx_loader *loader, const int64_t *example, const int64_t *chosen, int64_t count)
{
    (void)loader;
    (void)example;
    (void)chosen;
    (void)count;
}

static qctx_status fill_examples(qctx_examples *examples, int64_t count, qctx_error *error)
{
    examples->source = qctx_alloc(count, sizeof *examples->source, "made-up examples", error);
    examples->question = qctx_alloc(count, sizeof *examples->question, "made-up examples", error);
    examples->offsets = qctx_alloc(count + 1, sizeof *examples->offsets, "made-up examples", error);
    examples->contexts = qctx_alloc(count, sizeof *examples->contexts, "made-up examples", error);
    examples->content = qctx_alloc(count, sizeof *examples->content, "made-up examples", error);
    if (examples->source == NULL || examples->question == NULL || examples->offsets == NULL ||
        examples->contexts == NULL || examples->content == NULL)
        return QCTX_ERR_MEMORY;
    examples->count = count;
    for (int64_t i = 0; i < count; i++) {
        examples->question[i] = examples->contexts[i] = i;
        examples->content[i] = (uint64_t)i;
        examples->offsets[i + 1] = i + 1;
    }
    return QCTX_OK;
}

qctx_status bench_made_up_create(int64_t dim, int64_t count, bench_made_up *rows, qctx_error *error)
{
    qctx_status status = bench_pool_create(dim, &rows->pool, error);

    rows->batch = qctx_alloc(count, sizeof *rows->batch, "made-up examples", error);
    if (rows->batch == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++)
        rows->batch[i] = i;
    rows->loader = (qctx_loader){
        .gather = gather, .prefetch = prefetch, .examples = &rows->examples, .from = &rows->pool, .dim = dim};
    return status != QCTX_OK ? status : fill_examples(&rows->examples, count, error);
}

void bench_made_up_free(bench_made_up *rows)
{
    bench_pool_free(&rows->pool);
    free(rows->examples.source);
    free(rows->examples.question);
    free(rows->examples.offsets);
    free(rows->examples.contexts);
    free(rows->examples.content);
    free(rows->batch);
}

int64_t bench_made_up_bytes(int64_t dim, int64_t count)
{
    const qctx_examples *examples = NULL;
    const int64_t each = sizeof *examples->source + sizeof *examples->question + sizeof *examples->offsets +
                         sizeof *examples->contexts + sizeof *examples->content + sizeof(int64_t);

    return bench_pool_bytes(dim) + count * each;
}
