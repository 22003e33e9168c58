#include "qctx/base/fileio.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/infile.h"
#include "qctx/base/mem.h"

/*
 * Bytes that are kept free of a path for the files of a run or a sweep, and of a file's name for what is added while it
 * is written: ".", ".xxxxxxxx.partial", ".journal".
 */
enum { PATH_RESERVE = 160, NAME_RESERVE = 24 };

void qctx_hint_space(qctx_error *error)
{
    if (error != NULL && error->code == QCTX_ERR_SPACE)
        qctx_hint(error, "free some space or quota there and give the same command again, or choose another folder");
}

qctx_status qctx_write_failed(const char *path, const char *what, int code, qctx_error *error)
{
    qctx_status status =
        qctx_fail(error, qctx_status_of_write(code), "%s: %s: %s", path, what, strerror(code != 0 ? code : EIO));

    qctx_hint_space(error);
    return status;
}

qctx_status qctx_stream_refuse(const char *path, qctx_error *error)
{
    struct stat found;

    if (stat(path, &found) != 0 || S_ISREG(found.st_mode) || S_ISDIR(found.st_mode))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_IO, "%s: cannot open: it is a device, a pipe or a socket", path);
    return qctx_hint(error, "it would be read more than once: write it to a file, and name that");
}

qctx_status qctx_file_open(const char *path, FILE **opened, qctx_error *error)
{
    qctx_status status = qctx_stream_refuse(path, error);

    if (status != QCTX_OK)
        return status;
    if (qctx_path_is_folder(path))
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open: it is a folder", path);
    *opened = fopen(path, "rbe");
    if (*opened == NULL)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    return QCTX_OK;
}

/* Reads to the end of the file, and closes it. */
static qctx_status read_all(qctx_infile *file, char **text, size_t *bytes, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    char *data = NULL;
    int64_t capacity = 0;
    size_t used = 0;
    size_t got = 1;

    while (got > 0 && status == QCTX_OK) {
        status = qctx_grow((void **)&data, &capacity, (int64_t)used + (1 << 16) + 1, 1, "a file", error);
        if (status == QCTX_OK)
            status = qctx_infile_read(file, data + used, (size_t)capacity - used - 1, &got, error);
        used += status == QCTX_OK ? got : 0;
    }
    if (status == QCTX_OK) {
        data[used] = '\0';
        *text = data;
        *bytes = used;
        data = NULL;
    }
    free(data);
    qctx_infile_close(file);
    return status;
}

qctx_status qctx_file_read(const char *path, char **text, size_t *bytes, qctx_error *error)
{
    qctx_infile *file;
    qctx_status status = qctx_infile_open(path, &file, error);

    return status == QCTX_OK ? read_all(file, text, bytes, error) : status;
}

static qctx_status refuse_link(const char *path, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_IO, "%s: is a symbolic link, and not followed out of its folder", path);
    return qctx_hint(error, "put the file itself there, if it may be read");
}

qctx_status qctx_link_refuse(const char *path, qctx_error *error)
{
    struct stat found;

    return lstat(path, &found) == 0 && S_ISLNK(found.st_mode) ? refuse_link(path, error) : QCTX_OK;
}

/* Opens a file that is no link to another. */
static qctx_status open_inside(const char *path, int *handle, qctx_error *error)
{
    struct stat found;

    *handle = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*handle < 0 && errno == ELOOP)
        return refuse_link(path, error);
    if (*handle < 0)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for reading: %s", path, strerror(errno));
    if (fstat(*handle, &found) == 0 && S_ISREG(found.st_mode))
        return QCTX_OK;
    close(*handle);
    return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for reading: it is no file", path);
}

qctx_status qctx_file_open_inside(const char *path, FILE **opened, qctx_error *error)
{
    int handle;
    qctx_status status = open_inside(path, &handle, error);

    *opened = status == QCTX_OK ? fdopen(handle, "rb") : NULL;
    if (status == QCTX_OK && *opened == NULL) {
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for reading: %s", path, strerror(errno));
        close(handle);
    }
    return status;
}

qctx_status qctx_file_read_inside(const char *path, char **text, size_t *bytes, qctx_error *error)
{
    qctx_infile *file;
    int handle;
    qctx_status status = open_inside(path, &handle, error);

    if (status == QCTX_OK)
        status = qctx_infile_take(path, handle, &file, error);
    return status == QCTX_OK ? read_all(file, text, bytes, error) : status;
}

