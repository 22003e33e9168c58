/*
 * Runs a sweep's trials on groups of ranks, until none is left. The folder <out>/<name>:
 *
 *   sweep.yaml     the sweep file       ledger.jsonl   what happened (sweep/ledger.h)
 *   config.yaml    what trials share    trials/0007/   a run folder each, with its log.txt
 *   results.md, results.csv             the table, when all trials are done
 */
#ifndef QCTX_SWEEP_SWEEP_H
#define QCTX_SWEEP_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"
#include "qctx/sweep/definition.h"
#include "qctx/sweep/ledger.h"

typedef struct {
    int64_t share;  /* this job's share: the trials whose index is `share` modulo `shares` */
    int64_t shares; /* 1: all */
    bool force;     /* replace a sweep of the same name */
} qctx_sweep_options;

/*
 * Goes on with the sweep where there is one of the same definition, begins it where there is none. Stores that trials
 * need are made first, by all ranks. Then each group of definition->ranks_per_trial ranks takes one trial after
 * another; ranks that fill no group stay idle, which the log says. A trial that fails is recorded and the others go on
 * (but for a full disk, on which all would fail: that ends the sweep); one that was left by a process that died is gone
 * on with, and is failed after it was taken three times without advancing. Several processes may work on one sweep at a
 * time, each on its share. Rank 0 logs what becomes of the trials of all. Collective. Errors: MISMATCH (a sweep of
 * another definition stands there), EXISTS (with `force` somebody is at work in it), CONFIG, IO, FORMAT (a damaged
 * ledger), SPACE, MEMORY, STOPPED, those of the sources where no trial's can be opened, and that of the first trial
 * where all have failed.
 */
qctx_status qctx_sweep_run(qctx_comm *comm, const qctx_sweep_definition *definition, const qctx_sweep_options *options,
                           qctx_error *error);

/* Whether a sweep stands in `folder`. Local. */
bool qctx_sweep_is(const char *folder);

/*
 * Refuses links in the place of a sweep's files, its folder of trials, or a trial: in a stranger's folder they could
 * lead anywhere. Local. Errors: IO, MEMORY.
 */
qctx_status qctx_sweep_refuse_links(const char *folder, qctx_error *error);

#endif
