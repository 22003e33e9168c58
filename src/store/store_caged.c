/*
 * Stores of unknown origin. HDF5 crashes, hangs or takes gigabytes on some damaged files, so a child process reads
 * them (platform/cage): it copies what a store holds into an unlinked file of our own making, which is then opened as
 * any store. Vectors that can be mapped stay where they are; the child says where that is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/temporary.h"
#include "qctx/platform/cage.h"
#include "store_internal.h"

enum {
    MEMORY = 768 << 20,   /* for a small file … */
    MEMORY_PER_BYTE = 4,  /* … and for what a chunk of a large one takes, as it is stored and as it is read */
    OUTPUT = 256 << 20,   /* of the copy */
    OUTPUT_PER_BYTE = 32, /* as texts of fixed length may be compressed */
    BLOCK_BYTES = 512,    /* of stat() */
};

/* Processor time of a small file; an honest one takes milliseconds. */
static const double seconds = 1;

/* What the child is told. */
typedef struct {
    const char *path;
    bool external;
    int copy;
} request;

/* The attributes that a store may have; those of a number are so. */
static const struct {
    const char *name;
    bool is_number;
} attributes[] = {
    {"schema", false},
    {"version", true},
    {"dim", true},
    {"encoder", false},
    {"encoder_fingerprint", false},
    {"encoder_settings", false},
    {"context_text", false},
    {"corpus_fingerprint", false},
    {"checksum", false},
};

/* Lists beside the vectors. */
static const char *const lists[] = {"questions/id",  "questions/text", "contexts/id",
                                    "contexts/text", "contexts/title", "encoder/table"};

static const char *const split_lists[] = {"questions", "offsets", "contexts", "grades"};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static qctx_status copy_attribute(const qctx_h5 *from, qctx_h5 *to, const char *name, bool is_number, qctx_error *error)
{
    char *text = NULL;
    int64_t number = 0;
    qctx_status status;

    if (!qctx_h5_has(from, "/", name))
        return QCTX_OK;
    status =
        is_number ? qctx_h5_get_int(from, "/", name, &number, error) : qctx_h5_get_text(from, "/", name, &text, error);
    if (status == QCTX_OK)
        status =
            is_number ? qctx_h5_set_int(to, "/", name, number, error) : qctx_h5_set_text(to, "/", name, text, error);
    free(text);
    return status;
}

static qctx_status copy_list(const qctx_h5 *from, qctx_h5 *to, const char *name, qctx_error *error)
{
    return qctx_h5_exists(from, name) ? qctx_h5_copy(from, to, name, error) : QCTX_OK;
}

/* What a split lacks is missed, and said, where the copy is read. */
static qctx_status copy_split(const qctx_h5 *from, qctx_h5 *to, const char *split, qctx_error *error)
{
    char *name = qctx_format(error, "answers/%s", split);
    qctx_status status = name == NULL ? QCTX_ERR_MEMORY : qctx_h5_make_group(to, name, error);

    free(name);
    for (size_t i = 0; i < COUNT_OF(split_lists) && status == QCTX_OK; i++) {
        name = qctx_format(error, "answers/%s/%s", split, split_lists[i]);
        status = name == NULL ? QCTX_ERR_MEMORY : copy_list(from, to, name, error);
        free(name);
    }
    return status;
}

