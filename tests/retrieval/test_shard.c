/* ranks: 1 2 3 5 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/retrieval/shard.h"
#include "score_data.h"

enum { DIM = 12 };

static qctx_error error;

/* Every candidate falls to one rank, in the order of the ranks; a rank may have none. */
static void ranges_meet_without_gaps(void **state)
{
    const int64_t totals[] = {0, 1, 2, 1023, 1024, 1025, 5000, 100000};
    const int size = qctx_comm_size(test_comm);
    int64_t *counts = qctx_alloc(size, sizeof *counts, "a test", NULL);

    (void)state;
    for (size_t t = 0; t < sizeof totals / sizeof totals[0]; t++) {
        int64_t first, count, before = 0, all = 0;

        qctx_shard_range(test_comm, totals[t], &first, &count);
        qctx_comm_gather_counts(test_comm, count, counts);
        for (int r = 0; r < size; r++) {
            before += r < qctx_comm_rank(test_comm) ? counts[r] : 0;
            all += counts[r];
        }
        assert_true(count == 0 || first == before);
        assert_int_equal(all, totals[t]);
    }
    free(counts);
}

/* A projected row has the bits that it has alone: where the cuts fall is no matter. */
static void rows_have_the_same_bits_on_any_number_of_ranks(void **state)
{
    enum { TOTAL = 2500 };
    float *contexts = rows_make(ROWS_RANDOM, QCTX_CONTEXT, TOTAL, DIM);
    float *whole = qctx_alloc(TOTAL * DIM, sizeof *whole, "a test", NULL);
    const qctx_rows rows = qctx_rows_of_array(contexts, DIM, 0);
    const qctx_projector projector = {.input = DIM, .normalize = true};
    qctx_shard shard;

    (void)state;
    assert_status(qctx_projector_apply(&projector, QCTX_CONTEXT, contexts, TOTAL, whole, &error), QCTX_OK, &error);
    assert_status(qctx_shard_create(test_comm, &rows, &projector, NULL, TOTAL, QCTX_PRECISION_FLOAT32, &shard, &error),
                  QCTX_OK, &error);
    assert_int_equal(shard.total, TOTAL);
    assert_int_equal(shard.width, DIM);
    assert_null(shard.rows.rounded);
    assert_memory_equal(shard.rows.values, whole + shard.first * DIM, (size_t)shard.count * DIM * sizeof *whole);
    qctx_shard_free(&shard);
    free(whole);
    free(contexts);
}

/* Candidate i is row candidates[i]; in bfloat16 the rounded rows and what rounding took stand beside the exact ones. */
static void candidates_are_taken_by_number_and_rounded(void **state)
{
    enum { ROWS = 50, TOTAL = 17 };
    float *contexts = rows_make(ROWS_RANDOM, QCTX_CONTEXT, ROWS, DIM);
    const qctx_rows rows = qctx_rows_of_array(contexts, DIM, 0);
    const qctx_projector projector = {.input = DIM};
    int64_t candidates[TOTAL];
    qctx_shard shard;

    (void)state;
    for (int64_t i = 0; i < TOTAL; i++)
        candidates[i] = 3 * i;
    assert_status(
        qctx_shard_create(test_comm, &rows, &projector, candidates, TOTAL, QCTX_PRECISION_BFLOAT16, &shard, &error),
        QCTX_OK, &error);
    for (int64_t i = 0; i < shard.count; i++) {
        const float *row = contexts + candidates[shard.first + i] * DIM;
        double lost = 0.0;

        assert_memory_equal(shard.rows.values + i * DIM, row, DIM * sizeof *row);
        for (int k = 0; k < DIM; k++) {
            double rounded = (double)qctx_from_bfloat16(shard.rows.rounded[i * DIM + k]);

            /* Half of the last of eight bits. */
            assert_true(fabs(rounded - (double)row[k]) <= fabs((double)row[k]) * 0x1p-8);
            lost += (rounded - (double)row[k]) * (rounded - (double)row[k]);
        }
        assert_close(shard.rows.extents[i].error, sqrt(lost), 1e-12);
    }
    qctx_shard_free(&shard);
    free(contexts);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(ranges_meet_without_gaps),
    cmocka_unit_test(rows_have_the_same_bits_on_any_number_of_ranks),
    cmocka_unit_test(candidates_are_taken_by_number_and_rounded),
};
TEST_MAIN(tests)
