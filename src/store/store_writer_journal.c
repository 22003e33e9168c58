/* The journal: which batches of a partial store are whole, and the lock of the job that writes it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/wait.h"
#include "store_writer_internal.h"

/* Tenths of a second. */
enum { TRIES = 30 };

static const char magic[8] = "qctxjrn3";

typedef struct {
    char magic[8];
    uint64_t job;
    qctx_partial_layout layout;
    uint64_t hash;
} journal_head;

typedef struct {
    uint64_t checksum;
    uint64_t hash;
} journal_slot;

static uint64_t head_hash(const journal_head *head)
{
    return qctx_hash(head, offsetof(journal_head, hash), 0);
}

static uint64_t slot_hash(const qctx_journal *journal, int64_t batch, uint64_t checksum)
{
    const uint64_t said[] = {(uint64_t)batch, checksum};

    return qctx_hash(said, sizeof said, journal->job);
}

static qctx_status fail(const qctx_journal *journal, const char *what, qctx_error *error)
{
    return qctx_write_failed(journal->path, what, errno, error);
}

/* Whether the name still stands for the open file: the job that held the lock removes the journal at its end. */
static bool still_named(const qctx_journal *journal)
{
    struct stat open_file, named;

    return fstat(journal->handle, &open_file) == 0 && stat(journal->path, &named) == 0 &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

/* What hindered the locking, by errno. */
static qctx_status not_locked(const qctx_journal *journal, int kind, qctx_error *error)
{
    if (errno == EWOULDBLOCK) {
        qctx_fail(error, QCTX_ERR_EXISTS, "%s: another process is writing this store", journal->path);
        return qctx_hint(error, "let it end (the ranks of a killed job do so within seconds), or choose another name");
    }
    /* A file system without locks: whether somebody else is at work cannot be known. */
    if (errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOLCK || errno == EINVAL) {
        if (kind == LOCK_EX)
            qctx_warn("%s: this file system has no locks; take care that no other job writes the store", journal->path);
        return QCTX_OK;
    }
    return fail(journal, "cannot lock", error);
}

/* The ranks of a killed job hold it until they have ended, some seconds at most: they are waited for. */
static qctx_status lock(const qctx_journal *journal, int kind, qctx_error *error)
{
    for (int tries = 0; flock(journal->handle, kind | LOCK_NB) != 0; tries++) {
        qctx_status status;

        if (errno != EWOULDBLOCK || tries == TRIES)
            return not_locked(journal, kind, error);
        status = qctx_wait_moment(error);
        if (status != QCTX_OK)
            return status;
    }
    return QCTX_OK;
}

/* Opens the file, which the rank that `begins` makes where there is none; −1 with errno set. */
static int open_or_make(qctx_journal *journal, bool begins)
{
    const int flags = O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;
    int handle = begins ? open(journal->path, flags | O_CREAT | O_EXCL, 0666) : -1;

    journal->made = handle >= 0;
    return journal->made ? handle : open(journal->path, flags | (begins ? O_CREAT : 0), 0666);
}

qctx_status qctx_journal_open(qctx_journal *journal, const char *path, bool begins, qctx_error *error)
{
    struct stat found;
    qctx_status status;

    journal->handle = -1;
    journal->path = qctx_format(error, "%s.journal", path);
    if (journal->path == NULL)
        return QCTX_ERR_MEMORY;
    for (;;) {
        journal->handle = open_or_make(journal, begins);
        if (journal->handle < 0)
            return fail(journal, "cannot open for writing", error);
        if (fstat(journal->handle, &found) == 0 && !S_ISREG(found.st_mode))
            return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for writing: it is no file", journal->path);
        status = lock(journal, begins ? LOCK_EX : LOCK_SH, error);
        if (status != QCTX_OK || still_named(journal))
            return status;
        close(journal->handle);
    }
}

qctx_status qctx_journal_share(qctx_journal *journal, qctx_error *error)
{
    return lock(journal, LOCK_SH, error);
}

/* What lies beyond the end of the file reads as zeros. */
static qctx_status read_at(const qctx_journal *journal, void *data, size_t bytes, off_t offset, qctx_error *error)
{
    char *at = data;
    ssize_t got;

    memset(data, 0, bytes);
    while (bytes > 0) {
        got = pread(journal->handle, at, bytes, offset);
        if (got < 0 && errno != EINTR)
            return fail(journal, "cannot read", error);
        if (got == 0)
            break;
        if (got > 0) {
            at += got;
            offset += got;
            bytes -= (size_t)got;
        }
    }
    return QCTX_OK;
}

bool qctx_store_write_at(int handle, const void *data, size_t bytes, int64_t offset)
{
    const char *at = data;
    ssize_t done;

    while (bytes > 0) {
        done = pwrite(handle, at, bytes, (off_t)offset);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            at += done;
            offset += done;
            bytes -= (size_t)done;
        }
    }
    return true;
}

