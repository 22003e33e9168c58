#include "qctx/platform/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "qctx/base/clock.h"
#include "qctx/platform/stop.h"

/* Bytes a second that any disk and any decompression manage. */
static const double slowest_bytes = 20e6;

/* Waiting is no hang as computing for ever is: a file server may be slow, or processors have other work. */
static const double waiting_factor = 60;

enum { LOOK_MILLISECONDS = 20 };

/* What comes back before the result. */
typedef struct {
    qctx_status status;
    qctx_error error;
} report;

/* A child at work, and what it was started for. */
typedef struct {
    const char *path;
    const char *reader;
    const qctx_cage_limits *limits;
    pid_t process;
    int reports;    /* the end of the pipe that this process reads */
    double started; /* qctx_clock_seconds */
} child;

/* What is sent to whole groups of processes, as Ctrl-C is, is for the parent to act on. */
static void reset_signals(void)
{
    static const int of_the_parent[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    for (size_t i = 0; i < sizeof of_the_parent / sizeof of_the_parent[0]; i++)
        signal(of_the_parent[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A library that finds its memory damaged would write to the terminal. */
static void leave_the_terminal(void)
{
    int nothing = open("/dev/null", O_RDWR);

    for (int stream = 0; stream <= STDERR_FILENO && nothing >= 0; stream++)
        dup2(nothing, stream);
}

/* Lowers a limit; one that is lower already stays. */
static void limit(int resource, int64_t bytes)
{
    struct rlimit now;

    if (getrlimit(resource, &now) != 0)
        return;
    if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur > (rlim_t)bytes)
        now.rlim_cur = (rlim_t)bytes;
    setrlimit(resource, &now);
}

/* Sanitizers reserve terabytes of addresses, so that a limit would say nothing. */
#ifdef __SANITIZE_ADDRESS__
enum { COUNTS_ADDRESSES = 0 };
#else
enum { COUNTS_ADDRESSES = 1 };
#endif

/* Bytes of this process's address space, 0 where the system does not tell. */
static int64_t mapped_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long long pages = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lld", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void set_limits(const qctx_cage_limits *limits)
{
    int64_t mapped = limits->memory > 0 && COUNTS_ADDRESSES ? mapped_bytes() : 0;

    if (mapped > 0)
        limit(RLIMIT_AS, mapped + limits->memory);
    if (limits->output > 0)
        limit(RLIMIT_FSIZE, limits->output);
    limit(RLIMIT_CORE, 0);
}

static void send_all(int handle, const void *data, size_t bytes)
{
    const char *at = data;

    while (bytes > 0) {
        ssize_t sent = write(handle, at, bytes);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            _exit(1);
        at += sent;
        bytes -= (size_t)sent;
    }
}

static void be_the_child(const qctx_cage_limits *limits, pid_t parent, int reports, qctx_cage_work work, void *context,
                         void *result, size_t bytes)
{
    static report done;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    reset_signals();
    leave_the_terminal();
    set_limits(limits);
    done.status = work(context, result, &done.error);
    send_all(reports, &done, sizeof done);
    send_all(reports, result, bytes);
    _exit(0);
}

static int64_t bytes_to_move(const qctx_cage_limits *limits)
{
    struct stat copy;

    return limits->input + (limits->copy >= 0 && fstat(limits->copy, &copy) == 0 ? (int64_t)copy.st_size : 0);
}

static double seconds_allowed(const qctx_cage_limits *limits)
{
    return limits->seconds + (double)bytes_to_move(limits) / slowest_bytes;
}

/* Processor seconds that a process has taken; 0 where it has ended. */
static double seconds_computed(pid_t process)
{
    struct timespec time;
    clockid_t clock;

    if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* OK as long as the child may go on. */
static qctx_status check_child(const child *of, qctx_error *error)
{
    const double allowed = seconds_allowed(of->limits);
    double seconds = allowed;
    qctx_status status = qctx_stop_check(error);

    if (status != QCTX_OK)
        return status;
    if (seconds_computed(of->process) <= allowed) {
        seconds = allowed * waiting_factor;
        if (qctx_clock_seconds() - of->started <= seconds)
            return QCTX_OK;
    }
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s took more than %.3g s to read it", of->path, of->reader, seconds);
    return qctx_hint(error, "it is damaged, or made to do harm: files of its size take a fraction of that");
}

/* Receives `bytes` bytes; `*got` is how many came before the child's end of the pipe was closed. */
static qctx_status receive(const child *of, void *data, size_t bytes, size_t *got, qctx_error *error)
{
    struct pollfd wait = {.fd = of->reports, .events = POLLIN};

    for (*got = 0; *got < bytes;) {
        qctx_status status;
        ssize_t came;

        if (poll(&wait, 1, LOOK_MILLISECONDS) <= 0) {
            status = check_child(of, error);
            if (status != QCTX_OK)
                return status;
            continue;
        }
        came = read(of->reports, (char *)data + *got, bytes - *got);
        if (came < 0 && errno == EINTR)
            continue;
        if (came <= 0)
            break;
        *got += (size_t)came;
    }
    return QCTX_OK;
}

static long long mebibytes(int64_t bytes)
{
    return (long long)(bytes >> 20);
}

static qctx_status fail_by_memory(const child *of, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s needs more than %lld MiB of memory to read it", of->path, of->reader,
              mebibytes(of->limits->memory));
    return qctx_hint(error, "it is damaged, or made to do harm; or a part of it is far larger than the whole");
}

/* The child ended without a report. */
static qctx_status fail_by_end(const child *of, int end, qctx_error *error)
{
    const int number = WIFSIGNALED(end) ? WTERMSIG(end) : 0;

    if (number == SIGXFSZ) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: what it says it holds takes more than %lld MiB", of->path,
                  mebibytes(of->limits->output));
        return qctx_hint(error, "it is damaged, or made to do harm; or it is compressed beyond all measure");
    }
    if (number == SIGKILL) {
        qctx_fail(error, QCTX_ERR_MEMORY, "%s: the process that read it was killed", of->path);
        return qctx_hint(error, "by the system, where its memory is short");
    }
    if (number != 0)
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s crashed reading it (%s)", of->path, of->reader, strsignal(number));
    else
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s ended reading it (exit code %d)", of->path, of->reader,
                  WEXITSTATUS(end));
    return qctx_hint(error, "it is damaged, or made to do harm");
}

