/* ranks: 1 2 3 4 5 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/order.h"
#include "qctx/base/status.h"

static void agreement_takes_the_lowest_failing_rank(void **state)
{
    int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm);
    qctx_error error = {0};
    char expected[64];

    (void)state;
    assert_int_equal(qctx_agree(test_comm, QCTX_OK, &error), QCTX_OK);
    for (int culprit = 0; culprit < size; culprit++) {
        qctx_status status = QCTX_OK;

        /* The culprit and all above it fail, each in its own way. */
        if (rank >= culprit) {
            qctx_fail(&error, rank == culprit ? QCTX_ERR_DATA : QCTX_ERR_IO, "rank %d failed", rank);
            status = qctx_hint(&error, "hint of %d", rank);
        }
        assert_int_equal(qctx_agree(test_comm, status, &error), QCTX_ERR_DATA);
        snprintf(expected, sizeof expected, "rank %d failed", culprit);
        assert_string_equal(error.message, expected);
        snprintf(expected, sizeof expected, "hint of %d", culprit);
        assert_string_equal(error.hint, expected);
    }
}

static void memory_that_one_rank_lacks_names_it(void **state)
{
    int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm);
    qctx_error error = {0};
    qctx_status status = QCTX_OK;
    char expected[64];

    (void)state;
    if (rank == size - 1)
        status = qctx_fail(&error, QCTX_ERR_MEMORY, "cannot allocate 3 MiB for rows");
    status = qctx_agree(test_comm, status, &error);
    snprintf(expected, sizeof expected, "cannot allocate 3 MiB for rows on rank %d", size - 1);
    assert_string_equal(error.message, size > 1 ? expected : "cannot allocate 3 MiB for rows");
    /* What all have agreed on is said as it is. */
    assert_int_equal(qctx_agree(test_comm, status, &error), QCTX_ERR_MEMORY);
    assert_string_equal(error.message, size > 1 ? expected : "cannot allocate 3 MiB for rows");
}

static void shares_cover_everything_once(void **state)
{
    (void)state;
    for (int64_t total = 0; total < 40; total++)
        for (int size = 1; size < 12; size++) {
            int64_t next = 0;

            for (int rank = 0; rank < size; rank++) {
                int64_t first, count;

                qctx_share(total, rank, size, &first, &count);
                assert_int_equal(first, next);
                assert_true(count == total / size || count == total / size + 1);
                next = first + count;
            }
            assert_int_equal(next, total);
        }
}

static void gathering_takes_uneven_and_empty_shares(void **state)
{
    int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm);
    int64_t counts[8], total = 0;
    double own[3 * 8], all[3 * 8 * 8];

    (void)state;
    /* Rank r gives r elements of three doubles: rank 0 gives none. */
    qctx_comm_gather_counts(test_comm, rank, counts);
    for (int r = 0; r < size; r++) {
        assert_int_equal(counts[r], r);
        total += r;
    }
    for (int i = 0; i < 3 * rank; i++)
        own[i] = 100 * rank + i;
    qctx_comm_gather_all(test_comm, own, all, counts, 3 * sizeof(double));
    for (int r = 0, at = 0; r < size; r++)
        for (int i = 0; i < 3 * r; i++, at++)
            assert_true(all[at] == 100 * r + i);
    assert_true(total == size * (size - 1) / 2);
}

static void reductions_reach_every_rank(void **state)
{
    int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm);
    float floats[2] = {(float)rank, 1.0f};
    double doubles[1] = {rank + 0.5}, largest[1] = {-rank};
    int64_t integers[1] = {rank + 1}, top[1] = {rank};
    uint64_t words[1] = {UINT64_MAX};

    (void)state;
    qctx_comm_sum_float(test_comm, floats, 2);
    assert_true(floats[0] == (float)(size * (size - 1) / 2) && floats[1] == (float)size);
    qctx_comm_sum_double(test_comm, doubles, 1);
    assert_true(doubles[0] == size * (size - 1) / 2 + 0.5 * size);
    qctx_comm_sum_int64(test_comm, integers, 1);
    assert_int_equal(integers[0], size * (size + 1) / 2);
    qctx_comm_sum_uint64(test_comm, words, 1);
    assert_true(words[0] == (uint64_t)0 - (uint64_t)size);
    qctx_comm_max_double(test_comm, largest, 1);
    assert_true(largest[0] == 0.0);
    qctx_comm_max_int64(test_comm, top, 1);
    assert_int_equal(top[0], size - 1);
}

