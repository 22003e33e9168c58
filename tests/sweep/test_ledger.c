/* ranks: 1 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"
#include "qctx/sweep/ledger.h"

enum { PARAMETERS = 2 };

static json_t *begun(int trial)
{
    return json_pack("{s:s, s:i, s:[f,f], s:[s,s]}", "event", "begun", "trial", trial, "units", 0.25, 0.5, "overrides",
                     "optim.lr=0.001", "model.hidden=8");
}

static json_t *taken(int trial, int step)
{
    return json_pack("{s:s, s:i, s:i}", "event", "taken", "trial", trial, "step", step);
}

static json_t *paused(int trial, int rung, double metric)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:f, s:f}", "event", "paused", "trial", trial, "rung", rung, "epoch",
                     rung + 1, "metric", metric, "seconds", 2.5);
}

static json_t *finished(int trial, double metric)
{
    return json_pack("{s:s, s:i, s:i, s:f, s:f, s:f, s:f}", "event", "finished", "trial", trial, "epoch", 9, "metric",
                     metric, "no_head", 0.25, "strength", 0.5, "seconds", 4.5);
}

static qctx_ledger *open_ledger(const char *folder)
{
    qctx_ledger *ledger = NULL;
    qctx_error error;

    assert_status(qctx_ledger_open(folder, PARAMETERS, true, &ledger, &error), QCTX_OK, &error);
    return ledger;
}

static void append(qctx_ledger *ledger, json_t *event)
{
    qctx_error error;

    assert_status(qctx_ledger_lock(ledger, &error), QCTX_OK, &error);
    assert_status(qctx_ledger_append(ledger, event, &error), QCTX_OK, &error);
    qctx_ledger_unlock(ledger);
}

static void another_reads_what_one_appended(void **state)
{
    const char *folder = test_path("shared");
    qctx_ledger *one = open_ledger(folder), *other = open_ledger(folder);
    const qctx_trial *trials;
    qctx_error error;
    int64_t count;

    (void)state;
    append(one, begun(7));
    append(one, paused(7, 0, 0.5));
    append(other, begun(3));
    append(other, taken(7, 12));
    append(one, paused(7, 1, 0.625));
    append(one, taken(7, 24));
    append(other, finished(7, 0.75));
    append(one, json_pack("{s:s, s:i, s:i, s:s}", "event", "failed", "trial", 3, "code", 12, "message", "it diverged"));
    assert_status(qctx_ledger_refresh(other, &error), QCTX_OK, &error);
    trials = qctx_ledger_trials(other, &count);
    assert_int_equal(count, 2);
    assert_int_equal(trials[0].index, 3);
    assert_int_equal(trials[0].state, QCTX_TRIAL_FAILED);
    assert_int_equal(trials[0].code, 12);
    assert_string_equal(trials[0].message, "it diverged");
    assert_int_equal(trials[1].index, 7);
    assert_int_equal(trials[1].state, QCTX_TRIAL_FINISHED);
    assert_int_equal(trials[1].rung, 1);
    assert_true(trials[1].metrics[0] == 0.5 && trials[1].metrics[1] == 0.625 && trials[1].metric == 0.75);
    assert_true(trials[1].units[0] == 0.25 && trials[1].no_head == 0.25 && trials[1].strength == 0.5);
    assert_string_equal(trials[1].overrides[1], "model.hidden=8");
    assert_int_equal(trials[1].epoch, 9);
    qctx_ledger_close(one);
    qctx_ledger_close(other);
}

/* Takes count what did not advance: a checkpoint of a later step, a rung and a stop in good order begin anew. */
static void takes_count_those_without_advance(void **state)
{
    qctx_ledger *ledger = open_ledger(test_path("takes"));
    int64_t count;

    (void)state;
    append(ledger, begun(0));
    append(ledger, taken(0, 0));
    append(ledger, taken(0, 0));
    assert_int_equal(qctx_ledger_trials(ledger, &count)->takes, 3);
    append(ledger, taken(0, 5));
    assert_int_equal(qctx_ledger_trials(ledger, &count)->takes, 1);
    append(ledger, taken(0, 5));
    assert_int_equal(qctx_ledger_trials(ledger, &count)->takes, 2);
    append(ledger, json_pack("{s:s, s:i}", "event", "stopped", "trial", 0));
    assert_int_equal(qctx_ledger_trials(ledger, &count)->takes, 0);
    assert_int_equal(qctx_ledger_trials(ledger, &count)->state, QCTX_TRIAL_RUNNING);
    append(ledger, paused(0, 0, 0.5));
    append(ledger, taken(0, 5));
    assert_int_equal(qctx_ledger_trials(ledger, &count)->takes, 1);
    qctx_ledger_close(ledger);
}

