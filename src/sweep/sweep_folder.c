/* The folder of a sweep: made, gone on with, or refused. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"
#include "sweep_internal.h"

bool qctx_sweep_is(const char *folder)
{
    return qctx_folder_has(folder, "sweep.yaml");
}

static qctx_status refuse_link_in(const char *folder, const char *name, qctx_error *error)
{
    char *path = qctx_path_join(folder, name, error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_link_refuse(path, error);

    free(path);
    return status;
}

/* Refuses trials that are links. */
static qctx_status refuse_linked_trials(const char *folder, qctx_error *error)
{
    char *trials = qctx_path_join(folder, "trials", error);
    DIR *opened = trials == NULL ? NULL : opendir(trials);
    qctx_status status = trials == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    for (struct dirent *entry; opened != NULL && status == QCTX_OK && (entry = readdir(opened)) != NULL;)
        status = refuse_link_in(trials, entry->d_name, error);
    if (opened != NULL)
        closedir(opened);
    free(trials);
    return status;
}

qctx_status qctx_sweep_refuse_links(const char *folder, qctx_error *error)
{
    static const char *const names[] = {"sweep.yaml", "config.yaml", "trials"};
    qctx_status status = QCTX_OK;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == QCTX_OK; i++)
        status = refuse_link_in(folder, names[i], error);
    return status == QCTX_OK ? refuse_linked_trials(folder, error) : status;
}

static qctx_status open_ledger(sweep *s, qctx_error *error)
{
    qctx_status status = qctx_ledger_open(s->folder, s->definition->space.count, true, &s->ledger, error);

    if (status != QCTX_OK)
        qctx_hint_place(error, s->folder, "out, in the sweep's file");
    return status;
}

/* Whether the lock that is `file` of a folder is held. */
static qctx_status is_held(const char *folder, const char *file, bool *held, qctx_error *error)
{
    char *lock = qctx_path_join(folder, file, error);

    *held = lock != NULL && qctx_lockfile_is_held(lock);
    free(lock);
    return lock == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/*
 * Whether a process opens the sources of the sweep, or works on a trial, as the locks in the folder say: the ledger may
 * be damaged.
 */
static qctx_status is_worked_on(const char *sweep_folder, bool *worked_on, qctx_error *error)
{
    char *trials = qctx_path_join(sweep_folder, "trials", error);
    DIR *opened = trials == NULL ? NULL : opendir(trials);
    qctx_status status = trials == NULL ? QCTX_ERR_MEMORY : is_held(sweep_folder, "sources.lock", worked_on, error);

    for (struct dirent *entry;
         opened != NULL && status == QCTX_OK && !*worked_on && (entry = readdir(opened)) != NULL;) {
        char *trial = qctx_path_join(trials, entry->d_name, error);

        status = trial == NULL ? QCTX_ERR_MEMORY : is_held(trial, "trial.lock", worked_on, error);
        free(trial);
    }
    if (opened != NULL)
        closedir(opened);
    free(trials);
    return status;
}

/* Removes the sweep that stands in the folder, also if its ledger is damaged. */
static qctx_status remove_old(sweep *s, qctx_error *error)
{
    bool worked_on;
    qctx_status status;

    if (!qctx_sweep_is(s->folder))
        return QCTX_OK;
    status = is_worked_on(s->folder, &worked_on, error);
    if (status == QCTX_OK && worked_on)
        return qctx_fail(error, QCTX_ERR_EXISTS, "%s: another process is at work in this sweep", s->folder);
    qctx_ledger_close(s->ledger);
    s->ledger = NULL;
    if (status == QCTX_OK)
        status = qctx_folder_remove(s->folder, error);
    return status == QCTX_OK ? open_ledger(s, error) : status;
}

/* Takes the lock of the ledger, since the jobs of an array begin together; the caller releases it. Rank 0. */
static qctx_status lock_folder(sweep *s, bool *exists, qctx_error *error)
{
    qctx_status status = qctx_sweep_refuse_links(s->folder, error);

    if (status == QCTX_OK)
        status = open_ledger(s, error);
    if (status == QCTX_OK && s->options->force)
        status = remove_old(s, error);
    if (status == QCTX_OK)
        status = qctx_ledger_lock(s->ledger, error);
    *exists = status == QCTX_OK && qctx_sweep_is(s->folder);
    return status;
}

/* Whether the sweep that stands in the folder can go on as this one. Collective. */
static qctx_status check_definition(sweep *s, qctx_error *error)
{
    qctx_sweep_definition then = {0};
    qctx_status status = qctx_sweep_definition_load_folder(s->world, s->folder, &then, error);

    if (status == QCTX_OK)
        status = qctx_agree(s->world, qctx_sweep_definition_check_resume(&then, s->definition, error), error);
    if (status == QCTX_ERR_MISMATCH)
        qctx_hint(error, "choose another `name`, or replace the sweep in %s with --force", s->folder);
    qctx_sweep_definition_free(&then);
    return status;
}

/* sweep.yaml is written last: a folder that has it is complete. */
static qctx_status write_definition(const sweep *s, qctx_error *error)
{
    char *sweep_path = qctx_path_join(s->folder, "sweep.yaml", error);
    char *config_path = qctx_path_join(s->folder, "config.yaml", error);
    qctx_status status = sweep_path == NULL || config_path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK)
        status = qctx_file_write(config_path, s->definition->config_text, strlen(s->definition->config_text), error);
    if (status == QCTX_OK)
        status = qctx_file_write(sweep_path, s->definition->text, strlen(s->definition->text), error);
    free(sweep_path);
    free(config_path);
    return status;
}

qctx_status sweep_open_folder(sweep *s, qctx_error *error)
{
    bool speaks = qctx_comm_rank(s->world) == 0, exists = false;
    qctx_status status = speaks ? lock_folder(s, &exists, error) : QCTX_OK;

    status = qctx_agree(s->world, status, error);
    if (status != QCTX_OK)
        goto out;
    qctx_comm_broadcast(s->world, &exists, sizeof exists, 0);
    if (exists)
        status = check_definition(s, error);
    if (status != QCTX_OK)
        goto out;
    /* Also where the sweep exists, since its run_cap may have changed. */
    status = qctx_agree(s->world, speaks ? write_definition(s, error) : QCTX_OK, error);
    if (status == QCTX_OK && speaks) {
        char counts[160];

        sweep_describe(s, counts, sizeof counts);
        qctx_info("sweep %s: %s", s->folder, counts);
    }
out:
    if (speaks && s->ledger != NULL)
        qctx_ledger_unlock(s->ledger);
    return status;
}
