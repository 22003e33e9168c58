#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/engine/checkpoint.h"
#include "trainer_internal.h"

static char *in_folder(const trainer *run, const char *name, qctx_error *error)
{
    return qctx_path_join(run->folder, name, error);
}

static char *last_path(const trainer *run, int64_t epoch, qctx_error *error)
{
    return qctx_format(error, "%s/checkpoints/epoch-%04lld.h5", run->folder, (long long)epoch);
}

/* The epoch in "epoch-0012.h5", or −1. */
static int64_t epoch_of(const char *name)
{
    long long epoch;
    int end = 0;

    if (sscanf(name, "epoch-%lld.h5%n", &epoch, &end) == 1 && end > 0 && name[end] == '\0')
        return epoch;
    return -1;
}

/* The last checkpoints that stand in the folder: how many, and the epochs of the oldest and the newest (−1: none). */
typedef struct {
    int64_t count;
    int64_t oldest;
    int64_t newest;
} kept_checkpoints;

static kept_checkpoints scan_checkpoints(const trainer *run)
{
    kept_checkpoints kept = {.oldest = -1, .newest = -1};
    char *folder = in_folder(run, "checkpoints", NULL);
    DIR *open = folder == NULL ? NULL : opendir(folder);

    for (struct dirent *entry; open != NULL && (entry = readdir(open)) != NULL;) {
        int64_t epoch = epoch_of(entry->d_name);

        if (epoch < 0)
            continue;
        kept.count++;
        kept.newest = epoch > kept.newest ? epoch : kept.newest;
        kept.oldest = kept.oldest < 0 || epoch < kept.oldest ? epoch : kept.oldest;
    }
    if (open != NULL)
        closedir(open);
    free(folder);
    return kept;
}

char *trainer_last_checkpoint(const trainer *run, int64_t *epoch, qctx_error *error)
{
    *epoch = scan_checkpoints(run).newest;
    return *epoch < 0 ? qctx_strdup("", error) : last_path(run, *epoch, error);
}

/* Removes the oldest until checkpoint.keep are left. What cannot be removed stays: the run itself is not in danger. */
static void prune_checkpoints(const trainer *run)
{
    for (kept_checkpoints kept = scan_checkpoints(run); kept.count > run->config->checkpoint.keep;
         kept = scan_checkpoints(run)) {
        char *path = last_path(run, kept.oldest, NULL);
        bool removed = path != NULL && unlink(path) == 0;

        free(path);
        if (!removed)
            return;
    }
}

static bool is_partial(const char *name)
{
    static const char ending[] = ".partial";
    size_t length = strlen(name);

    return length >= sizeof ending && strcmp(name + length - (sizeof ending - 1), ending) == 0;
}

/* A new run must not mix its files with those of the one it replaces; what a kill left half-written helps none. */
static qctx_status clean_checkpoints(const trainer *run, bool resume, qctx_error *error)
{
    char *folder = in_folder(run, "checkpoints", error);
    DIR *open = folder == NULL ? NULL : opendir(folder);
    qctx_status status = folder == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (struct dirent *entry; open != NULL && status == QCTX_OK && (entry = readdir(open)) != NULL;) {
        char *path;

        bool is_of_run = epoch_of(entry->d_name) >= 0 || strcmp(entry->d_name, "best.h5") == 0;

        if (!is_partial(entry->d_name) && (resume || !is_of_run))
            continue;
        path = qctx_path_join(folder, entry->d_name, error);
        if (path == NULL)
            status = QCTX_ERR_MEMORY;
        else if (unlink(path) != 0)
            status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
        free(path);
    }
    if (open != NULL)
        closedir(open);
    free(folder);
    return status;
}

/* The outcome of the run that is replaced is none of the new one's. */
static qctx_status remove_summary(const trainer *run, qctx_error *error)
{
    char *path = in_folder(run, "summary.json", error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && unlink(path) != 0 && errno != ENOENT)
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
    free(path);
    return status;
}

static qctx_status write_config(const trainer *run, qctx_error *error)
{
    char *path = in_folder(run, "config.yaml", error);
    qctx_status status =
        path == NULL ? QCTX_ERR_MEMORY : qctx_file_write(path, run->config_text, strlen(run->config_text), error);

    free(path);
    return status;
}