/* A ledger cut anywhere in its last line loses that line and nothing else, and goes on from there. */
static void a_torn_last_line_is_cut_off(void **state)
{
    const char *folder = test_path("torn"), *path = test_path("torn/ledger.jsonl");
    qctx_ledger *ledger = open_ledger(folder);
    char *whole = NULL, *text = NULL;
    size_t bytes, first, after;
    qctx_error error;

    (void)state;
    append(ledger, begun(0));
    append(ledger, begun(1));
    qctx_ledger_close(ledger);
    assert_status(qctx_file_read(path, &whole, &bytes, &error), QCTX_OK, &error);
    first = strcspn(whole, "\n") + 1;
    for (size_t cut = first; cut < bytes; cut++) {
        int64_t count;

        assert_status(qctx_file_write(path, whole, cut, &error), QCTX_OK, &error);
        ledger = open_ledger(folder);
        assert_status(qctx_ledger_refresh(ledger, &error), QCTX_OK, &error);
        qctx_ledger_trials(ledger, &count);
        assert_int_equal(count, 1);
        assert_status(qctx_ledger_lock(ledger, &error), QCTX_OK, &error);
        qctx_ledger_unlock(ledger);
        assert_status(qctx_file_read(path, &text, &after, &error), QCTX_OK, &error);
        assert_int_equal(after, first);
        free(text);
        qctx_ledger_close(ledger);
    }
    ledger = open_ledger(folder);
    append(ledger, begun(2));
    qctx_ledger_close(ledger);
    assert_status(qctx_file_read(path, &text, &after, &error), QCTX_OK, &error);
    assert_memory_equal(text, whole, first);
    assert_int_equal(after, bytes);
    free(text);
    free(whole);
}

/* Lines that no sweep writes, behind the beginning of trial 0. */
static void damaged_lines_are_refused_with_their_number(void **state)
{
    static const char begin[] =
        "{\"event\":\"begun\",\"trial\":0,\"units\":[0.5,0.5],\"overrides\":[\"a=1\",\"b=2\"]}\n";
    static const char *const bad[] = {
        "",
        "\n[]",
        "null",
        "{\"event\":\"finished\"",
        "{}",
        "{\"event\":\"begun\"}",
        "{\"event\":\"born\",\"trial\":0}",
        "{\"event\":\"taken\",\"trial\":-1}",
        "{\"event\":\"taken\",\"trial\":1e3}",
        "{\"event\":\"taken\",\"trial\":1}",
        "{\"event\":\"taken\",\"trial\":0,\"step\":-4}",
        "{\"event\":\"taken\",\"trial\":0,\"trial\":0}",
        "{\"event\":\"begun\",\"trial\":0,\"units\":[0.5,0.5],\"overrides\":[\"a=1\",\"b=2\"]}",
        "{\"event\":\"begun\",\"trial\":1,\"units\":[0.5],\"overrides\":[\"a=1\"]}",
        "{\"event\":\"begun\",\"trial\":1,\"units\":[0.5,1.5],\"overrides\":[\"a=1\",\"b=2\"]}",
        "{\"event\":\"begun\",\"trial\":1,\"units\":[0.5,\"x\"],\"overrides\":[\"a=1\",\"b=2\"]}",
        "{\"event\":\"begun\",\"trial\":1,\"units\":[0.5,0.5],\"overrides\":[\"a=1\",2]}",
        "{\"event\":\"paused\",\"trial\":0,\"rung\":1,\"epoch\":1,\"metric\":0.5,\"seconds\":1}",
        "{\"event\":\"paused\",\"trial\":0,\"rung\":0,\"epoch\":1,\"seconds\":1}",
        "{\"event\":\"finished\",\"trial\":0,\"epoch\":1,\"metric\":\"x\",\"no_head\":0,\"strength\":1,\"seconds\":1}",
        "{\"event\":\"failed\",\"trial\":0,\"code\":0,\"message\":\"x\"}",
        "{\"event\":\"failed\",\"trial\":0,\"code\":10}",
    };
    const char *folder = test_path("damaged"), *path = test_path("damaged/ledger.jsonl");

    (void)state;
    for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
        qctx_ledger *ledger = open_ledger(folder);
        qctx_error error;
        char text[512];
        qctx_status status;

        snprintf(text, sizeof text, "%s%s\n", begin, bad[b]);
        test_write(path, text);
        status = qctx_ledger_lock(ledger, &error);
        if (status != QCTX_ERR_FORMAT)
            fprintf(stderr, "taken: %s\n", bad[b]);
        assert_int_equal(status, QCTX_ERR_FORMAT);
        assert_contains(error.message, "ledger.jsonl:2");
        /* The lock is free again. */
        test_write(path, begin);
        qctx_ledger_close(ledger);
        ledger = open_ledger(folder);
        assert_status(qctx_ledger_lock(ledger, &error), QCTX_OK, &error);
        qctx_ledger_close(ledger);
    }
}

