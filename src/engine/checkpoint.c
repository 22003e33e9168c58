#include "qctx/engine/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/platform/h5.h"

#define SCHEMA "qctx-checkpoint"

/* The head's shape as attributes of the file. */
typedef struct {
    const char *name;
    int64_t value;
} shape_attribute;

enum { SHAPE_ATTRIBUTES = 8 };

static void describe_head(const qctx_head_config *head, shape_attribute *attributes)
{
    const shape_attribute rows[SHAPE_ATTRIBUTES] = {
        {"head_form", head->form},     {"head_sides", head->sides},   {"head_activation", head->activation},
        {"head_layers", head->layers}, {"head_input", head->input},   {"head_hidden", head->hidden},
        {"head_output", head->output}, {"seed", (int64_t)head->seed},
    };

    memcpy(attributes, rows, sizeof rows);
}

static uint64_t checksum_of(const qctx_checkpoint *checkpoint)
{
    size_t parameters = (size_t)qctx_head_parameter_count(&checkpoint->head) + 1;
    size_t state = (size_t)checkpoint->optimizer.count;
    uint64_t hash = qctx_hash(checkpoint->parameters, parameters * sizeof(float), 1);

    if (state > 0) {
        hash = qctx_hash(checkpoint->optimizer.first, state * sizeof(float), hash);
        hash = qctx_hash(checkpoint->optimizer.second, state * sizeof(float), hash);
    }
    return hash;
}

/* Names of the tensors with "parameters/" in front, one dataset each. */
static qctx_status tensor_rows(const qctx_head_config *head, qctx_head_tensor **tensors, int64_t *count,
                               qctx_error *error)
{
    *count = qctx_head_tensor_count(head);
    *tensors = qctx_alloc(*count, sizeof **tensors, "the list of tensors", error);
    if (*tensors == NULL)
        return QCTX_ERR_MEMORY;
    qctx_head_tensors(head, *tensors);
    return QCTX_OK;
}

static void dataset_name(const qctx_head_tensor *tensor, char *name, size_t bytes)
{
    snprintf(name, bytes, "parameters/%s", tensor->name);
}

static bool is_bias(const qctx_head_tensor *tensor)
{
    return !tensor->decays;
}

static qctx_status write_parameters(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_head_tensor *tensors = NULL;
    int64_t count;
    qctx_status status = tensor_rows(&checkpoint->head, &tensors, &count, error);

    for (int64_t t = 0; t < count && status == QCTX_OK; t++) {
        const qctx_head_tensor *tensor = &tensors[t];
        char name[96];

        dataset_name(tensor, name, sizeof name);
        status = qctx_h5_make(file, name, QCTX_H5_FLOAT32, tensor->rows, is_bias(tensor) ? 0 : tensor->cols, error);
        if (status == QCTX_OK)
            status = qctx_h5_write(file, name, QCTX_H5_FLOAT32, 0, tensor->rows,
                                   checkpoint->parameters + tensor->offset, error);
    }
    if (status == QCTX_OK)
        status = qctx_h5_make(file, "logit_scale", QCTX_H5_FLOAT32, 1, 0, error);
    if (status == QCTX_OK)
        status = qctx_h5_write(file, "logit_scale", QCTX_H5_FLOAT32, 0, 1,
                               checkpoint->parameters + qctx_head_parameter_count(&checkpoint->head), error);
    free(tensors);
    return status;
}

static qctx_status write_optimizer(qctx_h5 *file, const qctx_optimizer_state *optimizer, qctx_error *error)
{
    const char *const names[] = {"optimizer/first", "optimizer/second"};
    const float *const values[] = {optimizer->first, optimizer->second};
    qctx_status status = QCTX_OK;

    for (int i = 0; i < 2 && status == QCTX_OK && optimizer->count > 0; i++) {
        status = qctx_h5_make(file, names[i], QCTX_H5_FLOAT32, optimizer->count, 0, error);
        if (status == QCTX_OK)
            status = qctx_h5_write(file, names[i], QCTX_H5_FLOAT32, 0, optimizer->count, values[i], error);
    }
    return status;
}

