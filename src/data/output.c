#include "qctx/data/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/lockfile.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"
#include "qctx/platform/comm.h"
#include "qctx/platform/stop.h"

/* How long to wait before a FIFO is tried again. */
static const struct timespec pause_between_tries = {.tv_nsec = 50 * 1000 * 1000};

struct qctx_output {
    char *path;
    bool force;
    FILE *stream; /* of standard output, a pipe or a device; NULL: a file */
    qctx_outfile *file;
    qctx_lockfile *lock;
};

/* The handle that a path stands for; −1: none. */
static int handle_of(const char *path)
{
    return strcmp(path, "-") == 0 ? STDOUT_FILENO : qctx_path_handle(path);
}

bool qctx_output_is_standard(const char *path)
{
    return handle_of(path) == STDOUT_FILENO;
}

/* Whether bytes can be sent there as they come; a disk's device is not meant. */
static bool is_stream(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && (S_ISFIFO(found.st_mode) || S_ISCHR(found.st_mode));
}

/* Opening a FIFO for writing waits in the kernel, where nothing could stop it: it is asked again and again instead. */
static qctx_status open_device(const char *path, int *handle, qctx_error *error)
{
    bool told = false;
    qctx_status status = QCTX_OK;

    *handle = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    while (*handle < 0 && errno == ENXIO && is_stream(path) && status == QCTX_OK) {
        if (!told)
            qctx_info("%s: waiting until somebody reads it", path);
        told = true;
        nanosleep(&pause_between_tries, NULL);
        qctx_comm_tell_alive();
        status = qctx_stop_check(error);
        *handle = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    if (status == QCTX_OK && (*handle < 0 || fcntl(*handle, F_SETFL, 0) != 0))
        status = qctx_write_failed(path, "cannot open for writing", errno, error);
    return status;
}

static qctx_status open_stream(qctx_output *output, qctx_error *error)
{
    int given = handle_of(output->path), handle = -1;
    qctx_status status = QCTX_OK;

    if (given < 0)
        status = open_device(output->path, &handle, error);
    else if ((handle = fcntl(given, F_DUPFD_CLOEXEC, 0)) < 0)
        status = qctx_write_failed(output->path, "cannot open for writing", errno, error);
    if (status == QCTX_OK && (output->stream = fdopen(handle, "w")) == NULL)
        status = qctx_write_failed(output->path, "cannot open for writing", errno, error);
    if (status != QCTX_OK && handle >= 0)
        close(handle);
    return status;
}

static qctx_status take_lock(qctx_output *output, qctx_error *error)
{
    const char *base = qctx_path_base(output->path);
    char *path = qctx_format(error, "%.*s.%s.lock", (int)(base - output->path), output->path, base);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_lockfile_take(path, &output->lock, error);

    free(path);
    return status;
}

/* The temporary first: where no file can be made, its message names the output and not the lock. */
static qctx_status open_file(qctx_output *output, qctx_error *error)
{
    qctx_status status = qctx_output_check(output->path, output->force, error);

    if (status == QCTX_OK)
        status = qctx_outfile_open(output->path, &output->file, error);
    if (status == QCTX_OK)
        status = take_lock(output, error);
    /* Whoever held the lock until now may have finished. */
    return status == QCTX_OK ? qctx_output_check(output->path, output->force, error) : status;
}

qctx_status qctx_output_open(const char *path, bool force, qctx_output **opened, qctx_error *error)
{
    qctx_output *output = qctx_alloc(1, sizeof *output, "an output", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (output == NULL)
        return status;
    output->force = force;
    output->path = qctx_strdup(path, error);
    if (output->path != NULL)
        status = handle_of(path) >= 0 || is_stream(path) ? open_stream(output, error) : open_file(output, error);
    if (status == QCTX_OK)
        *opened = output;
    else
        qctx_output_discard(output);
    return status;
}

FILE *qctx_output_stream(qctx_output *output)
{
    return output->stream != NULL ? output->stream : qctx_outfile_stream(output->file);
}

static qctx_status close_stream(qctx_output *output, qctx_error *error)
{
    const char *name = qctx_output_is_standard(output->path) ? "standard output" : output->path;
    int failed = ferror(output->stream);
    qctx_status status = QCTX_OK;

    errno = 0;
    if (fflush(output->stream) != 0 || failed)
        status = qctx_write_failed(name, "cannot write", errno, error);
    if (fclose(output->stream) != 0 && status == QCTX_OK)
        status = qctx_write_failed(name, "cannot write", errno, error);
    output->stream = NULL;
    return status;
}

qctx_status qctx_output_commit(qctx_output *output, qctx_error *error)
{
    qctx_status status;

    if (output == NULL)
        return QCTX_OK;
    if (output->stream != NULL)
        status = close_stream(output, error);
    else if (output->force)
        status = qctx_outfile_commit(output->file, error);
    else
        status = qctx_outfile_commit_new(output->file, error);
    output->file = NULL;
    qctx_output_discard(output);
    return status;
}

void qctx_output_discard(qctx_output *output)
{
    if (output == NULL)
        return;
    if (output->stream != NULL)
        fclose(output->stream);
    qctx_outfile_discard(output->file);
    qctx_lockfile_remove(output->lock);
    free(output->path);
    free(output);
}
