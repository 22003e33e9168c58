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

/* Five questions in all four groups; the third and the last have two right contexts, of which the better one counts. */
static void groups_are_chosen_by_hand(void **state)
{
    const int64_t offsets[] = {0, 1, 2, 4, 5, 6, 8};
    const int64_t without[] = {4, 9, 3, 0, 7, 0, 0, 6}, with[] = {0, 0, 5, 8, 7, 2, 3, 0}, rows[8] = {0};
    const qctx_eval_set set = {.count = 6, .offsets = offsets, .contexts = rows};
    qctx_predictions_chosen chosen[QCTX_PREDICTIONS_GROUPS];

    (void)state;
    assert_status(qctx_predictions_choose(&set, 1, without, with, chosen, &error), QCTX_OK, &error);
    assert_int_equal(chosen[QCTX_PREDICTIONS_WON].count, 2);
    assert_int_equal(chosen[QCTX_PREDICTIONS_WON].shown, 2);
    assert_int_equal(chosen[QCTX_PREDICTIONS_WON].questions[0], 1);
    assert_int_equal(chosen[QCTX_PREDICTIONS_WON].questions[1], 0);
    assert_int_equal(chosen[QCTX_PREDICTIONS_LOST].count, 2);
    assert_int_equal(chosen[QCTX_PREDICTIONS_LOST].questions[0], 2);
    assert_int_equal(chosen[QCTX_PREDICTIONS_LOST].questions[1], 4);
    assert_int_equal(chosen[QCTX_PREDICTIONS_BOTH_WRONG].count, 1);
    assert_int_equal(chosen[QCTX_PREDICTIONS_BOTH_WRONG].questions[0], 3);
    assert_int_equal(chosen[QCTX_PREDICTIONS_BOTH_RIGHT].count, 1);
    assert_int_equal(chosen[QCTX_PREDICTIONS_BOTH_RIGHT].questions[0], 5);
}

static void a_group_shows_so_many_and_counts_all(void **state)
{
    enum { MANY = QCTX_PREDICTIONS_EACH + 7 };
    int64_t offsets[MANY + 1], without[MANY], with[MANY], rows[MANY] = {0};
    const qctx_eval_set set = {.count = MANY, .offsets = offsets, .contexts = rows};
    qctx_predictions_chosen chosen[QCTX_PREDICTIONS_GROUPS];

    (void)state;
    for (int64_t q = 0; q <= MANY; q++)
        offsets[q] = q;
    for (int64_t q = 0; q < MANY; q++) {
        without[q] = q + 1;
        with[q] = 0;
    }
    assert_status(qctx_predictions_choose(&set, 1, without, with, chosen, &error), QCTX_OK, &error);
    assert_int_equal(chosen[QCTX_PREDICTIONS_WON].count, MANY);
    assert_int_equal(chosen[QCTX_PREDICTIONS_WON].shown, QCTX_PREDICTIONS_EACH);
    assert_int_equal(chosen[QCTX_PREDICTIONS_WON].questions[0], MANY - 1);
    assert_int_equal(chosen[QCTX_PREDICTIONS_LOST].count, 0);
}

/* The lines of a file, each a JSON value; the caller frees the array. */
static json_t *lines_of(const char *path)
{
    json_t *lines = json_array();
    char *text = NULL;
    size_t bytes;

    assert_status(qctx_file_read(path, &text, &bytes, &error), QCTX_OK, &error);
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        json_t *object = NULL;

        assert_status(qctx_json_parse(line, strcspn(line, "\n"), path, &object, &error), QCTX_OK, &error);
        json_array_append_new(lines, object);
    }
    free(text);
    return lines;
}

static size_t at_most(int64_t count)
{
    return (size_t)(count < QCTX_PREDICTIONS_EACH ? count : QCTX_PREDICTIONS_EACH);
}

/* One line: its positions are from 1, and the first context is right exactly where the position is 1. */
static void check_line(const json_t *line, const char *group, const char *key, int64_t position)
{
    json_t *top;
    const char *told, *question, *right, *text;
    json_int_t at;
    int is_right;
    double score;

    assert_int_equal(json_unpack((json_t *)line, "{s:s, s:s, s:I, s:[{s:s}], s:o}", "group", &told, "question",
                                 &question, key, &at, "right", "text", &right, "top", &top),
                     0);
    assert_string_equal(told, group);
    assert_int_equal(at, position);
    assert_int_equal(json_array_size(top), QCTX_PREDICTIONS_TOP);
    assert_int_equal(
        json_unpack(json_array_get(top, 0), "{s:s, s:f, s:b}", "text", &text, "score", &score, "is_right", &is_right),
        0);
    assert_int_equal(is_right != 0, position == 1);
}

static void predictions_can_be_read(void **state)
{
    const qctx_protocol protocol = {.candidates = QCTX_CANDIDATES_CORPUS};
    small_store *small = small_open();
    qctx_eval_set set = set_of(small);
    int64_t positions[2 * SMALL_QUESTIONS], before[2 * SMALL_QUESTIONS];
    qctx_predictions predictions = {"small/dev", &set, &no_head, &protocol, before, positions};
    int64_t won = 0;
    json_t *lines, *header;
    FILE *out;

    (void)state;
    assert_status(qctx_evaluate(test_comm, &set, &no_head, &protocol, positions, NULL, &error), QCTX_OK, &error);
    /* As if all had been wrong without the head: what is right now is won. */
    for (int64_t a = 0; a < set.offsets[set.count]; a++)
        before[a] = 5;
    out = test_stream(test_path("read.jsonl"));
    assert_status(qctx_predictions_write(test_comm, out, &predictions, &error), QCTX_OK, &error);
    test_stream_close(out);
    lines = lines_of(test_path("read.jsonl"));
    header = json_array_get(lines, 0);
    won = json_integer_value(json_object_get(header, "won"));
    assert_true(won > 0);
    assert_int_equal(json_integer_value(json_object_get(header, "both_wrong")), set.count - won);
    assert_int_equal(json_integer_value(json_object_get(header, "lost")), 0);
    assert_string_equal(json_string_value(json_object_get(header, "source")), "small/dev");
    assert_int_equal(json_array_size(lines), 1 + at_most(won) + at_most(set.count - won));
    check_line(json_array_get(lines, 1), "won", "position_head", 1);
    json_decref(lines);

    /* The encoder alone: right or wrong, by one position. */
    predictions.no_head = positions;
    predictions.head = NULL;
    out = test_stream(test_path("alone.jsonl"));
    assert_status(qctx_predictions_write(test_comm, out, &predictions, &error), QCTX_OK, &error);
    test_stream_close(out);
    lines = lines_of(test_path("alone.jsonl"));
    header = json_array_get(lines, 0);
    assert_int_equal(json_integer_value(json_object_get(header, "right")), won);
    assert_int_equal(json_integer_value(json_object_get(header, "wrong")), set.count - won);
    assert_null(json_object_get(header, "won"));
    check_line(json_array_get(lines, 1 + at_most(set.count - won)), "right", "position", 1);
    json_decref(lines);
    small_close(small);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(groups_are_chosen_by_hand),
    cmocka_unit_test(a_group_shows_so_many_and_counts_all),
    cmocka_unit_test(predictions_can_be_read),
};
TEST_MAIN(tests)
