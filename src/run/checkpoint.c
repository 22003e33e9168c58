/* A checkpoint as a whole: its file made in memory, read, freed and hashed. */
#include "qctx/run/checkpoint.h"

#include <stdlib.h>

#include "checkpoint_internal.h"
#include "qctx/base/hash.h"
#include "qctx/platform/cage.h"

/* What decoding may take in the child, beside what the file's bytes make it take. */
enum { TRIAL_MEMORY = 256 << 20, TRIAL_MEMORY_PER_BYTE = 8 };
static const double trial_seconds = 2;

qctx_status qctx_checkpoint_encode(const qctx_checkpoint *checkpoint, qctx_h5_image *image, qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status status, closed;

    image->front = CHECKPOINT_FRONT;
    status = qctx_h5_create_image("a checkpoint", image, &file, error);
    if (status == QCTX_OK)
        status = checkpoint_write_attributes(file, checkpoint, error);
    if (status == QCTX_OK)
        status = checkpoint_write_arrays(file, checkpoint, error);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    return status == QCTX_OK ? closed : status;
}

static qctx_status decode(const char *path, qctx_h5_image *image, qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status status = qctx_h5_open_image(path, image, &file, error), closed;

    if (status == QCTX_OK)
        status = checkpoint_read_attributes(file, path, checkpoint, error);
    if (status == QCTX_OK)
        status = checkpoint_read_arrays(file, path, image->count, checkpoint, error);
    if (status == QCTX_OK)
        status = checkpoint_check_progress(path, checkpoint, error);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    return status == QCTX_OK ? closed : status;
}

/* What the child is told. */
typedef struct {
    const char *path;
    qctx_h5_image *image;
} request;

/* In the child, which ends with all that it holds. */
static qctx_status decode_in_child(void *context, void *result, qctx_error *error)
{
    const request *asked = context;

    (void)result;
    return decode(asked->path, asked->image, &(qctx_checkpoint){0}, error);
}

/*
 * The hash of a checkpoint keeps out damage, but not what somebody changed and hashed again, on which HDF5 may crash.
 * So a child process decodes the bytes first: what comes to a good end there comes to the same end here. Local.
 */
static qctx_status try_to_decode(const char *path, qctx_h5_image *image, qctx_error *error)
{
    request asked = {path, image};
    const qctx_cage_limits limits = {.memory = TRIAL_MEMORY + TRIAL_MEMORY_PER_BYTE * image->count,
                                     .input = image->count,
                                     .copy = -1,
                                     .seconds = trial_seconds};
    char nothing;

    return qctx_cage_run(path, "HDF5", &limits, decode_in_child, &asked, &nothing, sizeof nothing, error);
}

/* The verified bytes of the file on all ranks. */
static qctx_status load(qctx_comm *comm, const char *path, qctx_h5_image *image, qctx_error *error)
{
    size_t bytes;
    qctx_status status = QCTX_OK;

    *image = (qctx_h5_image){.front = CHECKPOINT_FRONT};
    if (qctx_comm_rank(comm) == 0)
        status = checkpoint_load(path, image, error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        return status;
    bytes = (size_t)image->count;
    status = qctx_comm_broadcast_text(comm, &image->bytes, &bytes, 0, error);
    image->count = image->capacity = (int64_t)bytes;
    return status;
}

qctx_status qctx_checkpoint_read(qctx_comm *comm, const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_h5_image image;
    qctx_status status;

    *checkpoint = (qctx_checkpoint){0};
    status = load(comm, path, &image, error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, try_to_decode(path, &image, error), error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, decode(path, &image, checkpoint, error), error);
    free(image.bytes);
    if (status != QCTX_OK)
        qctx_checkpoint_free(checkpoint);
    return status;
}

void qctx_checkpoint_free(qctx_checkpoint *checkpoint)
{
    free(checkpoint->config);
    free(checkpoint->encoder_fingerprint);
    free(checkpoint->sources);
    free(checkpoint->parameters);
    free(checkpoint->best);
    free(checkpoint->mined);
    qctx_optimizer_state_destroy(&checkpoint->optimizer);
    *checkpoint = (qctx_checkpoint){0};
}

uint64_t qctx_checkpoint_checksum(const qctx_checkpoint *checkpoint)
{
    size_t parameters = (size_t)(qctx_head_parameter_count(&checkpoint->head) + checkpoint->scalar_count);
    size_t state = (size_t)checkpoint->optimizer.count;
    uint64_t hash = qctx_hash(checkpoint->parameters, parameters * sizeof(float), 1);

    if (state > 0) {
        hash = qctx_hash(checkpoint->optimizer.first, state * sizeof(float), hash);
        hash = qctx_hash(checkpoint->optimizer.second, state * sizeof(float), hash);
    }
    return hash;
}
