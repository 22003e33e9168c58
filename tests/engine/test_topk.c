/* ranks: 1 2 3 4 5 */
#include "harness.h"

#include "qctx/engine/topk.h"
#include "ranking_data.h"

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
    assert_status(qctx_topk(test_comm, &shard, &data.projector, &data.from[0], data.rows, questions, k, hits, &error),
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
    assert_status(qctx_topk(test_comm, &shard, &projector, &from[0], &row, 1, 2, hits, &error), QCTX_OK, &error);
    assert_int_equal(hits[0].candidate, 1);
    assert_close(hits[0].score, 7, 0);
    assert_int_equal(hits[1].candidate, 2);
    assert_close(hits[1].score, 6, 0);
    qctx_shard_free(&shard);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(matches_sorting),
    cmocka_unit_test(fewer_candidates_than_wanted_end_the_list),
    cmocka_unit_test(candidates_may_be_a_part_of_the_rows),
};
TEST_MAIN(tests)
