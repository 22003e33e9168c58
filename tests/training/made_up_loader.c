#include "made_up_loader.h"

#include <math.h>
#include <string.h>

#include "qctx/base/rng.h"

enum { MADE_UP_DIM_MOST = 256 };

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

/*
 * Question i is listed with contexts i and i + 3, i + 11, … modulo their number, scored by the cosine of the first half
 * of their numbers, times 10: what a head can learn, and what right answers alone do not say.
 */
static void make_lists(made_up *rows)
{
    int64_t end = 0;

    for (int64_t i = 0; i < MADE_UP_EXAMPLES; i++) {
        for (int64_t k = 0; k < MADE_UP_LIST && i % 4 != 3; k++, end++) {
            const int64_t context = (i + 3 * k + 5 * (k > 0) * (k - 1)) % MADE_UP_CONTEXTS;
            const qctx_negative at = {.row = context};
            float q[MADE_UP_DIM_MOST], c[MADE_UP_DIM_MOST];
            double dot = 0.0, squares[2] = {0.0, 0.0};

            make_row(&rows->loader, QCTX_QUESTION, i, q);
            made_up_gather_contexts(&rows->loader, &at, 1, c);
            for (int64_t d = 0; d < rows->loader.dim / 2; d++) {
                dot += (double)q[d] * (double)c[d];
                squares[0] += (double)q[d] * (double)q[d];
                squares[1] += (double)c[d] * (double)c[d];
            }
            rows->list_places[end] = context;
            rows->list_scores[end] = (float)(10.0 * dot / sqrt(squares[0] * squares[1]));
            rows->list_roles[end] = k == 0 ? QCTX_SCORED_RIGHT : QCTX_SCORED_WRONG;
        }
        rows->list_offsets[i + 1] = end;
    }
    rows->teacher = (qctx_teacher){
        .lists = {rows->negatives, MADE_UP_EXAMPLES, rows->list_offsets, rows->list_places},
        .scores = rows->list_scores,
        .roles = rows->list_roles,
        .longest = MADE_UP_LIST,
    };
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
    make_lists(rows);
}
