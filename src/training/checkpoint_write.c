#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

/* clang-format off */
#define WHOLE(name, member, minimum) {name, offsetof(qctx_checkpoint, member), true, minimum}
#define REAL(name, member)           {name, offsetof(qctx_checkpoint, member), false, 0}

const checkpoint_number checkpoint_numbers[CHECKPOINT_NUMBERS] = {
    WHOLE("epoch", progress.epoch, 0),
    WHOLE("step", progress.step, 0),
    WHOLE("evaluated", progress.evaluated, -1),
    REAL("strength", strength),
    REAL("best_metric", progress.best_metric),
    WHOLE("best_epoch", progress.best_epoch, 0),
    WHOLE("best_step", progress.best_step, -1),
    REAL("best_strength", progress.best_strength),
    REAL("seconds", progress.seconds),
    REAL("loss_sum", progress.loss_sum),
    REAL("accuracy_sum", progress.accuracy_sum),
    WHOLE("summed", progress.summed, 0),
    REAL("loss_start", progress.loss_start),
    REAL("loss_now", progress.loss_now),
    WHOLE("ranks", ranks, 0),
    WHOLE("threads", threads, 0),
    WHOLE("optimizer_steps", optimizer.steps, 0),
};
/* clang-format on */

const char *const checkpoint_scalars[CHECKPOINT_SCALARS] = {"logit_scale", "logit_bias"};

void checkpoint_describe_head(const qctx_head_config *head, checkpoint_shape *shapes)
{
    const checkpoint_shape rows[CHECKPOINT_SHAPES] = {
        {"head_form", head->form},     {"head_sides", head->sides},   {"head_activation", head->activation},
        {"head_layers", head->layers}, {"head_input", head->input},   {"head_hidden", head->hidden},
        {"head_output", head->output}, {"seed", (int64_t)head->seed},
    };

    memcpy(shapes, rows, sizeof rows);
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

qctx_head_tensor *checkpoint_tensors(const qctx_head_config *head, qctx_error *error)
{
    qctx_head_tensor *tensors = qctx_alloc(qctx_head_tensor_count(head), sizeof *tensors, "the list of tensors", error);

    if (tensors != NULL)
        qctx_head_tensors(head, tensors);
    return tensors;
}

void checkpoint_dataset(const qctx_head_tensor *tensor, char name[CHECKPOINT_NAME_MAX])
{
    snprintf(name, CHECKPOINT_NAME_MAX, "parameters/%s", tensor->name);
}

bool checkpoint_is_bias(const qctx_head_tensor *tensor)
{
    return !tensor->decays;
}

static qctx_status write_vector(qctx_h5 *file, const char *name, int64_t count, const float *values, qctx_error *error)
{
    qctx_status status = qctx_h5_make(file, name, QCTX_H5_FLOAT32, count, 0, error);

    return status == QCTX_OK ? qctx_h5_write(file, name, QCTX_H5_FLOAT32, 0, count, values, error) : status;
}

static qctx_status write_parameters(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_head_tensor *tensors = checkpoint_tensors(&checkpoint->head, error);
    const float *scalars = checkpoint->parameters + qctx_head_parameter_count(&checkpoint->head);
    qctx_status status = tensors == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t t = 0; status == QCTX_OK && t < qctx_head_tensor_count(&checkpoint->head); t++) {
        const qctx_head_tensor *tensor = &tensors[t];
        char name[CHECKPOINT_NAME_MAX];

        checkpoint_dataset(tensor, name);
        status = qctx_h5_make(file, name, QCTX_H5_FLOAT32, tensor->rows, checkpoint_is_bias(tensor) ? 0 : tensor->cols,
                              error);
        if (status == QCTX_OK)
            status = qctx_h5_write(file, name, QCTX_H5_FLOAT32, 0, tensor->rows,
                                   checkpoint->parameters + tensor->offset, error);
    }
    for (int64_t i = 0; status == QCTX_OK && i < checkpoint->scalar_count; i++)
        status = write_vector(file, checkpoint_scalars[i], 1, scalars + i, error);
    free(tensors);
    return status;
}

