/* Files on the disk, their groups, and what the other parts share: failures, handles. */
#include "qctx/platform/h5.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "h5_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

/* Large datasets begin on a page, so that mapped rows straddle no more pages than they must. */
enum { ALIGNED_FROM = 1 << 16, ALIGNMENT = 4096 };

static herr_t keep_first(unsigned depth, const H5E_error2_t *record, void *cause)
{
    if (depth == 0 && record->desc != NULL)
        snprintf(cause, 256, "%s", record->desc);
    return 0;
}

qctx_status qctx_h5_fail(const char *path, const char *what, qctx_status code, qctx_error *error)
{
    static const char marker[] = "error message = '";
    char cause[256] = "unknown cause";
    char *quoted;

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, cause);
    quoted = strstr(cause, marker);
    if (quoted != NULL) {
        quoted += strlen(marker);
        quoted[strcspn(quoted, "'")] = '\0';
    }
    return qctx_fail(error, code, "%s: %s: %s", path, what, quoted != NULL ? quoted : cause);
}

qctx_status qctx_h5_written(const qctx_h5 *file, int64_t result, const char *what, qctx_error *error)
{
    if (file->failure != 0)
        return qctx_write_failed(file->path, what, file->failure, error);
    if (result < 0)
        return qctx_h5_fail(file->path, what, QCTX_ERR_IO, error);
    return QCTX_OK;
}

void qctx_h5_release(hid_t object, hid_t space, hid_t type, hid_t properties)
{
    if (object >= 0)
        H5Oclose(object);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    if (properties >= 0)
        H5Pclose(properties);
}

hid_t qctx_h5_link_properties(void)
{
    hid_t properties = H5Pcreate(H5P_LINK_CREATE);

    H5Pset_create_intermediate_group(properties, 1);
    H5Pset_char_encoding(properties, H5T_CSET_UTF8);
    return properties;
}

/* Makes the handle; the file itself is opened by the caller. Errors are told by return values, never printed. */
qctx_status qctx_h5_make_handle(const char *path, qctx_h5 **made, qctx_error *error)
{
    qctx_h5 *file = qctx_alloc(1, sizeof *file, "an HDF5 file", error);

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (file == NULL)
        return QCTX_ERR_MEMORY;
    file->id = file->handle = -1;
    file->path = qctx_strdup(path, error);
    if (file->path == NULL) {
        free(file);
        return QCTX_ERR_MEMORY;
    }
    *made = file;
    return QCTX_OK;
}

void qctx_h5_free_handle(qctx_h5 *file)
{
    if (file != NULL)
        free(file->path);
    free(file);
}

/* The operating system's own words, which HDF5 would bury. */
static qctx_status check_access(const char *path, int flags, const char *what, qctx_error *error)
{
    struct stat found;
    int handle;

    /* Opening a pipe would wait for its other end. */
    if (stat(path, &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode))
        return qctx_fail(error, QCTX_ERR_IO, "%s: %s: it is a device, a pipe or a socket", path, what);
    handle = open(path, flags, 0666);
    if (handle < 0)
        return qctx_write_failed(path, what, errno, error);
    close(handle);
    if (qctx_path_is_folder(path))
        return qctx_fail(error, QCTX_ERR_IO, "%s: %s: it is a folder", path, what);
    return QCTX_OK;
}

qctx_status qctx_h5_check_readable(const char *path, qctx_error *error)
{
    return check_access(path, O_RDONLY, "cannot open", error);
}

/* Opens the file under a path, or what `handle` has open (−1: nothing). */
static qctx_status open_file(const char *path, int handle, qctx_h5 **opened, qctx_error *error)
{
    qctx_h5 *file = NULL;
    hid_t access = -1;
    qctx_status status = qctx_h5_make_handle(path, &file, error);

    if (status != QCTX_OK)
        goto out;
    file->handle = handle;
    access = handle >= 0 ? qctx_h5_plain_access(file) : H5Pcreate(H5P_FILE_ACCESS);
    /* Locks fail on some network file systems, and a reader of finished files needs none. */
    H5Pset_file_locking(access, 0, 1);
    file->id = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (file->id < 0) {
        status = qctx_h5_fail(path, "not a readable HDF5 file", QCTX_ERR_FORMAT, error);
        qctx_hint(error, "expected a store or a checkpoint; was the file copied completely?");
        goto out;
    }
    *opened = file;
    file = NULL;
out:
    qctx_h5_release(-1, -1, -1, access);
    qctx_h5_free_handle(file);
    return status;
}

qctx_status qctx_h5_open(const char *path, qctx_h5 **opened, qctx_error *error)
{
    qctx_status status = qctx_h5_check_readable(path, error);

    return status == QCTX_OK ? open_file(path, -1, opened, error) : status;
}

qctx_status qctx_h5_open_handle(const char *name, int handle, qctx_h5 **opened, qctx_error *error)
{
    return open_file(name, handle, opened, error);
}

/* Creates a file under `path`, or in an empty one that is open for writing (`handle` not −1). */
static qctx_status create_file(const char *path, int handle, int64_t front, qctx_h5 **created, qctx_error *error)
{
    qctx_h5 *file = NULL;
    hid_t access = -1, creation = -1;
    qctx_status status = qctx_h5_make_handle(path, &file, error);

    if (status != QCTX_OK)
        goto out;
    file->handle = handle;
    access = qctx_h5_plain_access(file);
    H5Pset_alignment(access, ALIGNED_FROM, ALIGNMENT);
    creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, (hsize_t)front);
    file->id = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    if (file->id < 0) {
        status = qctx_h5_fail(path, "cannot create", QCTX_ERR_IO, error);
        goto out;
    }
    *created = file;
    file = NULL;
