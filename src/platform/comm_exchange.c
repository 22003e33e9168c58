/* How exchanges go on: messages in MPI's hands, rounds one after another, waits. */
#include <stdlib.h>

#include "comm_internal.h"

#include "qctx/base/clock.h"
#include "qctx/base/multiversion.h"

enum {
    PIECE = 1 << 19,  /* bytes of a message: what is added stays in a core's cache until then */
    PIECES_MOST = 64, /* of a range that arrives in place; longer ranges have larger pieces */
    SLOTS_MOST = 16,  /* messages of a sum under way at a time, so that progress may be as rare as every few ms */
    TRIES = 4         /* looks without anything finished before progress gives up: what moves takes several */
};

/* A message in MPI's hands. */
typedef struct {
    qctx_exchange *exchange;
    char *in;      /* where it will be copied or added to; NULL: nothing comes in */
    int64_t bytes; /* of what comes in */
    int slot;      /* of the exchange's buffer; −1: it arrives in place */
} message;

/* All messages of all exchanges, flat, as MPI_Testsome wants them. */
static struct {
    MPI_Request *requests;
    message *messages;
    message *finished; /* of one MPI_Testsome */
    int *indices;      /* of one MPI_Testsome */
    int64_t request_capacity, message_capacity, finished_capacity, index_capacity;
    int count;
    int unposted; /* exchanges that have messages to post yet */
} active;

/* The largest buffer of a past exchange, kept for the next: fresh pages would cost as much as what arrives in them. */
static struct {
    char *buffer;
    int64_t bytes;
} spare;

QCTX_MULTIVERSION
static void add_floats(float *restrict sum, const float *restrict values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sum[i] += values[i];
}

QCTX_MULTIVERSION
static void add_doubles(double *restrict sum, const double *restrict values, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sum[i] += values[i];
}

qctx_exchange *comm_exchange_create(qctx_comm *comm, MPI_Comm mpi, int tag, int64_t most)
{
    qctx_exchange *exchange = comm_alloc(1, sizeof *exchange + (size_t)most * sizeof(comm_round), "an exchange");

    exchange->comm = comm;
    exchange->mpi = mpi;
    exchange->tag = tag;
    return exchange;
}

/* Room for one more request; the caller fills it before the next. */
static MPI_Request *hand_over(qctx_exchange *exchange, char *in, int64_t bytes, int slot)
{
    int64_t needed = (int64_t)active.count + 1;

    comm_grow((void **)&active.requests, &active.request_capacity, needed, sizeof *active.requests, "requests");
    comm_grow((void **)&active.messages, &active.message_capacity, needed, sizeof *active.messages,
              "messages under way");
    comm_grow((void **)&active.finished, &active.finished_capacity, needed, sizeof *active.finished,
              "finished messages");
    comm_grow((void **)&active.indices, &active.index_capacity, needed, sizeof *active.indices, "finished messages");
    active.messages[active.count] = (message){exchange, in, bytes, slot};
    exchange->pending++;
    return &active.requests[active.count++];
}

/*
 * The next message of a range: from `done` of its bytes on, up to `limit`, not across the end of the exchange's bytes.
 * Sender and receiver cut alike, since they know the same range.
 */
static int next_piece(const qctx_exchange *exchange, int64_t first, int64_t bytes, int64_t done, int64_t limit,
                      int64_t *at)
{
    int64_t piece = bytes - done;

    *at = (first + done) % exchange->bytes;
    if (piece > exchange->bytes - *at)
        piece = exchange->bytes - *at;
    return (int)(piece < limit ? piece : limit);
}

/*
 * Many messages at a time, since without single copies between processes Open MPI moves but three fragments of 32 KiB
 * of a message each time that both ranks drive it.
 */
static int64_t piece_limit(comm_arrival arrival, int64_t bytes)
{
    int64_t limit = bytes / PIECES_MOST / PIECE * PIECE;

    if (arrival != COMM_COPY || limit < PIECE)
        return PIECE;
    return limit < COMM_PIECE ? limit : COMM_PIECE;
}

static void post_sends(qctx_exchange *exchange, const comm_round *round)
{
    int64_t limit = piece_limit(round->arrival, round->out_bytes), at;

    for (int64_t done = 0; done < round->out_bytes;) {
        int piece = next_piece(exchange, round->out_first, round->out_bytes, done, limit, &at);
        MPI_Request *request = hand_over(exchange, NULL, 0, -1);

        comm_check(MPI_Isend(exchange->out + at, piece, MPI_BYTE, round->to, exchange->tag, exchange->mpi, request),
                   "MPI_Isend");
        done += piece;
    }
}

/* As many receives as there is room for: all of them where they arrive in place. */
static void post_receives(qctx_exchange *exchange, const comm_round *round)
{
    bool adds = round->arrival != COMM_COPY;
    int64_t limit = piece_limit(round->arrival, round->in_bytes), at;

    while (exchange->in_posted < round->in_bytes && (!adds || exchange->free_slots != 0)) {
        int piece = next_piece(exchange, round->in_first, round->in_bytes, exchange->in_posted, limit, &at);
        int slot = adds ? __builtin_ctz(exchange->free_slots) : -1;
        char *place = adds ? exchange->buffer + slot * exchange->slot_bytes : exchange->in + at;
        MPI_Request *request = hand_over(exchange, exchange->in + at, piece, slot);

        if (adds)
            exchange->free_slots &= ~((uint32_t)1 << slot);
        comm_check(MPI_Irecv(place, piece, MPI_BYTE, round->from, exchange->tag, exchange->mpi, request), "MPI_Irecv");
        exchange->in_posted += piece;
    }
}

