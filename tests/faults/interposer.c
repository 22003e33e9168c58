/*
 * A library to preload that lets calls on files under one folder fail, or ends the process inside one.
 *
 *   QCTX_FAULT_FOLDER   absolute path; calls on it and on what is below it are counted, from 1
 *   QCTX_FAULT_AT       the call that is struck; 0: none, each is only noted
 *   QCTX_FAULT_WHAT     enospc, eio: it fails so; short: a write takes half of its bytes; kill: the process is killed
 *                       in it (a write has written half); stop: the process is stopped before it
 *   QCTX_FAULT_LASTING  1: all later calls that can fail so are struck, too
 *   QCTX_FAULT_CALLS    those that count, by default all: open,write,sync,rename,truncate,unlink,mkdir
 *   QCTX_FAULT_RANK     of the process that counts, by default 0
 *   QCTX_FAULT_NOTES    a file, outside the folder, to which a line is appended for each call struck: number, call,
 * path
 *
 * Buffered streams write inside the C library, where no call can be taken over: a stream that is opened for writing
 * becomes one with functions of its own (fopencookie), which call what stands here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

typedef enum { CALL_OPEN, CALL_WRITE, CALL_SYNC, CALL_RENAME, CALL_TRUNCATE, CALL_UNLINK, CALL_MKDIR, CALLS } call_kind;

static const char *const call_names[CALLS] = {"open", "write", "sync", "rename", "truncate", "unlink", "mkdir"};

static struct {
    bool active;
    const char *folder;
    const char *notes;
    long at;
    int error;  /* with which it fails, or 0 */
    int signal; /* which it gets instead, or 0 */
    bool halves;
    bool lasting;
    unsigned calls; /* a bit a kind */
    atomic_long count;
} plan;

static bool is_named(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
        if ((at == list || at[-1] == ',') && (at[length] == '\0' || at[length] == ','))
            return true;
    return false;
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value != NULL && *value != '\0' ? value : otherwise;
}

static int own_rank(void)
{
    const char *rank = setting("OMPI_COMM_WORLD_RANK", setting("PMIX_RANK", setting("SLURM_PROCID", "0")));

    return atoi(rank);
}

__attribute__((constructor)) static void prepare(void)
{
    const char *what = setting("QCTX_FAULT_WHAT", "eio");
    const char *calls = setting("QCTX_FAULT_CALLS", "open,write,sync,rename,truncate,unlink,mkdir");

    plan.folder = setting("QCTX_FAULT_FOLDER", NULL);
    plan.notes = setting("QCTX_FAULT_NOTES", NULL);
    plan.at = atol(setting("QCTX_FAULT_AT", "0"));
    plan.lasting = atoi(setting("QCTX_FAULT_LASTING", "0")) != 0;
    plan.error = strcmp(what, "enospc") == 0 ? ENOSPC : strcmp(what, "eio") == 0 ? EIO : 0;
    plan.signal = strcmp(what, "kill") == 0 ? SIGKILL : strcmp(what, "stop") == 0 ? SIGSTOP : 0;
    plan.halves = strcmp(what, "short") == 0;
    for (int c = 0; c < CALLS; c++)
        if (is_named(calls, call_names[c]))
            plan.calls |= 1u << c;
    plan.active = plan.folder != NULL && own_rank() == atoi(setting("QCTX_FAULT_RANK", "0"));
}

static void note(long number, call_kind call, const char *path)
{
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%ld %s %s\n", number, call_names[call], path);
    int handle;

    if (plan.notes == NULL)
        return;
    handle = (int)syscall(SYS_openat, AT_FDCWD, plan.notes, O_WRONLY | O_CREAT | O_APPEND, 0666);
    syscall(SYS_write, handle, line, (size_t)length);
    close(handle);
}

/* Full disks make room by removing: that cannot fail for want of it. */
static bool can_fail(call_kind call)
{
    if (plan.halves)
        return call == CALL_WRITE;
    return !(plan.error == ENOSPC && call == CALL_UNLINK);
}

