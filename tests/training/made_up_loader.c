#include "made_up_loader.h"

#include <string.h>

#include "qctx/base/rng.h"

/* Question and context of one number share half of what they are. */
static void make_row(const qctx_loader *loader, qctx_side side, int64_t row, float *out)
{
    const made_up *rows = loader->from;
    uint64_t topic = (uint64_t)(row % MADE_UP_CONTEXTS);

    for (int64_t k = 0; k < loader->dim; k++)
        out[k] = (float)(qctx_rng_uniform(1, QCTX_STREAM_SYNTH, topic, (uint64_t)k) - 0.5) +
                 (float)(qctx_rng_uniform((uint64_t)(2 + side), QCTX_STREAM_SYNTH, (uint64_t)row, (uint64_t)k) - 0.5) +
                 (side == 1 && row == 7 ? rows->spoilt : 0.0f);
}

static void made_up_gather(const qctx_loader *loader, qctx_side side, const int64_t *example, const int64_t *chosen,
                           int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++)
        make_row(loader, side,
                 side == 0 ? loader->examples->question[example[i]] : loader->examples->contexts[chosen[i]],
                 out + i * loader->dim);
}

static void made_up_gather_contexts(const qctx_loader *loader, const qctx_negative *contexts, int64_t count, float *out)
{
    for (int64_t i = 0; i < count; i++)
        make_row(loader, QCTX_CONTEXT, contexts[i].row, out + i * loader->dim);
}

static void made_up_prefetch(const qctx_loader *loader, const int64_t *example, const int64_t *chosen, int64_t count)
{
    made_up *rows = (made_up *)loader->from;

    (void)example;
    (void)chosen;
    rows->prefetched += count;
}

void made_up_open(made_up *rows, int64_t dim)
{
    int64_t used = 0;

    memset(rows, 0, sizeof *rows);
    for (int64_t i = 0; i < MADE_UP_EXAMPLES; i++) {
        rows->question[i] = i;
        rows->contexts[used++] = i % MADE_UP_CONTEXTS;
        if (i % 2 == 0)
            rows->contexts[used++] = (i + 1) % MADE_UP_CONTEXTS;
        rows->offsets[i + 1] = used;
    }
    for (int64_t i = 0; i < used; i++)
        rows->content[i] = (uint64_t)rows->contexts[i];
    rows->examples = (qctx_examples){.count = MADE_UP_EXAMPLES,
                                     .source = rows->source,
                                     .question = rows->question,
                                     .offsets = rows->offsets,
                                     .contexts = rows->contexts,
                                     .content = rows->content};
    for (int64_t j = 0; j < MADE_UP_CONTEXTS; j++)
        rows->list[j] = (qctx_negative){.content = (uint64_t)j, .row = j};
    rows->negatives = (qctx_negatives){MADE_UP_CONTEXTS, rows->list};
    rows->loader = (qctx_loader){.gather = made_up_gather,
                                 .prefetch = made_up_prefetch,
                                 .gather_contexts = made_up_gather_contexts,
                                 .examples = &rows->examples,
                                 .from = rows,
                                 .dim = dim};
}
