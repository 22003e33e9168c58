/* The datasets of a checkpoint: parameters, the optimiser's state, parameters of earlier steps; written and read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_internal.h"
#include "qctx/base/mem.h"

enum { NAME_MAX_BYTES = 96, SCALARS = 2 };

/* The learned numbers behind the head's. The logit scale is in all files, the bias in those of a sigmoid loss. */
static const char *const scalars[SCALARS] = {"logit_scale", "logit_bias"};

/* The tensors of the head, freshly allocated; NULL without memory. */
static qctx_head_tensor *tensors_of(const qctx_head_config *head, qctx_error *error)
{
    qctx_head_tensor *tensors = qctx_alloc(qctx_head_tensor_count(head), sizeof *tensors, "the list of tensors", error);

    if (tensors != NULL)
        qctx_head_tensors(head, tensors);
    return tensors;
}

static void name_dataset(const qctx_head_tensor *tensor, char name[NAME_MAX_BYTES])
{
    snprintf(name, NAME_MAX_BYTES, "parameters/%s", tensor->name);
}

static int64_t parameter_count(const qctx_checkpoint *checkpoint)
{
    return qctx_head_parameter_count(&checkpoint->head) + checkpoint->scalar_count;
}

/* Writes [rows, cols], or [rows] where cols is 0. */
static qctx_status write_array(qctx_h5 *file, const char *name, int64_t rows, int64_t cols, const float *values,
                               qctx_error *error)
{
    qctx_status status = qctx_h5_make(file, name, QCTX_H5_FLOAT32, rows, cols, error);

    return status == QCTX_OK ? qctx_h5_write(file, name, QCTX_H5_FLOAT32, 0, rows, values, error) : status;
}

static qctx_status write_parameters(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_head_tensor *tensors = tensors_of(&checkpoint->head, error);
    const float *behind = checkpoint->parameters + qctx_head_parameter_count(&checkpoint->head);
    qctx_status status = tensors == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t t = 0; status == QCTX_OK && t < qctx_head_tensor_count(&checkpoint->head); t++) {
        const qctx_head_tensor *tensor = &tensors[t];
        bool is_bias = !tensor->decays;
        char name[NAME_MAX_BYTES];

        name_dataset(tensor, name);
        status = write_array(file, name, tensor->rows, is_bias ? 0 : tensor->cols,
                             checkpoint->parameters + tensor->offset, error);
    }
    for (int64_t i = 0; status == QCTX_OK && i < checkpoint->scalar_count; i++)
        status = write_array(file, scalars[i], 1, 0, behind + i, error);
    free(tensors);
    return status;
}

qctx_status checkpoint_write_arrays(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    const qctx_optimizer_state *state = &checkpoint->optimizer;
    qctx_status status = write_parameters(file, checkpoint, error);

    if (status == QCTX_OK && state->count > 0)
        status = write_array(file, "optimizer/first", state->count, 0, state->first, error);
    if (status == QCTX_OK && state->count > 0)
        status = write_array(file, "optimizer/second", state->count, 0, state->second, error);
    if (status == QCTX_OK && checkpoint->best != NULL)
        status = write_array(file, "best", parameter_count(checkpoint), 0, checkpoint->best, error);
    if (status == QCTX_OK && checkpoint->mined != NULL)
        status = write_array(file, "mined", parameter_count(checkpoint), 0, checkpoint->mined, error);
    return status;
}

/* Before any memory is taken: the file must be large enough for what its head claims. */
static qctx_status check_size(const char *path, const qctx_head_config *head, int64_t bytes, qctx_error *error)
{
    int64_t claimed = qctx_head_parameter_count(head);

    if (claimed <= bytes / (int64_t)sizeof(float))
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: a head of %lld parameters is claimed, in a file of %lld bytes", path,
                     (long long)claimed, (long long)bytes);
}

/* Reads a dataset whose shape must be [rows] or [rows, cols]. */
static qctx_status read_exactly(const qctx_h5 *file, const char *path, const char *name, int64_t rows, int64_t cols,
                                float *values, qctx_error *error)
{
    qctx_h5_shape shape;
    qctx_status status = qctx_h5_inspect(file, name, &shape, error);

    if (status != QCTX_OK)
        return status;
    if (shape.shape[0] != rows || shape.shape[1] != cols || !shape.is_float)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s has the shape [%lld, %lld], expected [%lld, %lld]", path, name,
                         (long long)shape.shape[0], (long long)shape.shape[1], (long long)rows, (long long)cols);
    return qctx_h5_read(file, name, QCTX_H5_FLOAT32, 0, rows, values, error);
}

static qctx_status check_finite(const char *path, const char *what, const float *values, int64_t count,
                                qctx_error *error)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return qctx_fail(error, QCTX_ERR_DATA, "%s: %s %lld is not finite", path, what, (long long)i);
    return QCTX_OK;
}

/* Whether `path` is one of the tensors, or a group that holds one. */
typedef enum { SURPLUS, GROUP, TENSOR } place;

static place place_of(const char *path, const qctx_head_tensor *tensors, int64_t count)
{
    const size_t length = strlen(path);

    for (int64_t t = 0; t < count; t++) {
        char name[NAME_MAX_BYTES];

        name_dataset(&tensors[t], name);
        if (strncmp(name, path, length) == 0 && (name[length] == '\0' || name[length] == '/'))
            return name[length] == '\0' ? TENSOR : GROUP;
    }
    return SURPLUS;
}

