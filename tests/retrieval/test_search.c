/* ranks: 1 2 5 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/retrieval/search.h"
#include "small_store.h"

static qctx_error error;
static const qctx_projector no_head = {.input = SMALL_DIM, .normalize = true};

/* The score of a question and a context, from their encodings, in double. */
static double score_by_hand(const small_store *small, const char *question, const char *context)
{
    float rows[2][SMALL_DIM];
    double sum = 0;

    assert_status(qctx_encoder_encode(small->encoder, QCTX_QUESTION, &question, 1, rows[0], &error), QCTX_OK, &error);
    assert_status(qctx_encoder_encode(small->encoder, QCTX_CONTEXT, &context, 1, rows[1], &error), QCTX_OK, &error);
    for (int i = 0; i < SMALL_DIM; i++)
        sum += (double)rows[0][i] * (double)rows[1][i];
    return sum;
}

/* The hits are in order, have the scores they claim, and nothing better was left out. */
static void check_found(const small_store *small, const char *question, const qctx_found *found, int64_t k)
{
    bool is_found[SMALL_CONTEXTS] = {false};

    for (int64_t i = 0; i < k; i++) {
        assert_int_equal(found[i].store, 0);
        assert_in_range(found[i].row, 0, SMALL_CONTEXTS - 1);
        is_found[found[i].row] = true;
        assert_close(found[i].score, score_by_hand(small, question, small->text[found[i].row]), 1e-6);
        assert_true(i == 0 || found[i].score <= found[i - 1].score);
    }
    for (int64_t c = 0; c < SMALL_CONTEXTS; c += 13)
        assert_true(is_found[c] || score_by_hand(small, question, small->text[c]) <= found[k - 1].score + 1e-6);
}

static void finds_the_best_in_a_store(void **state)
{
    const char *question = "where is lamp dcmo?";
    small_store *small = small_open();
    qctx_search *search = NULL;
    qctx_found found[10], same[10];
    int64_t count = 0;

    (void)state;
    assert_status(qctx_search_create(test_comm, &small->store, 1, small->encoder, &no_head, &search, &error), QCTX_OK,
                  &error);
    assert_status(qctx_search_ask(search, question, 10, found, &count, &error), QCTX_OK, &error);
    assert_int_equal(count, 10);
    check_found(small, question, found, 10);
    assert_non_null(strstr(small->text[found[0].row], "dcmo"));
    /* Asking again does not change the answer, and another question has another. */
    assert_status(qctx_search_ask(search, "what is near gate 7?", 10, same, &count, &error), QCTX_OK, &error);
    check_found(small, "what is near gate 7?", same, 10);
    assert_status(qctx_search_ask(search, question, 10, same, &count, &error), QCTX_OK, &error);
    assert_int_equal(found[0].row, same[0].row);
    qctx_search_destroy(search);
    small_close(small);
}

static void merges_what_several_stores_have(void **state)
{
    const char *question = "where is lamp dcmo?";
    small_store *small = small_open();
    qctx_store *twice[] = {small->store, small->store};
    qctx_search *once = NULL, *both = NULL;
    qctx_found single[6], merged[11];
    int64_t count = 0;

    (void)state;
    assert_status(qctx_search_create(test_comm, twice, 1, small->encoder, &no_head, &once, &error), QCTX_OK, &error);
    assert_status(qctx_search_create(test_comm, twice, 2, small->encoder, &no_head, &both, &error), QCTX_OK, &error);
    assert_status(qctx_search_ask(once, question, 6, single, &count, &error), QCTX_OK, &error);
    assert_status(qctx_search_ask(both, question, 11, merged, &count, &error), QCTX_OK, &error);
    assert_int_equal(count, 11);
    /* The same contexts twice: of equal scores all of the first store's come first, by their rows. */
    for (int64_t i = 0; i < 11; i++) {
        int64_t equal = 0;

        for (int64_t j = 0; j < 6; j++)
            equal += single[j].score == merged[i].score && single[j].row == merged[i].row;
        assert_int_equal(equal, 1);
        if (i > 0 && merged[i].score == merged[i - 1].score)
            assert_true(merged[i].store > merged[i - 1].store || merged[i].row > merged[i - 1].row);
    }
    assert_int_equal(merged[0].store, 0);
    assert_int_equal(merged[0].row, single[0].row);
    /* There are no more contexts than there are. */
    qctx_found *all = calloc(3 * SMALL_CONTEXTS, sizeof *all);

    assert_status(qctx_search_ask(both, question, 3 * SMALL_CONTEXTS, all, &count, &error), QCTX_OK, &error);
    assert_int_equal(count, 2 * SMALL_CONTEXTS);
    free(all);
    qctx_search_destroy(once);
    qctx_search_destroy(both);
    small_close(small);
}

static void refuses_what_cannot_be_asked(void **state)
{
    const qctx_projector other = {.input = SMALL_DIM + 1};
    small_store *small = small_open();
    qctx_search *search = NULL;
    qctx_found hits[1];
    int64_t count = 0;

    (void)state;
    assert_status(qctx_search_create(test_comm, &small->store, 1, small->encoder, &other, &search, &error),
                  QCTX_ERR_MISMATCH, &error);
    assert_null(search);
    assert_contains(error.message, "256");
    assert_contains(error.message, "257");
    assert_status(qctx_search_create(test_comm, &small->store, 1, small->encoder, &no_head, &search, &error), QCTX_OK,
                  &error);
    assert_status(qctx_search_ask(search, "", 1, hits, &count, &error), QCTX_ERR_DATA, &error);
    assert_status(qctx_search_ask(search, " \t ?!", 1, hits, &count, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "no words");
    assert_status(qctx_search_ask(search, "caf\xe9", 1, hits, &count, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "not UTF-8 at byte 4");
    /* It goes on working after all that. */
    assert_status(qctx_search_ask(search, "gate 3", 1, hits, &count, &error), QCTX_OK, &error);
    qctx_search_destroy(search);
    small_close(small);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(finds_the_best_in_a_store),
    cmocka_unit_test(merges_what_several_stores_have),
    cmocka_unit_test(refuses_what_cannot_be_asked),
};
TEST_MAIN(tests)