/* Sums that go by parts and broadcasts in several pieces: whole numbers, which are exact in any order. */
static void long_messages_reach_every_rank(void **state)
{
    const int64_t lengths[] = {(1 << 15) / 8, (1 << 15) / 4 + 1, 300007, 5 << 20};
    int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm);
    double *doubles = malloc((size_t)lengths[3] * sizeof *doubles);
    float *floats = malloc((size_t)lengths[3] * sizeof *floats);

    (void)state;
    assert_true(doubles != NULL && floats != NULL);
    for (int l = 0; l < 4; l++) {
        for (int64_t i = 0; i < lengths[l]; i++) {
            doubles[i] = (double)(i + rank);
            floats[i] = (float)(i % 1000 + rank);
        }
        qctx_comm_sum_double(test_comm, doubles, lengths[l]);
        qctx_comm_sum_float(test_comm, floats, lengths[l]);
        for (int64_t i = 0; i < lengths[l]; i++) {
            assert_true(doubles[i] == (double)(size * i + size * (size - 1) / 2));
            assert_true(floats[i] == (float)(size * (i % 1000) + size * (size - 1) / 2));
        }
    }
    for (int64_t i = 0; i < lengths[3]; i++)
        floats[i] = rank == size - 1 ? (float)(i % 4099) : -1;
    qctx_comm_broadcast(test_comm, floats, lengths[3] * (int64_t)sizeof *floats, size - 1);
    for (int64_t i = 0; i < lengths[3]; i++)
        assert_true(floats[i] == (float)(i % 4099));
    free(doubles);
    free(floats);
}

static void sameness_is_seen_by_all(void **state)
{
    int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm);

    (void)state;
    assert_true(qctx_comm_same(test_comm, 42));
    assert_true(qctx_comm_same(test_comm, UINT64_MAX));
    assert_true(qctx_comm_same(test_comm, 0));
    for (int odd = 0; odd < size && size > 1; odd++)
        assert_false(qctx_comm_same(test_comm, rank == odd ? 43 : 42));
}

static void texts_reach_every_rank(void **state)
{
    char local[] = "text of the last rank";
    int last = qctx_comm_size(test_comm) - 1;
    bool is_root = qctx_comm_rank(test_comm) == last;
    char *text = is_root ? local : NULL;
    size_t bytes = is_root ? strlen(local) : 0;
    qctx_error error;

    (void)state;
    assert_status(qctx_comm_broadcast_text(test_comm, &text, &bytes, last, &error), QCTX_OK, &error);
    assert_string_equal(text, local);
    assert_int_equal(bytes, strlen(local));
    if (!is_root)
        free(text);
}

/* Groups of every size, the last one often smaller; what they do does not meet. */
static void groups_are_communicators_of_their_own(void **state)
{
    int rank = qctx_comm_rank(test_comm), size = qctx_comm_size(test_comm);

    (void)state;
    for (int members = 1; members <= size; members++) {
        qctx_comm *group = qctx_comm_groups(test_comm, members);
        int first = rank / members * members, expected = first + members <= size ? members : size - first;
        int64_t sum = rank, counts[8];
        float parts[8];
        qctx_exchange *exchange;

        assert_int_equal(qctx_comm_rank(group), rank - first);
        assert_int_equal(qctx_comm_size(group), expected);
        for (int r = 0; r < expected; r++) {
            counts[r] = 1;
            parts[r] = (float)(rank + r);
        }
        exchange = qctx_comm_start_sum_parts(group, parts, counts);
        qctx_comm_sum_int64(group, &sum, 1);
        qctx_exchange_wait(&exchange);
        assert_int_equal(sum, expected * first + expected * (expected - 1) / 2);
        assert_true(parts[rank - first] == (float)(sum + expected * (rank - first)));
        qctx_comm_close_group(group);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(agreement_takes_the_lowest_failing_rank),
    cmocka_unit_test(memory_that_one_rank_lacks_names_it),
    cmocka_unit_test(shares_cover_everything_once),
    cmocka_unit_test(gathering_takes_uneven_and_empty_shares),
    cmocka_unit_test(reductions_reach_every_rank),
    cmocka_unit_test(long_messages_reach_every_rank),
    cmocka_unit_test(sameness_is_seen_by_all),
    cmocka_unit_test(texts_reach_every_rank),
    cmocka_unit_test(groups_are_communicators_of_their_own),
};
TEST_MAIN(tests)
