/* ranks: 1 3 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/evaluation/predictions.h"
#include "qctx/text/json.h"
#include "small_store.h"

static qctx_error error;
static const qctx_projector no_head = {.input = SMALL_DIM, .normalize = true};

static qctx_eval_set set_of(const small_store *small)
{
    const qctx_split *split = qctx_store_split(small->store, "dev", &error);

    assert_non_null(split);
    return qctx_eval_set_of_store(small->store, split->count, split->questions, split->offsets, split->contexts);
}

static void best_and_worst_are_chosen_by_hand(void **state)
{
    /* Best positions without the head 4, 9, 0, 7, 2; with it 0, 0, 5, 7, 1. The third question has two right ones. */
    const int64_t offsets[] = {0, 1, 2, 4, 5, 6};
    const int64_t without[] = {4, 9, 3, 0, 7, 2}, with[] = {0, 0, 5, 8, 7, 1};
    int64_t chosen[2 * QCTX_PREDICTIONS_EACH], each;

    (void)state;
    assert_status(qctx_predictions_choose(without, with, offsets, 5, chosen, &each, &error), QCTX_OK, &error);
    assert_int_equal(each, 2);
    assert_int_equal(chosen[0], 1);
    assert_int_equal(chosen[1], 0);
    assert_int_equal(chosen[2], 3);
    assert_int_equal(chosen[3], 2);
}

static void predictions_can_be_read(void **state)
{
    const qctx_protocol protocol = {.candidates = QCTX_CANDIDATES_CORPUS};
    small_store *small = small_open();
    qctx_eval_set set = set_of(small);
    int64_t positions[2 * SMALL_QUESTIONS], lines = 0;
    char *text = NULL;
    size_t bytes;

    (void)state;
    assert_status(qctx_evaluate(test_comm, &set, &no_head, &protocol, positions, &error), QCTX_OK, &error);
    assert_status(qctx_predictions_write(test_comm, test_path("worst.jsonl"), &set, &no_head, &protocol, positions,
                                         positions, &error),
                  QCTX_OK, &error);
    assert_status(qctx_file_read(test_path("worst.jsonl"), &text, &bytes, &error), QCTX_OK, &error);
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1, lines++) {
        json_t *object = NULL, *top;
        json_int_t position;
        const char *kind, *question, *right, *score_text;
        int is_right;
        double score;

        assert_status(qctx_json_parse(line, strcspn(line, "\n"), "worst.jsonl", &object, &error), QCTX_OK, &error);
        assert_int_equal(json_unpack(object, "{s:s, s:s, s:I, s:[{s:s}], s:o}", "kind", &kind, "question", &question,
                                     "position_head", &position, "right", "text", &right, "top", &top),
                         0);
        assert_string_equal(kind, lines < SMALL_QUESTIONS / 2 ? "best" : "worst");
        assert_int_equal(json_array_size(top), QCTX_PREDICTIONS_TOP);
        assert_int_equal(json_unpack(json_array_get(top, 0), "{s:s, s:f, s:b}", "text", &score_text, "score", &score,
                                     "is_right", &is_right),
                         0);
        /* The first context is right exactly where the best position is 0. */
        assert_int_equal(is_right != 0, position == 0);
        json_decref(object);
    }
    assert_int_equal(lines, SMALL_QUESTIONS / 2 * 2);
    free(text);
    small_close(small);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(best_and_worst_are_chosen_by_hand),
    cmocka_unit_test(predictions_can_be_read),
};
TEST_MAIN(tests)