/* Parameters that the head does not have would be left away without a word. */
static qctx_status check_surplus(const qctx_h5 *file, const char *path, const char *group,
                                 const qctx_head_tensor *tensors, int64_t count, qctx_error *error)
{
    char **names = NULL;
    int64_t found = 0;
    qctx_status status = qctx_h5_list(file, group, &names, &found, error);

    for (int64_t i = 0; status == QCTX_OK && i < found; i++) {
        char inside[NAME_MAX_BYTES];
        place is;

        snprintf(inside, sizeof inside, "%s/%s", group, names[i]);
        is = place_of(inside, tensors, count);
        if (is == GROUP)
            status = check_surplus(file, path, inside, tensors, count, error);
        else if (is == SURPLUS)
            status = qctx_fail(error, QCTX_ERR_FORMAT,
                               "%s: holds %s, expected only what the attributes of its head name", path, inside);
    }
    for (int64_t i = 0; i < found; i++)
        free(names[i]);
    free(names);
    return status;
}

static qctx_status read_tensors(const qctx_h5 *file, const char *path, const qctx_head_config *head, float *parameters,
                                qctx_error *error)
{
    qctx_head_tensor *tensors = tensors_of(head, error);
    qctx_status status = tensors == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t t = 0; status == QCTX_OK && t < qctx_head_tensor_count(head); t++) {
        char name[NAME_MAX_BYTES];

        name_dataset(&tensors[t], name);
        status =
            read_exactly(file, path, name, tensors[t].rows, tensors[t].cols, parameters + tensors[t].offset, error);
    }
    if (status == QCTX_OK)
        status = check_surplus(file, path, "parameters", tensors, qctx_head_tensor_count(head), error);
    free(tensors);
    return status;
}

static qctx_status read_parameters(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint,
                                   qctx_error *error)
{
    int64_t head = qctx_head_parameter_count(&checkpoint->head);
    qctx_status status;

    checkpoint->parameters = qctx_alloc(head + SCALARS, sizeof(float), "the head's parameters", error);
    if (checkpoint->parameters == NULL)
        return QCTX_ERR_MEMORY;
    status = read_tensors(file, path, &checkpoint->head, checkpoint->parameters, error);
    for (int64_t i = 0; status == QCTX_OK && i < SCALARS; i++) {
        if (i > 0 && !qctx_h5_exists(file, scalars[i]))
            break;
        status = read_exactly(file, path, scalars[i], 1, 1, checkpoint->parameters + head + i, error);
        checkpoint->scalar_count = i + 1;
    }
    if (status == QCTX_OK)
        status = check_finite(path, "parameter", checkpoint->parameters, head + checkpoint->scalar_count, error);
    return status;
}

static qctx_status read_optimizer(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    int64_t count = parameter_count(checkpoint);
    qctx_optimizer_state *state = &checkpoint->optimizer;
    int64_t steps = state->steps; /* an attribute, read already */
    qctx_status status;

    if (!qctx_h5_exists(file, "optimizer/first"))
        return QCTX_OK;
    status = qctx_optimizer_state_create(count, state, error);
    state->steps = steps;
    if (status == QCTX_OK)
        status = read_exactly(file, path, "optimizer/first", count, 1, state->first, error);
    if (status == QCTX_OK)
        status = read_exactly(file, path, "optimizer/second", count, 1, state->second, error);
    if (status == QCTX_OK)
        status = check_finite(path, "first moment", state->first, count, error);
    if (status == QCTX_OK)
        status = check_finite(path, "second moment", state->second, count, error);
    return status;
}

/* Parameters of another step than the checkpoint's, in a dataset that may be absent; `what` names one of them. */
static qctx_status read_others(const qctx_h5 *file, const char *path, const char *name, const char *what,
                               const qctx_checkpoint *checkpoint, float **values, qctx_error *error)
{
    int64_t count = parameter_count(checkpoint);
    qctx_status status;

    if (!qctx_h5_exists(file, name))
        return QCTX_OK;
    *values = qctx_alloc(count, sizeof(float), "the parameters of earlier steps", error);
    if (*values == NULL)
        return QCTX_ERR_MEMORY;
    status = read_exactly(file, path, name, count, 1, *values, error);
    if (status == QCTX_OK)
        status = check_finite(path, what, *values, count, error);
    return status;
}

qctx_status checkpoint_read_arrays(const qctx_h5 *file, const char *path, int64_t bytes, qctx_checkpoint *checkpoint,
                                   qctx_error *error)
{
    qctx_status status = check_size(path, &checkpoint->head, bytes, error);

    if (status == QCTX_OK)
        status = read_parameters(file, path, checkpoint, error);
    if (status == QCTX_OK)
        status = read_optimizer(file, path, checkpoint, error);
    if (status == QCTX_OK)
        status = read_others(file, path, "best", "best parameter", checkpoint, &checkpoint->best, error);
    if (status == QCTX_OK)
        status = read_others(file, path, "mined", "mining parameter", checkpoint, &checkpoint->mined, error);
    return status;
}
