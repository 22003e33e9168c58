#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/engine/checkpoint.h"
#include "trainer_internal.h"

/* Sections whose keys a resumed run may change: how long, where, and how it is watched. */
static bool may_change(const char *section, const char *line)
{
    static const char *const free_keys[] = {
        "epochs:", "steps:", "every:", "pool:", "order:", "candidates:", "bootstrap:", "keep:"};

    if (strcmp(section, "run") == 0)
        return strncmp(line, "seed:", 5) != 0;
    for (size_t i = 0; i < sizeof free_keys / sizeof free_keys[0]; i++)
        if (strncmp(line, free_keys[i], strlen(free_keys[i])) == 0)
            return true;
    return false;
}

/* Compares two resolved configurations line by line: both come from one dump, so equal keys stand in equal lines. */
static qctx_status compare_configs(const char *path, const char *then, const char *now, qctx_error *error)
{
    char section[64] = "";

    while (*then != '\0' && *now != '\0') {
        int then_length = (int)strcspn(then, "\n"), now_length = (int)strcspn(now, "\n");
        const char *line = now + strspn(now, " ");

        if (line == now)
            snprintf(section, sizeof section, "%.*s", (int)strcspn(now, ":"), now);
        if ((then_length != now_length || strncmp(then, now, (size_t)now_length) != 0) && !may_change(section, line)) {
            qctx_fail(error, QCTX_ERR_MISMATCH, "%s: the run was started with '%.*s', now it is '%.*s' (section %s)",
                      path, then_length - (int)strspn(then, " "), then + strspn(then, " "),
                      now_length - (int)(line - now), line, section);
            return qctx_hint(error, "resume with the configuration of the run (its config.yaml), or start a new run");
        }
        then += then_length + (then[then_length] == '\n');
        now += now_length + (now[now_length] == '\n');
    }
    return QCTX_OK;
}

static qctx_status adopt(trainer *run, const char *path, const qctx_checkpoint *from, qctx_error *error)
{
    const char *fingerprint = qctx_store_encoder_fingerprint(run->opened.train[0].store);
    qctx_optimizer_state *state = qctx_stepper_optimizer(run->stepper);
    qctx_status status = compare_configs(path, from->config, run->config_text, error);

    if (status != QCTX_OK)
        return status;
    if (strcmp(fingerprint, from->encoder_fingerprint) != 0)
        return qctx_fail(error, QCTX_ERR_MISMATCH, "%s: was trained on vectors of the encoder %s, the stores hold %s",
                         path, from->encoder_fingerprint, fingerprint);
    if (from->optimizer.count != state->count ||
        qctx_head_parameter_count(&from->head) != qctx_head_parameter_count(&run->head))
        return qctx_fail(error, QCTX_ERR_MISMATCH, "%s: holds %lld optimiser values, this head has %lld parameters",
                         path, (long long)from->optimizer.count, (long long)state->count);
    memcpy(qctx_stepper_parameters(run->stepper), from->parameters, (size_t)state->count * sizeof(float));
    memcpy(state->first, from->optimizer.first, (size_t)state->count * sizeof(float));
    memcpy(state->second, from->optimizer.second, (size_t)state->count * sizeof(float));
    state->steps = from->optimizer.steps;
    run->epoch = from->epoch;
    run->step = from->step;
    run->best = (trainer_best){from->best_epoch, from->best_metric, 1.0};
    return QCTX_OK;
}

qctx_status trainer_resume(trainer *run, qctx_error *error)
{
    qctx_checkpoint last = {0};
    char *path = trainer_last_checkpoint(run, error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && path[0] == '\0') {
        qctx_fail(error, QCTX_ERR_IO, "%s: there is no checkpoint to resume from", run->folder);
        status = qctx_hint(error, qctx_path_exists(run->folder) ? "begin it anew with --force in the place of --resume"
                                                                : "start the run without --resume");
    }
    status = qctx_agree(run->comm, status, error);
    if (status == QCTX_OK)
        status = qctx_checkpoint_read(run->comm, path, &last, error);
    if (status == QCTX_OK)
        status = qctx_agree(run->comm, adopt(run, path, &last, error), error);
    if (status == QCTX_OK)
        qctx_info("resuming from %s (epoch %lld, step %lld)", path, (long long)run->epoch, (long long)run->step);
    qctx_checkpoint_free(&last);
    free(path);
    return status;
}
