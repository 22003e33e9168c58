/* ranks: 1 2 */
#include "harness.h"

#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/run/metrics_log.h"

static void write_step(qctx_metrics_log *log, int step)
{
    bool speaks = qctx_comm_rank(test_comm) == 0;

    qctx_metrics_log_write(log, speaks ? json_pack("{s:s, s:i}", "event", "step", "step", step) : NULL);
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
    qctx_metrics_log *log;
    qctx_error error;

    (void)state;
    test_write(path, "{\"event\":\"step\",\"step\":1}\n{\"event\":\"step\",\"step\":2}\n"
                     "{\"event\":\"step\",\"step\":3}\n{\"event\":\"st");
    assert_status(qctx_metrics_log_open(test_comm, path, (qctx_metrics_log_place){2, 2}, &log, &error), QCTX_OK,
                  &error);
    write_step(log, 3);
    assert_status(qctx_metrics_log_flush(log, &error), QCTX_OK, &error);
    qctx_metrics_log_close(log);
    assert_file(path,
                "{\"event\":\"step\",\"step\":1}\n{\"event\":\"step\",\"step\":2}\n{\"event\":\"step\",\"step\":3}\n");
}

static void a_new_run_begins_a_new_file(void **state)
{
    const char *path = test_path("new.jsonl");
    qctx_metrics_log *log;
    qctx_error error;

    (void)state;
    test_write(path, "old\n");
    assert_status(qctx_metrics_log_open(test_comm, path, (qctx_metrics_log_place){-1, -1}, &log, &error), QCTX_OK,
                  &error);
    write_step(log, 1);
    assert_status(qctx_metrics_log_flush(log, &error), QCTX_OK, &error);
    qctx_metrics_log_close(log);
    assert_file(path, "{\"event\":\"step\",\"step\":1}\n");
}

static void a_full_disk_is_reported_by_the_flush_on_all_ranks(void **state)
{
    qctx_metrics_log *log;
    qctx_error error;

    (void)state;
    assert_status(qctx_metrics_log_open(test_comm, "/dev/full", (qctx_metrics_log_place){-1, -1}, &log, &error),
                  QCTX_OK, &error);
    write_step(log, 1);
    assert_status(qctx_metrics_log_flush(log, &error), QCTX_ERR_SPACE, &error);
    assert_contains(error.message, "No space left on device");
    qctx_metrics_log_close(log);
}

static void a_damaged_line_is_named(void **state)
{
    const char *path = test_path("damaged.jsonl");
    qctx_metrics_log *log;
    qctx_error error;

    (void)state;
    test_write(path, "{\"event\":\"step\",\"step\":1}\nnonsense\n");
    assert_status(qctx_metrics_log_open(test_comm, path, (qctx_metrics_log_place){5, 5}, &log, &error), QCTX_ERR_FORMAT,
                  &error);
    assert_contains(error.message, "damaged.jsonl:2");
}

#define STEP(number)        "{\"event\":\"step\",\"step\":" number "}\n"
#define EVENT(kind, number) "{\"event\":\"" kind "\",\"step\":" number "}\n"

/* The checkpoint of step 2 was kept while its evaluation was under way: that is taken again, and so is what follows. */
static void an_evaluation_that_was_interrupted_goes(void **state)
{
    const char *path = test_path("evaluated.jsonl");
    qctx_metrics_log *log;
    qctx_error error;

    (void)state;
    test_write(path, EVENT("choice", "0") EVENT("eval", "0") STEP("1") EVENT("eval", "1") STEP("2") EVENT("choice", "2")
                         EVENT("eval", "2") STEP("3"));
    assert_status(qctx_metrics_log_open(test_comm, path, (qctx_metrics_log_place){2, 1}, &log, &error), QCTX_OK,
                  &error);
    qctx_metrics_log_close(log);
    assert_file(path, EVENT("choice", "0") EVENT("eval", "0") STEP("1") EVENT("eval", "1") STEP("2"));
}

/* Before the first evaluation was complete, nothing was. */
static void a_run_that_was_stopped_at_its_start_begins_an_empty_curve(void **state)
{
    const char *path = test_path("start.jsonl");
    qctx_metrics_log *log;
    qctx_error error;

    (void)state;
    test_write(path, EVENT("choice", "0") "{\"event\":");
    assert_status(qctx_metrics_log_open(test_comm, path, (qctx_metrics_log_place){0, -1}, &log, &error), QCTX_OK,
                  &error);
    qctx_metrics_log_close(log);
    assert_file(path, "");
}

static void assert_refused(const char *text, int64_t step, const char *message)
{
    const char *path = test_path("refused.jsonl");
    qctx_metrics_log *log;
    qctx_error error;

    test_write(path, text);
    assert_status(qctx_metrics_log_open(test_comm, path, (qctx_metrics_log_place){step, 0}, &log, &error),
                  QCTX_ERR_DATA, &error);
    assert_contains(error.message, message);
    assert_file(path, text);
}

static void a_curve_that_lacks_a_step_is_refused(void **state)
{
    (void)state;
    assert_refused(STEP("1") STEP("3"), 3, "refused.jsonl:2: step 3, expected step 2");
    assert_refused(STEP("1") STEP("2") STEP("2"), 2, "refused.jsonl:3: step 2, expected step 3");
    assert_refused(STEP("1") STEP("2"), 4, "step 3 is missing, the checkpoint has 4 steps");
    assert_refused(STEP("1") "{\"event\":\"step\",\"step\":2}", 2, "step 2 is missing");
    assert_refused("", 1, "step 1 is missing");
}

static void a_curve_that_is_gone_is_named(void **state)
{
    qctx_metrics_log *log;
    qctx_error error;

    (void)state;
    assert_status(
        qctx_metrics_log_open(test_comm, test_path("absent.jsonl"), (qctx_metrics_log_place){2, 0}, &log, &error),
        QCTX_ERR_IO, &error);
    assert_contains(error.message, "absent.jsonl");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_resumed_curve_has_every_step_once),
    cmocka_unit_test(a_new_run_begins_a_new_file),
    cmocka_unit_test(a_full_disk_is_reported_by_the_flush_on_all_ranks),
    cmocka_unit_test(a_damaged_line_is_named),
    cmocka_unit_test(an_evaluation_that_was_interrupted_goes),
    cmocka_unit_test(a_run_that_was_stopped_at_its_start_begins_an_empty_curve),
    cmocka_unit_test(a_curve_that_lacks_a_step_is_refused),
    cmocka_unit_test(a_curve_that_is_gone_is_named),
};
TEST_MAIN(tests)
