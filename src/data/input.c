/* A file's bytes, plain or out of gzip or zstd, through one buffer. */
#include "qctx/data/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#ifdef QCTX_ZSTD
#include <zstd.h>
#endif

#include "qctx/base/infile.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"

typedef enum { PLAIN, GZIP, ZSTD } packing;

/* Of gzip and of zstd, the longer one. */
enum { MAGIC_BYTES = 4 };

struct qctx_input {
    char *path;
    qctx_infile *file;
    packing packing;
    bool at_end;  /* nothing more comes out */
    bool within;  /* a compressed member has begun and not ended */
    char *packed; /* bytes of the file */
    size_t packed_first, packed_end;
    char *plain; /* what came out of them, with a NUL behind it while it is peeked at */
    size_t plain_first, plain_end;
    z_stream gzip;
    bool gzip_open;
#ifdef QCTX_ZSTD
    ZSTD_DStream *zstd;
#endif
};

static qctx_status damaged(const qctx_input *stream, const char *what, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: compressed (%s), and %s", stream->path,
              stream->packing == GZIP ? "gzip" : "zstd", what);
    return qctx_hint(error, "fetch the file again; %s tells whether it is whole",
                     stream->packing == GZIP ? "gzip -t" : "zstd -t");
}

/* Reads on in the file when all packed bytes are used; none are left at its end. */
static qctx_status take_packed(qctx_input *stream, qctx_error *error)
{
    if (stream->packed_first < stream->packed_end)
        return QCTX_OK;
    stream->packed_first = stream->packed_end = 0;
    return qctx_infile_read(stream->file, stream->packed, QCTX_INPUT_HEAD_BYTES, &stream->packed_end, error);
}

static void copy_plain(qctx_input *stream, char *out, size_t size, size_t *got)
{
    size_t left = stream->packed_end - stream->packed_first;

    *got = left < size ? left : size;
    memcpy(out, stream->packed + stream->packed_first, *got);
    stream->packed_first += *got;
    stream->at_end = left == 0;
}

/* Bytes behind the last member are padding if they are zero, as gzip has it, and else a sign of damage. */
static void warn_of_rest(const qctx_input *stream)
{
    for (size_t i = stream->packed_first; i < stream->packed_end; i++)
        if (stream->packed[i] != '\0') {
            qctx_warn(
                "%s: compressed (gzip), and bytes that are not stand behind the data's end; they are left out, as "
                "gunzip does",
                stream->path);
            return;
        }
}

/* Members may follow each other, as `cat a.gz b.gz` makes them. */
static qctx_status inflate_some(qctx_input *stream, char *out, size_t size, size_t *got, qctx_error *error)
{
    z_stream *gzip = &stream->gzip;
    size_t left = stream->packed_end - stream->packed_first;
    int code;

    if (left == 0 || (!stream->within && stream->packed[stream->packed_first] != '\x1f')) {
        stream->at_end = true;
        if (!stream->within)
            warn_of_rest(stream);
        return stream->within ? damaged(stream, "the data end early", error) : QCTX_OK;
    }
    gzip->next_in = (Bytef *)stream->packed + stream->packed_first;
    gzip->avail_in = (uInt)left;
    gzip->next_out = (Bytef *)out;
    gzip->avail_out = (uInt)size;
    code = inflate(gzip, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END)
        return damaged(stream, "the data are damaged", error);
    stream->packed_first += left - gzip->avail_in;
    *got = size - gzip->avail_out;
    stream->within = code != Z_STREAM_END;
    if (code == Z_STREAM_END)
        inflateReset(gzip);
    return QCTX_OK;
}

#ifdef QCTX_ZSTD
static qctx_status expand_some(qctx_input *stream, char *out, size_t size, size_t *got, qctx_error *error)
{
    ZSTD_inBuffer in = {stream->packed, stream->packed_end, stream->packed_first};
    ZSTD_outBuffer to = {out, size, 0};
    size_t left;

    /* Output may still be due when all input has been taken. */
    left = ZSTD_decompressStream(stream->zstd, &to, &in);
    if (ZSTD_isError(left))
        return damaged(stream, stream->within ? "the data are damaged" : "what stands behind the data's end is not",
                       error);
    stream->at_end = to.pos == 0 && in.pos == stream->packed_first && in.pos == in.size;
    if (stream->at_end && stream->within)
        return damaged(stream, "the data end early", error);
    if (!stream->at_end)
        stream->within = left != 0;
    stream->packed_first = in.pos;
    *got = to.pos;
    return QCTX_OK;
}
#endif

/* Adds to the plain bytes until `wanted` of them are there, or the end is reached. They are at the buffer's start. */
static qctx_status fill(qctx_input *stream, size_t wanted, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    while (status == QCTX_OK && stream->plain_end < wanted && !stream->at_end) {
        char *out = stream->plain + stream->plain_end;
        size_t size = QCTX_INPUT_HEAD_BYTES - stream->plain_end, got = 0;

        status = take_packed(stream, error);
        if (status != QCTX_OK)
            break;
        if (stream->packing == PLAIN)
            copy_plain(stream, out, size, &got);
        else if (stream->packing == GZIP)
            status = inflate_some(stream, out, size, &got, error);
#ifdef QCTX_ZSTD
        else
            status = expand_some(stream, out, size, &got, error);
#endif
        stream->plain_end += got;
    }
    stream->plain[stream->plain_end] = '\0';
    return status;
}

