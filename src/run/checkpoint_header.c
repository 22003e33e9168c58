/* The first 512 bytes of a checkpoint, by which it is verified before anything in it is believed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "checkpoint_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

static const char schema[] = CHECKPOINT_SCHEMA " ";

static void write_header(char header[CHECKPOINT_FRONT], int64_t bytes, uint64_t hash)
{
    memset(header, 0, CHECKPOINT_FRONT);
    snprintf(header, CHECKPOINT_FRONT, "%s%d bytes %lld xxh3 %016" PRIx64 "\n", schema, QCTX_CHECKPOINT_VERSION,
             (long long)bytes, hash);
}

void qctx_checkpoint_seal(qctx_h5_image *image)
{
    int64_t bytes = image->count - CHECKPOINT_FRONT;

    write_header(image->bytes, bytes, qctx_hash(image->bytes + CHECKPOINT_FRONT, (size_t)bytes, 0));
}

static qctx_status damaged(qctx_error *error)
{
    return qctx_hint(error, "use an earlier checkpoint of the run: --resume does so by itself");
}

/* What a file is that does not begin as a checkpoint does. */
static qctx_status refuse(const char *path, const char *header, size_t got, qctx_error *error)
{
    if (qctx_h5_begins(header, got)) {
        qctx_fail(error, QCTX_ERR_FORMAT,
                  "%s: is a plain HDF5 file; a checkpoint of version %d begins with the text '%s%d'", path,
                  QCTX_CHECKPOINT_VERSION, schema, QCTX_CHECKPOINT_VERSION);
        return qctx_hint(error, "if it is a checkpoint of an earlier version: train the run again with --force");
    }
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: is not a checkpoint (it does not begin with '%s%d')", path, schema,
              QCTX_CHECKPOINT_VERSION);
    return qctx_hint(error, "checkpoints stand in <run>/checkpoints; qctx-dist info says what a file is");
}

/* Takes the header apart and demands that every byte is as it would be written. */
static qctx_status parse_header(const char *path, const char *header, size_t got, int64_t *bytes, uint64_t *hash,
                                qctx_error *error)
{
    char line[CHECKPOINT_FRONT + 1] = "", expected[CHECKPOINT_FRONT] = "";
    long long said_bytes = 0;
    int version = 0;

    memcpy(line, header, got);
    if (got < sizeof schema - 1 || memcmp(line, schema, sizeof schema - 1) != 0)
        return refuse(path, header, got, error);
    if (sscanf(line + sizeof schema - 1, "%9d", &version) == 1 && version != QCTX_CHECKPOINT_VERSION)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: checkpoint version %d, expected %d", path, version,
                         QCTX_CHECKPOINT_VERSION);
    if (got < CHECKPOINT_FRONT) {
        qctx_fail(error, QCTX_ERR_DATA, "%s: the checkpoint is torn: it ends after %zu bytes, within its header", path,
                  got);
        return damaged(error);
    }
    if (sscanf(line + sizeof schema - 1, "%*d bytes %18lld xxh3 %16" SCNx64, &said_bytes, hash) == 2)
        write_header(expected, said_bytes, *hash);
    if (said_bytes <= 0 || memcmp(header, expected, CHECKPOINT_FRONT) != 0) {
        qctx_fail(error, QCTX_ERR_DATA, "%s: the checkpoint is damaged: its header (512 bytes) was changed", path);
        return damaged(error);
    }
    *bytes = said_bytes;
    return QCTX_OK;
}

static qctx_status read_body(const char *path, FILE *file, qctx_h5_image *image, int64_t bytes, uint64_t hash,
                             qctx_error *error)
{
    struct stat found;
    uint64_t actual;

    if (fstat(fileno(file), &found) != 0)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    if (found.st_size - CHECKPOINT_FRONT != bytes) {
        qctx_fail(error, QCTX_ERR_DATA, "%s: the checkpoint is torn: it has %lld bytes, its header says %lld", path,
                  (long long)found.st_size, (long long)(bytes + CHECKPOINT_FRONT));
        return damaged(error);
    }
    image->bytes = qctx_alloc(bytes + CHECKPOINT_FRONT, 1, "a checkpoint", error);
    if (image->bytes == NULL)
        return QCTX_ERR_MEMORY;
    image->capacity = image->count = bytes + CHECKPOINT_FRONT;
    errno = 0;
    if (fread(image->bytes + CHECKPOINT_FRONT, 1, (size_t)bytes, file) < (size_t)bytes)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", path,
                         errno != 0 ? strerror(errno) : "it became shorter meanwhile");
    actual = qctx_hash(image->bytes + CHECKPOINT_FRONT, (size_t)bytes, 0);
    if (actual == hash)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_DATA,
              "%s: the checkpoint is damaged: the checksum of its bytes is %016" PRIx64 ", its header says %016" PRIx64,
              path, actual, hash);
    return damaged(error);
}

qctx_status checkpoint_load(const char *path, qctx_h5_image *image, qctx_error *error)
{
    char header[CHECKPOINT_FRONT];
    FILE *file = NULL;
    int64_t bytes = 0;
    uint64_t hash = 0;
    size_t got;
    qctx_status status;

    *image = (qctx_h5_image){.front = CHECKPOINT_FRONT};
    status = qctx_file_open(path, &file, error);
    if (status != QCTX_OK)
        return status;
    got = fread(header, 1, sizeof header, file);
    if (ferror(file))
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    if (status == QCTX_OK)
        status = parse_header(path, header, got, &bytes, &hash, error);
    if (status == QCTX_OK)
        status = read_body(path, file, image, bytes, hash, error);
    fclose(file);
    if (status != QCTX_OK) {
        free(image->bytes);
        image->bytes = NULL;
    }
    return status;
}

bool qctx_checkpoint_is(const char *path)
{
    char begin[sizeof schema - 1];
    FILE *file = NULL;
    bool is = false;

    if (qctx_file_open(path, &file, NULL) == QCTX_OK) {
        is = fread(begin, 1, sizeof begin, file) == sizeof begin && memcmp(begin, schema, sizeof begin) == 0;
        fclose(file);
    }
    return is;
}
