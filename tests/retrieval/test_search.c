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
static void check_hits(const small_store *small, const char *question, const qctx_hit *hits, int64_t k)
{
    bool is_hit[SMALL_CONTEXTS] = {false};

    for (int64_t i = 0; i < k; i++) {
        assert_in_range(hits[i].candidate, 0, SMALL_CONTEXTS - 1);
        is_hit[hits[i].candidate] = true;
        assert_close((double)hits[i].score, score_by_hand(small, question, small->text[hits[i].candidate]), 1e-6);
        assert_true(i == 0 || hits[i].score <= hits[i - 1].score);
    }
    for (int64_t c = 0; c < SMALL_CONTEXTS; c += 13)
        assert_true(is_hit[c] || score_by_hand(small, question, small->text[c]) <= (double)hits[k - 1].score + 1e-6);
}

static void finds_the_best_in_a_store_and_in_texts(void **state)
{
    const char *question = "where is lamp dcmo?";
    small_store *small = small_open();
    qctx_search *in_store = NULL, *in_texts = NULL;
    qctx_hit hits[10], same[10];

    (void)state;
    assert_status(qctx_search_over_store(test_comm, small->store, small->encoder, &no_head, &in_store, &error), QCTX_OK,
                  &error);
    assert_status(
        qctx_search_over_texts(test_comm, small->texts, SMALL_CONTEXTS, small->encoder, &no_head, &in_texts, &error),
        QCTX_OK, &error);
    assert_int_equal(qctx_search_count(in_store), SMALL_CONTEXTS);
    assert_int_equal(qctx_search_count(in_texts), SMALL_CONTEXTS);
    assert_status(qctx_search_ask(in_store, question, 10, hits, &error), QCTX_OK, &error);
    assert_status(qctx_search_ask(in_texts, question, 10, same, &error), QCTX_OK, &error);
    check_hits(small, question, hits, 10);
    assert_non_null(strstr(small->text[hits[0].candidate], "dcmo"));
    for (int i = 0; i < 10; i++) {
        assert_int_equal(hits[i].candidate, same[i].candidate);
        assert_true(hits[i].score == same[i].score);
    }
    /* Asking again does not change the answer, and another question has another. */
    assert_status(qctx_search_ask(in_store, "what is near gate 7?", 10, same, &error), QCTX_OK, &error);
    check_hits(small, "what is near gate 7?", same, 10);
    assert_status(qctx_search_ask(in_store, question, 10, same, &error), QCTX_OK, &error);
    assert_int_equal(hits[0].candidate, same[0].candidate);
    qctx_search_destroy(in_store);
    qctx_search_destroy(in_texts);
    small_close(small);
}

static void fewer_texts_than_ranks_and_hits(void **state)
{
    small_store *small = small_open();
    qctx_search *search = NULL;
    qctx_hit hits[5];

    (void)state;
    assert_status(qctx_search_over_texts(test_comm, small->texts, 2, small->encoder, &no_head, &search, &error),
                  QCTX_OK, &error);
    assert_status(qctx_search_ask(search, "near which gate does cako burn?", 5, hits, &error), QCTX_OK, &error);
    assert_int_equal(hits[0].candidate, 1);
    assert_int_equal(hits[1].candidate, 0);
    assert_int_equal(hits[2].candidate, -1);
    qctx_search_destroy(search);
    small_close(small);
}

static void refuses_what_cannot_be_asked(void **state)
{
    const qctx_projector other = {.input = SMALL_DIM + 1};
    small_store *small = small_open();
    qctx_search *search = NULL;
    qctx_hit hits[1];

    (void)state;
    assert_status(qctx_search_over_store(test_comm, small->store, small->encoder, &other, &search, &error),
                  QCTX_ERR_MISMATCH, &error);
    assert_null(search);
    assert_contains(error.message, "256");
    assert_contains(error.message, "257");
    assert_status(qctx_search_over_store(test_comm, small->store, small->encoder, &no_head, &search, &error), QCTX_OK,
                  &error);
    assert_status(qctx_search_ask(search, "", 1, hits, &error), QCTX_ERR_DATA, &error);
    assert_status(qctx_search_ask(search, " \t ?!", 1, hits, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "no words");
    assert_status(qctx_search_ask(search, "caf\xe9", 1, hits, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, "not UTF-8 at byte 4");
    /* It goes on working after all that. */
    assert_status(qctx_search_ask(search, "gate 3", 1, hits, &error), QCTX_OK, &error);
    qctx_search_destroy(search);
    small_close(small);
}

static void reads_the_sentences_of_a_text(void **state)
{
    char **sentences = NULL;
    int64_t count = 0;

    (void)state;
    test_write(test_path("notes.txt"),
               "The tower was built in 1889. Who designed   it?\n\nNotes on lines\n of their own\n");
    assert_status(qctx_search_read_sentences(test_comm, test_path("notes.txt"), &sentences, &count, &error), QCTX_OK,
                  &error);
    assert_int_equal(count, 4);
    assert_string_equal(sentences[0], "The tower was built in 1889.");
    assert_string_equal(sentences[1], "Who designed it?");
    assert_string_equal(sentences[2], "Notes on lines");
    assert_string_equal(sentences[3], "of their own");
    qctx_search_free_texts(sentences, count);
    test_write(test_path("latin.txt"), "One.\nTwo.\nCaf\xe9.\n");
    assert_status(qctx_search_read_sentences(test_comm, test_path("latin.txt"), &sentences, &count, &error),
                  QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "latin.txt:3: the text is not UTF-8");
    test_write(test_path("empty.txt"), " \n\n");
    assert_status(qctx_search_read_sentences(test_comm, test_path("empty.txt"), &sentences, &count, &error),
                  QCTX_ERR_DATA, &error);
    assert_null(sentences);
    assert_status(qctx_search_read_sentences(test_comm, test_path("none.txt"), &sentences, &count, &error), QCTX_ERR_IO,
                  &error);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(finds_the_best_in_a_store_and_in_texts),
    cmocka_unit_test(fewer_texts_than_ranks_and_hits),
    cmocka_unit_test(refuses_what_cannot_be_asked),
    cmocka_unit_test(reads_the_sentences_of_a_text),
};
TEST_MAIN(tests)