static qctx_status begin_local(const trainer *run, bool resume, qctx_error *error)
{
    char *checkpoints = in_folder(run, "checkpoints", error);
    qctx_status status = checkpoints == NULL ? QCTX_ERR_MEMORY : qctx_folder_make(checkpoints, error);

    if (status == QCTX_OK)
        status = clean_checkpoints(run, resume, error);
    if (status == QCTX_OK && !resume)
        status = remove_summary(run, error);
    if (status == QCTX_OK)
        status = write_config(run, error);
    free(checkpoints);
    return status;
}

/* The step up to which the metrics of a resumed run are kept, or −1 for a new run. */
static qctx_status open_tracker(trainer *run, int64_t resume_step, qctx_error *error)
{
    char *path = in_folder(run, "metrics.jsonl", error);
    qctx_status status = qctx_agree(run->comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_tracker_open(run->comm, path, resume_step, &run->tracker, error);
    free(path);
    return status;
}

qctx_status trainer_check_folder(trainer *run, const qctx_train_options *options, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(run->comm) == 0 && !options->resume && !options->force && qctx_path_exists(run->folder)) {
        qctx_fail(error, QCTX_ERR_EXISTS, "%s: this run exists already", run->folder);
        status = qctx_hint(error, "go on with --resume, replace it with --force, or choose another run.name");
    }
    return qctx_agree(run->comm, status, error);
}

qctx_status trainer_open_folder(trainer *run, bool resume, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (qctx_comm_rank(run->comm) == 0)
        status = begin_local(run, resume, error);
    status = qctx_agree(run->comm, status, error);
    if (status == QCTX_OK)
        status = open_tracker(run, resume ? run->step : -1, error);
    return status;
}

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
    int64_t epoch;
    char *path = trainer_last_checkpoint(run, &epoch, error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && epoch < 0) {
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

/* A checkpoint that borrows the run's values; never freed. */
static qctx_checkpoint borrow(trainer *run, const float *parameters)
{
    return (qctx_checkpoint){
        .epoch = run->epoch,
        .step = run->step,
        .strength = 1.0,
        .best_metric = run->best.metric,
        .best_epoch = run->best.epoch,
        .config = run->config_text,
        .encoder_fingerprint = (char *)qctx_store_encoder_fingerprint(run->opened.train[0].store),
        .head = run->head,
        .parameters = (float *)parameters,
    };
}

qctx_status trainer_keep_last(trainer *run, qctx_error *error)
{
    qctx_checkpoint checkpoint = borrow(run, qctx_stepper_parameters(run->stepper));
    char *path = last_path(run, run->epoch, error);
    qctx_status status = qctx_agree(run->comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    qctx_phases_begin(&run->phases);
    checkpoint.optimizer = *qctx_stepper_optimizer(run->stepper);
    if (status == QCTX_OK)
        status = qctx_tracker_flush(run->tracker, error);
    if (status == QCTX_OK)
        status = qctx_checkpoint_write(run->comm, path, &checkpoint, error);
    /* The new one is safe on the disk: the oldest may go. */
    if (status == QCTX_OK && qctx_comm_rank(run->comm) == 0)
        prune_checkpoints(run);
    qctx_phases_end(&run->phases, QCTX_PHASE_CHECKPOINT);
    free(path);
    return status;
}

qctx_status trainer_keep_best(trainer *run, const float *parameters, int64_t step, double strength, qctx_error *error)
{
    qctx_checkpoint checkpoint = borrow(run, parameters);
    char *path = in_folder(run, "checkpoints/best.h5", error);
    qctx_status status = qctx_agree(run->comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    qctx_phases_begin(&run->phases);
    checkpoint.strength = strength;
    checkpoint.epoch = run->best.epoch;
    checkpoint.step = step;
    if (status == QCTX_OK)
        status = qctx_checkpoint_write(run->comm, path, &checkpoint, error);
    qctx_phases_end(&run->phases, QCTX_PHASE_CHECKPOINT);
    free(path);
    return status;
}

qctx_status trainer_read_best(trainer *run, qctx_checkpoint *best, qctx_error *error)
{
    char *path = in_folder(run, "checkpoints/best.h5", error);
    qctx_status status = qctx_agree(run->comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_checkpoint_read(run->comm, path, best, error);
    free(path);
    return status;
}
