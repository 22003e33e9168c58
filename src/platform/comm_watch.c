/*
 * The watch over ranks that do not come. No threads: a rank that waits looks at the clock.
 *
 * Where a wait takes long, the first ranks of the communicator, its watchmen, ask all others what they do, and ask
 * again; whoever waits or works answers (comm_control_poll). A rank is silent when it has not answered for the
 * time-out. The first watchman that waits and misses somebody says so and ends the job. The other ranks ask the
 * watchmen alone, and act when all of them are silent.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "comm_internal.h"

#include "qctx/base/clock.h"
#include "qctx/base/log.h"

enum {
    WATCHMEN = 4,
    ROUNDS = 8, /* of questions in the time-out; the first where an eighth of it has passed */
    NAMED_MOST = 16,
    SPEAK_SECONDS = 2, /* that a rank gives the one before it to speak: mpirun ends all within a second */
    SPEAK_SECONDS_MOST = 60
};

static const double look_seconds = 1e-3;

/* A longer time between two looks means that this rank itself was suspended, which says nothing about the others. */
static const double gap_most = 0.25;

/* What is known of a rank of the communicator; times are those of watch.waited. */
typedef struct {
    bool is_asked;       /* and has not answered yet */
    bool is_heard;       /* in this wait */
    double heard;        /* when; 0 at first */
    comm_control answer; /* the last */
} member;

static struct {
    double timeout;
    const char *phase;
    char (*hosts)[COMM_CONTROL_TEXT]; /* of all ranks */
    qctx_comm *comm;                  /* in which this rank waits, or NULL */
    double looked;
    double waited; /* in this wait, or since something last came */
    bool asks;     /* whether this wait has begun to ask */
    double next_round;
    int32_t serial; /* of this wait's questions */
    member *members;
    int64_t member_capacity;
} watch = {.phase = "the start"};

static void take_question(int from, const comm_control *message)
{
    comm_control answer = {.kind = COMM_CONTROL_ANSWER, .serial = message->serial};

    if (watch.comm != NULL) {
        answer.comm_first = watch.comm->world_first;
        answer.comm_size = watch.comm->size;
        answer.collective = watch.comm->collectives;
        answer.waited = watch.waited;
    }
    snprintf(answer.text, sizeof answer.text, "%s", watch.phase);
    comm_control_send(from, &answer);
}

static void take_answer(int from, const comm_control *message)
{
    member *who;

    /* An answer to what an earlier wait has asked says nothing any more. */
    if (watch.comm == NULL || !watch.asks || message->serial != watch.serial)
        return;
    who = &watch.members[from - watch.comm->world_first];
    who->is_asked = false;
    who->is_heard = true;
    who->heard = watch.waited;
    who->answer = *message;
    who->answer.text[COMM_CONTROL_TEXT - 1] = '\0';
}

void comm_watch_start(void)
{
    char host[COMM_CONTROL_TEXT] = "";
    int size;

    comm_control_register(COMM_CONTROL_ASK, take_question);
    comm_control_register(COMM_CONTROL_ANSWER, take_answer);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    snprintf(host, sizeof host, "%s", qctx_comm_host());
    watch.hosts = comm_alloc(size, sizeof *watch.hosts, "the names of hosts");
    comm_check(MPI_Allgather(host, sizeof host, MPI_CHAR, watch.hosts, sizeof host, MPI_CHAR, MPI_COMM_WORLD),
               "MPI_Allgather");
}

void comm_watch_finish(void)
{
    free(watch.hosts);
    free(watch.members);
}

void qctx_comm_set_hang_timeout(double seconds)
{
    watch.timeout = seconds;
}

double qctx_comm_hang_timeout(void)
{
    return watch.timeout;
}

const char *qctx_comm_set_phase(const char *phase)
{
    const char *before = watch.phase;

    watch.phase = phase;
    return before;
}

void qctx_comm_tell_alive(void)
{
    comm_control_poll();
}

static bool is_watchman(void)
{
    return watch.comm->rank < WATCHMEN;
}

/* How many ranks, from the first on, this one asks. */
static int asked_ranks(void)
{
    return is_watchman() || watch.comm->size < WATCHMEN ? watch.comm->size : WATCHMEN;
}

static void begin_to_ask(void)
{
    comm_grow((void **)&watch.members, &watch.member_capacity, watch.comm->size, sizeof *watch.members,
              "what other ranks do");
    memset(watch.members, 0, (size_t)watch.comm->size * sizeof *watch.members);
    watch.asks = true;
    watch.next_round = watch.waited;
    watch.serial++;
}

static void ask(void)
{
    const comm_control question = {.kind = COMM_CONTROL_ASK, .serial = watch.serial};

    watch.next_round = watch.waited + watch.timeout / ROUNDS;
    for (int r = 0; r < asked_ranks(); r++)
        if (r != watch.comm->rank && !watch.members[r].is_asked) {
            watch.members[r].is_asked = true;
            comm_control_send(watch.comm->world_first + r, &question);
        }
}

