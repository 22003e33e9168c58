/* ranks: 1 2 */
#include "harness.h"

#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/engine/tracker.h"

static void write_step(qctx_tracker *tracker, int step)
{
    bool speaks = qctx_comm_rank(test_comm) == 0;

    qctx_tracker_write(tracker, speaks ? json_pack("{s:s, s:i}", "event", "step", "step", step) : NULL);
}

static void assert_file(const char *path, const char *expected)
{
    char *text;
    size_t bytes;

    qctx_comm_barrier(test_comm);
    assert_int_equal(qctx_file_read(path, &text, &bytes, NULL), QCTX_OK);
    assert_string_equal(text, expected);
    free(text);
    qctx_comm_barrier(test_comm);
}

/* Steps 1 to 3 are written, a checkpoint stood at 2, and the kill tore the line of step 4. */
static void a_resumed_curve_has_every_step_once(void **state)
{
    const char *path = test_path("metrics.jsonl");
    qctx_tracker *tracker;
    qctx_error error;

    (void)state;
    test_write(path, "{\"event\":\"step\",\"step\":1}\n{\"event\":\"step\",\"step\":2}\n"
                     "{\"event\":\"step\",\"step\":3}\n{\"event\":\"st");
    assert_status(qctx_tracker_open(test_comm, path, (qctx_tracker_place){2, 2}, &tracker, &error), QCTX_OK, &error);
    write_step(tracker, 3);
    assert_status(qctx_tracker_flush(tracker, &error), QCTX_OK, &error);
    qctx_tracker_close(tracker);
    assert_file(path,
                "{\"event\":\"step\",\"step\":1}\n{\"event\":\"step\",\"step\":2}\n{\"event\":\"step\",\"step\":3}\n");
}

static void a_new_run_begins_a_new_file(void **state)
{
    const char *path = test_path("new.jsonl");
    qctx_tracker *tracker;
    qctx_error error;

    (void)state;
    test_write(path, "old\n");
    assert_status(qctx_tracker_open(test_comm, path, (qctx_tracker_place){-1, -1}, &tracker, &error), QCTX_OK, &error);
    write_step(tracker, 1);
    assert_status(qctx_tracker_flush(tracker, &error), QCTX_OK, &error);
    qctx_tracker_close(tracker);
    assert_file(path, "{\"event\":\"step\",\"step\":1}\n");
}

static void a_full_disk_is_reported_by_the_flush_on_all_ranks(void **state)
{
    qctx_tracker *tracker;
    qctx_error error;

    (void)state;
    assert_status(qctx_tracker_open(test_comm, "/dev/full", (qctx_tracker_place){-1, -1}, &tracker, &error), QCTX_OK,
                  &error);
    write_step(tracker, 1);
    assert_status(qctx_tracker_flush(tracker, &error), QCTX_ERR_SPACE, &error);
    assert_contains(error.message, "No space left on device");
    qctx_tracker_close(tracker);
}

static void a_damaged_line_is_named(void **state)
{
    const char *path = test_path("damaged.jsonl");
    qctx_tracker *tracker;
    qctx_error error;

    (void)state;
    test_write(path, "{\"event\":\"step\",\"step\":1}\nnonsense\n");
    assert_status(qctx_tracker_open(test_comm, path, (qctx_tracker_place){5, 5}, &tracker, &error), QCTX_ERR_FORMAT,
                  &error);
    assert_contains(error.message, "damaged.jsonl:2");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_resumed_curve_has_every_step_once),
    cmocka_unit_test(a_new_run_begins_a_new_file),
    cmocka_unit_test(a_full_disk_is_reported_by_the_flush_on_all_ranks),
    cmocka_unit_test(a_damaged_line_is_named),
};
TEST_MAIN(tests)
