#include "qctx/sweep/sweep.h"

#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"
#include "qctx/base/plural.h"
#include "qctx/sweep/table.h"
#include "sweep_internal.h"

static bool leads(const sweep *s)
{
    return s->group != NULL && qctx_comm_rank(s->group) == 0;
}

/* Refuses groups larger than the job, and allocates. Collective. */
static qctx_status prepare(sweep *s, qctx_error *error)
{
    const int64_t ranks = qctx_comm_size(s->world);
    const bool speaks = qctx_comm_rank(s->world) == 0;
    qctx_status status = QCTX_OK;

    if (s->definition->ranks_per_trial > ranks) {
        qctx_fail(error, QCTX_ERR_CONFIG, "ranks_per_trial: %lld, but the job has %lld",
                  (long long)s->definition->ranks_per_trial, (long long)ranks);
        return qctx_hint(error, "start more ranks, or override it: ranks_per_trial=%lld", (long long)ranks);
    }
    s->folder = qctx_sweep_definition_folder(s->definition, error);
    s->units = qctx_alloc(s->definition->space.count, sizeof *s->units, "a trial's point", error);
    if (speaks)
        s->said = qctx_alloc(s->definition->trials, sizeof *s->said, "the trials", error);
    if (s->folder == NULL || s->units == NULL || (speaks && s->said == NULL))
        status = QCTX_ERR_MEMORY;
    return qctx_agree(s->world, status, error);
}

/* The groups of ranks that take trials; what is left over stays idle. Collective. */
static qctx_status form_groups(sweep *s, qctx_error *error)
{
    const int size = (int)s->definition->ranks_per_trial, idle = qctx_comm_size(s->world) % size;
    qctx_status status = QCTX_OK;

    if (idle > 0 && qctx_comm_rank(s->world) == 0)
        qctx_warn("%d rank%s idle: %d would fill no group of %d", idle, idle == 1 ? " stays" : "s stay", idle, size);
    s->group = qctx_comm_groups(s->world, size);
    if (qctx_comm_size(s->group) < size) {
        qctx_comm_close_group(s->group);
        s->group = NULL;
    }
    if (leads(s) && s->ledger == NULL)
        status = qctx_ledger_open(s->folder, s->definition->space.count, true, &s->ledger, error);
    return qctx_agree(s->world, status, error);
}

/* The group's next task, known to all its ranks. Collective over the group. */
static qctx_status next_task(sweep *s, sweep_task *task, qctx_error *error)
{
    qctx_status status = leads(s) ? sweep_choose(s, task, error) : QCTX_OK;

    status = qctx_agree(s->group, status, error);
    if (status != QCTX_OK)
        return status;
    qctx_comm_broadcast(s->group, task, sizeof *task, 0);
    qctx_comm_broadcast(s->group, s->units, s->definition->space.count * (int64_t)sizeof *s->units, 0);
    return QCTX_OK;
}

/*
 * Runs one trial and enters into the ledger what became of it. Of the ways in which a trial can fail, only a full disk,
 * a stop and stores that were written to end the work of the group, too. Collective over the group.
 */
static qctx_status work(sweep *s, const sweep_task *task, qctx_error *error)
{
    qctx_train_result result = {0};
    qctx_error why = {0};
    qctx_status outcome = sweep_run_trial(s, task, &result, &why);
    qctx_status status = leads(s) ? sweep_record(s, task, &result, outcome, &why, error) : QCTX_OK;

    if (sweep_ends_by(outcome)) {
        *error = why;
        status = outcome;
    }
    return qctx_agree(s->group, status, error);
}

static qctx_status work_off(sweep *s, qctx_error *error)
{
    sweep_task task;
    qctx_status status = next_task(s, &task, error);

    while (status == QCTX_OK && task.index >= 0) {
        status = work(s, &task, error);
        if (status == QCTX_OK)
            status = next_task(s, &task, error);
    }
    return status;
}

typedef qctx_status table_printer(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                                  qctx_error *error);

static qctx_status write_table(const sweep *s, const char *name, table_printer *print, qctx_error *error)
{
    char *path = qctx_path_join(s->folder, name, error);
    qctx_outfile *file = NULL;
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_outfile_open(path, &file, error);

    if (status == QCTX_OK)
        status = print(qctx_outfile_stream(file), s->definition, s->ledger, error);
    if (status == QCTX_OK) {
        status = qctx_outfile_commit(file, error);
        file = NULL;
    }
    qctx_outfile_discard(file);
    free(path);
    return status;
}

