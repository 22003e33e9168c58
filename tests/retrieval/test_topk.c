/* ranks: 1 2 3 5 */
#include "harness.h"

#include <omp.h>

#include "qctx/retrieval/topk.h"
#include "ranking_data.h"
#include "score_data.h"

static qctx_error error;

/* Holds the k best of every `step`-th question against sorting all candidates. */
static void check(int64_t questions, int64_t contexts, int64_t k, int64_t step)
{
    ranking_data data = ranking_make(questions, contexts);
    qctx_hit *hits = qctx_alloc(questions * k, sizeof *hits, "a test", NULL);
    ranking_entry *list = qctx_alloc(contexts, sizeof *list, "a test", NULL);
    qctx_shard shard;

    assert_status(qctx_shard_create(test_comm, &data.from[1], &data.projector, NULL, contexts, QCTX_PRECISION_FLOAT32,
                                    &shard, &error),
                  QCTX_OK, &error);
    assert_status(qctx_topk(&(qctx_query){test_comm, &shard, &data.projector, &data.from[0], data.rows, questions}, k,
                            hits, &error),
                  QCTX_OK, &error);
    for (int64_t q = 0; q < questions; q += step) {
        for (int64_t c = 0; c < contexts; c++)
            list[c] = (ranking_entry){ranking_score(&data, q, c), c};
        qsort(list, (size_t)contexts, sizeof *list, ranking_compare);
        for (int64_t i = 0; i < k; i++) {
            const qctx_hit *hit = &hits[q * k + i];

            assert_int_equal(hit->candidate, i < contexts ? list[i].row : -1);
            if (i < contexts)
                assert_true(hit->score == list[i].score);
        }
    }
    qctx_shard_free(&shard);
    free(hits);
    free(list);
    ranking_free(&data);
}

static void matches_sorting(void **state)
{
    (void)state;
    check(600, 1300, 10, 7);
    check(5, 2700, 700, 1);
    /* Whole tiles of the largest shape, and a block of questions beyond the first. */
    check(1030, 8300, 10, 101);
}

static void fewer_candidates_than_wanted_end_the_list(void **state)
{
    (void)state;
    check(3, 4, 10, 1);
    check(1, 1, 1, 1);
    check(2, 513, 600, 1);
}

static void candidates_may_be_a_part_of_the_rows(void **state)
{
    const float question[] = {1}, contexts[] = {5, 9, 7, 8, 6};
    const int64_t candidates[] = {0, 2, 4}, row = 0;
    const qctx_rows from[] = {qctx_rows_of_array(question, 1, 0), qctx_rows_of_array(contexts, 1, 0)};
    const qctx_projector projector = {.input = 1};
    qctx_shard shard;
    qctx_hit hits[2];

    (void)state;
    assert_status(
        qctx_shard_create(test_comm, &from[1], &projector, candidates, 3, QCTX_PRECISION_FLOAT32, &shard, &error),
        QCTX_OK, &error);
    assert_status(qctx_topk(&(qctx_query){test_comm, &shard, &projector, &from[0], &row, 1}, 2, hits, &error), QCTX_OK,
                  &error);
    assert_int_equal(hits[0].candidate, 1);
    assert_close(hits[0].score, 7, 0);
    assert_int_equal(hits[1].candidate, 2);
    assert_close(hits[1].score, 6, 0);
    qctx_shard_free(&shard);
}

enum { DIM = 48, QUESTIONS = 24 };