void qctx_hint_place(qctx_error *error, const char *path, const char *setting)
{
    size_t said, length;

    if (error == NULL || path == NULL)
        return;
    said = strcspn(error->message, ":");
    length = strlen(path);
    if (strncmp(error->message, path, said < length ? said : length) != 0)
        return;
    if (error->code == QCTX_ERR_SPACE)
        qctx_hint(error, "free some space or quota there and give the same command again, or choose another place: %s",
                  setting);
    else if (error->code == QCTX_ERR_IO && error->hint[0] == '\0')
        qctx_hint(error, "choose another place, which may be written to: %s", setting);
}

static qctx_status make_one(const char *path, qctx_error *error)
{
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && qctx_path_is_folder(path)))
        return QCTX_OK;
    if (errno == EEXIST)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot make the folder: a file of this name is in the way", path);
    return qctx_write_failed(path, "cannot make the folder", errno, error);
}

/*
 * Refuses what the system does not take, or what leaves no room for the files below, so that no folder is begun that
 * cannot be used. `below` are the bytes that are added to the last name.
 */
static qctx_status check_lengths(const char *path, size_t below, qctx_error *error)
{
    for (const char *name = path; name != NULL; name = strchr(name, '/')) {
        size_t bytes, most;

        name += *name == '/';
        bytes = strcspn(name, "/");
        most = name[bytes] == '/' ? NAME_MAX : NAME_MAX - below;
        if (bytes > most)
            return qctx_fail(error, QCTX_ERR_IO, "%s: a name in it has %zu bytes, expected at most %zu", path, bytes,
                             most);
    }
    if (strlen(path) >= PATH_MAX - PATH_RESERVE)
        return qctx_fail(error, QCTX_ERR_IO, "%s: the path has %zu bytes, expected less than %d", path, strlen(path),
                         PATH_MAX - PATH_RESERVE);
    return QCTX_OK;
}

static qctx_status make_folders(const char *path, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    char *prefix = qctx_strdup(path, error);

    if (prefix == NULL)
        return QCTX_ERR_MEMORY;
    for (char *slash = strchr(prefix + 1, '/'); slash != NULL && status == QCTX_OK; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = make_one(prefix, error);
        *slash = '/';
    }
    if (status == QCTX_OK)
        status = make_one(prefix, error);
    free(prefix);
    return status;
}

qctx_status qctx_folder_make(const char *path, qctx_error *error)
{
    qctx_status status = check_lengths(path, 0, error);

    return status == QCTX_OK ? make_folders(path, error) : status;
}

qctx_status qctx_folder_check(const char *path, qctx_error *error)
{
    char *above = qctx_path_trim(path, error);
    char *slash = above;
    qctx_status status = above == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    /* The nearest that is there: what is missing below it would be made in it. */
    while (status == QCTX_OK && slash != NULL && !qctx_path_exists(above)) {
        slash = strrchr(above, '/');
        if (slash != NULL)
            slash[slash == above] = '\0';
    }
    if (status == QCTX_OK && slash != NULL && !qctx_path_is_folder(above))
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot make the folder: a file of this name is in the way", above);
    else if (status == QCTX_OK && access(slash != NULL ? above : ".", W_OK | X_OK) != 0)
        status = qctx_write_failed(path, "cannot make the folder", errno, error);
    free(above);
    return status;
}

static int remove_entry(const char *path, const struct stat *found, int kind, struct FTW *place)
{
    (void)found, (void)kind, (void)place;
    return remove(path);
}

qctx_status qctx_folder_remove(const char *path, qctx_error *error)
{
    enum { HANDLES_MAX = 16 };

    if (qctx_path_exists(path) && nftw(path, remove_entry, HANDLES_MAX, FTW_DEPTH | FTW_PHYS) != 0)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
    return QCTX_OK;
}

qctx_status qctx_path_sync(const char *path, int flags, qctx_error *error)
{
    int handle = open(path, flags);
    qctx_status status = QCTX_OK;

    /* Some network file systems refuse fsync of a folder with EINVAL; there the rename is durable by itself. */
    if (handle < 0 || (fsync(handle) != 0 && errno != EINVAL))
        status = qctx_write_failed(path, "cannot sync", errno, error);
    if (handle >= 0)
        close(handle);
    return status;
}