static bool is_silent(int rank)
{
    return rank != watch.comm->rank && watch.waited - watch.members[rank].heard >= watch.timeout;
}

static bool waits_here(int rank)
{
    const member *who = &watch.members[rank];

    return who->is_heard && who->answer.comm_first == watch.comm->world_first &&
           who->answer.comm_size == watch.comm->size;
}

/* Ranks in words: the first of them by name, the others by their number. */
typedef struct {
    char text[QCTX_ERROR_MESSAGE_MAX / 2];
    size_t used;
    int count;
} rank_list;

static void say(rank_list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(rank_list *list, const char *format, ...)
{
    size_t free_bytes = sizeof list->text - list->used;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(list->text + list->used, free_bytes, format, arguments);
    va_end(arguments);
    list->used += length > 0 && (size_t)length < free_bytes ? (size_t)length : 0;
}

/* Begins an entry with the number among all ranks; whether it is to be said at all. */
static bool begin_entry(rank_list *list, int rank)
{
    const int number = watch.comm->world_first + rank;

    if (list->count++ >= NAMED_MOST)
        return false;
    say(list, "%srank %d on %s", list->count > 1 ? ", " : "", number, watch.hosts[number]);
    return true;
}

static void end_list(rank_list *list)
{
    if (list->count > NAMED_MOST)
        say(list, " and %d more", list->count - NAMED_MOST);
}

static void list_silent(rank_list *list)
{
    for (int r = 0; r < asked_ranks(); r++)
        if (is_silent(r) && begin_entry(list, r))
            say(list, " (%.0f s)", watch.waited - watch.members[r].heard);
    end_list(list);
}

/* Those that wait in another collective than this rank, as when a defect lets one leave without the others. */
static void list_elsewhere(rank_list *list)
{
    for (int r = 0; r < asked_ranks(); r++) {
        const comm_control *answer = &watch.members[r].answer;

        if (r != watch.comm->rank && !is_silent(r) && waits_here(r) && answer->collective != watch.comm->collectives &&
            begin_entry(list, r))
            say(list, " waits in collective %lld (%s)", (long long)answer->collective, answer->text);
    }
    end_list(list);
}

static void end_job(const rank_list *silent)
{
    rank_list elsewhere = {0};
    qctx_error error;

    list_elsewhere(&elsewhere);
    if (silent->count > 0)
        qctx_fail(&error, QCTX_ERR_HUNG, "%s: no sign of %s", watch.phase, silent->text);
    else
        qctx_fail(&error, QCTX_ERR_HUNG, "%s: all ranks have been waiting for each other for %.0f s", watch.phase,
                  watch.waited);
    qctx_error_append(&error, "rank %d waits for them in collective %lld", watch.comm->world_first + watch.comm->rank,
                      (long long)watch.comm->collectives);
    if (elsewhere.count > 0)
        qctx_error_append(&error, "%-s", elsewhere.text);
    qctx_hint(&error,
              "ranks may be silent for %.0f s (run.hang_timeout); what is on the disk is whole: start the same command "
              "again, train with --resume auto",
              watch.timeout);
    qctx_log_error(&error);
    comm_abort(QCTX_ERR_HUNG);
}

/* Whether all others wait here, too, and for as long: then nothing will come. */
static bool all_wait(void)
{
    for (int r = 0; r < watch.comm->size; r++)
        if (r != watch.comm->rank && !(waits_here(r) && watch.members[r].answer.waited >= watch.timeout))
            return false;
    return true;
}

static void end_if_hung(void)
{
    rank_list silent = {0};

    list_silent(&silent);
    if (is_watchman() ? silent.count > 0 || all_wait() : silent.count == WATCHMEN)
        end_job(&silent);
}

/* Seconds after the time-out when this rank may speak: the lowest that lives speaks alone. */
static double patience(void)
{
    double seconds = (double)SPEAK_SECONDS * watch.comm->rank;

    return seconds < SPEAK_SECONDS_MOST ? seconds : SPEAK_SECONDS_MOST;
}

void comm_wait_begin(qctx_comm *comm)
{
    watch.looked = qctx_clock_seconds();
    watch.waited = 0;
    watch.asks = false;
    watch.comm = comm;
    comm_control_poll();
}

void comm_wait_look(void)
{
    double now = qctx_clock_seconds(), gap = now - watch.looked;

    if (gap < look_seconds)
        return;
    watch.looked = now;
    watch.waited += gap < gap_most ? gap : gap_most;
    comm_control_poll();
    if (watch.timeout <= 0 || watch.waited < watch.timeout / ROUNDS)
        return;
    if (!watch.asks)
        begin_to_ask();
    if (watch.waited >= watch.next_round)
        ask();
    if (watch.waited >= watch.timeout + patience())
        end_if_hung();
}

void comm_wait_got_on(void)
{
    watch.waited = 0;
    watch.asks = false;
}

void comm_wait_end(void)
{
    watch.comm = NULL;
}
