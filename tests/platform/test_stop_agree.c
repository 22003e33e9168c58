/* ranks: 1 2 3 5 */
#include "harness.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "qctx/platform/stop.h"

static void send_to_itself(int number)
{
    kill(getpid(), number);
    while (!qctx_stop_requested())
        usleep(100);
}

/* Those that agree with the one that was asked have heard nothing yet, as likely as not. */
static void all_agree_when_one_was_asked(void **state)
{
    qctx_error error = {0};

    (void)state;
    assert_status(qctx_stop_agree(test_comm, &error), QCTX_OK, &error);
    if (qctx_comm_rank(test_comm) == 0)
        send_to_itself(SIGTERM);
    assert_status(qctx_stop_agree(test_comm, &error), QCTX_STOPPED, &error);
    assert_string_equal(error.message, "stopped by SIGTERM");
}

/* The first request counts, and it is over for groups, too, whichever rank they ask. */
static void groups_hear_of_it(void **state)
{
    qctx_comm *group = qctx_comm_groups(test_comm, 2);
    qctx_error error = {0};

    (void)state;
    send_to_itself(SIGUSR2);
    assert_status(qctx_stop_agree(group, &error), QCTX_STOPPED, &error);
    qctx_comm_close_group(group);
    memset(&error, 0, sizeof error);
    assert_status(qctx_stop_agree(test_comm, &error), QCTX_STOPPED, &error);
    assert_string_equal(error.message, "stopped by SIGTERM");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_agree_when_one_was_asked),
        cmocka_unit_test(groups_hear_of_it),
    };

    qctx_stop_listen();
    return test_main(argc, argv, __FILE__, tests, sizeof tests / sizeof tests[0]);
}
