#include "qctx/platform/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "qctx/base/mem.h"

struct qctx_mapped {
    char *path;
    int handle; /* stays open: it is the inode that is watched, whatever has the name meanwhile */
    unsigned char *bytes;
    size_t size;
    size_t mapped; /* size, to the end of its last page */
    struct timespec changed;
    atomic_bool lost;  /* a page could not be read */
    atomic_bool other; /* it was seen to be another than at its opening, whatever it is by now */
    _Atomic(qctx_mapped *) next;
};

/* Read by the handler, hence without locks. */
static _Atomic(qctx_mapped *) all_mapped;
static size_t page_bytes;
static struct sigaction handled_before;

/* The mapping that an address belongs to, or NULL. */
static qctx_mapped *mapping_of(const unsigned char *address)
{
    qctx_mapped *mapped = atomic_load(&all_mapped);

    while (mapped != NULL && (address < mapped->bytes || address >= mapped->bytes + mapped->mapped))
        mapped = atomic_load(&mapped->next);
    return mapped;
}

/*
 * Zeros in the place of what is gone: from the page to the mapping's end, since a file is cut at its end, and since the
 * kernel counts the pieces that a process's memory is in.
 */
static bool replace_pages(qctx_mapped *mapped, const unsigned char *address)
{
    const size_t first = (size_t)(address - mapped->bytes) / page_bytes * page_bytes;

    atomic_store(&mapped->lost, true);
    return mmap(mapped->bytes + first, mapped->mapped - first, PROT_READ,
                MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

/*
 * Runs on the thread that read. A fault elsewhere goes to who handled it before: the instruction is tried again, and
 * faults again; a signal that somebody sent is sent again.
 */
static void on_lost_page(int number, siginfo_t *about, void *context)
{
    const int code = errno;
    qctx_mapped *mapped = about->si_code > 0 ? mapping_of(about->si_addr) : NULL;

    (void)context;
    if (mapped == NULL || !replace_pages(mapped, about->si_addr)) {
        sigaction(SIGBUS, &handled_before, NULL);
        if (about->si_code <= 0)
            raise(number);
    }
    errno = code;
}

/* Asked at every opening: whoever handles the signal since the last one hears what is not of these files. */
static void handle_lost_pages(void)
{
    struct sigaction action = {.sa_sigaction = on_lost_page, .sa_flags = SA_SIGINFO | SA_RESTART}, now;

    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction == on_lost_page)
        return;
    handled_before = now;
    sigaction(SIGBUS, &action, NULL);
}

static void add(qctx_mapped *mapped)
{
    handle_lost_pages();
    mapped->mapped = (mapped->size + page_bytes - 1) / page_bytes * page_bytes;
    atomic_store(&mapped->next, atomic_load(&all_mapped));
    atomic_store(&all_mapped, mapped);
}

static void take_out(const qctx_mapped *mapped)
{
    _Atomic(qctx_mapped *) *place = &all_mapped;

    while (atomic_load(place) != NULL && atomic_load(place) != mapped)
        place = &atomic_load(place)->next;
    if (atomic_load(place) == mapped)
        atomic_store(place, atomic_load(&mapped->next));
}

static qctx_status map(qctx_mapped *mapped, qctx_error *error)
{
    struct stat found;
    void *bytes;

    /* Opening a pipe of this name would wait for its other end. */
    mapped->handle = open(mapped->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (mapped->handle < 0 || fstat(mapped->handle, &found) != 0)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for reading: %s", mapped->path, strerror(errno));
    if (!S_ISREG(found.st_mode))
        return qctx_fail(error, QCTX_ERR_IO, "%s: found no regular file, expected one", mapped->path);
    mapped->size = (size_t)found.st_size;
    mapped->changed = found.st_mtim;
    if (mapped->size == 0)
        return QCTX_OK;
    bytes = mmap(NULL, mapped->size, PROT_READ, MAP_SHARED, mapped->handle, 0);
    if (bytes == MAP_FAILED)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot map into memory: %s", mapped->path, strerror(errno));
    mapped->bytes = bytes;
    return QCTX_OK;
}

qctx_status qctx_mapped_open(const char *path, qctx_mapped **opened, qctx_error *error)
{
    qctx_mapped *mapped = qctx_alloc(1, sizeof *mapped, "a mapped file", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (mapped == NULL)
        return status;
    mapped->handle = -1;
    mapped->path = qctx_strdup(path, error);
    if (mapped->path != NULL)
        status = map(mapped, error);
    if (status != QCTX_OK) {
        qctx_mapped_close(mapped);
        return status;
    }
    add(mapped);
    *opened = mapped;
    return QCTX_OK;
}

const unsigned char *qctx_mapped_bytes(const qctx_mapped *mapped)
{
    return mapped->bytes;
}

size_t qctx_mapped_size(const qctx_mapped *mapped)
{
    return mapped->size;
}

void qctx_mapped_close(qctx_mapped *mapped)
{
    if (mapped == NULL)
        return;
    take_out(mapped);
    if (mapped->bytes != NULL)
        munmap(mapped->bytes, mapped->size);
    if (mapped->handle >= 0)
        close(mapped->handle);
    free(mapped->path);
    free(mapped);
}

/* "2026-11-30 00:08:29.013542" */
static void write_time(struct timespec at, char text[64])
{
    char seconds[32];
    struct tm parts;

    strftime(seconds, sizeof seconds, "%Y-%m-%d %H:%M:%S", localtime_r(&at.tv_sec, &parts));
    snprintf(text, 64, "%s.%06ld", seconds, at.tv_nsec / 1000);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* What is said of a file that is not what it was. */
static qctx_status refuse(qctx_mapped *mapped, const struct stat *now, qctx_error *error)
{
    char before[64], after[64];

    atomic_store(&mapped->other, true);
    write_time(mapped->changed, before);
    write_time(now->st_mtim, after);
    if ((size_t)now->st_size != mapped->size)
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "%s: was written to while it was read: it has %lld bytes, expected the %zu that it had when it was "
                  "opened",
                  mapped->path, (long long)now->st_size, mapped->size);
    else if (!same_time(now->st_mtim, mapped->changed))
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "%s: was written to while it was read: last changed at %s, expected %s as when it was opened",
                  mapped->path, after, before);
    else
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "%s: bytes of it were gone while it was read: cut short meanwhile, or the disk cannot read them",
                  mapped->path);
    qctx_hint(error, "start again when the file is whole; one that is in use is made anew under another name, "
                     "and renamed over it");
    return QCTX_ERR_MISMATCH;
}

static qctx_status check(qctx_mapped *mapped, qctx_error *error)
{
    struct stat now;

    if (fstat(mapped->handle, &now) != 0)
        return qctx_fail(error, QCTX_ERR_MISMATCH, "%s: was taken away while it was read: %s", mapped->path,
                         strerror(errno));
    if (atomic_load(&mapped->lost) || atomic_load(&mapped->other) || (size_t)now.st_size != mapped->size ||
        !same_time(now.st_mtim, mapped->changed))
        return refuse(mapped, &now, error);
    return QCTX_OK;
}

qctx_status qctx_mapped_check(qctx_status status, qctx_error *error)
{
    for (qctx_mapped *mapped = atomic_load(&all_mapped); mapped != NULL; mapped = atomic_load(&mapped->next)) {
        qctx_status found = check(mapped, error);

        if (found != QCTX_OK)
            return found;
    }
    return status;
}
