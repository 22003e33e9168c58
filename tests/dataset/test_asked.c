/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>

#include "qctx/dataset/asked.h"
#include "small_store.h"

/*
 * Question i of the small store is answered by context i and, if i is even, by i + 1, so that it is known where a
 * neighbour is asked for. Each context has a title of its own.
 */
static void tells_questions_by_what_training_asks_for(void **state)
{
    small_store *small = small_open();
    qctx_opened_source source = {.store = small->store, .split = qctx_store_split_at(small->store, 0), .name = "small"};
    const qctx_opened opened = {.train_count = 1, .train = &source};
    int32_t from[] = {0, 0};
    /* Training asks for context 1, and has context 7 for no pair. */
    int64_t offsets[] = {0, 2, 3}, pairs[] = {1, 0}, contexts[] = {1, 7, 7}, question[] = {0, 1};
    const qctx_examples examples = {
        .count = 2, .source = from, .question = question, .offsets = offsets, .pairs = pairs, .contexts = contexts};
    unsigned char classes[SMALL_QUESTIONS];
    qctx_asked asked;
    qctx_error error;

    (void)state;
    assert_status(qctx_asked_list(&opened, &examples, &asked, &error), QCTX_OK, &error);
    assert_status(qctx_asked_classify(&asked, &source, classes, &error), QCTX_OK, &error);
    for (int i = 0; i < SMALL_QUESTIONS; i++)
        assert_int_equal(classes[i], i <= 1 ? QCTX_NEW_QUESTION : QCTX_NEW_TITLE);

    /* A title that training asks for, by another context of it. */
    asked.contents[0]++;
    assert_status(qctx_asked_classify(&asked, &source, classes, &error), QCTX_OK, &error);
    for (int i = 0; i < SMALL_QUESTIONS; i++)
        assert_int_equal(classes[i], i <= 1 ? QCTX_NEW_CONTEXT : QCTX_NEW_TITLE);
    qctx_asked_free(&asked);
    small_close(small);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tells_questions_by_what_training_asks_for),
};
TEST_MAIN(tests)
