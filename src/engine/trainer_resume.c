#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/engine/checkpoint.h"
#include "trainer_internal.h"

/* The run's configuration then is in its checkpoint. */
static qctx_status compare_configs(const trainer *run, const char *path, const qctx_checkpoint *from, qctx_error *error)
{
    qctx_config then;
    qctx_status status = qctx_config_parse(from->config, strlen(from->config), path, NULL, 0, &then, error);

    if (status != QCTX_OK)
        return status;
    status = qctx_config_check_resume(&then, run->config, error);
    qctx_config_free(&then);
    return status;
}

qctx_status trainer_read_last(trainer *run, qctx_error *error)
{
    char *path = trainer_last_checkpoint(run, error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && path[0] == '\0') {
        qctx_fail(error, QCTX_ERR_IO, "%s: there is no checkpoint to resume from", run->folder);
        status = qctx_hint(error, qctx_path_exists(run->folder) ? "begin it anew with --force in the place of --resume"
                                                                : "start the run without --resume");
    }
    status = qctx_agree(run->comm, status, error);
    if (status == QCTX_OK)
        status = qctx_checkpoint_read(run->comm, path, &run->last, error);
    if (status == QCTX_OK)
        status = qctx_agree(run->comm, compare_configs(run, path, &run->last, error), error);
    if (status == QCTX_OK)
        qctx_info("resuming from %s (epoch %lld, step %lld)", path, (long long)run->last.epoch,
                  (long long)run->last.step);
    free(path);
    return status;
}

static qctx_status adopt(trainer *run, const qctx_checkpoint *from, qctx_error *error)
{
    const char *fingerprint = qctx_store_encoder_fingerprint(run->opened.train[0].store);
    qctx_optimizer_state *state = qctx_stepper_optimizer(run->stepper);

    if (strcmp(fingerprint, from->encoder_fingerprint) != 0)
        return qctx_fail(error, QCTX_ERR_MISMATCH, "%s: was trained on vectors of the encoder %s, the stores hold %s",
                         run->folder, from->encoder_fingerprint, fingerprint);
    if (from->optimizer.count != state->count ||
        qctx_head_parameter_count(&from->head) != qctx_head_parameter_count(&run->head))
        return qctx_fail(error, QCTX_ERR_MISMATCH,
                         "%s: the last checkpoint holds %lld optimiser values, this head has %lld parameters",
                         run->folder, (long long)from->optimizer.count, (long long)state->count);
    memcpy(qctx_stepper_parameters(run->stepper), from->parameters, (size_t)state->count * sizeof(float));
    memcpy(state->first, from->optimizer.first, (size_t)state->count * sizeof(float));
    memcpy(state->second, from->optimizer.second, (size_t)state->count * sizeof(float));
    state->steps = from->optimizer.steps;
    run->epoch = from->epoch;
    run->step = from->step;
    run->best = (trainer_best){from->best_epoch, from->best_metric, 1.0};
    return QCTX_OK;
}

qctx_status trainer_go_on(trainer *run, qctx_error *error)
{
    qctx_status status = qctx_agree(run->comm, adopt(run, &run->last, error), error);

    qctx_checkpoint_free(&run->last);
    return status;
}