static void note_if_posted(qctx_exchange *exchange)
{
    bool is_last = exchange->round + 1 >= exchange->round_count;

    if (exchange->posted || !is_last ||
        (exchange->round < exchange->round_count && exchange->in_posted < exchange->rounds[exchange->round].in_bytes))
        return;
    exchange->posted = true;
    active.unposted--;
}

static void begin_round(qctx_exchange *exchange)
{
    if (exchange->round >= exchange->round_count)
        return;
    exchange->in_posted = 0;
    post_receives(exchange, &exchange->rounds[exchange->round]);
    post_sends(exchange, &exchange->rounds[exchange->round]);
}

/* Posts what may be posted, and begins the next round where one is over. */
static void advance(qctx_exchange *exchange)
{
    do {
        if (exchange->round < exchange->round_count)
            post_receives(exchange, &exchange->rounds[exchange->round]);
        note_if_posted(exchange);
        if (exchange->pending > 0)
            return;
        exchange->round++;
        begin_round(exchange);
    } while (exchange->round < exchange->round_count);
    exchange->over = true;
    comm_count_ended();
}

/* A buffer for the messages of the largest round that adds; a range that passes the end is one message more. */
static void take_buffer(qctx_exchange *exchange)
{
    int64_t most = 0, slots;

    for (int64_t i = 0; i < exchange->round_count; i++)
        if (exchange->rounds[i].arrival != COMM_COPY && exchange->rounds[i].in_bytes > most)
            most = exchange->rounds[i].in_bytes;
    if (most == 0)
        return;
    exchange->slot_bytes = most < PIECE ? most : PIECE;
    slots = most / PIECE + 2 < SLOTS_MOST ? most / PIECE + 2 : SLOTS_MOST;
    exchange->free_slots = ((uint32_t)1 << slots) - 1;
    exchange->buffer = spare.buffer;
    exchange->buffer_bytes = spare.bytes;
    spare.buffer = NULL;
    spare.bytes = 0;
    comm_grow((void **)&exchange->buffer, &exchange->buffer_bytes, slots * exchange->slot_bytes, 1,
              "parts of a sum that arrive");
}

static void destroy(qctx_exchange *exchange)
{
    if (exchange->buffer_bytes > spare.bytes) {
        free(spare.buffer);
        spare.buffer = exchange->buffer;
        spare.bytes = exchange->buffer_bytes;
    } else {
        free(exchange->buffer);
    }
    free(exchange);
}

void comm_exchange_begin(qctx_exchange *exchange)
{
    comm_count_began();
    active.unposted++;
    take_buffer(exchange);
    begin_round(exchange);
    advance(exchange);
}

void comm_exchange_finish(void)
{
    free(spare.buffer);
    free(active.requests);
    free(active.messages);
    free(active.finished);
    free(active.indices);
}

static void take_in(const message *finished)
{
    qctx_exchange *exchange = finished->exchange;
    void *place = finished->in;
    const void *arrived;

    exchange->pending--;
    if (finished->in == NULL)
        return;
    comm_count_received(finished->bytes);
    if (finished->slot < 0)
        return;
    arrived = exchange->buffer + finished->slot * exchange->slot_bytes;
    if (exchange->rounds[exchange->round].arrival == COMM_ADD_FLOAT)
        add_floats(place, arrived, finished->bytes / (int64_t)sizeof(float));
    else
        add_doubles(place, arrived, finished->bytes / (int64_t)sizeof(double));
    exchange->free_slots |= (uint32_t)1 << finished->slot;
}

/* Closes the gaps that finished requests left. */
static void compact(void)
{
    int kept = 0;

    for (int i = 0; i < active.count; i++)
        if (active.requests[i] != MPI_REQUEST_NULL) {
            active.requests[kept] = active.requests[i];
            active.messages[kept++] = active.messages[i];
        }
    active.count = kept;
}

/* Deals with all messages that are over. Whether there was any. */
static bool drive(void)
{
    int count = 0;

    comm_check(MPI_Testsome(active.count, active.requests, &count, active.indices, MPI_STATUSES_IGNORE),
               "MPI_Testsome");
    if (count == MPI_UNDEFINED || count == 0)
        return false;
    for (int i = 0; i < count; i++)
        active.finished[i] = active.messages[active.indices[i]];
    compact();
    for (int i = 0; i < count; i++) {
        message finished = active.finished[i];

        take_in(&finished);
        advance(finished.exchange);
    }
    return true;
}

void qctx_comm_progress(void)
{
    for (int idle = 0; active.count > 0 && idle < TRIES;)
        idle = drive() ? 0 : idle + 1;
    comm_control_poll();
}

/* Drives what is under way, or hears what the others do while nothing moves. */
static void drive_or_look(void)
{
    if (drive())
        comm_wait_got_on();
    else
        comm_wait_look();
}

void comm_exchange_hand_over(qctx_comm *comm)
{
    if (active.unposted == 0)
        return;
    comm_wait_begin(comm);
    while (active.unposted > 0)
        drive_or_look();
    comm_wait_end();
}

void qctx_exchange_wait(qctx_exchange **exchange)
{
    double entered;

    if (*exchange == NULL)
        return;
    entered = qctx_clock_seconds();
    comm_wait_begin((*exchange)->comm);
    while (!(*exchange)->over)
        drive_or_look();
    comm_wait_end();
    comm_count_waited(qctx_clock_seconds() - entered);
    destroy(*exchange);
    *exchange = NULL;
}