/* The k best of real rows in one precision, against sorting by plain sums. */
static void check_hard(rows_kind kind, int64_t contexts, int64_t k, qctx_precision precision)
{
    float *sides[] = {rows_make(kind, 0, QUESTIONS, DIM), rows_make(kind, 1, contexts, DIM)};
    const qctx_rows from[] = {qctx_rows_of_array(sides[0], DIM, 0), qctx_rows_of_array(sides[1], DIM, 0)};
    const qctx_projector projector = {.input = DIM};
    qctx_hit *hits = qctx_alloc(QUESTIONS * k, sizeof *hits, "a test", NULL);
    ranking_entry *list = qctx_alloc(contexts, sizeof *list, "a test", NULL);
    int64_t rows[QUESTIONS];
    qctx_shard shard;

    for (int64_t q = 0; q < QUESTIONS; q++)
        rows[q] = q;
    assert_status(qctx_shard_create(test_comm, &from[1], &projector, NULL, contexts, precision, &shard, &error),
                  QCTX_OK, &error);
    assert_status(qctx_topk(&(qctx_query){test_comm, &shard, &projector, &from[0], rows, QUESTIONS}, k, hits, &error),
                  QCTX_OK, &error);
    for (int64_t q = 0; q < QUESTIONS; q++) {
        for (int64_t c = 0; c < contexts; c++)
            list[c] = (ranking_entry){rows_score(sides[0] + q * DIM, sides[1] + c * DIM, DIM), c};
        qsort(list, (size_t)contexts, sizeof *list, ranking_compare);
        for (int64_t i = 0; i < k; i++)
            assert_int_equal(hits[q * k + i].candidate, i < contexts ? list[i].row : -1);
    }
    qctx_shard_free(&shard);
    free(hits);
    free(list);
    free(sides[0]);
    free(sides[1]);
}

static void hard_rows_have_the_same_lists_in_every_precision(void **state)
{
    static const qctx_precision precisions[] = {QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16, QCTX_PRECISION_AUTO};
    static const int64_t lengths[] = {1, 10, 100};
    const int threads = omp_get_max_threads();

    (void)state;
    for (int kind = 0; kind < ROWS_KINDS; kind++)
        for (int p = 0; p < 3; p++) {
            /* Many threads on many ranks would only wait for a core. */
            omp_set_num_threads(qctx_comm_size(test_comm) == 1 ? 1 + (kind + p) % 3 : 1);
            check_hard((rows_kind)kind, 1500, lengths[p], precisions[p]);
            check_hard((rows_kind)kind, 700, lengths[(p + 1) % 3], precisions[p]);
        }
    omp_set_num_threads(threads);
}

/* Ascending scores: every context is better than all before it, so thresholds never spare anything. */
static void the_worst_order_is_ranked_too(void **state)
{
    enum { CONTEXTS = 3000, BEST = 5 };
    const qctx_projector projector = {.input = 1};
    const float question = 1.0f;
    const int64_t row = 0;
    float *contexts = qctx_alloc(CONTEXTS, sizeof *contexts, "a test", NULL);
    qctx_rows from[] = {qctx_rows_of_array(&question, 1, 0), qctx_rows_of_array(contexts, 1, 0)};
    qctx_hit hits[BEST];
    qctx_shard shard;

    (void)state;
    for (int64_t i = 0; i < CONTEXTS; i++)
        contexts[i] = 1.0f + (float)i * 0x1p-20f;
    for (int p = 0; p < 2; p++) {
        assert_status(qctx_shard_create(test_comm, &from[1], &projector, NULL, CONTEXTS,
                                        p == 0 ? QCTX_PRECISION_FLOAT32 : QCTX_PRECISION_BFLOAT16, &shard, &error),
                      QCTX_OK, &error);
        assert_status(qctx_topk(&(qctx_query){test_comm, &shard, &projector, &from[0], &row, 1}, BEST, hits, &error),
                      QCTX_OK, &error);
        qctx_shard_free(&shard);
        for (int64_t i = 0; i < BEST; i++)
            assert_int_equal(hits[i].candidate, CONTEXTS - 1 - i);
    }
    free(contexts);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(matches_sorting),
    cmocka_unit_test(fewer_candidates_than_wanted_end_the_list),
    cmocka_unit_test(candidates_may_be_a_part_of_the_rows),
    cmocka_unit_test(hard_rows_have_the_same_lists_in_every_precision),
    cmocka_unit_test(the_worst_order_is_ranked_too),
};
TEST_MAIN(tests)
