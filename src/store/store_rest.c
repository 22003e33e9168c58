/* The sum by which all of a store that is neither head, vectors nor digits is verified. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "store_internal.h"

/* What is hashed at a time. The sum depends on it. */
enum { BLOCK = 1 << 18 };

/* What the head speaks of: itself, vectors and digits, and the end of the file; and the gaps before and behind. */
enum { PARTS = 5, GAPS = PARTS - 1 };

typedef struct {
    int64_t begin, end;
} stretch;

static int by_begin(const void *left, const void *right)
{
    const stretch *a = left, *b = right;

    return a->begin != b->begin ? (a->begin > b->begin) - (a->begin < b->begin) : (a->end > b->end) - (a->end < b->end);
}

/* A stretch that ends before it begins where its end is beyond all numbers. */
static stretch stretch_of(int64_t begin, int64_t bytes)
{
    stretch made = {begin, -1};

    if (bytes < 0 || __builtin_add_overflow(begin, bytes, &made.end))
        made.end = -1;
    return made;
}

/* The bytes between what the head speaks of; false where that does not lie in the file one by one. */
static bool find_gaps(const qctx_store_head *head, stretch gaps[GAPS])
{
    stretch parts[PARTS] = {stretch_of(0, QCTX_STORE_FRONT), stretch_of(head->digits, QCTX_CHECKSUM_DIGITS),
                            stretch_of(head->bytes, 0)};

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++)
        parts[3 + side] = stretch_of(head->vector_bytes[side] == 0 ? QCTX_STORE_FRONT : head->offsets[side],
                                     head->vector_bytes[side]);
    qsort(parts, PARTS, sizeof *parts, by_begin);
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].begin < 0 || parts[i].end < parts[i].begin || (i > 0 && parts[i].begin < parts[i - 1].end))
            return false;
        if (i > 0)
            gaps[i - 1] = (stretch){parts[i - 1].end, parts[i].begin};
    }
    return parts[PARTS - 1].end == head->bytes;
}

bool qctx_store_head_fits(const qctx_store_head *head)
{
    stretch gaps[GAPS];

    return find_gaps(head, gaps);
}

/* Hashes one block, under its place in the file. */
static qctx_status add_block(int handle, const char *path, int64_t begin, int64_t end, char *room, uint64_t *sum,
                             qctx_error *error)
{
    const int64_t bytes = end - begin;

    for (int64_t at = 0; at < bytes;) {
        const ssize_t got = pread(handle, room + at, (size_t)(bytes - at), (off_t)(begin + at));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", path,
                             got < 0 ? strerror(errno) : "it became shorter meanwhile");
        at += got;
    }
    *sum += qctx_hash(room, (size_t)bytes, (uint64_t)begin);
    return QCTX_OK;
}

qctx_status qctx_store_rest_sum(int handle, const char *path, const qctx_store_head *head, int rank, int ranks,
                                uint64_t *sum, qctx_error *error)
{
    stretch gaps[GAPS];
    int64_t blocks = 0, first, count, block = 0;
    char *room;
    qctx_status status = QCTX_OK;

    *sum = 0;
    if (!find_gaps(head, gaps))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: what it holds does not lie in it one by one", path);
    room = qctx_alloc(BLOCK, 1, "a block of a store", error);
    if (room == NULL)
        return QCTX_ERR_MEMORY;
    for (int i = 0; i < GAPS; i++)
        blocks += qctx_divide_up(gaps[i].end - gaps[i].begin, BLOCK);
    qctx_share(blocks, rank, ranks, &first, &count);
    for (int i = 0; i < GAPS; i++)
        for (int64_t at = gaps[i].begin; at < gaps[i].end && status == QCTX_OK; at += BLOCK, block++)
            if (block >= first && block < first + count)
                status = add_block(handle, path, at, qctx_smaller(at + BLOCK, gaps[i].end), room, sum, error);
    free(room);
    return status;
}