static qctx_status write_at(const qctx_journal *journal, const void *data, size_t bytes, off_t offset,
                            qctx_error *error)
{
    if (!qctx_store_write_at(journal->handle, data, bytes, offset))
        return fail(journal, "cannot write", error);
    return QCTX_OK;
}

static bool read_head(const qctx_journal *journal, journal_head *head)
{
    return read_at(journal, head, sizeof *head, 0, NULL) == QCTX_OK && memcmp(head->magic, magic, sizeof magic) == 0 &&
           head->hash == head_hash(head);
}

bool qctx_journal_is_one(const qctx_journal *journal)
{
    /* All but the number of the version. */
    enum { NAME = sizeof magic - 1 };
    char begin[NAME];

    return read_at(journal, begin, sizeof begin, 0, NULL) == QCTX_OK && memcmp(begin, magic, sizeof begin) == 0;
}

bool qctx_journal_fits(const qctx_journal *journal, qctx_partial_layout *layout)
{
    journal_head head;

    if (!read_head(journal, &head) || head.job != journal->job)
        return false;
    *layout = head.layout;
    return true;
}

bool qctx_journal_is_of_another(const qctx_journal *journal)
{
    journal_head head;

    return read_head(journal, &head) && head.job != journal->job;
}

qctx_status qctx_journal_clear(const qctx_journal *journal, qctx_error *error)
{
    /* Its name first, so that a kill before the head leaves a journal by which the partial store is known as one. */
    if (!qctx_store_write_at(journal->handle, magic, sizeof magic, 0) || ftruncate(journal->handle, sizeof magic) != 0)
        return fail(journal, "cannot write", error);
    return QCTX_OK;
}

/* The slots are written, not left as a hole, so that a full disk is noticed now and not after the work. */
qctx_status qctx_journal_begin(const qctx_journal *journal, const qctx_partial_layout *layout, qctx_error *error)
{
    journal_head head = {.job = journal->job, .layout = *layout};
    journal_slot *slots = qctx_alloc(journal->batches, sizeof *slots, "a journal", error);
    qctx_status status = QCTX_ERR_MEMORY;

    memcpy(head.magic, magic, sizeof magic);
    head.hash = head_hash(&head);
    if (slots != NULL)
        status = write_at(journal, slots, (size_t)journal->batches * sizeof *slots, sizeof head, error);
    if (status == QCTX_OK)
        status = write_at(journal, &head, sizeof head, 0, error);
    free(slots);
    return status;
}

qctx_status qctx_journal_read(const qctx_journal *journal, qctx_journal_entry *entries, qctx_error *error)
{
    journal_slot *slots = qctx_alloc(journal->batches, sizeof *slots, "a journal", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (slots != NULL)
        status = read_at(journal, slots, (size_t)journal->batches * sizeof *slots, (off_t)sizeof(journal_head), error);
    for (int64_t i = 0; i < journal->batches && status == QCTX_OK; i++)
        entries[i] = (qctx_journal_entry){slots[i].hash == slot_hash(journal, i, slots[i].checksum), slots[i].checksum};
    free(slots);
    return status;
}

qctx_status qctx_journal_note(const qctx_journal *journal, int64_t batch, uint64_t checksum, qctx_error *error)
{
    const journal_slot slot = {checksum, slot_hash(journal, batch, checksum)};

    return write_at(journal, &slot, sizeof slot, (off_t)(sizeof(journal_head) + (size_t)batch * sizeof slot), error);
}

void qctx_journal_close(qctx_journal *journal)
{
    if (journal->handle >= 0)
        close(journal->handle);
    free(journal->path);
    *journal = (qctx_journal){.handle = -1};
}