/* Sees to it that a plain byte is there, unless the end is reached. */
static qctx_status refill(qctx_input *stream, qctx_error *error)
{
    if (stream->plain_first < stream->plain_end)
        return QCTX_OK;
    stream->plain_first = stream->plain_end = 0;
    return fill(stream, 1, error);
}

/* The first bytes, as many as tell how the file is packed: a pipe gives them as they come. */
static qctx_status take_magic(qctx_input *stream, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    size_t got = 1;

    while (status == QCTX_OK && got > 0 && stream->packed_end < MAGIC_BYTES) {
        status = qctx_infile_read(stream->file, stream->packed + stream->packed_end,
                                  QCTX_INPUT_HEAD_BYTES - stream->packed_end, &got, error);
        stream->packed_end += status == QCTX_OK ? got : 0;
    }
    return status;
}

static qctx_status begin_unpacking(qctx_input *stream, qctx_error *error)
{
    qctx_status status = take_magic(stream, error);
    size_t bytes = stream->packed_end;

    if (status != QCTX_OK)
        return status;
    if (bytes >= 2 && memcmp(stream->packed, "\x1f\x8b", 2) == 0) {
        stream->packing = GZIP;
        stream->gzip_open = inflateInit2(&stream->gzip, 15 + 16) == Z_OK;
        if (!stream->gzip_open)
            return qctx_fail(error, QCTX_ERR_MEMORY, "%s: cannot begin to read gzip", stream->path);
    } else if (bytes >= 4 && memcmp(stream->packed, "\x28\xb5\x2f\xfd", 4) == 0) {
        stream->packing = ZSTD;
#ifdef QCTX_ZSTD
        stream->zstd = ZSTD_createDStream();
        if (stream->zstd == NULL)
            return qctx_fail(error, QCTX_ERR_MEMORY, "%s: cannot begin to read zstd", stream->path);
#else
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: compressed (zstd), which this build cannot read", stream->path);
        return qctx_hint(error, "unpack it first: zstd -d");
#endif
    }
    return QCTX_OK;
}

qctx_status qctx_input_open(const char *path, qctx_input **opened, qctx_error *error)
{
    qctx_input *stream = qctx_alloc(1, sizeof *stream, "a stream", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (stream == NULL)
        return status;
    stream->path = qctx_strdup(path, error);
    stream->packed = qctx_alloc(QCTX_INPUT_HEAD_BYTES, 1, "a stream", error);
    stream->plain = qctx_alloc(QCTX_INPUT_HEAD_BYTES + 1, 1, "a stream", error);
    if (stream->path == NULL || stream->packed == NULL || stream->plain == NULL)
        goto out;
    status = qctx_infile_open(path, &stream->file, error);
    if (status == QCTX_OK)
        status = begin_unpacking(stream, error);
    if (status == QCTX_OK) {
        *opened = stream;
        stream = NULL;
    }
out:
    qctx_input_close(stream);
    return status;
}

void qctx_input_close(qctx_input *stream)
{
    if (stream == NULL)
        return;
    qctx_infile_close(stream->file);
    if (stream->gzip_open)
        inflateEnd(&stream->gzip);
#ifdef QCTX_ZSTD
    ZSTD_freeDStream(stream->zstd);
#endif
    free(stream->packed);
    free(stream->plain);
    free(stream->path);
    free(stream);
}

qctx_status qctx_input_peek(qctx_input *stream, const char **head, size_t *bytes, qctx_error *error)
{
    qctx_status status = fill(stream, QCTX_INPUT_HEAD_BYTES, error);

    *head = stream->plain;
    *bytes = stream->plain_end;
    return status;
}

/* Appends plain bytes to a growing text, with room for a NUL. */
static qctx_status append(char **text, size_t *capacity, size_t *length, const char *bytes, size_t count,
                          qctx_error *error)
{
    if (*length + count + 1 > *capacity) {
        size_t larger = 2 * (*length + count) + 64;
        char *grown = realloc(*text, larger);

        if (grown == NULL)
            return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for a text of %zu bytes", larger);
        *text = grown;
        *capacity = larger;
    }
    memcpy(*text + *length, bytes, count);
    *length += count;
    (*text)[*length] = '\0';
    return QCTX_OK;
}

qctx_status qctx_input_line(qctx_input *stream, char **line, size_t *capacity, size_t *length, bool *more,
                            qctx_error *error)
{
    qctx_status status = QCTX_OK;
    bool whole = false;

    *length = 0;
    while (status == QCTX_OK && !whole) {
        const char *first, *end;
        size_t left;

        status = refill(stream, error);
        left = stream->plain_end - stream->plain_first;
        if (status != QCTX_OK || left == 0)
            break;
        first = stream->plain + stream->plain_first;
        end = memchr(first, '\n', left);
        whole = end != NULL;
        left = whole ? (size_t)(end - first) + 1 : left;
        status = append(line, capacity, length, first, left, error);
        stream->plain_first += left;
    }
    *more = status == QCTX_OK && *length > 0;
    return status;
}

qctx_status qctx_input_rest(qctx_input *stream, char **text, size_t *bytes, qctx_error *error)
{
    size_t capacity = 0;
    qctx_status status;

    *text = NULL;
    *bytes = 0;
    status = append(text, &capacity, bytes, "", 0, error);
    while (status == QCTX_OK) {
        status = refill(stream, error);
        if (status != QCTX_OK || stream->plain_first == stream->plain_end)
            break;
        status = append(text, &capacity, bytes, stream->plain + stream->plain_first,
                        stream->plain_end - stream->plain_first, error);
        stream->plain_first = stream->plain_end;
    }
    return status;
}
