/* Training examples and vectors made of nothing but their numbers, for tests of the training step. */
#ifndef QCTX_TESTS_ENGINE_MADE_UP_LOADER_H
#define QCTX_TESTS_ENGINE_MADE_UP_LOADER_H

#include <string.h>

#include "harness.h"
#include "qctx/base/rng.h"
#include "qctx/training/loader.h"

enum { MADE_UP_EXAMPLES = 260, MADE_UP_CONTEXTS = 200 };

/* Question i is answered by context i modulo their number and, if i is even, by the one behind it. */
typedef struct {
    int32_t source[MADE_UP_EXAMPLES];
    int64_t question[MADE_UP_EXAMPLES];
    int64_t offsets[MADE_UP_EXAMPLES + 1];
    int64_t contexts[2 * MADE_UP_EXAMPLES];
    uint64_t content[2 * MADE_UP_EXAMPLES];
    qctx_examples examples;
    qctx_loader loader;
    float spoilt; /* added to every number of context 7, the only one of question 7 */
    int64_t prefetched;
} made_up;

static inline void made_up_gather(const qctx_loader *loader, qctx_side side, const int64_t *example,
                                  const int64_t *chosen, int64_t count, float *out)
{
    const made_up *rows = loader->from;

    for (int64_t i = 0; i < count; i++) {
        int64_t row = side == 0 ? loader->examples->question[example[i]] : loader->examples->contexts[chosen[i]];
        uint64_t topic = (uint64_t)(row % MADE_UP_CONTEXTS);

        /* Question and context of one number share half of what they are. */
        for (int64_t k = 0; k < loader->dim; k++)
            out[i * loader->dim + k] =
                (float)(qctx_rng_uniform(1, QCTX_STREAM_SYNTH, topic, (uint64_t)k) - 0.5) +
                (float)(qctx_rng_uniform((uint64_t)(2 + side), QCTX_STREAM_SYNTH, (uint64_t)row, (uint64_t)k) - 0.5) +
                (side == 1 && row == 7 ? rows->spoilt : 0.0f);
    }
}

static inline void made_up_prefetch(const qctx_loader *loader, const int64_t *example, const int64_t *chosen,
                                    int64_t count)
{
    made_up *rows = (made_up *)loader->from;

    (void)example;
    (void)chosen;
    rows->prefetched += count;
}

static inline void made_up_open(made_up *rows, int64_t dim)
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
    rows->loader = (qctx_loader){
        .gather = made_up_gather, .prefetch = made_up_prefetch, .examples = &rows->examples, .from = rows, .dim = dim};
}

#endif
