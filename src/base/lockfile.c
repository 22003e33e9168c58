#include "qctx/base/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"

enum { HOST_MAX = 128, HOLDER_MAX = 256 };

/* How the line of a holder begins, by which a lock is told from a file that somebody else keeps under its name. */
static const char holder_begin[] = "process ";

struct qctx_lockfile {
    char *path;
    int handle;
};

/* A file system without locks: whether somebody else is at work cannot be known. */
static bool means_no_locks(int code)
{
    return code == ENOSYS || code == EOPNOTSUPP || code == ENOLCK || code == EINVAL;
}

static void warn_once(const char *path)
{
    static bool warned;

    if (!warned)
        qctx_warn("%s: this file system has no locks; take care that no other job works there", path);
    warned = true;
}

/* Whether the name still stands for the open file: its folder may have been removed and made anew meanwhile. */
static bool still_named(const qctx_lockfile *lock)
{
    struct stat open_file, named;

    return fstat(lock->handle, &open_file) == 0 && stat(lock->path, &named) == 0 && open_file.st_ino == named.st_ino &&
           open_file.st_dev == named.st_dev;
}

/* errno of the attempt, 0: locked. Somebody who only asks whether it is held has it for a moment: tried again. */
static int lock_now(int handle)
{
    const struct timespec moment = {.tv_nsec = 20 * 1000 * 1000};

    for (int tries = 0; tries < 5; tries++) {
        if (flock(handle, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return errno;
        nanosleep(&moment, NULL);
    }
    return EWOULDBLOCK;
}

/* The first line of the file. */
static void read_holder(const qctx_lockfile *lock, char holder[HOLDER_MAX])
{
    ssize_t got = pread(lock->handle, holder, HOLDER_MAX - 1, 0);

    holder[got > 0 ? got : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
}

static qctx_status refuse(const qctx_lockfile *lock, qctx_error *error)
{
    char holder[HOLDER_MAX];

    read_holder(lock, holder);
    qctx_fail(error, QCTX_ERR_EXISTS, "%s: another process is at work here: %s", lock->path,
              holder[0] != '\0' ? holder : "it has not said which");
    return qctx_hint(error, "let it end (a killed job's lock is free within seconds), or choose another name");
}

/* What somebody else wrote under this name is not to be written over. */
static qctx_status check_content(const qctx_lockfile *lock, qctx_error *error)
{
    char holder[HOLDER_MAX];
    struct stat found;

    read_holder(lock, holder);
    if (fstat(lock->handle, &found) == 0 && S_ISREG(found.st_mode) &&
        (found.st_size == 0 || strncmp(holder, holder_begin, sizeof holder_begin - 1) == 0))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_IO, "%s: cannot lock: it is in the way and no lock of this program", lock->path);
    return qctx_hint(error, "remove it if it is of no use, or choose another name");
}

/* For the message of those who come later. A file without that, as a full disk leaves it, is of no use to them. */
static qctx_status write_holder(const qctx_lockfile *lock, qctx_error *error)
{
    char host[HOST_MAX] = "", since[32] = "", holder[HOLDER_MAX];
    time_t now = time(NULL);
    struct tm parts;
    int length;

    gethostname(host, sizeof host - 1);
    strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &parts));
    length = snprintf(holder, sizeof holder, "%s%ld on %s, since %s\n", holder_begin, (long)getpid(), host, since);
    errno = 0;
    if (ftruncate(lock->handle, 0) != 0 || pwrite(lock->handle, holder, (size_t)length, 0) != length) {
        qctx_status status = qctx_write_failed(lock->path, "cannot write", errno, error);

        unlink(lock->path);
        return status;
    }
    return QCTX_OK;
}

static qctx_status lock_file(qctx_lockfile *lock, qctx_error *error)
{
    for (;;) {
        int code;

        lock->handle = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0666);
        if (lock->handle < 0 && errno == ELOOP)
            return check_content(lock, error);
        if (lock->handle < 0)
            return qctx_write_failed(lock->path, "cannot open for writing", errno, error);
        code = lock_now(lock->handle);
        if (code == EWOULDBLOCK)
            return refuse(lock, error);
        if (code != 0 && !means_no_locks(code))
            return qctx_fail(error, QCTX_ERR_IO, "%s: cannot lock: %s", lock->path, strerror(code));
        if (code != 0)
            warn_once(lock->path);
        if (code != 0 || still_named(lock)) {
            qctx_status status = check_content(lock, error);

            return status == QCTX_OK ? write_holder(lock, error) : status;
        }
        close(lock->handle);
    }
}

qctx_status qctx_lockfile_take(const char *path, qctx_lockfile **taken, qctx_error *error)
{
    qctx_lockfile *lock = qctx_alloc(1, sizeof *lock, "a lock", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (lock == NULL)
        return status;
    lock->handle = -1;
    lock->path = qctx_strdup(path, error);
    if (lock->path != NULL)
        status = lock_file(lock, error);
    if (status != QCTX_OK)
        qctx_lockfile_release(lock);
    else
        *taken = lock;
    return status;
}

bool qctx_lockfile_is_held(const char *path)
{
    int handle = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    bool held = handle >= 0 && flock(handle, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

    if (handle >= 0)
        close(handle);
    return held;
}

void qctx_lockfile_remove(qctx_lockfile *lock)
{
    if (lock != NULL && still_named(lock))
        unlink(lock->path);
    qctx_lockfile_release(lock);
}

void qctx_lockfile_release(qctx_lockfile *lock)
{
    if (lock == NULL)
        return;
    if (lock->handle >= 0)
        close(lock->handle);
    free(lock->path);
    free(lock);
}