out:
    qctx_h5_release(-1, -1, -1, access);
    qctx_h5_release(-1, -1, -1, creation);
    qctx_h5_free_handle(file);
    return status;
}

qctx_status qctx_h5_create_behind(const char *path, int64_t front, qctx_h5 **created, qctx_error *error)
{
    qctx_status status = check_access(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, "cannot create", error);

    return status == QCTX_OK ? create_file(path, -1, front, created, error) : status;
}

qctx_status qctx_h5_create(const char *path, qctx_h5 **created, qctx_error *error)
{
    return qctx_h5_create_behind(path, 0, created, error);
}

qctx_status qctx_h5_create_handle(const char *name, int handle, qctx_h5 **created, qctx_error *error)
{
    return create_file(name, handle, 0, created, error);
}

qctx_status qctx_h5_close(qctx_h5 *file, qctx_error *error)
{
    qctx_status status;

    if (file == NULL)
        return QCTX_OK;
    status = qctx_h5_written(file, H5Fclose(file->id), "cannot finish writing", error);
    qctx_h5_free_handle(file);
    return status;
}

bool qctx_h5_begins(const void *data, size_t bytes)
{
    static const char signature[8] = "\x89HDF\r\n\x1a\n";

    return bytes >= sizeof signature && memcmp(data, signature, sizeof signature) == 0;
}

bool qctx_h5_is(const char *path)
{
    const int handle = qctx_h5_check_readable(path, NULL) == QCTX_OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    bool found = false;
    char begin[8];

    /* The format allows a user's block in front, of 512 bytes or that times a power of two. */
    for (off_t at = 0; handle >= 0 && !found; at = at == 0 ? 512 : at * 2) {
        const ssize_t got = pread(handle, begin, sizeof begin, at);

        if (got < (ssize_t)sizeof begin)
            break;
        found = qctx_h5_begins(begin, sizeof begin);
    }
    if (handle >= 0)
        close(handle);
    return found;
}

bool qctx_h5_exists(const qctx_h5 *file, const char *object)
{
    char prefix[1024];

    if (strcmp(object, "/") == 0)
        return true;
    /* Every link on the way must be there before the next may be asked for. */
    for (size_t i = 1;; i++) {
        if (object[i] != '/' && object[i] != '\0')
            continue;
        if (i >= sizeof prefix)
            return false;
        memcpy(prefix, object, i);
        prefix[i] = '\0';
        if (H5Lexists(file->id, prefix, H5P_DEFAULT) <= 0 || H5Oexists_by_name(file->id, prefix, H5P_DEFAULT) <= 0)
            return false;
        if (object[i] == '\0')
            return true;
    }
}

/* The name of link `index` of a group in alphabetical order, or NULL with `error` filled. */
static char *link_name(const qctx_h5 *file, const char *group, int64_t index, qctx_error *error)
{
    ssize_t length =
        H5Lget_name_by_idx(file->id, group, H5_INDEX_NAME, H5_ITER_INC, (hsize_t)index, NULL, 0, H5P_DEFAULT);
    char *name;

    if (length < 0) {
        qctx_h5_fail(file->path, group, QCTX_ERR_FORMAT, error);
        return NULL;
    }
    name = qctx_alloc(length + 1, 1, "a name", error);
    if (name != NULL)
        H5Lget_name_by_idx(file->id, group, H5_INDEX_NAME, H5_ITER_INC, (hsize_t)index, name, (size_t)length + 1,
                           H5P_DEFAULT);
    return name;
}

qctx_status qctx_h5_list(const qctx_h5 *file, const char *group, char ***names, int64_t *count, qctx_error *error)
{
    H5G_info_t info;
    char **list = NULL;
    int64_t found = 0;

    if (!qctx_h5_exists(file, group) || H5Gget_info_by_name(file->id, group, &info, H5P_DEFAULT) < 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: there is no group %s", file->path, group);
    list = qctx_alloc((int64_t)info.nlinks, sizeof *list, "names of a group", error);
    if (list == NULL)
        return QCTX_ERR_MEMORY;
    for (; found < (int64_t)info.nlinks; found++) {
        list[found] = link_name(file, group, found, error);
        if (list[found] == NULL)
            goto failed;
    }
    *names = list;
    *count = found;
    return QCTX_OK;
failed:
    while (found > 0)
        free(list[--found]);
    free(list);
    return QCTX_ERR_FORMAT;
}

qctx_status qctx_h5_make_group(qctx_h5 *file, const char *name, qctx_error *error)
{
    hid_t properties = qctx_h5_link_properties();
    hid_t group = H5Gcreate2(file->id, name, properties, H5P_DEFAULT, H5P_DEFAULT);
    qctx_status status = qctx_h5_written(file, group, name, error);

    qctx_h5_release(group, -1, -1, properties);
    return status;
}

const char *qctx_h5_library(void)
{
    static char text[32];
    unsigned major = 0, minor = 0, release = 0;

    H5get_libversion(&major, &minor, &release);
    snprintf(text, sizeof text, "HDF5 %u.%u.%u", major, minor, release);
    return text;
}
