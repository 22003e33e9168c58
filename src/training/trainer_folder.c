#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"
#include "trainer_internal.h"

/* What sets where runs are made. */
static const char choose_out[] = "run.out=FOLDER";

static char *in_folder(const trainer *run, const char *name, qctx_error *error)
{
    return qctx_path_join(run->folder, name, error);
}

static qctx_status take_lock(trainer *run, qctx_error *error)
{
    char *path = in_folder(run, "lock", error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_lockfile_take(path, &run->lock, error);

    free(path);
    if (status == QCTX_ERR_EXISTS)
        qctx_hint(error, "wait until it is done, or choose another run.name");
    else if (status != QCTX_OK)
        qctx_hint_place(error, run->folder, choose_out);
    return status;
}

/* The configuration that the folder was begun with. */
static qctx_status check_config(const trainer *run, qctx_error *error)
{
    char *path = in_folder(run, "config.yaml", error), *text = NULL;
    qctx_config then = {0}, now = *run->config;
    size_t bytes;
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_file_read_inside(path, &text, &bytes, error);

    if (status == QCTX_OK)
        status = qctx_config_parse_kept(text, bytes, path, &then, error);
    /* What is left to the data is settled when the run begins. */
    qctx_config_adopt_auto(&now, &then);
    if (status == QCTX_OK)
        status = qctx_config_check_resume(&then, &now, error);
    qctx_config_free(&then);
    free(text);
    free(path);
    return status;
}

static qctx_status check_local(trainer *run, qctx_error *error)
{
    const qctx_train_options *options = run->options;
    qctx_status status;

    if (!qctx_path_exists(run->folder)) {
        status = qctx_folder_check(run->folder, error);
        if (status != QCTX_OK)
            qctx_hint_place(error, run->folder, choose_out);
        return status;
    }
    if (options->resume == QCTX_RESUME_NEVER && !options->force) {
        qctx_fail(error, QCTX_ERR_EXISTS, "%s: this run exists already", run->folder);
        return qctx_hint(error, "go on with --resume, replace it with --force, or choose another run.name");
    }
    status = take_lock(run, error);
    if (status == QCTX_OK && options->resume == QCTX_RESUME_AUTO && qctx_folder_has(run->folder, "config.yaml"))
        status = check_config(run, error);
    return status;
}

qctx_status trainer_check_folder(trainer *run, qctx_error *error)
{
    return qctx_agree(run->comm, qctx_comm_rank(run->comm) == 0 ? check_local(run, error) : QCTX_OK, error);
}

/* A folder that was not there at the beginning, but may have been made by another process since, which may hold it. */
static qctx_status lock_new_folder(trainer *run, qctx_error *error)
{
    qctx_status status = qctx_folder_make(run->folder, error);

    if (status != QCTX_OK)
        qctx_hint_place(error, run->folder, choose_out);
    if (status == QCTX_OK)
        status = qctx_folder_sync_parent(run->folder, error);
    if (status == QCTX_OK)
        status = take_lock(run, error);
    if (status == QCTX_OK && qctx_folder_has(run->folder, "config.yaml")) {
        qctx_fail(error, QCTX_ERR_EXISTS, "%s: another process began this run in the meantime", run->folder);
        status = qctx_hint(error, "go on with --resume, or choose another run.name");
    }
    return status;
}

static qctx_status remove_file(const trainer *run, const char *name, qctx_error *error)
{
    char *path = in_folder(run, name, error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && unlink(path) != 0 && errno != ENOENT)
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
    free(path);
    return status;
}

static qctx_status write_config(const trainer *run, qctx_error *error)
{
    char *path = in_folder(run, "config.yaml", error);
    /* Weights that were chosen are no key: another run of this configuration chooses anew. */
    char *text = run->tuned == NULL ? qctx_strdup(run->config_text, error)
                                    : qctx_format(error, "%s# encoder.tune chose: %s\n", run->config_text, run->tuned);
    qctx_status status = path == NULL || text == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK)
        status = qctx_file_write(path, text, strlen(text), error);
    free(path);
    free(text);
    return status;
}

/* The outcome that stands there is that of the run that is replaced, or not yet that of the one that goes on. */
static qctx_status begin_local(trainer *run, qctx_error *error)
{
    qctx_status status = run->lock == NULL ? lock_new_folder(run, error) : QCTX_OK;

    if (status == QCTX_OK)
        status = remove_file(run, "summary.json", error);
    if (status == QCTX_OK)
        status = write_config(run, error);
    return status;
}

static qctx_status open_metrics_log(trainer *run, qctx_error *error)
{
    qctx_metrics_log_place place = {-1, -1};
    char *path = in_folder(run, "metrics.jsonl", error);
    qctx_status status = qctx_agree(run->comm, path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (run->resumed)
        place = (qctx_metrics_log_place){run->progress.step, run->progress.evaluated};
    if (status == QCTX_OK)
        status = qctx_metrics_log_open(run->comm, path, place, &run->metrics_log, error);
    free(path);
    return status;
}

static void open_log(const trainer *run)
{
    char *path = in_folder(run, "log.txt", NULL);

    if (path != NULL)
        qctx_run_log_open(run->log, path, run->resumed);
    free(path);
}

/* Checkpoints of a replaced run go before its metrics: these alone can be begun anew. */
qctx_status trainer_open_folder(trainer *run, qctx_error *error)
{
    qctx_status status = qctx_comm_rank(run->comm) == 0 ? begin_local(run, error) : QCTX_OK;

    status = qctx_agree(run->comm, status, error);
    if (status == QCTX_OK)
        open_log(run);
    if (status == QCTX_OK)
        status = qctx_checkpoints_create(run->comm, run->folder, run->config->checkpoint.keep, run->resumed,
                                         &run->checkpoints, error);
    if (status == QCTX_OK)
        status = open_metrics_log(run, error);
    return status;
}