/* Where all trials have failed, the error of the first one is the sweep's. */
static qctx_status refuse_if_all_failed(const sweep *s, qctx_error *error)
{
    int64_t count;
    const qctx_trial *trials = qctx_ledger_trials(s->ledger, &count);

    for (int64_t t = 0; t < count; t++)
        if (trials[t].state != QCTX_TRIAL_FAILED)
            return QCTX_OK;
    if (count == 0)
        return QCTX_OK;
    return qctx_fail(error, (qctx_status)trials[0].code, "%s: all trials have failed, the first one by: %s", s->folder,
                     trials[0].message);
}

/* Writes and prints the results, if nothing is left to do for anybody. Rank 0. */
static qctx_status write_results(sweep *s, qctx_error *error)
{
    bool complete = false;
    /* The lock is for the jobs of an array, which may end at the same time. */
    qctx_status status = qctx_ledger_lock(s->ledger, error);

    if (status != QCTX_OK)
        return status;
    sweep_log_news(s, false);
    status = sweep_is_complete(s, &complete, error);
    if (status == QCTX_OK && !complete) {
        char counts[160];

        sweep_describe(s, counts, sizeof counts);
        qctx_info("this share is done; %s. Who finishes last writes the results", counts);
    }
    if (status == QCTX_OK && complete)
        status = write_table(s, "results.md", qctx_sweep_print_markdown, error);
    if (status == QCTX_OK && complete)
        status = write_table(s, "results.csv", qctx_sweep_print_csv, error);
    qctx_ledger_unlock(s->ledger);
    /* Printing needs no lock: nothing changes any more, and a pipe may be read slowly. */
    if (status == QCTX_OK && complete)
        status = qctx_sweep_print_markdown(stdout, s->definition, s->ledger, error);
    if (status == QCTX_OK && complete)
        status = refuse_if_all_failed(s, error);
    return status;
}

static qctx_status finish(sweep *s, qctx_error *error)
{
    bool speaks = qctx_comm_rank(s->world) == 0;

    return qctx_agree(s->world, speaks ? write_results(s, error) : QCTX_OK, error);
}

static void release(sweep *s)
{
    qctx_lockfile_release(s->lock);
    sweep_close_sources(s);
    qctx_ledger_close(s->ledger);
    qctx_comm_close_group(s->group);
    free(s->said);
    free(s->units);
    free(s->folder);
    free(s);
}

static qctx_status run(sweep *s, qctx_error *error)
{
    qctx_status status = prepare(s, error);

    if (status == QCTX_OK)
        status = sweep_open_folder(s, error);
    if (status == QCTX_OK && s->ledger != NULL)
        sweep_log_news(s, true);
    if (status == QCTX_OK)
        status = sweep_open_sources(s, error);
    if (status == QCTX_OK)
        status = form_groups(s, error);
    if (status != QCTX_OK)
        return status;
    if (s->group != NULL)
        status = work_off(s, error);
    /* The other groups go on; what ended this one is said at once, not when they are done. */
    if (status != QCTX_OK && status != QCTX_STOPPED && leads(s))
        qctx_warn("a group of ranks leaves the sweep: %-s", error->message);
    qctx_comm_set_phase("end of the sweep");
    status = qctx_agree(s->world, status, error);
    return status == QCTX_OK ? finish(s, error) : status;
}

qctx_status qctx_sweep_run(qctx_comm *comm, const qctx_sweep_definition *definition, const qctx_sweep_options *options,
                           qctx_error *error)
{
    sweep *s = qctx_alloc(1, sizeof *s, "a sweep", error);
    qctx_status status = qctx_agree(comm, s == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status != QCTX_OK) {
        free(s);
        return status;
    }
    s->world = comm;
    s->definition = definition;
    s->options = options;
    status = run(s, error);
    if (status == QCTX_STOPPED) {
        qctx_error_append(error, "the sweep in %s has a checkpoint of each trial that ran", s->folder);
        qctx_hint(error, "the same command goes on with it");
    }
    release(s);
    return status;
}
