/* A warm start: the head of another run, at its strength, in the place of initial weights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "trainer_internal.h"

static qctx_status refuse(const trainer *run, const char *what, const char *theirs, const char *ours, qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_MISMATCH,
                     "model.start: the head of %s has %s %s, this run's %s; expected the same",
                     run->config->model.start, what, theirs, ours);
}

static qctx_status refuse_key(const trainer *run, const char *key, const char *theirs, const char *ours,
                              qctx_error *error)
{
    refuse(run, key, theirs, ours, error);
    return qctx_hint(error, "set it as the other run has it, which qctx-dist info %s shows, or leave model.start out",
                     run->config->model.start);
}

static qctx_status refuse_size(const trainer *run, const char *key, int64_t theirs, int64_t ours, qctx_error *error)
{
    char digits[2][24];

    snprintf(digits[0], sizeof digits[0], "%lld", (long long)theirs);
    snprintf(digits[1], sizeof digits[1], "%lld", (long long)ours);
    return refuse_key(run, key, digits[0], digits[1], error);
}

/* Head for head: weights of another shape mean nothing here. By the configuration alone. Local. */
static qctx_status check_shape(const trainer *run, qctx_error *error)
{
    const qctx_head_config *theirs = &run->start.checkpoint.head;
    const qctx_head_config here = qctx_config_head(run->config, theirs->input), *ours = &here;
    const struct {
        const char *what;
        int64_t theirs, ours;
    } sizes[] = {
        {"model.layers", theirs->layers, ours->layers},
        {"model.hidden", theirs->hidden, ours->hidden},
        {"model.output", theirs->output, ours->output},
    };
    const struct {
        const char *what, *theirs, *ours;
    } names[] = {
        {"model.form", qctx_head_form_names[theirs->form], qctx_head_form_names[ours->form]},
        {"model.sides", qctx_head_sides_names[theirs->sides], qctx_head_sides_names[ours->sides]},
        {"model.activation", qctx_activation_names[theirs->activation], qctx_activation_names[ours->activation]},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].theirs, names[i].ours) != 0)
            return refuse_key(run, names[i].what, names[i].theirs, names[i].ours, error);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (sizes[i].theirs != sizes[i].ours)
            return refuse_size(run, sizes[i].what, sizes[i].theirs, sizes[i].ours, error);
    return QCTX_OK;
}

/* The key that makes the encoder another, where there is one. */
static qctx_status hint_encoder(const trainer *run, qctx_error *error)
{
    static const char *const keys[] = {"data.encoder", "data.titles", "encoder", NULL};
    const char *key = qctx_config_first_difference(&run->start.config, run->config, keys);

    if (key != NULL)
        return qctx_hint(error,
                         "set %s as the other run has it, which qctx-dist info %s shows, or leave model.start out", key,
                         run->config->model.start);
    if (strstr(run->start.checkpoint.encoder_fingerprint, "hashing") != NULL)
        return qctx_hint(error, "the built-in encoder learns from its corpus: a run of other training texts has "
                                "another; leave model.start out");
    return qctx_hint(error, "the model's files are others than those of that run; leave model.start out");
}

/* Encoder for encoder: weights for another space mean nothing here. Local. */
static qctx_status check_encoder(const trainer *run, qctx_error *error)
{
    const char *theirs = run->start.checkpoint.encoder_fingerprint;
    const char *ours = qctx_store_encoder_fingerprint(run->opened->train[0].store);

    if (strcmp(theirs, ours) != 0) {
        refuse(run, "the encoder", theirs, ours, error);
        return hint_encoder(run, error);
    }
    if (run->start.checkpoint.head.input != run->head.input)
        return refuse_size(run, "vectors of", run->start.checkpoint.head.input, run->head.input, error);
    return QCTX_OK;
}

/*
 * x + α·MLP(x) is x + MLP′(x), where the last layer's weights and biases are α times as large: so training, whose
 * strength is 1, begins at the head as it was used.
 */
static qctx_status take_head(const trainer *run, const qctx_checkpoint *other, qctx_error *error)
{
    const int64_t count = qctx_head_tensor_count(&run->head);
    float *parameters = qctx_stepper_parameters(run->stepper);
    qctx_head_tensor *tensors = qctx_alloc(count, sizeof *tensors, "the list of tensors", error);
    char last[32];

    if (tensors == NULL)
        return QCTX_ERR_MEMORY;
    memcpy(parameters, other->parameters, (size_t)qctx_head_parameter_count(&run->head) * sizeof(float));
    qctx_head_tensors(&run->head, tensors);
    snprintf(last, sizeof last, "/%lld/", (long long)run->head.layers - 1);
    for (int64_t t = 0; t < count && run->head.form == QCTX_HEAD_RESIDUAL; t++)
        if (strstr(tensors[t].name, last) != NULL)
            for (int64_t i = 0; i < tensors[t].rows * tensors[t].cols; i++)
                parameters[tensors[t].offset + i] *= (float)other->strength;
    free(tensors);
    return QCTX_OK;
}

/* A head that is left to the data has the shape of the one that it starts from. */
static void adopt_shape(trainer *run)
{
    const qctx_head_config *theirs = &run->start.checkpoint.head;

    if (qctx_config_is_left(run->config, "model.sides"))
        run->settled.model.sides = theirs->sides;
    if (qctx_config_is_left(run->config, "model.layers"))
        run->settled.model.layers = theirs->layers;
    if (qctx_config_is_left(run->config, "model.hidden"))
        run->settled.model.hidden = theirs->hidden;
}

qctx_status trainer_open_start(trainer *run, qctx_error *error)
{
    qctx_status status = qctx_run_open(run->comm, run->config->model.start, &run->start, error);

    if (status != QCTX_OK)
        return status;
    adopt_shape(run);
    return qctx_agree(run->comm, check_shape(run, error), error);
}

/* The start has learned from questions by which this run chooses, unless both hold out the same. */
static void warn_of_favour(const trainer *run)
{
    static const char *const keys[] = {"data.train", "run.seed", "eval.tune", "eval.tune_split", NULL};

    if (qctx_comm_rank(run->comm) == 0 && run->training.held_out.questions > 0 &&
        run->config->eval.tune_split[0] == '\0' &&
        qctx_config_first_difference(&run->start.config, run->config, keys) != NULL)
        qctx_warn("%s may have been trained on questions that are held out here, which favours the start; "
                  "eval.tune_split names questions that neither saw",
                  run->config->model.start);
}

qctx_status trainer_start_warm(trainer *run, qctx_error *error)
{
    const qctx_checkpoint *start = &run->start.checkpoint;
    qctx_status status = check_encoder(run, error);

    if (status == QCTX_OK)
        status = take_head(run, start, error);
    status = qctx_agree(run->comm, status, error);
    if (status == QCTX_OK)
        warn_of_favour(run);
    if (status == QCTX_OK)
        qctx_info("starts from the head of %s (epoch %lld, strength %g)", run->config->model.start,
                  (long long)start->progress.epoch, start->strength);
    qctx_run_close(&run->start);
    return status;
}
