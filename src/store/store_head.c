/* The head of a store: read, and judged by itself. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/names.h"
#include "store_internal.h"

static const char schema[] = "qctx-store ";

/* The only way to write a head: one that is read is compared with what would be written. */
void qctx_store_head_write(const qctx_store_head *head, char front[QCTX_STORE_FRONT])
{
    int length;

    memset(front, 0, QCTX_STORE_FRONT);
    length = snprintf(front, QCTX_STORE_FRONT,
                      "%s%d bytes %" PRId64 " questions %" PRId64 "+%" PRId64 " contexts %" PRId64 "+%" PRId64
                      " titles \"%s\" digits %" PRId64 " checksum %016" PRIx64 " rest %016" PRIx64 " line ",
                      schema, QCTX_STORE_VERSION, head->bytes, head->offsets[QCTX_QUESTION],
                      head->vector_bytes[QCTX_QUESTION], head->offsets[QCTX_CONTEXT], head->vector_bytes[QCTX_CONTEXT],
                      qctx_titles_names[head->titles], head->digits, head->checksum, head->rest);
    snprintf(front + length, (size_t)(QCTX_STORE_FRONT - length), "%016" PRIx64 "\n",
             qctx_hash(front, (size_t)length, 0));
}

qctx_status qctx_store_damaged(qctx_error *error)
{
    return qctx_hint(error, "copy the file again from where it is whole, or embed the corpus again");
}

/* Takes the numbers out of the line; false where it is no such line. */
static bool scan_head(const char *line, qctx_store_head *head)
{
    char titles[16];
    int found;

    if (sscanf(line,
               "%*d bytes %18" SCNd64 " questions %18" SCNd64 "+%18" SCNd64 " contexts %18" SCNd64 "+%18" SCNd64
               " titles \"%15[^\"]\" digits %18" SCNd64 " checksum %16" SCNx64 " rest %16" SCNx64,
               &head->bytes, &head->offsets[QCTX_QUESTION], &head->vector_bytes[QCTX_QUESTION],
               &head->offsets[QCTX_CONTEXT], &head->vector_bytes[QCTX_CONTEXT], titles, &head->digits, &head->checksum,
               &head->rest) != 9)
        return false;
    found = qctx_name_find(qctx_titles_names, titles);
    head->titles = found < 0 ? QCTX_TITLES_NONE : (qctx_titles)found;
    return found >= 0;
}

/* Every byte of the head must be as it would be written. */
static qctx_status parse_head(const char *path, const char front[QCTX_STORE_FRONT], size_t got, qctx_store_head *head,
                              qctx_error *error)
{
    char line[QCTX_STORE_FRONT + 1] = "", expected[QCTX_STORE_FRONT];
    int version = 0;

    memcpy(line, front, got);
    if (sscanf(line + sizeof schema - 1, "%9d ", &version) == 1 && version > QCTX_STORE_VERSION) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: store of version %d; this program knows %d to %d", path, version,
                  QCTX_STORE_OLDEST, QCTX_STORE_VERSION);
        return qctx_hint(error, "use a newer qctx-dist, or embed the corpus again");
    }
    if (scan_head(line + sizeof schema - 1, head)) {
        qctx_store_head_write(head, expected);
        if (got == QCTX_STORE_FRONT && memcmp(front, expected, QCTX_STORE_FRONT) == 0)
            return QCTX_OK;
    }
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: the store is damaged: its head (the first %d bytes) was changed", path,
              QCTX_STORE_FRONT);
    return qctx_store_damaged(error);
}

static qctx_status judge(const char *path, FILE *file, const char front[QCTX_STORE_FRONT], size_t got,
                         qctx_store_head *head, qctx_error *error)
{
    struct stat found;
    qctx_status status = parse_head(path, front, got, head, error);

    if (status != QCTX_OK)
        return status;
    if (fstat(fileno(file), &found) != 0)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    if (found.st_size != head->bytes) {
        qctx_fail(error, QCTX_ERR_FORMAT,
                  "%s: the store is truncated, or longer than it was: it has %lld bytes, its head says %lld", path,
                  (long long)found.st_size, (long long)head->bytes);
        return qctx_store_damaged(error);
    }
    if (qctx_store_head_fits(head))
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: its head names vectors that do not lie in the file one by one", path);
}

qctx_status qctx_store_head_read(const char *path, qctx_store_head *head, bool *there, qctx_error *error)
{
    char front[QCTX_STORE_FRONT];
    FILE *file = NULL;
    size_t got;
    qctx_status status = qctx_file_open(path, &file, error);

    *there = false;
    if (status != QCTX_OK)
        return status;
    got = fread(front, 1, sizeof front, file);
    if (ferror(file))
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    else if (got >= sizeof schema - 1 && memcmp(front, schema, sizeof schema - 1) == 0) {
        *there = true;
        status = judge(path, file, front, got, head, error);
    }
    fclose(file);
    return status;
}
