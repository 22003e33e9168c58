#include "qctx/base/infile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/mem.h"
#include "qctx/base/wait.h"

struct qctx_infile {
    char *path;
    int handle;
    bool waits; /* it may have nothing yet */
};

/* What the handle is, once it is open. */
static qctx_status inspect(qctx_infile *file, qctx_error *error)
{
    struct stat found;
    int code = 0;

    if (file->handle < 0 || fstat(file->handle, &found) != 0)
        code = errno;
    else if (S_ISDIR(found.st_mode))
        code = EISDIR;
    if (code != 0)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for reading: %s", file->path, strerror(code));
    file->waits = !S_ISREG(found.st_mode);
    return QCTX_OK;
}

qctx_status qctx_infile_open(const char *path, qctx_infile **opened, qctx_error *error)
{
    /* Without waiting for the other end of a pipe: that is done where something is read. */
    return qctx_infile_take(path, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), opened, error);
}

qctx_status qctx_infile_take(const char *path, int handle, qctx_infile **opened, qctx_error *error)
{
    const int code = errno;
    qctx_infile *file = qctx_alloc(1, sizeof *file, "a file", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (file == NULL) {
        if (handle >= 0)
            close(handle);
        return status;
    }
    file->handle = handle;
    file->path = qctx_strdup(path, error);
    errno = code;
    if (file->path != NULL)
        status = inspect(file, error);
    if (status != QCTX_OK)
        qctx_infile_close(file);
    else
        *opened = file;
    return status;
}

void qctx_infile_close(qctx_infile *file)
{
    if (file == NULL)
        return;
    if (file->handle >= 0)
        close(file->handle);
    free(file->path);
    free(file);
}

qctx_status qctx_infile_read(qctx_infile *file, void *bytes, size_t size, size_t *got, qctx_error *error)
{
    ssize_t count = -1;

    while (count < 0) {
        qctx_status status = file->waits ? qctx_wait_readable(file->handle, file->path, error) : QCTX_OK;

        if (status != QCTX_OK)
            return status;
        count = read(file->handle, bytes, size);
        if (count < 0 && errno != EINTR && errno != EAGAIN)
            return qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", file->path, strerror(errno));
    }
    *got = (size_t)count;
    return QCTX_OK;
}
