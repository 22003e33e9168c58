/* The attributes of a checkpoint: one table, by which they are written and read. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint_internal.h"
#include "qctx/base/names.h"

typedef enum {
    WHOLE, /* int64_t, from low to high */
    SIZE,  /* likewise, of the head's shape */
    REAL,  /* double, from low to high */
    SHARE, /* double, in [0, 1) */
    PART,  /* double, in [0, 1] */
    NAME,  /* an enum from low to high, by its name; earlier builds wrote numbers, which are read as well */
    TEXT   /* char * */
} attribute_kind;

typedef struct {
    const char *name;
    attribute_kind kind;
    size_t offset; /* in qctx_checkpoint */
    int64_t low;
    int64_t high;
    const char *const *names;
    bool is_later; /* the first files of this version do not have it: the value that stands there then is kept */
} attribute;

/* Far above what fits into a machine, far below what overflows a product of two. */
enum { WIDEST = 1 << 20, DEEPEST = 64 };

/* Far above what any run reaches, far below what overflows a sum, or a product with the batches of an epoch. */
#define LONGEST INT64_C(1000000000)

/* Of losses: far above what float32 scores make of them; rounding may leave a loss of nothing below 0. */
#define STEEPEST INT64_C(1000000000000000000)
enum { SHALLOWEST = -1 };

#define OF(member) offsetof(qctx_checkpoint, member)

/* clang-format off */
static const attribute attributes[] = {
    {"head_form", NAME, OF(head.form), QCTX_HEAD_PLAIN, QCTX_HEAD_RESIDUAL, qctx_head_form_names, false},
    {"head_sides", NAME, OF(head.sides), QCTX_SIDES_QUESTION, QCTX_SIDES_SHARED, qctx_head_sides_names, false},
    {"head_activation", NAME, OF(head.activation), QCTX_ACTIVATION_RELU, QCTX_ACTIVATION_TANH, qctx_activation_names, false},
    {"head_layers", SIZE, OF(head.layers), 1, DEEPEST, NULL, false},
    {"head_input", SIZE, OF(head.input), 1, WIDEST, NULL, false},
    {"head_hidden", SIZE, OF(head.hidden), 1, WIDEST, NULL, false},
    {"head_output", SIZE, OF(head.output), 1, WIDEST, NULL, false},
    {"seed", WHOLE, OF(head.seed), INT64_MIN, INT64_MAX, NULL, false},
    {"head_dropout", SHARE, OF(head.dropout), 0, 0, NULL, false},
    {"epoch", WHOLE, OF(progress.epoch), 0, LONGEST, NULL, false},
    {"step", WHOLE, OF(progress.step), 0, LONGEST, NULL, false},
    {"evaluated", WHOLE, OF(progress.evaluated), -1, LONGEST, NULL, false},
    {"strength", PART, OF(strength), 0, 0, NULL, false},
    {"best_metric", REAL, OF(progress.best_metric), -1, 1, NULL, false},
    {"best_epoch", WHOLE, OF(progress.best_epoch), 0, LONGEST, NULL, false},
    {"best_step", WHOLE, OF(progress.best_step), -1, LONGEST, NULL, false},
    {"best_strength", PART, OF(progress.best_strength), 0, 0, NULL, false},
    {"best_mrr", REAL, OF(progress.best_mrr), -1, 1, NULL, true},
    {"unguarded_metric", REAL, OF(progress.unguarded_metric), -1, 1, NULL, true},
    {"unguarded_mrr", REAL, OF(progress.unguarded_mrr), -1, 1, NULL, true},
    {"unguarded_epoch", WHOLE, OF(progress.unguarded_epoch), 0, LONGEST, NULL, true},
    {"unguarded_strength", PART, OF(progress.unguarded_strength), 0, 0, NULL, true},
    {"limited_by", WHOLE, OF(progress.limited_by), -1, LONGEST, NULL, true},
    {"widened", WHOLE, OF(widened), 0, 1, NULL, true},
    {"trained_on", WHOLE, OF(trained_on), INT64_MIN, INT64_MAX, NULL, true},
    {"seconds", REAL, OF(progress.seconds), 0, LONGEST, NULL, false},
    {"loss_sum", REAL, OF(progress.loss_sum), SHALLOWEST, STEEPEST, NULL, false},
    {"accuracy_sum", REAL, OF(progress.accuracy_sum), 0, LONGEST, NULL, false},
    {"summed", WHOLE, OF(progress.summed), 0, LONGEST, NULL, false},
    {"loss_start", REAL, OF(progress.loss_start), SHALLOWEST, STEEPEST, NULL, false},
    {"loss_now", REAL, OF(progress.loss_now), SHALLOWEST, STEEPEST, NULL, false},
    {"ranks", WHOLE, OF(ranks), 0, LONGEST, NULL, false},
    {"threads", WHOLE, OF(threads), 0, LONGEST, NULL, false},
    {"optimizer_steps", WHOLE, OF(optimizer.steps), 0, LONGEST, NULL, false},
    {"encoder_fingerprint", TEXT, OF(encoder_fingerprint), 0, 0, NULL, false},
    {"similarity", NAME, OF(similarity), QCTX_SIMILARITY_FULL, QCTX_SIMILARITY_RING, qctx_similarity_names, false},
    {"precision", NAME, OF(precision), QCTX_PRECISION_FLOAT32, QCTX_PRECISION_BFLOAT16, qctx_precision_names, false},
    {"config", TEXT, OF(config), 0, 0, NULL, false},
    {"sources", TEXT, OF(sources), 0, 0, NULL, true},
};
/* clang-format on */