static qctx_status write_optimizer(qctx_h5 *file, const qctx_optimizer_state *optimizer, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (optimizer->count > 0)
        status = write_vector(file, "optimizer/first", optimizer->count, optimizer->first, error);
    if (optimizer->count > 0 && status == QCTX_OK)
        status = write_vector(file, "optimizer/second", optimizer->count, optimizer->second, error);
    return status;
}

/* The attributes that are not in the table of numbers. */
static qctx_status write_texts(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    const char *const texts[][2] = {
        {"encoder_fingerprint", checkpoint->encoder_fingerprint},
        {"similarity", qctx_similarity_names[checkpoint->similarity]},
        {"precision", qctx_precision_names[checkpoint->precision]},
        {"config", checkpoint->config},
    };
    qctx_status status = QCTX_OK;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && status == QCTX_OK; i++)
        status = qctx_h5_set_text(file, "/", texts[i][0], texts[i][1], error);
    return status;
}

static qctx_status write_numbers(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int i = 0; i < CHECKPOINT_NUMBERS && status == QCTX_OK; i++) {
        const checkpoint_number *number = &checkpoint_numbers[i];
        const void *value = (const char *)checkpoint + number->offset;

        status = number->is_whole ? qctx_h5_set_int(file, "/", number->name, *(const int64_t *)value, error)
                                  : qctx_h5_set_double(file, "/", number->name, *(const double *)value, error);
    }
    return status;
}

static qctx_status write_attributes(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    checkpoint_shape shape[CHECKPOINT_SHAPES];
    qctx_status status = qctx_h5_set_text(file, "/", "schema", CHECKPOINT_SCHEMA, error);

    checkpoint_describe_head(&checkpoint->head, shape);
    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "version", QCTX_CHECKPOINT_VERSION, error);
    for (int i = 0; i < CHECKPOINT_SHAPES && status == QCTX_OK; i++)
        status = qctx_h5_set_int(file, "/", shape[i].name, shape[i].value, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_double(file, "/", "head_dropout", checkpoint->head.dropout, error);
    if (status == QCTX_OK)
        status = write_numbers(file, checkpoint, error);
    if (status == QCTX_OK)
        status = write_texts(file, checkpoint, error);
    return status;
}

qctx_status qctx_checkpoint_encode(const qctx_checkpoint *checkpoint, qctx_h5_image *image, qctx_error *error)
{
    int64_t count = qctx_head_parameter_count(&checkpoint->head) + checkpoint->scalar_count;
    qctx_h5 *file = NULL;
    qctx_status status, closed;

    image->front = CHECKPOINT_FRONT;
    status = qctx_h5_create_image("a checkpoint", image, &file, error);
    if (status == QCTX_OK)
        status = write_attributes(file, checkpoint, error);
    if (status == QCTX_OK)
        status = write_parameters(file, checkpoint, error);
    if (status == QCTX_OK)
        status = write_optimizer(file, &checkpoint->optimizer, error);
    if (status == QCTX_OK && checkpoint->best != NULL)
        status = write_vector(file, "best", count, checkpoint->best, error);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    return status == QCTX_OK ? closed : status;
}

static qctx_status write_local(const char *path, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_h5_image image = {0};
    qctx_status status = qctx_checkpoint_encode(checkpoint, &image, error);

    if (status == QCTX_OK) {
        qctx_checkpoint_seal(&image);
        status = qctx_file_write(path, image.bytes, (size_t)image.count, error);
    }
    free(image.bytes);
    return status;
}

qctx_status qctx_checkpoint_write(qctx_comm *comm, const char *path, const qctx_checkpoint *checkpoint,
                                  qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(comm) == 0)
        status = write_local(path, checkpoint, error);
    return qctx_agree(comm, status, error);
}