static void a_trial_finishes_once(void **state)
{
    qctx_ledger *ledger = open_ledger(test_path("once"));
    qctx_error error;

    (void)state;
    append(ledger, begun(0));
    append(ledger, finished(0, 0.5));
    assert_status(qctx_ledger_lock(ledger, &error), QCTX_OK, &error);
    assert_int_equal(qctx_ledger_append(ledger, finished(0, 0.6), &error), QCTX_ERR_FORMAT);
    assert_contains(error.message, "has finished");
    assert_int_equal(qctx_ledger_append(ledger, taken(0, 1), &error), QCTX_ERR_FORMAT);
    qctx_ledger_close(ledger);
}

/* Four processes begin trials, each the next that none has begun: every index stands there once. */
static void processes_take_turns(void **state)
{
    enum { WRITERS = 4, EACH = 25 };
    const char *folder = test_path("turns");
    qctx_ledger *ledger = open_ledger(folder);
    const qctx_trial *trials;
    pid_t writers[WRITERS];
    qctx_error error;
    int64_t count;

    (void)state;
    for (int w = 0; w < WRITERS; w++) {
        writers[w] = fork();
        if (writers[w] == 0) {
            qctx_ledger *own = NULL;
            qctx_status status = qctx_ledger_open(folder, PARAMETERS, true, &own, &error);

            for (int i = 0; i < EACH && status == QCTX_OK; i++) {
                status = qctx_ledger_lock(own, &error);
                if (status != QCTX_OK)
                    break;
                qctx_ledger_trials(own, &count);
                status = qctx_ledger_append(own, begun((int)count), &error);
                qctx_ledger_unlock(own);
            }
            _exit((int)status);
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        int code = -1;

        assert_int_equal(waitpid(writers[w], &code, 0), writers[w]);
        assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
    }
    assert_status(qctx_ledger_refresh(ledger, &error), QCTX_OK, &error);
    trials = qctx_ledger_trials(ledger, &count);
    assert_int_equal(count, WRITERS * EACH);
    for (int64_t t = 0; t < count; t++)
        assert_int_equal(trials[t].index, t);
    qctx_ledger_close(ledger);
}

/* A process that takes the lock and keeps it, for so many milliseconds or for ever. */
static pid_t start_holder(const char *folder, int milliseconds)
{
    int said[2];
    char word = '-';
    pid_t child;

    assert_int_equal(pipe(said), 0);
    child = fork();
    if (child == 0) {
        qctx_ledger *ledger = open_ledger(folder);

        if (qctx_ledger_lock(ledger, NULL) != QCTX_OK || write(said[1], &word, 1) != 1)
            _exit(1);
        if (milliseconds < 0)
            pause();
        usleep((useconds_t)milliseconds * 1000);
        _exit(0);
    }
    assert_int_equal(read(said[0], &word, 1), 1);
    close(said[0]);
    close(said[1]);
    return child;
}

static void a_lock_is_waited_for_but_not_for_ever(void **state)
{
    const char *folder = test_path("kept");
    qctx_ledger *ledger = open_ledger(folder);
    pid_t holder = start_holder(folder, 300);
    char name[64];
    qctx_error error;

    (void)state;
    qctx_comm_set_hang_timeout(10);
    assert_status(qctx_ledger_lock(ledger, &error), QCTX_OK, &error);
    qctx_ledger_unlock(ledger);
    waitpid(holder, NULL, 0);
    holder = start_holder(folder, -1);
    qctx_comm_set_hang_timeout(0.3);
    assert_int_equal(qctx_ledger_lock(ledger, &error), QCTX_ERR_HUNG);
    snprintf(name, sizeof name, "process %ld on ", (long)holder);
    assert_contains(error.message, name);
    assert_contains(error.message, "ledger.lock");
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    assert_status(qctx_ledger_lock(ledger, &error), QCTX_OK, &error);
    qctx_ledger_close(ledger);
    qctx_comm_set_hang_timeout(0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(another_reads_what_one_appended),
    cmocka_unit_test(takes_count_those_without_advance),
    cmocka_unit_test(a_torn_last_line_is_cut_off),
    cmocka_unit_test(damaged_lines_are_refused_with_their_number),
    cmocka_unit_test(a_trial_finishes_once),
    cmocka_unit_test(processes_take_turns),
    cmocka_unit_test(a_lock_is_waited_for_but_not_for_ever),
};

TEST_MAIN(tests)