/* What the child says of a failure; the memory that it comes from may have been damaged. */
static qctx_status pass_on(report *done, qctx_error *error)
{
    done->error.message[QCTX_ERROR_MESSAGE_MAX - 1] = '\0';
    done->error.hint[QCTX_ERROR_HINT_MAX - 1] = '\0';
    qctx_fail(error, done->status, "%s", done->error.message);
    return qctx_hint(error, "%s", done->error.hint);
}

/* Waits for the child's report and result. */
static qctx_status hear(const child *of, void *result, size_t bytes, qctx_error *error)
{
    report done;
    size_t got = 0, more = 0;
    qctx_status status = receive(of, &done, sizeof done, &got, error);
    int end = 0;

    if (status == QCTX_OK && got == sizeof done)
        status = receive(of, result, bytes, &more, error);
    /* With all that it had to say, it is about to end; without, it has ended or is to. */
    if (status != QCTX_OK || more == bytes)
        kill(of->process, SIGKILL);
    while (waitpid(of->process, &end, 0) < 0 && errno == EINTR)
        ;
    if (status != QCTX_OK)
        return status;
    if (got < sizeof done || more < bytes)
        return fail_by_end(of, end, error);
    if (done.status == QCTX_OK)
        return QCTX_OK;
    if (done.status == QCTX_ERR_MEMORY && of->limits->memory > 0)
        return fail_by_memory(of, error);
    return pass_on(&done, error);
}

static qctx_status fail_to_start(const char *path, int code, qctx_error *error)
{
    qctx_fail(error, code == ENOMEM ? QCTX_ERR_MEMORY : QCTX_ERR_IO,
              "%s: no process can be started to read it apart: %s", path, strerror(code));
    return qctx_hint(error, "ulimit -u says how many processes there may be, a job's limits how much memory");
}

qctx_status qctx_cage_run(const char *path, const char *reader, const qctx_cage_limits *limits, qctx_cage_work work,
                          void *context, void *result, size_t bytes, qctx_error *error)
{
    child started = {.path = path, .reader = reader, .limits = limits, .started = qctx_clock_seconds()};
    pid_t parent = getpid();
    int ends[2], code;
    qctx_status status;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail_to_start(path, errno, error);
    started.process = fork();
    code = errno;
    if (started.process == 0) {
        close(ends[0]);
        be_the_child(limits, parent, ends[1], work, context, result, bytes);
    }
    close(ends[1]);
    started.reports = ends[0];
    status = started.process < 0 ? fail_to_start(path, code, error) : hear(&started, result, bytes, error);
    close(ends[0]);
    return status;
}
