#include "qctx/training/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "qctx/platform/h5.h"

/* The bytes are as they were written; that they are a checkpoint of this version is checked inside as well. */
static qctx_status check_schema(const qctx_h5 *file, const char *path, qctx_error *error)
{
    char *schema = NULL;
    int64_t version = 0;
    qctx_status status = qctx_h5_get_text(file, "/", "schema", &schema, error);

    if (status == QCTX_OK && strcmp(schema, CHECKPOINT_SCHEMA) != 0)
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute schema is '%s', expected '%s'", path, schema,
                           CHECKPOINT_SCHEMA);
    free(schema);
    if (status == QCTX_OK)
        status = qctx_h5_get_int(file, "/", "version", &version, error);
    if (status == QCTX_OK && version != QCTX_CHECKPOINT_VERSION)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: checkpoint version %lld, expected %d", path, (long long)version,
                         QCTX_CHECKPOINT_VERSION);
    return status;
}

static qctx_status read_number(const qctx_h5 *file, const char *path, const checkpoint_number *number,
                               qctx_checkpoint *checkpoint, qctx_error *error)
{
    void *value = (char *)checkpoint + number->offset;
    qctx_status status = number->is_whole ? qctx_h5_get_int(file, "/", number->name, value, error)
                                          : qctx_h5_get_double(file, "/", number->name, value, error);

    if (status != QCTX_OK)
        return status;
    if (number->is_whole && *(const int64_t *)value < number->minimum)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is %lld, expected at least %lld", path, number->name,
                         (long long)*(const int64_t *)value, (long long)number->minimum);
    if (!number->is_whole && !isfinite(*(const double *)value))
        return qctx_fail(error, QCTX_ERR_DATA, "%s: attribute %s is not finite", path, number->name);
    return QCTX_OK;
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
    if (status == QCTX_OK && !(head->dropout >= 0.0 && head->dropout < 1.0))
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute head_dropout is %g, expected a number in [0, 1)",
                           path, head->dropout);
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

/* Before any memory is taken: the file must be large enough for what its head claims. */
static qctx_status check_size(const char *path, const qctx_head_config *head, const qctx_h5_image *image,
                              qctx_error *error)
{
    int64_t claimed = qctx_head_parameter_count(head);

    if (claimed <= image->count / (int64_t)sizeof(float))
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: a head of %lld parameters is claimed, in a file of %lld bytes", path,
                     (long long)claimed, (long long)image->count);
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
    if (status == QCTX_OK)
        status = check_finite(path, "parameter", checkpoint->parameters, head + checkpoint->scalar_count, error);
    return status;
}

/* The parameters of the best epoch, where there are any. */
static qctx_status read_best(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    int64_t count = qctx_head_parameter_count(&checkpoint->head) + checkpoint->scalar_count;
    qctx_status status;

    if (!qctx_h5_exists(file, "best"))
        return QCTX_OK;
    checkpoint->best = qctx_alloc(count, sizeof(float), "the parameters of the best epoch", error);
    if (checkpoint->best == NULL)
        return QCTX_ERR_MEMORY;
    status = read_exactly(file, path, "best", count, 1, checkpoint->best, error);
    if (status == QCTX_OK)
        status = check_finite(path, "best parameter", checkpoint->best, count, error);
    return status;
}

static qctx_status read_optimizer(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    int64_t count = qctx_head_parameter_count(&checkpoint->head) + checkpoint->scalar_count;
    qctx_optimizer_state *state = &checkpoint->optimizer;
    int64_t steps;
    qctx_status status;

    if (!qctx_h5_exists(file, "optimizer/first"))
        return QCTX_OK;
    steps = state->steps;
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

/* *value = the one of first … last whose name the attribute holds. */
static qctx_status read_choice(const qctx_h5 *file, const char *path, const char *attribute, const char *const *names,
                               int first, int last, int *value, qctx_error *error)
{
    char *text = NULL;
    qctx_status status = qctx_h5_get_text(file, "/", attribute, &text, error);

    if (status != QCTX_OK)
        return status;
    *value = qctx_name_find(names, text);
    if (*value < first || *value > last)
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is '%s', which this version does not know", path,
                           attribute, text);
    free(text);
    return status;
}

/* The file is whole, so none before it is to be taken in its place; but nobody here takes such steps. */
static qctx_status refuse_retired_scheme(const qctx_h5 *file, const char *path, qctx_error *error)
{
    char *scheme = NULL;
    qctx_status status = qctx_h5_get_text(file, "/", "similarity", &scheme, error);

    if (status == QCTX_OK && strcmp(scheme, "rows_columns") == 0) {
        qctx_fail(
            error, QCTX_ERR_MISMATCH,
            "%s: attribute similarity is 'rows_columns', a scheme of earlier versions; expected full, rows or ring",
            path);
        status = qctx_hint(error, "go on with the version that began the run, or begin a new one with "
                                  "loss.similarity: auto");
    }
    free(scheme);
    return status;
}

/* How the run takes its steps. */
static qctx_status read_plan(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint, qctx_error *error)
{
    int similarity = QCTX_SIMILARITY_FULL, precision = QCTX_PRECISION_FLOAT32;
    qctx_status status = refuse_retired_scheme(file, path, error);

    if (status == QCTX_OK)
        status = read_choice(file, path, "similarity", qctx_similarity_names, QCTX_SIMILARITY_FULL,
                             QCTX_SIMILARITY_RING, &similarity, error);
    if (status == QCTX_OK)
        status = read_choice(file, path, "precision", qctx_precision_names, QCTX_PRECISION_FLOAT32,
                             QCTX_PRECISION_BFLOAT16, &precision, error);
    checkpoint->similarity = (qctx_similarity)similarity;
    checkpoint->precision = (qctx_precision)precision;
    return status;
}

static qctx_status read_attributes(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint,
                                   qctx_error *error)
{
    qctx_status status = check_schema(file, path, error);

    if (status == QCTX_OK)
        status = read_head(file, path, &checkpoint->head, error);
    for (int i = 0; i < CHECKPOINT_NUMBERS && status == QCTX_OK; i++)
        status = read_number(file, path, &checkpoint_numbers[i], checkpoint, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_text(file, "/", "encoder_fingerprint", &checkpoint->encoder_fingerprint, error);
    if (status == QCTX_OK)
        status = qctx_h5_get_text(file, "/", "config", &checkpoint->config, error);
    if (status == QCTX_OK)
        status = read_plan(file, path, checkpoint, error);
    return status;
}

static qctx_status decode(const char *path, qctx_h5_image *image, qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status status = qctx_h5_open_image(path, image, &file, error);

    if (status == QCTX_OK)
        status = read_attributes(file, path, checkpoint, error);
    if (status == QCTX_OK)
        status = check_size(path, &checkpoint->head, image, error);
    if (status == QCTX_OK)
        status = read_parameters(file, path, checkpoint, error);
    if (status == QCTX_OK)
        status = read_optimizer(file, path, checkpoint, error);
    if (status == QCTX_OK)
        status = read_best(file, path, checkpoint, error);
    qctx_h5_close(file, NULL);
    return status;
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
    free(checkpoint->parameters);
    free(checkpoint->best);
    qctx_optimizer_state_destroy(&checkpoint->optimizer);
    *checkpoint = (qctx_checkpoint){0};
}
