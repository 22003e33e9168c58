#include "qctx/engine/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_internal.h"
#include "qctx/base/mem.h"
#include "qctx/platform/h5.h"

static qctx_status check_schema(const qctx_h5 *file, const char *path, qctx_error *error)
{
    char *schema = NULL;
    int64_t version;
    qctx_status status;

    if (!qctx_h5_has(file, "/", "schema") || qctx_h5_get_text(file, "/", "schema", &schema, NULL) != QCTX_OK ||
        strcmp(schema, CHECKPOINT_SCHEMA) != 0) {
        free(schema);
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: is not a checkpoint (no attribute schema = \"%s\")", path,
                  CHECKPOINT_SCHEMA);
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
    const int64_t low[CHECKPOINT_SHAPES] = {0, 0, 0, 1, 1, 1, 1, INT64_MIN};
    const int64_t high[CHECKPOINT_SHAPES] = {
        QCTX_HEAD_RESIDUAL, QCTX_SIDES_SHARED, QCTX_ACTIVATION_TANH, 64, widest, widest, widest, INT64_MAX};
    checkpoint_shape shape[CHECKPOINT_SHAPES];
    qctx_status status = QCTX_OK;

    checkpoint_describe_head(head, shape);
    for (int i = 0; i < CHECKPOINT_SHAPES && status == QCTX_OK; i++) {
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

static qctx_status read_tensors(const qctx_h5 *file, const char *path, const qctx_head_config *head, float *parameters,
                                qctx_error *error)
{
    qctx_head_tensor *tensors = checkpoint_tensors(head, error);
    qctx_status status = tensors == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t t = 0; status == QCTX_OK && t < qctx_head_tensor_count(head); t++) {
        char name[CHECKPOINT_NAME_MAX];

        checkpoint_dataset(&tensors[t], name);
        status =
            read_exactly(file, path, name, tensors[t].rows, tensors[t].cols, parameters + tensors[t].offset, error);
    }
    free(tensors);
    return status;
}

static qctx_status read_parameters(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint,
                                   qctx_error *error)
{
    int64_t head = qctx_head_parameter_count(&checkpoint->head);
    qctx_status status;

    checkpoint->parameters = qctx_alloc(head + CHECKPOINT_SCALARS, sizeof(float), "the head's parameters", error);
    if (checkpoint->parameters == NULL)
        return QCTX_ERR_MEMORY;
    status = read_tensors(file, path, &checkpoint->head, checkpoint->parameters, error);
    /* The logit scale is in all of them, the bias in those of a sigmoid loss. */
    for (int64_t i = 0; status == QCTX_OK && i < CHECKPOINT_SCALARS; i++) {
        if (i > 0 && !qctx_h5_exists(file, checkpoint_scalars[i]))
            break;
        status = read_exactly(file, path, checkpoint_scalars[i], 1, 1, checkpoint->parameters + head + i, error);
        checkpoint->scalar_count = i + 1;
    }
    for (int64_t i = 0; status == QCTX_OK && i < head + checkpoint->scalar_count; i++)
        if (!isfinite(checkpoint->parameters[i]))
            status = qctx_fail(error, QCTX_ERR_DATA, "%s: parameter %lld is not finite", path, (long long)i);
    return status;
}

static qctx_status read_optimizer(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    int64_t count = qctx_head_parameter_count(&checkpoint->head) + checkpoint->scalar_count;
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

static const char *similarity_name(int value)
{
    return qctx_similarity_name((qctx_similarity)value);
}

static const char *precision_name(int value)
{
    return qctx_precision_name((qctx_precision)value);
}

/* *value = the one of first … last whose name the attribute holds; a file without it is older than the attribute. */
static qctx_status read_choice(const qctx_h5 *file, const char *path, const char *attribute, const char *(*name)(int),
                               int first, int last, int *value, qctx_error *error)
{
    char *text = NULL;
    qctx_status status;

    if (!qctx_h5_has(file, "/", attribute))
        return QCTX_OK;
    status = qctx_h5_get_text(file, "/", attribute, &text, error);
    if (status != QCTX_OK)
        return status;
    for (*value = first; *value <= last && strcmp(name(*value), text) != 0;)
        ++*value;
    if (*value > last)
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is '%s', which this version does not know", path,
                           attribute, text);
    free(text);
    return status;
}

/* How the run takes its steps; before there was a choice, it was the whole matrix in float32. */
static qctx_status read_plan(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    int similarity = QCTX_SIMILARITY_FULL, precision = QCTX_PRECISION_FLOAT32;
    qctx_status status = read_choice(file, path, "similarity", similarity_name, QCTX_SIMILARITY_FULL,
                                     QCTX_SIMILARITY_RING, &similarity, error);

    if (status == QCTX_OK)
        status = read_choice(file, path, "precision", precision_name, QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16,
                             &precision, error);
    checkpoint->similarity = (qctx_similarity)similarity;
    checkpoint->precision = (qctx_precision)precision;
    return status;
}

static qctx_status check_checksum(const qctx_h5 *file, const char *path, const qctx_checkpoint *checkpoint,
                                  qctx_error *error)
{
    char *written = NULL;
    qctx_status status = qctx_h5_get_text(file, "/", "checksum", &written, error);

    if (status == QCTX_OK && strtoull(written, NULL, 16) != qctx_checkpoint_checksum(checkpoint)) {
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
        status = read_plan(file, path, checkpoint, error);
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
    if (status == QCTX_OK && !qctx_comm_same(comm, qctx_checkpoint_checksum(checkpoint))) {
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
              qctx_h5_get_text(file, "/", "schema", &schema, NULL) == QCTX_OK && strcmp(schema, CHECKPOINT_SCHEMA) == 0;

    free(schema);
    qctx_h5_close(file, NULL);
    return is;
}