enum { ATTRIBUTES = sizeof attributes / sizeof attributes[0] };

static qctx_status write_one(qctx_h5 *file, const attribute *of, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    const void *value = (const char *)checkpoint + of->offset;

    switch (of->kind) {
    case WHOLE:
    case SIZE:
        return qctx_h5_set_int(file, "/", of->name, *(const int64_t *)value, error);
    case REAL:
    case SHARE:
    case PART:
        return qctx_h5_set_double(file, "/", of->name, *(const double *)value, error);
    case NAME:
        return qctx_h5_set_text(file, "/", of->name, of->names[*(const int *)value], error);
    case TEXT:
        break;
    }
    return qctx_h5_set_text(file, "/", of->name, *(char *const *)value, error);
}

qctx_status checkpoint_write_attributes(qctx_h5 *file, const qctx_checkpoint *checkpoint, qctx_error *error)
{
    qctx_status status = qctx_h5_set_text(file, "/", "schema", CHECKPOINT_SCHEMA, error);

    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "version", QCTX_CHECKPOINT_VERSION, error);
    for (int i = 0; i < ATTRIBUTES && status == QCTX_OK; i++)
        status = write_one(file, &attributes[i], checkpoint, error);
    return status;
}

static qctx_status read_whole(const qctx_h5 *file, const char *path, const attribute *of, int64_t *value,
                              qctx_error *error)
{
    qctx_status status = qctx_h5_get_int(file, "/", of->name, value, error);

    if (status != QCTX_OK || (*value >= of->low && *value <= of->high))
        return status;
    if (of->kind != WHOLE)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is %lld, which no head has", path, of->name,
                         (long long)*value);
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is %lld, expected %lld to %lld", path, of->name,
                     (long long)*value, (long long)of->low, (long long)of->high);
}