/* The folder that holds `path`, freshly allocated. */
static char *parent_of(const char *path, qctx_error *error)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return qctx_strdup(".", error);
    return qctx_format(error, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

qctx_status qctx_folder_make_parent(const char *path, qctx_error *error)
{
    qctx_status status = check_lengths(path, NAME_RESERVE, error);
    char *folder = status == QCTX_OK ? parent_of(path, error) : NULL;

    if (status == QCTX_OK)
        status = folder == NULL ? QCTX_ERR_MEMORY : make_folders(folder, error);
    free(folder);
    return status;
}

qctx_status qctx_folder_sync_parent(const char *path, qctx_error *error)
{
    char *folder = parent_of(path, error);
    qctx_status status = folder == NULL ? QCTX_ERR_MEMORY : qctx_path_sync(folder, O_RDONLY | O_DIRECTORY, error);

    free(folder);
    return status;
}

bool qctx_path_exists(const char *path)
{
    struct stat found;

    return lstat(path, &found) == 0;
}

int qctx_path_handle(const char *path)
{
    static const char *const named[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
    static const char *const numbered[] = {"/dev/fd/%d%n", "/proc/self/fd/%d%n"};

    for (int handle = 0; handle < 3; handle++)
        if (strcmp(path, named[handle]) == 0)
            return handle;
    for (int i = 0; i < 2; i++) {
        int handle, end = 0;

        if (sscanf(path, numbered[i], &handle, &end) == 1 && path[end] == '\0' && handle >= 0)
            return handle;
    }
    return -1;
}

bool qctx_folder_has(const char *folder, const char *name)
{
    char *path = qctx_path_join(folder, name, NULL);
    bool there = path != NULL && qctx_path_exists(path);

    free(path);
    return there;
}

bool qctx_path_is_folder(const char *path)
{
    struct stat found;

    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

qctx_status qctx_path_must_not_exist(const char *path, bool force, qctx_error *error)
{
    if (force || !qctx_path_exists(path))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_EXISTS, "%s: exists already", path);
    return qctx_hint(error, "choose another name, or give --force to replace it");
}

qctx_status qctx_output_check(const char *path, bool force, qctx_error *error)
{
    struct stat found;

    if (strcmp(path, "-") == 0 || qctx_path_handle(path) >= 0) {
        qctx_fail(error, QCTX_ERR_USAGE, "'%s' is a stream, this file is written in any order; expected its name",
                  path);
        return qctx_hint(error, "write to a file, and copy that to where it should go");
    }
    if (*qctx_path_base(path) == '\0') {
        qctx_fail(error, QCTX_ERR_USAGE, "'%s' is not the name of a file", path);
        return qctx_hint(error, "name the file to write");
    }
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode)) {
        qctx_fail(error, QCTX_ERR_IO, "%s: it is a folder; expected the name of a file", path);
        return qctx_hint(error, "add the file's name: %s/...", path);
    }
    /* The rename at the end would put a file in the place of the device itself. */
    if (stat(path, &found) == 0 && !S_ISREG(found.st_mode)) {
        qctx_fail(error, QCTX_ERR_IO, "%s: it is a device, a pipe or a socket; expected the name of a file", path);
        return qctx_hint(error, "write to a file, and copy that to where it should go");
    }
    return qctx_path_must_not_exist(path, force, error);
}

char *qctx_path_join(const char *folder, const char *name, qctx_error *error)
{
    size_t length = strlen(folder);

    if (length == 0)
        return qctx_strdup(name, error);
    return qctx_format(error, "%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
}

bool qctx_folders_each(const char *variable, bool (*take)(void *context, const char *folder), void *context)
{
    const char *list = getenv(variable);
    bool taken = false;

    while (!taken && list != NULL && *list != '\0') {
        size_t length = strcspn(list, ":");
        char *folder = length == 0 ? NULL : qctx_format(NULL, "%.*s", (int)length, list);

        taken = folder != NULL && take(context, folder);
        free(folder);
        list += length;
        list += *list == ':';
    }
    return taken;
}

char *qctx_path_trim(const char *path, qctx_error *error)
{
    char *trimmed = qctx_strdup(path, error);

    for (size_t end = strlen(path); trimmed != NULL && end > 1 && path[end - 1] == '/'; end--)
        trimmed[end - 1] = '\0';
    return trimmed;
}

const char *qctx_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}
