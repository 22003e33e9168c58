/* A warm start: the head of another run, at its strength, in the place of initial weights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/run/run.h"
#include "trainer_internal.h"

static qctx_status refuse(const trainer *run, const char *what, const char *theirs, const char *ours, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_MISMATCH, "model.start: the head of %s has %s %s, this run's %s; expected the same",
              run->config->model.start, what, theirs, ours);
    return qctx_hint(error, "set it as the other run has it, which qctx-dist info %s shows, or leave model.start out",
                     run->config->model.start);
}

/* Head for head and encoder for encoder: weights of another shape or space mean nothing here. Local. */
static qctx_status check_fits(const trainer *run, const qctx_checkpoint *other, qctx_error *error)
{
    const qctx_head_config *theirs = &other->head, *ours = &run->head;
    const char *encoder = qctx_store_encoder_fingerprint(run->opened->train[0].store);
    const struct {
        const char *what;
        int64_t theirs, ours;
    } sizes[] = {
        {"vectors of", theirs->input, ours->input},
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
        {"the encoder", other->encoder_fingerprint, encoder},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].theirs, names[i].ours) != 0)
            return refuse(run, names[i].what, names[i].theirs, names[i].ours, error);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (sizes[i].theirs != sizes[i].ours) {
            char digits[2][24];

            snprintf(digits[0], sizeof digits[0], "%lld", (long long)sizes[i].theirs);
            snprintf(digits[1], sizeof digits[1], "%lld", (long long)sizes[i].ours);
            return refuse(run, sizes[i].what, digits[0], digits[1], error);
        }
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

qctx_status trainer_start_warm(trainer *run, qctx_error *error)
{
    qctx_run other = {0};
    qctx_status status = qctx_run_open(run->comm, run->config->model.start, &other, error);

    if (status != QCTX_OK)
        return status;
    status = check_fits(run, &other.checkpoint, error);
    if (status == QCTX_OK)
        status = take_head(run, &other.checkpoint, error);
    status = qctx_agree(run->comm, status, error);
    if (status == QCTX_OK)
        qctx_info("starts from the head of %s (epoch %lld, strength %g)", run->config->model.start,
                  (long long)other.checkpoint.progress.epoch, other.checkpoint.strength);
    qctx_run_close(&other);
    return status;
}
