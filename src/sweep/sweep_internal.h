/*
 * What the files of sweep/sweep share: sweep.c (groups and their trials, the results), sweep_folder.c (the folder and
 * the sweep file in it), sweep_choose.c (which trial next), sweep_trial.c (one trial), sweep_sources.c (stores that are
 * open for all), sweep_log.c (what the log says).
 */
#ifndef QCTX_SWEEP_SWEEP_INTERNAL_H
#define QCTX_SWEEP_SWEEP_INTERNAL_H

#include "qctx/base/lockfile.h"
#include "qctx/dataset/sources.h"
#include "qctx/sweep/ledger.h"
#include "qctx/sweep/sweep.h"
#include "qctx/training/trainer.h"

/* Sources that are open for all trials with this configuration of them. */
typedef struct {
    char *key;          /* what of a configuration decides them */
    qctx_config config; /* `opened` borrows from it */
    qctx_opened opened;
} sweep_sources;

enum { SWEEP_SOURCES_MOST = 64 };

/* What a group is to do next. */
typedef struct {
    int64_t index; /* the trial; −1: nothing is left */
    int64_t rung;  /* of halving, to which it goes */
    int64_t pause; /* the epochs of that rung; 0: to the end */
} sweep_task;

/* What rank 0 has said of a trial. */
typedef struct {
    bool begun;
    qctx_trial_state state;
    int64_t rung;
} sweep_said;

typedef struct {
    qctx_comm *world;
    qctx_comm *group; /* NULL on ranks that fill no group */
    const qctx_sweep_definition *definition;
    const qctx_sweep_options *options;
    char *folder;
    qctx_ledger *ledger; /* on the leaders of groups, and rank 0 of all is one; else NULL */
    double *units;       /* [parameters] of the trial that is worked on */
    qctx_lockfile *lock; /* of that trial, held by the leader */
    int64_t source_count;
    sweep_sources sources[SWEEP_SOURCES_MOST];
    sweep_said *said; /* [trials], rank 0 */
} sweep;

/* sweep_folder.c: makes the folder, or sees that its sweep is this one; opens the ledger on rank 0. Collective. */
qctx_status sweep_open_folder(sweep *s, qctx_error *error);

/*
 * sweep_choose.c: the leader's next task, entered into the ledger; its lock is taken and `units` are filled in. Waits
 * where trials that run may free one. Local. Errors: STOPPED, those of the ledger.
 */
qctx_status sweep_choose(sweep *s, sweep_task *task, qctx_error *error);

/* Whether a trial is of this job's share. Local. */
bool sweep_is_own(const sweep *s, int64_t index);

/* Whether nothing is left to do for anybody, by the ledger as it was read last. Local. Errors: MEMORY. */
qctx_status sweep_is_complete(const sweep *s, bool *complete, qctx_error *error);

/* sweep_trial.c: runs the task's trial. Collective over the group. Errors: those of qctx_train. */
qctx_status sweep_run_trial(sweep *s, const sweep_task *task, qctx_train_result *result, qctx_error *error);

/*
 * Whether what a trial ended with is no failure of its own, and ends the work of the group: a stop, a full disk,
 * a store of the sweep that was written to. Local.
 */
bool sweep_ends_by(qctx_status outcome);

/*
 * Enters into the ledger what became of it, and frees its lock. `outcome` and `why` are the trial's. Local; the leader.
 * Errors: those of the ledger.
 */
qctx_status sweep_record(sweep *s, const sweep_task *task, const qctx_train_result *result, qctx_status outcome,
                         const qctx_error *why, qctx_error *error);

/*
 * sweep_sources.c: makes and opens the sources of all trials that are left, once for all ranks together. Collective.
 * Errors: STOPPED, SPACE, MEMORY, IO of a lock, those of the sources where none can be opened.
 */
qctx_status sweep_open_sources(sweep *s, qctx_error *error);
void sweep_close_sources(sweep *s);

/* Those of a configuration, or NULL if they are not open. Local. */
qctx_opened *sweep_find_sources(sweep *s, const qctx_config *config);

/*
 * sweep_log.c: rank 0 logs what has become of the trials of all groups since the last call; with `silent` it only
 * learns what has been said already. Local.
 */
void sweep_log_news(sweep *s, bool silent);

/* "5 of 32 trials finished, 1 failed, 2 running", text [size]. Local. */
void sweep_describe(const sweep *s, char *text, size_t size);

#endif