static qctx_status copy_splits(const qctx_h5 *from, qctx_h5 *to, qctx_error *error)
{
    char **names = NULL;
    int64_t count = 0;
    qctx_status status;

    if (!qctx_h5_exists(from, "answers"))
        return QCTX_OK;
    status = qctx_h5_list(from, "answers", &names, &count, error);
    if (status == QCTX_OK)
        status = qctx_h5_make_group(to, "answers", error);
    for (int64_t i = 0; i < count && status == QCTX_OK; i++)
        status = copy_split(from, to, names[i], error);
    for (int64_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return status;
}

/* Vectors that the machine can use as they stand in the file are left there. */
static qctx_status copy_vectors(const qctx_h5 *from, qctx_h5 *to, qctx_side side, const char *path,
                                qctx_store_in_place *in_place, qctx_error *error)
{
    const char *dataset = qctx_store_vectors_of(side);
    qctx_h5_shape *shape = &in_place->shapes[side];
    qctx_status status;

    if (!qctx_h5_exists(from, dataset))
        return QCTX_OK;
    status = qctx_store_inspect_vectors(from, path, side, shape, error);
    if (status != QCTX_OK)
        return status;
    in_place->is[side] = qctx_store_is_mappable(shape);
    return in_place->is[side] ? QCTX_OK : qctx_h5_copy(from, to, dataset, error);
}

static qctx_status copy_all(const qctx_h5 *from, qctx_h5 *to, const char *path, qctx_store_in_place *in_place,
                            qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (size_t i = 0; i < COUNT_OF(attributes) && status == QCTX_OK; i++)
        status = copy_attribute(from, to, attributes[i].name, attributes[i].is_number, error);
    for (qctx_side side = 0; side < QCTX_SIDE_COUNT && status == QCTX_OK; side++)
        status = copy_vectors(from, to, side, path, in_place, error);
    if (status == QCTX_OK)
        status = copy_splits(from, to, error);
    for (size_t i = 0; i < COUNT_OF(lists) && status == QCTX_OK; i++)
        status = copy_list(from, to, lists[i], error);
    return status;
}

/* In the child. */
static qctx_status copy_out(void *context, void *result, qctx_error *error)
{
    const request *asked = context;
    qctx_h5 *from = NULL, *to = NULL;
    char *name = qctx_format(error, "%s: its copy in %s", asked->path, qctx_temporary_folder());
    qctx_status status = name == NULL ? QCTX_ERR_MEMORY : qctx_h5_open(asked->path, &from, error);

    if (status == QCTX_OK)
        status = qctx_h5_check_inside(from, asked->external, error);
    if (status == QCTX_OK)
        status = qctx_h5_create_handle(name, asked->copy, &to, error);
    if (status == QCTX_OK)
        status = copy_all(from, to, asked->path, result, error);
    if (status == QCTX_OK) {
        status = qctx_h5_close(to, error);
        to = NULL;
    }
    if (to != NULL)
        qctx_h5_close(to, NULL);
    qctx_h5_close(from, NULL);
    free(name);
    return status;
}

/* By what is really stored: a sparse file claims more. A file that is trusted to name others has no size of its own. */
qctx_cage_limits qctx_store_cage_limits(const char *path, bool external, int copy)
{
    struct stat found;
    const int64_t stored = stat(path, &found) == 0 ? (int64_t)found.st_blocks * BLOCK_BYTES : 0;

    return (qctx_cage_limits){
        .memory = external ? 0 : MEMORY + MEMORY_PER_BYTE * stored,
        .output = external ? 0 : OUTPUT + OUTPUT_PER_BYTE * stored,
        .input = stored,
        .copy = copy,
        .seconds = seconds,
    };
}

/* Makes the copy on this rank. `*handle` is the caller's to close, unless it is −1. */
static qctx_status make_copy(const char *path, bool external, int *handle, qctx_store_in_place *in_place,
                             qctx_error *error)
{
    request asked = {.path = path, .external = external};
    qctx_cage_limits limits;
    qctx_status status = qctx_h5_check_readable(path, error);

    if (status == QCTX_OK)
        status = qctx_temporary_open(handle, error);
    if (status != QCTX_OK)
        return status;
    asked.copy = *handle;
    limits = qctx_store_cage_limits(path, external, *handle);
    return qctx_cage_run(path, "HDF5", &limits, copy_out, &asked, in_place, sizeof *in_place, error);
}

/* What a rank tells the others: which file it sees, and the copy that it has open. */
typedef struct {
    dev_t device;
    ino_t inode;
    off_t bytes;
    int64_t process;
    int64_t handle;
    qctx_store_in_place in_place;
} copy_notice;

static void see_file(const char *path, copy_notice *notice)
{
    struct stat found;

    if (stat(path, &found) != 0)
        return;
    notice->device = found.st_dev;
    notice->inode = found.st_ino;
    notice->bytes = found.st_size;
}

/* The first rank of this one's node. Collective. */
static int first_of_node(qctx_comm *comm, int64_t *scratch)
{
    int first = 0;

    qctx_comm_gather_counts(comm, (int64_t)qctx_hash_text(qctx_comm_host(), 0), scratch);
    while (scratch[first] != scratch[qctx_comm_rank(comm)])
        first++;
    return first;
}

/* Opens what the node's first rank has open, if that was made of the file that this one sees. */
static qctx_status open_copy(const char *path, const copy_notice *own, const copy_notice *notice, int *handle,
                             qctx_error *error)
{
    char name[64];
    qctx_status status = qctx_h5_check_readable(path, error);

    if (status != QCTX_OK)
        return status;
    if (own->device != notice->device || own->inode != notice->inode || own->bytes != notice->bytes)
        return qctx_store_refuse_different(path, error);
    snprintf(name, sizeof name, "/proc/%lld/fd/%lld", (long long)notice->process, (long long)notice->handle);
    *handle = open(name, O_RDONLY | O_CLOEXEC);
    if (*handle >= 0)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_IO, "%s: cannot open the copy that another process of this node made (%s): %s", path,
              name, strerror(errno));
    return qctx_hint(error, "the ranks of a node must see one another's processes: start them in one container");
}

qctx_status qctx_store_copy_out(qctx_comm *comm, const char *path, bool external, int *handle,
                                qctx_store_in_place *in_place, qctx_error *error)
{
    const int size = qctx_comm_size(comm), rank = qctx_comm_rank(comm);
    int64_t *counts = qctx_alloc(size, sizeof *counts, "a number for each rank", error);
    copy_notice *notices = qctx_alloc(size, sizeof *notices, "where copies are", error);
    copy_notice own = {.process = getpid()};
    qctx_status status = qctx_agree(comm, counts == NULL || notices == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    int first;

    *handle = -1;
    if (status != QCTX_OK)
        goto out;
    first = first_of_node(comm, counts);
    status = first == rank ? make_copy(path, external, handle, &own.in_place, error) : QCTX_OK;
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;
    own.handle = *handle;
    see_file(path, &own);
    for (int r = 0; r < size; r++)
        counts[r] = 1;
    qctx_comm_gather_all(comm, &own, notices, counts, sizeof own);
    *in_place = notices[first].in_place;
    status = first == rank ? QCTX_OK : open_copy(path, &own, &notices[first], handle, error);
    status = qctx_agree(comm, status, error);
out:
    free(counts);
    free(notices);
    return status;
}
