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

/* Rank 0 looks for all: another node's view of the folder may lag behind. */
char *trainer_last_checkpoint(const trainer *run, qctx_error *error)
{
    int64_t epoch = qctx_comm_rank(run->comm) == 0 ? scan_checkpoints(run).newest : -1;

    qctx_comm_broadcast(run->comm, &epoch, sizeof epoch, 0);
    return epoch < 0 ? qctx_strdup("", error) : last_path(run, epoch, error);
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
        status =
            qctx_tracker_open(run->comm, path, (qctx_tracker_place){resume_step, resume_step}, &run->tracker, error);
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
        .similarity = run->plan.scheme,
        .precision = run->plan.precision,
        .scalar_count = qctx_stepper_scalar_count(run->config->loss.kind),
        .parameters = (float *)parameters,
    };
}

qctx_status trainer_keep_last(trainer *run, qctx_error *error)
{
    qctx_checkpoint checkpoint = borrow(run, qctx_stepper_parameters(run->stepper));
    char *path = last_path(run, run->epoch, error);
    qctx_status status = qctx_agree(run->comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    qctx_phases_begin(&run->phases);
    qctx_stepper_complete(run->stepper);
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
