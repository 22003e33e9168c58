/* ranks: 1 2 3 5 */
#include "harness.h"

#include <omp.h>

#include "qctx/retrieval/positions.h"
#include "score_data.h"

enum { DIM = 48, QUESTIONS = 30, CONTEXTS = 1500 };

static qctx_error error;
static const qctx_precision precisions[] = {QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16, QCTX_PRECISION_AUTO};

/* Rows, and the places whose positions are asked: question i has i mod 4 of them. */
typedef struct {
    float *sides[2];
    qctx_rows from[2];
    int64_t rows[QUESTIONS], offsets[QUESTIONS + 1], places[QUESTIONS * 3];
} positions_data;

static positions_data make(rows_kind kind, int64_t contexts)
{
    positions_data data = {.offsets = {0}};
    int64_t used = 0;

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        data.sides[side] = rows_make(kind, side, side == 0 ? QUESTIONS : contexts, DIM);
        data.from[side] = qctx_rows_of_array(data.sides[side], DIM, 0);
    }
    for (int64_t i = 0; i < QUESTIONS; i++) {
        data.rows[i] = QUESTIONS - 1 - i;
        for (int64_t a = 0; a < i % 4; a++)
            data.places[used++] = (i * 131 + a * 517) % contexts;
        data.offsets[i + 1] = used;
    }
    return data;
}

static int64_t position_of(const positions_data *data, int64_t contexts, int64_t question, int64_t place)
{
    const float *row = data->sides[0] + data->rows[question] * DIM;
    const double target = rows_score(row, data->sides[1] + place * DIM, DIM);
    int64_t position = 0;

    for (int64_t c = 0; c < contexts; c++) {
        double score = rows_score(row, data->sides[1] + c * DIM, DIM);

        position += score > target || (score == target && c < place);
    }
    return position;
}

static void check(rows_kind kind, int64_t contexts)
{
    const qctx_projector projector = {.input = DIM};
    positions_data data = make(kind, contexts);
    int64_t positions[QUESTIONS * 3];
    qctx_shard shard;
    const qctx_query query = {test_comm, &shard, &projector, &data.from[0], data.rows, QUESTIONS};

    for (int p = 0; p < 3; p++) {
        assert_status(
            qctx_shard_create(test_comm, &data.from[1], &projector, NULL, contexts, precisions[p], &shard, &error),
            QCTX_OK, &error);
        assert_status(qctx_positions(&query, data.offsets, data.places, positions, &error), QCTX_OK, &error);
        qctx_shard_free(&shard);
        for (int64_t q = 0; q < QUESTIONS; q++)
            for (int64_t a = data.offsets[q]; a < data.offsets[q + 1]; a++)
                assert_int_equal(positions[a], position_of(&data, contexts, q, data.places[a]));
    }
    free(data.sides[0]);
    free(data.sides[1]);
}

static void match_a_plain_count(void **state)
{
    const int threads = omp_get_max_threads();

    (void)state;
    for (int kind = 0; kind < ROWS_KINDS; kind++) {
        /* Many threads on many ranks would only wait for a core. */
        omp_set_num_threads(qctx_comm_size(test_comm) == 1 ? 1 + kind % 3 : 1);
        check((rows_kind)kind, CONTEXTS);
    }
    omp_set_num_threads(threads);
}

static void one_context_or_few_suffice(void **state)
{
    (void)state;
    check(ROWS_RANDOM, 1);
    check(ROWS_EQUAL, 130);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(match_a_plain_count),
    cmocka_unit_test(one_context_or_few_suffice),
};
TEST_MAIN(tests)