static qctx_status read_real(const qctx_h5 *file, const char *path, const attribute *of, double *value,
                             qctx_error *error)
{
    qctx_status status = qctx_h5_get_double(file, "/", of->name, value, error);

    if (status != QCTX_OK)
        return status;
    if (of->kind == SHARE && !(*value >= 0.0 && *value < 1.0))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is %g, expected a number in [0, 1)", path, of->name,
                         *value);
    if (of->kind == PART && !(*value >= 0.0 && *value <= 1.0))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is %g, expected a number in [0, 1]", path, of->name,
                         *value);
    if (!isfinite(*value))
        return qctx_fail(error, QCTX_ERR_DATA, "%s: attribute %s is not finite", path, of->name);
    if (of->kind == REAL && (*value < (double)of->low || *value > (double)of->high + CHECKPOINT_ROUNDING))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is %g, expected a number from %lld to %lld", path,
                         of->name, *value, (long long)of->low, (long long)of->high);
    return QCTX_OK;
}

static qctx_status read_name(const qctx_h5 *file, const char *path, const attribute *of, int *value, qctx_error *error)
{
    char *text = NULL;
    int64_t number;
    qctx_status status;

    if (qctx_h5_get_int(file, "/", of->name, &number, NULL) == QCTX_OK) {
        status = read_whole(file, path, of, &number, error);
        *value = (int)number;
        return status;
    }
    status = qctx_h5_get_text(file, "/", of->name, &text, error);
    if (status != QCTX_OK)
        return status;
    *value = qctx_name_find(of->names, text);
    if (of->names == qctx_similarity_names && strcmp(text, QCTX_CHECKPOINT_RETIRED_SCHEME) == 0)
        *value = QCTX_SIMILARITY_AUTO;
    else if (*value < of->low || *value > of->high)
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: attribute %s is '%s', which this version does not know", path,
                           of->name, text);
    free(text);
    return status;
}

static qctx_status read_one(const qctx_h5 *file, const char *path, const attribute *of, qctx_checkpoint *checkpoint,
                            qctx_error *error)
{
    void *value = (char *)checkpoint + of->offset;

    switch (of->kind) {
    case WHOLE:
    case SIZE:
        return read_whole(file, path, of, value, error);
    case REAL:
    case SHARE:
    case PART:
        return read_real(file, path, of, value, error);
    case NAME:
        return read_name(file, path, of, value, error);
    case TEXT:
        break;
    }
    return qctx_h5_get_text(file, "/", of->name, value, error);
}

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

/* A head that no configuration makes would be read and written beyond its rows. */
static qctx_status check_head(const char *path, const qctx_head_config *head, qctx_error *error)
{
    if (qctx_head_fits(head))
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_FORMAT,
                     "%s: attribute head_output is %lld and head_input %lld, expected the same of a %s head on %s",
                     path, (long long)head->output, (long long)head->input, qctx_head_form_names[head->form],
                     head->sides == QCTX_SIDES_BOTH || head->sides == QCTX_SIDES_SHARED ? "both sides"
                                                                                        : "one side only");
}

/* The configuration of a run of earlier versions may name the scheme that is no more; any other computes the same. */
static void forget_retired_scheme(char *config)
{
    static const char named[] = "similarity: " QCTX_CHECKPOINT_RETIRED_SCHEME "\n", open[] = "similarity: auto\n";
    char *at = strstr(config, named);

    if (at == NULL)
        return;
    memcpy(at, open, strlen(open));
    memmove(at + strlen(open), at + strlen(named), strlen(at + strlen(named)) + 1);
}

qctx_status checkpoint_read_attributes(const qctx_h5 *file, const char *path, qctx_checkpoint *checkpoint,
                                       qctx_error *error)
{
    qctx_status status = check_schema(file, path, error);

    /* Of a run that knew no ties: none moves its best epoch. */
    checkpoint->progress.best_mrr = 1.0;
    /* Of a run that knew no guards. */
    checkpoint->progress.limited_by = -1;
    for (int i = 0; i < ATTRIBUTES && status == QCTX_OK; i++)
        if (!attributes[i].is_later || qctx_h5_has(file, "/", attributes[i].name))
            status = read_one(file, path, &attributes[i], checkpoint, error);
    if (status == QCTX_OK)
        forget_retired_scheme(checkpoint->config);
    return status == QCTX_OK ? check_head(path, &checkpoint->head, error) : status;
}
