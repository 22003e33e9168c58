#include "ranking_data.h"

static float *ranking_rows(int64_t count, uint64_t side)
{
    float *values = qctx_alloc(count * RANKING_DIM, sizeof *values, "a test", NULL);

    for (int64_t i = 0; i < count * RANKING_DIM; i++)
        values[i] = (float)(int)qctx_rng_below(5, 99, QCTX_STREAM_SYNTH, side, (uint64_t)i) - 2.0f;
    return values;
}

ranking_data ranking_make(int64_t questions, int64_t contexts)
{
    ranking_data data = {.questions = questions, .contexts = contexts};
    int64_t used = 0;

    data.sides[0] = ranking_rows(questions, 0);
    data.sides[1] = ranking_rows(contexts, 1);
    data.rows = qctx_alloc(questions, sizeof *data.rows, "a test", NULL);
    data.offsets = qctx_alloc(questions + 1, sizeof *data.offsets, "a test", NULL);
    data.answers = qctx_alloc(3 * questions, sizeof *data.answers, "a test", NULL);
    for (int64_t i = 0; i < questions; i++) {
        int64_t wanted = 1 + i % 3 < contexts ? 1 + i % 3 : contexts;
        int64_t start =
            (int64_t)qctx_rng_below((uint64_t)(contexts - wanted + 1), 98, QCTX_STREAM_SYNTH, 2, (uint64_t)i);

        data.rows[i] = questions - 1 - i;
        for (int64_t a = 0; a < wanted; a++)
            data.answers[used++] = start + a;
        data.offsets[i + 1] = used;
    }
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        data.from[side] = qctx_rows_of_array(data.sides[side], RANKING_DIM, 0);
    data.set = (qctx_eval_set){.rows = {data.from[0], data.from[1]},
                               .context_count = contexts,
                               .count = questions,
                               .questions = data.rows,
                               .offsets = data.offsets,
                               .contexts = data.answers};
    data.projector = (qctx_projector){.input = RANKING_DIM};
    return data;
}

void ranking_free(ranking_data *data)
{
    free(data->sides[0]);
    free(data->sides[1]);
    free(data->rows);
    free(data->offsets);
    free(data->answers);
}

double ranking_score(const ranking_data *data, int64_t question, int64_t context)
{
    double sum = 0;

    for (int k = 0; k < RANKING_DIM; k++)
        sum += (double)data->sides[0][data->rows[question] * RANKING_DIM + k] *
               (double)data->sides[1][context * RANKING_DIM + k];
    return sum;
}

int ranking_compare(const void *a, const void *b)
{
    const ranking_entry *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}