/* Counts a call on an absolute path. Returns whether it is struck; a process that is stopped goes on unharmed. */
static bool is_struck_at(call_kind call, const char *path)
{
    size_t length;
    long number;

    if (!plan.active || (plan.calls & 1u << call) == 0 || !can_fail(call))
        return false;
    length = strlen(plan.folder);
    if (strncmp(path, plan.folder, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return false;
    number = atomic_fetch_add(&plan.count, 1) + 1;
    if (plan.at > 0 && (number < plan.at || (number > plan.at && !plan.lasting)))
        return false;
    note(number, call, path);
    if (plan.signal == SIGSTOP && plan.at > 0)
        kill(getpid(), SIGSTOP);
    return plan.at > 0 && plan.signal != SIGSTOP;
}

static bool is_struck(call_kind call, const char *path)
{
    char whole[2 * PATH_MAX];
    char here[PATH_MAX];

    if (!plan.active)
        return false;
    if (path[0] == '/' || getcwd(here, sizeof here) == NULL)
        return is_struck_at(call, path);
    snprintf(whole, sizeof whole, "%s/%s", here, path);
    return is_struck_at(call, whole);
}

static bool is_handle_struck(call_kind call, int handle)
{
    char link[64], path[PATH_MAX];
    ssize_t length;

    if (!plan.active)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    return is_struck_at(call, path);
}

/* What a struck call does. */
static int fail(void)
{
    if (plan.signal == SIGKILL)
        for (;;)
            kill(getpid(), SIGKILL);
    errno = plan.error;
    return -1;
}

/* A write that is struck: killed in the midst of it, or short, or refused. */
static ssize_t write_struck(int handle, const void *data, size_t bytes, off_t offset)
{
    size_t half = (bytes + 1) / 2;
    ssize_t done = 0;

    if (plan.error == 0)
        done = offset < 0 ? syscall(SYS_write, handle, data, half) : syscall(SYS_pwrite64, handle, data, half, offset);
    return plan.halves ? done : fail();
}

ssize_t write(int handle, const void *data, size_t bytes)
{
    if (is_handle_struck(CALL_WRITE, handle))
        return write_struck(handle, data, bytes, -1);
    return syscall(SYS_write, handle, data, bytes);
}

ssize_t pwrite64(int handle, const void *data, size_t bytes, off64_t offset)
{
    if (is_handle_struck(CALL_WRITE, handle))
        return write_struck(handle, data, bytes, offset);
    return syscall(SYS_pwrite64, handle, data, bytes, offset);
}

ssize_t pwrite(int handle, const void *data, size_t bytes, off_t offset)
{
    return pwrite64(handle, data, bytes, offset);
}

ssize_t writev(int handle, const struct iovec *parts, int count)
{
    if (count > 0 && is_handle_struck(CALL_WRITE, handle))
        return write_struck(handle, parts[0].iov_base, parts[0].iov_len, -1);
    return syscall(SYS_writev, handle, parts, count);
}

int fsync(int handle)
{
    return is_handle_struck(CALL_SYNC, handle) ? fail() : (int)syscall(SYS_fsync, handle);
}

int fdatasync(int handle)
{
    return is_handle_struck(CALL_SYNC, handle) ? fail() : (int)syscall(SYS_fdatasync, handle);
}

int ftruncate64(int handle, off64_t length)
{
    return is_handle_struck(CALL_TRUNCATE, handle) ? fail() : (int)syscall(SYS_ftruncate, handle, length);
}

int ftruncate(int handle, off_t length)
{
    return ftruncate64(handle, length);
}

int fallocate64(int handle, int mode, off64_t offset, off64_t length)
{
    return is_handle_struck(CALL_TRUNCATE, handle) ? fail() : (int)syscall(SYS_fallocate, handle, mode, offset, length);
}

int fallocate(int handle, int mode, off_t offset, off_t length)
{
    return fallocate64(handle, mode, offset, length);
}

int rename(const char *from, const char *to)
{
    return is_struck(CALL_RENAME, to) ? fail() : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    return is_struck(CALL_UNLINK, path) ? fail() : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int remove(const char *path)
{
    if (is_struck(CALL_UNLINK, path))
        return fail();
    if (syscall(SYS_unlinkat, AT_FDCWD, path, 0) == 0)
        return 0;
    return errno == EISDIR ? (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR) : -1;
}

int mkdir(const char *path, mode_t mode)
{
    return is_struck(CALL_MKDIR, path) ? fail() : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

static int open_at(int folder, const char *path, int flags, mode_t mode)
{
    if ((flags & O_ACCMODE) != O_RDONLY && is_struck(CALL_OPEN, path))
        return fail();
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

/* The mode is there, as the caller's last argument, only where a file may be made. */
#define OPEN_WITH_MODE(folder, path, flags)                                                                            \
    va_list more;                                                                                                      \
    mode_t mode = 0;                                                                                                   \
    va_start(more, flags);                                                                                             \
    if ((flags & O_CREAT) != 0)                                                                                        \
        mode = va_arg(more, mode_t);                                                                                   \
    va_end(more);                                                                                                      \
    return open_at(folder, path, flags, mode)

int open(const char *path, int flags, ...)
{
    OPEN_WITH_MODE(AT_FDCWD, path, flags);
}

int open64(const char *path, int flags, ...)
{
    OPEN_WITH_MODE(AT_FDCWD, path, flags);
}

int openat(int folder, const char *path, int flags, ...)
{
    OPEN_WITH_MODE(folder, path, flags);
}

int openat64(int folder, const char *path, int flags, ...)
{
    OPEN_WITH_MODE(folder, path, flags);
}

/* The streams that stand here in the place of the C library's own, and their handles. */
enum { STREAMS_MAX = 64 };
static struct {
    FILE *stream;
    int handle;
} streams[STREAMS_MAX];
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

static void set_stream(FILE *stream, int handle, FILE *replaced, int replaced_handle)
{
    pthread_mutex_lock(&streams_lock);
    for (int i = 0; i < STREAMS_MAX; i++)
        if (streams[i].stream == replaced || (replaced_handle >= 0 && streams[i].handle == replaced_handle)) {
            streams[i].stream = stream;
            streams[i].handle = handle;
            break;
        }
    pthread_mutex_unlock(&streams_lock);
}

static ssize_t stream_write(void *cookie, const char *data, size_t bytes)
{
    int handle = (int)(intptr_t)cookie;
    size_t all = bytes;

    while (bytes > 0) {
        ssize_t done = write(handle, data, bytes);

        if (done <= 0)
            return 0;
        data += done;
        bytes -= (size_t)done;
    }
    return (ssize_t)all;
}

static int stream_close(void *cookie)
{
    int handle = (int)(intptr_t)cookie;

    set_stream(NULL, -1, (FILE *)-1, handle);
    return close(handle);
}

FILE *fopen64(const char *path, const char *mode)
{
    bool appends = mode[0] == 'a';
    FILE *(*original)(const char *, const char *);
    FILE *stream;
    int handle;

    *(void **)&original = dlsym(RTLD_NEXT, "fopen");
    if (!plan.active || mode[0] == 'r' || strchr(mode, '+') != NULL)
        return original(path, mode);
    handle = open(path, O_WRONLY | O_CREAT | (appends ? O_APPEND : O_TRUNC), 0666);
    if (handle < 0)
        return NULL;
    stream = fopencookie((void *)(intptr_t)handle, "w",
                         (cookie_io_functions_t){.write = stream_write, .close = stream_close});
    set_stream(stream, handle, NULL, -1);
    return stream;
}

FILE *fopen(const char *path, const char *mode)
{
    return fopen64(path, mode);
}

int fileno(FILE *stream)
{
    int (*original)(FILE *);
    int handle = -1;

    pthread_mutex_lock(&streams_lock);
    for (int i = 0; i < STREAMS_MAX && handle < 0; i++)
        if (streams[i].stream == stream)
            handle = streams[i].handle;
    pthread_mutex_unlock(&streams_lock);
    *(void **)&original = dlsym(RTLD_NEXT, "fileno");
    return handle >= 0 ? handle : original(stream);
}