static qctx_status write_attributes(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    shape_attribute shape[SHAPE_ATTRIBUTES];
    char checksum[24];
    qctx_status status = qctx_h5_set_text(file, "/", "schema", SCHEMA, error);

    describe_head(&checkpoint->head, shape);
    snprintf(checksum, sizeof checksum, "%016" PRIx64, checksum_of(checkpoint));
    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "version", QCTX_CHECKPOINT_VERSION, error);
    for (int i = 0; i < SHAPE_ATTRIBUTES && status == QCTX_OK; i++)
        status = qctx_h5_set_int(file, "/", shape[i].name, shape[i].value, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_double(file, "/", "head_dropout", checkpoint->head.dropout, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "epoch", checkpoint->epoch, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "step", checkpoint->step, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "optimizer_steps", checkpoint->optimizer.steps, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_double(file, "/", "strength", checkpoint->strength, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_double(file, "/", "best_metric", checkpoint->best_metric, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "best_epoch", checkpoint->best_epoch, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_text(file, "/", "encoder_fingerprint", checkpoint->encoder_fingerprint, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_text(file, "/", "checksum", checksum, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_text(file, "/", "config", checkpoint->config, error);
    return status;
}

static qctx_status write_local(const char *path, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    char *partial = qctx_format(error, "%s.partial", path);
    qctx_h5 *file = NULL;
    qctx_status status, closed;

    if (partial == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_h5_create(partial, &file, error);
    if (status == QCTX_OK)
        status = write_attributes(file, checkpoint, error);
    if (status == QCTX_OK)
        status = write_parameters(file, checkpoint, error);
    if (status == QCTX_OK)
        status = write_optimizer(file, &checkpoint->optimizer, error);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    if (status == QCTX_OK)
        status = closed;
    if (status == QCTX_OK)
        status = qctx_file_publish(partial, path, error);
    if (status != QCTX_OK)
        unlink(partial);
    free(partial);
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

static qctx_status check_schema(const qctx_h5 *file, const char *path, qctx_error *error)
{
    char *schema = NULL;
    int64_t version;
    qctx_status status;

    if (!qctx_h5_has(file, "/", "schema") || qctx_h5_get_text(file, "/", "schema", &schema, NULL) != QCTX_OK ||
        strcmp(schema, SCHEMA) != 0) {
        free(schema);
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: is not a checkpoint (no attribute schema = \"%s\")", path, SCHEMA);
        return qctx_hint(error, "checkpoints stand in <run>/checkpoints; qctx-dist info says what a file is");
    }
    free(schema);
    status = qctx_h5_get_int(file, "/", "version", &version, error);
    if (status == QCTX_OK && version != QCTX_CHECKPOINT_VERSION)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: checkpoint version %lld, expected %d", path, (long long)version,
                         QCTX_CHECKPOINT_VERSION);
    return status;
}

static qctx_status refuse_shape(const char *path, const char *name, int64_t value, qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is %lld, which no head has", path, name,
                     (long long)value);
}

static qctx_status read_head(const qctx_h5 *file, const char *path, qctx_head_config *head, qctx_error *error)
{
    /* Far above what fits into a machine, far below what overflows a product of two. */
    const int64_t widest = 1 << 20;
    const int64_t low[SHAPE_ATTRIBUTES] = {0, 0, 0, 1, 1, 1, 1, INT64_MIN};
    const int64_t high[SHAPE_ATTRIBUTES] = {
        QCTX_HEAD_RESIDUAL, QCTX_SIDES_SHARED, QCTX_ACTIVATION_TANH, 64, widest, widest, widest, INT64_MAX};
    shape_attribute shape[SHAPE_ATTRIBUTES];
    qctx_status status = QCTX_OK;

    describe_head(head, shape);
    for (int i = 0; i < SHAPE_ATTRIBUTES && status == QCTX_OK; i++) {
        status = qctx_h5_get_int(file, "/", shape[i].name, &shape[i].value, error);
        if (status == QCTX_OK && (shape[i].value < low[i] || shape[i].value > high[i]))
            status = refuse_shape(path, shape[i].name, shape[i].value, error);
    }
    if (status == QCTX_OK)
        status = qctx_h5_get_double(file, "/", "head_dropout", &head->dropout, error);
    head->form = (qctx_head_form)shape[0].value;
    head->sides = (qctx_head_sides)shape[1].value;
    head->activation = (qctx_activation)shape[2].value;
    head->layers = shape[3].value;
    head->input = shape[4].value;
    head->hidden = shape[5].value;
    head->output = shape[6].value;
    head->seed = (uint64_t)shape[7].value;
    return status;
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

static qctx_status read_parameters(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint,
                                   qctx_error *error)
{
    qctx_head_tensor *tensors = NULL;
    int64_t count, parameters = qctx_head_parameter_count(&checkpoint->head);
    qctx_status status = tensor_rows(&checkpoint->head, &tensors, &count, error);

    if (status != QCTX_OK)
        return status;
    checkpoint->parameters = qctx_alloc(parameters + 1, sizeof(float), "the head's parameters", error);
    if (checkpoint->parameters == NULL)
        status = QCTX_ERR_MEMORY;
    for (int64_t t = 0; t < count && status == QCTX_OK; t++) {
        char name[96];

        dataset_name(&tensors[t], name, sizeof name);
        status = read_exactly(file, path, name, tensors[t].rows, tensors[t].cols,
                              checkpoint->parameters + tensors[t].offset, error);
    }
    if (status == QCTX_OK)
        status = read_exactly(file, path, "logit_scale", 1, 1, checkpoint->parameters + parameters, error);
    for (int64_t i = 0; i <= parameters && status == QCTX_OK; i++)
        if (!isfinite(checkpoint->parameters[i]))
            status = qctx_fail(error, QCTX_ERR_DATA, "%s: parameter %lld is not finite", path, (long long)i);
    free(tensors);
    return status;
}

static qctx_status read_optimizer(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    int64_t count = qctx_head_parameter_count(&checkpoint->head) + 1;
    qctx_optimizer_state *state = &checkpoint->optimizer;
    qctx_status status;

    if (!qctx_h5_exists(file, "optimizer/first"))
        return QCTX_OK;
    status = qctx_optimizer_state_create(count, state, error);
    if (status == QCTX_OK)
        status = read_exactly(file, path, "optimizer/first", count, 1, state->first, error);
    if (status == QCTX_OK)
        status = read_exactly(file, path, "optimizer/second", count, 1, state->second, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_int(file, "/", "optimizer_steps", &state->steps, error);
    return status;
}

static qctx_status check_checksum(const qctx_h5 *file, const char *path, const qctx_checkpoint *checkpoint,
                                  qctx_error *error)
{
    char *written = NULL;
    qctx_status status = qctx_h5_get_text(file, "/", "checksum", &written, error);

    if (status == QCTX_OK && strtoull(written, NULL, 16) != checksum_of(checkpoint)) {
        qctx_fail(error, QCTX_ERR_DATA, "%s: the checksum of the values does not match: the file is damaged", path);
        status = qctx_hint(error, "use an earlier checkpoint of the run");
    }
    free(written);
    return status;
}

static qctx_status read_local(const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status status = qctx_h5_open(path, &file, error);

    if (status == QCTX_OK)
        status = check_schema(file, path, error);
    if (status == QCTX_OK)
        status = read_head(file, path, &checkpoint->head, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_int(file, "/", "epoch", &checkpoint->epoch, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_int(file, "/", "step", &checkpoint->step, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_double(file, "/", "strength", &checkpoint->strength, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_double(file, "/", "best_metric", &checkpoint->best_metric, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_int(file, "/", "best_epoch", &checkpoint->best_epoch, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_text(file, "/", "encoder_fingerprint", &checkpoint->encoder_fingerprint, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_text(file, "/", "config", &checkpoint->config, error);
    if (status == QCTX_OK)
        status = read_parameters(file, path, checkpoint, error);
    if (status == QCTX_OK)
        status = read_optimizer(file, path, checkpoint, error);
    if (status == QCTX_OK)
        status = check_checksum(file, path, checkpoint, error);
    qctx_h5_close(file, NULL);
    return status;
}

qctx_status qctx_checkpoint_read(qctx_comm *comm, const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_status status;

    *checkpoint = (qctx_checkpoint){0};
    status = qctx_agree(comm, read_local(path, checkpoint, error), error);
    if (status == QCTX_OK && !qctx_comm_same(comm, checksum_of(checkpoint))) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "%s: the ranks see different files under this name", path);
        status = qctx_hint(error, "use a path on a file system that all nodes share");
    }
    if (status != QCTX_OK)
        qctx_checkpoint_free(checkpoint);
    return status;
}

void qctx_checkpoint_free(qctx_checkpoint *checkpoint)
{
    free(checkpoint->config);
    free(checkpoint->encoder_fingerprint);
    free(checkpoint->parameters);
    qctx_optimizer_state_destroy(&checkpoint->optimizer);
    *checkpoint = (qctx_checkpoint){0};
}

bool qctx_checkpoint_is(const char *path)
{
    qctx_h5 *file = NULL;
    char *schema = NULL;
    bool is = qctx_h5_open(path, &file, NULL) == QCTX_OK &&
              qctx_h5_get_text(file, "/", "schema", &schema, NULL) == QCTX_OK && strcmp(schema, SCHEMA) == 0;

    free(schema);
    qctx_h5_close(file, NULL);
    return is;
}
