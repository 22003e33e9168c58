#include "qctx/platform/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "comm_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/wait.h"

/* A job that SLURM's time limit is about to end is stopped so many seconds before, or a share of its time if less. */
enum { END_MARGIN_MOST = 60, END_MARGIN_SHARE = 4 };

/*
 * Interrupts so near to the first are the same one: `timeout` signals its child and then the child's group, and mpirun
 * passes on what the terminal has sent to all.
 */
static const double same_interrupt = 0.5; /* seconds */

static const int listened_to[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
enum { SIGNALS = sizeof listened_to / sizeof listened_to[0] };

/* Written by the handler, on the thread that waits for signals. */
static volatile sig_atomic_t first_signal, interrupted;
static double interrupted_at; /* the handler's alone */

static struct {
    time_t end;                 /* of the job's time; 0: unknown */
    time_t margin;              /* seconds before it */
    char by[COMM_CONTROL_TEXT]; /* what asked; written once, before `known` */
    atomic_bool known;          /* `by` may be read, and the neighbours have been told */
} stop;

static void on_signal(int number)
{
    if (number == SIGINT && interrupted) {
        if (qctx_clock_seconds() - interrupted_at < same_interrupt)
            return;
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
        return;
    }
    if (number == SIGINT) {
        interrupted_at = qctx_clock_seconds();
        interrupted = 1;
    }
    if (first_signal == 0)
        first_signal = number;
}

static const char *name_of_signal(int number)
{
    switch (number) {
    case SIGTERM:
        return "SIGTERM";
    case SIGINT:
        return "Ctrl-C";
    case SIGUSR1:
        return "SIGUSR1";
    default:
        return "SIGUSR2";
    }
}

/* SLURM gives the end as seconds of UNIX. What is no number, or has passed already, says nothing about this job. */
static time_t end_of_job(void)
{
    const char *text = getenv("SLURM_JOB_END_TIME");
    char *end;
    long long seconds;

    if (text == NULL || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    seconds = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || (time_t)seconds <= time(NULL))
        return 0;
    return (time_t)seconds;
}

static time_t margin_before(time_t end)
{
    time_t share = (end - time(NULL)) / END_MARGIN_SHARE;

    return share < END_MARGIN_MOST ? share : END_MARGIN_MOST;
}

static void *wait_for_signals(void *ours)
{
    pthread_sigmask(SIG_UNBLOCK, ours, NULL);
    while (true)
        pause();
    return NULL;
}

/*
 * Signals are for a thread that only waits. Products compiled at run time by oneDNN keep values where a handler on
 * their stack would write: a signal in the middle of one damaged memory, and with it results. Where there is no such
 * thread, this one hears them.
 */
static void leave_signals_to_a_thread(void)
{
    static sigset_t ours;
    pthread_t listener;

    sigemptyset(&ours);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&ours, listened_to[i]);
    if (pthread_create(&listener, NULL, wait_for_signals, &ours) != 0)
        return;
    pthread_detach(listener);
    pthread_sigmask(SIG_BLOCK, &ours, NULL);
}

static bool time_is_up(void)
{
    return stop.end != 0 && time(NULL) >= stop.end - stop.margin;
}

/* Each rank passes a request on once: to all neighbours, or to those that it does not come from. */
static void pass_on(int except)
{
    comm_control message = {.kind = COMM_CONTROL_STOP};

    memcpy(message.text, stop.by, sizeof message.text);
    atomic_store(&stop.known, true);
    comm_control_spread(&message, except);
}

/* Passes on that this rank was asked to stop, if it was and has not yet. */
static void tell_request(void)
{
    struct tm utc;

    if (atomic_load(&stop.known))
        return;
    if (first_signal != 0) {
        snprintf(stop.by, sizeof stop.by, "by %s", name_of_signal(first_signal));
    } else if (time_is_up()) {
        gmtime_r(&stop.end, &utc);
        strftime(stop.by, sizeof stop.by, "since SLURM's time limit is near (ends %H:%M:%S UTC)", &utc);
    } else {
        return;
    }
    pass_on(-1);
}

/* Another rank was asked. */
static void take_request(int from, const comm_control *message)
{
    if (atomic_load(&stop.known))
        return;
    memcpy(stop.by, message->text, sizeof stop.by);
    stop.by[sizeof stop.by - 1] = '\0';
    pass_on(from);
}

/* What is looked at while something else is waited for. */
static qctx_status look(qctx_error *error)
{
    qctx_comm_tell_alive();
    return qctx_stop_check(error);
}

void qctx_stop_listen(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    stop.end = end_of_job();
    stop.margin = margin_before(stop.end);
    comm_control_register(COMM_CONTROL_STOP, take_request);
    comm_control_register_looker(tell_request);
    qctx_wait_set_look(look);
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) {
        struct sigaction before;

        /* A shell that starts a job in the background sets Ctrl-C to be ignored, since it is meant for another. */
        if (sigaction(listened_to[i], NULL, &before) == 0 &&
            !(listened_to[i] == SIGINT && before.sa_handler == SIG_IGN))
            sigaction(listened_to[i], &action, NULL);
    }
    leave_signals_to_a_thread();
}

bool qctx_stop_requested(void)
{
    comm_control_poll();
    return first_signal != 0 || atomic_load(&stop.known);
}

qctx_status qctx_stop_check(qctx_error *error)
{
    if (!qctx_stop_requested())
        return QCTX_OK;
    if (atomic_load(&stop.known))
        qctx_fail(error, QCTX_STOPPED, "stopped %s", stop.by);
    else
        qctx_fail(error, QCTX_STOPPED, "stopped by %s", name_of_signal(first_signal));
    qctx_hint(error, "nothing is lost: start the same command again");
    return QCTX_STOPPED;
}

qctx_status qctx_stop_agree(qctx_comm *comm, qctx_error *error)
{
    return qctx_agree(comm, qctx_stop_check(error), error);
}
