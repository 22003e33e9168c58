#include "qctx/base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

const char qctx_outfile_ending[] = ".partial";

struct qctx_outfile {
    char *path;
    char *temporary;
    FILE *stream;
};

enum { MARK = 8, TRIES = 100 };

/* Eight characters that nobody can foresee. */
static void draw_mark(char mark[MARK + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    unsigned char drawn[MARK];

    /* Where there is no randomness, names differ by the process alone, which O_EXCL makes good. */
    if (getrandom(drawn, sizeof drawn, 0) != sizeof drawn)
        for (int i = 0; i < MARK; i++)
            drawn[i] = (unsigned char)(getpid() >> i);
    for (int i = 0; i < MARK; i++)
        mark[i] = letters[drawn[i] % (sizeof letters - 1)];
    mark[MARK] = '\0';
}

/* A file handle, or −1. */
static int make_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
}

/* 0, or −1. */
static int make_folder(const char *path)
{
    return mkdir(path, 0777);
}

/* Makes a temporary of `path` under a name that nothing had before; `*result` is what `make` returned. */
static qctx_status make_temporary(const char *path, int (*make)(const char *), const char *failed, char **temporary,
                                  int *result, qctx_error *error)
{
    for (int tries = 0;; tries++) {
        char mark[MARK + 1];

        draw_mark(mark);
        *temporary = qctx_format(error, "%s.%s%s", path, mark, qctx_outfile_ending);
        if (*temporary == NULL)
            return QCTX_ERR_MEMORY;
        *result = make(*temporary);
        if (*result >= 0)
            return QCTX_OK;
        free(*temporary);
        *temporary = NULL;
        if (errno != EEXIST || tries == TRIES)
            return qctx_write_failed(path, failed, errno, error);
    }
}

qctx_status qctx_outfile_open(const char *path, qctx_outfile **opened, qctx_error *error)
{
    qctx_outfile *file = qctx_alloc(1, sizeof *file, "an output file", error);
    qctx_status status = QCTX_ERR_MEMORY;
    int handle = -1;

    if (file == NULL)
        return status;
    file->path = qctx_strdup(path, error);
    if (file->path != NULL)
        status = make_temporary(path, make_file, "cannot open for writing", &file->temporary, &handle, error);
    if (status == QCTX_OK) {
        file->stream = fdopen(handle, "wb");
        if (file->stream == NULL) {
            close(handle);
            status = qctx_write_failed(path, "cannot open for writing", errno, error);
        }
    }
    if (status != QCTX_OK)
        qctx_outfile_discard(file);
    else
        *opened = file;
    return status;
}

FILE *qctx_outfile_stream(qctx_outfile *file)
{
    return file->stream;
}

/* `publish` gives the temporary its name. */
static qctx_status commit(qctx_outfile *file, qctx_status (*publish)(const char *, const char *, qctx_error *),
                          qctx_error *error)
{
    qctx_status status = QCTX_OK;
    /* A failed write leaves the stream's error flag set, even when a later flush succeeds. */
    int failed = ferror(file->stream);

    errno = 0;
    if (fflush(file->stream) != 0 || failed)
        status = qctx_write_failed(file->path, "cannot write", errno, error);
    if (fclose(file->stream) != 0 && status == QCTX_OK)
        status = qctx_write_failed(file->path, "cannot write", errno, error);
    file->stream = NULL;
    if (status == QCTX_OK)
        status = publish(file->temporary, file->path, error);
    qctx_outfile_discard(file);
    return status;
}

qctx_status qctx_outfile_commit(qctx_outfile *file, qctx_error *error)
{
    return commit(file, qctx_file_publish, error);
}

qctx_status qctx_outfile_commit_new(qctx_outfile *file, qctx_error *error)
{
    return commit(file, qctx_file_publish_new, error);
}

void qctx_outfile_discard(qctx_outfile *file)
{
    if (file == NULL)
        return;
    if (file->stream != NULL)
        fclose(file->stream);
    if (file->temporary != NULL)
        unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    free(file);
}

qctx_status qctx_file_write(const char *path, const void *data, size_t bytes, qctx_error *error)
{
    qctx_outfile *file = NULL;
    qctx_status status = qctx_outfile_open(path, &file, error);

    if (status != QCTX_OK)
        return status;
    if (fwrite(data, 1, bytes, qctx_outfile_stream(file)) < bytes) {
        status = qctx_write_failed(path, "cannot write", errno, error);
        qctx_outfile_discard(file);
        return status;
    }
    return qctx_outfile_commit(file, error);
}

static qctx_status publish(const char *from, const char *to, int (*name)(const char *, const char *), qctx_error *error)
{
    qctx_status status = qctx_path_sync(from, O_RDONLY, error);

    if (status != QCTX_OK)
        return status;
    if (name(from, to) == 0)
        return qctx_folder_sync_parent(to, error);
    if (errno != EEXIST || name == rename)
        return qctx_write_failed(to, "cannot rename to its final name", errno, error);
    qctx_fail(error, QCTX_ERR_EXISTS, "%s: exists by now: another process made it in the meantime", to);
    return qctx_hint(error, "choose another name, or give --force to replace it");
}

/*
 * Gives a name that is free. Where the file system cannot do that at once, a second name of a file takes the place of
 * the first; for a folder, and without second names, all that is left is to look before.
 */
static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (link(from, to) == 0)
        return unlink(from);
    if (errno == EEXIST)
        return -1;
    if (qctx_path_exists(to)) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

qctx_status qctx_file_publish(const char *from, const char *to, qctx_error *error)
{
    return publish(from, to, rename, error);
}

qctx_status qctx_file_publish_new(const char *from, const char *to, qctx_error *error)
{
    return publish(from, to, rename_new, error);
}

qctx_status qctx_outfolder_make(const char *path, char **made, qctx_error *error)
{
    qctx_status status = qctx_folder_make_parent(path, error);
    int result;

    return status == QCTX_OK ? make_temporary(path, make_folder, "cannot make the folder", made, &result, error)
                             : status;
}

qctx_status qctx_file_append(const char *path, bool begins, int *handle, qctx_error *error)
{
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (begins ? O_TRUNC : 0);

    *handle = open(path, flags, 0666);
    if (*handle >= 0)
        return QCTX_OK;
    if (errno != ELOOP)
        return qctx_write_failed(path, "cannot open for writing", errno, error);
    qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for writing: it is a symbolic link", path);
    return qctx_hint(error, "remove the link, through which any file could be written to, or choose another folder");
}

qctx_status qctx_stream_append(const char *path, bool begins, FILE **stream, qctx_error *error)
{
    int handle;
    qctx_status status = qctx_file_append(path, begins, &handle, error);

    if (status != QCTX_OK)
        return status;
    *stream = fdopen(handle, "a");
    if (*stream != NULL)
        return QCTX_OK;
    close(handle);
    return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for %s", path);
}
