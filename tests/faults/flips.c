/*
 * flips FILE COUNT SEED: damages a checkpoint or a store in place and asks its reader each time: COUNT times one bit at
 * a random place, once each byte of its head, COUNT / 10 times cut anywhere, bytes appended. Whatever is read without
 * an error that names the file is told, and ends it with 1. The file is as before at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/rng.h"
#include "qctx/platform/comm.h"
#include "qctx/run/checkpoint.h"
#include "qctx/store/store.h"

/* What stands before the HDF5 file of a checkpoint, and of a store. */
enum { CHECKPOINT_HEAD = 512, STORE_HEAD = 4096 };

typedef struct {
    qctx_comm *comm;
    const char *path;
    char *bytes; /* of the whole file */
    int64_t count;
    bool is_store;
    int handle;
    uint64_t seed;
    uint64_t draws;
    int64_t tried;
    int64_t detected;
} damage;

static void give_up(const char *path, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errno));
    exit(EXIT_FAILURE);
}

static bool is_accepted_store(const damage *file, qctx_error *error)
{
    qctx_store *store = NULL;
    qctx_status status = qctx_store_open(file->comm, file->path, &store, error);

    qctx_store_close(store);
    return status == QCTX_OK;
}

static bool is_accepted(const damage *file, qctx_error *error)
{
    qctx_checkpoint read = {0};
    qctx_status status;

    if (file->is_store)
        return is_accepted_store(file, error);
    status = qctx_checkpoint_read(file->comm, file->path, &read, error);
    if (status == QCTX_OK)
        qctx_checkpoint_free(&read);
    return status == QCTX_OK;
}

static void try_damaged(damage *file, const char *what, int64_t place)
{
    qctx_error error = {0};
    bool accepted = is_accepted(file, &error);
    /* The checksum of a store's vectors is another than they have: MISMATCH. */
    bool told = (error.code == QCTX_ERR_DATA || error.code == QCTX_ERR_FORMAT ||
                 (file->is_store && error.code == QCTX_ERR_MISMATCH)) &&
                strstr(error.message, file->path) != NULL;

    file->tried++;
    if (!accepted && told)
        file->detected++;
    else
        fprintf(stderr, "%s %" PRId64 ": %s\n", what, place, accepted ? "accepted" : error.message);
}

static void put(const damage *file, int64_t from, int64_t bytes, const char *data)
{
    if (pwrite(file->handle, data, (size_t)bytes, from) != bytes)
        give_up(file->path, "cannot write");
}

static void flip(damage *file, int64_t place, unsigned pattern)
{
    char flipped = (char)(file->bytes[place] ^ (char)pattern);

    put(file, place, 1, &flipped);
    try_damaged(file, "flipped at byte", place);
    put(file, place, 1, file->bytes + place);
}

static void cut(damage *file, int64_t length)
{
    if (ftruncate(file->handle, length) != 0)
        give_up(file->path, "cannot cut");
    try_damaged(file, "cut after byte", length);
    put(file, length, file->count - length, file->bytes + length);
}

static void append(damage *file, int64_t bytes)
{
    put(file, file->count, bytes, file->bytes);
    try_damaged(file, "longer by", bytes);
    if (ftruncate(file->handle, file->count) != 0)
        give_up(file->path, "cannot cut");
}

/* A number below `below`. */
static int64_t draw(damage *file, int64_t below)
{
    return (int64_t)qctx_rng_below((uint64_t)below, file->seed, QCTX_STREAM_BENCH, file->draws++, 0);
}

static void damage_all(damage *file, int64_t count)
{
    const int64_t head = file->is_store ? STORE_HEAD : CHECKPOINT_HEAD;

    for (int64_t i = 0; i < count; i++)
        flip(file, draw(file, file->count), 1u << draw(file, 8));
    for (int64_t place = 0; place < head; place++)
        flip(file, place, 1u + (unsigned)draw(file, 255));
    for (int64_t i = 0; i < count / 10; i++)
        cut(file, draw(file, file->count));
    cut(file, file->count - 1);
    cut(file, head);
    cut(file, 0);
    append(file, 1);
    append(file, CHECKPOINT_HEAD);
}

int main(int argc, char **argv)
{
    qctx_comm *comm = qctx_comm_start(&argc, &argv);
    damage file = {.comm = comm, .path = argv[1]};
    qctx_error error = {0};
    size_t bytes = 0;

    if (argc != 4 || qctx_file_read(file.path, &file.bytes, &bytes, &error) != QCTX_OK)
        give_up(argv[0], "expected FILE COUNT SEED");
    file.count = (int64_t)bytes;
    file.is_store = qctx_store_is(file.path);
    file.handle = open(file.path, O_WRONLY);
    if (!is_accepted(&file, &error))
        give_up(file.path, error.message);
    file.seed = (uint64_t)atoll(argv[3]);
    damage_all(&file, atoll(argv[2]));
    if (!is_accepted(&file, &error))
        give_up(file.path, error.message);
    printf("%s, %" PRId64 " bytes: %" PRId64 " of %" PRId64 " damages detected\n", qctx_path_base(file.path),
           file.count, file.detected, file.tried);
    close(file.handle);
    free(file.bytes);
    qctx_comm_finish(comm);
    return file.detected == file.tried ? EXIT_SUCCESS : EXIT_FAILURE;
}
