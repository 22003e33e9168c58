/*
 * The ledger of a sweep, <folder>/ledger.jsonl: who took which trial, and what became of it, one JSON object a line.
 *
 *   {"event": "begun",    "trial": 7, "units": [0.25, …], "overrides": ["optim.lr=0.001", …], "host": …, "time": …}
 *   {"event": "taken",    "trial": 7, "step": 120, "host": …, "time": …}       again, after a pause, a stop or a kill
 *   {"event": "stopped",  "trial": 7}                                          left in good order, to be taken again
 *   {"event": "paused",   "trial": 7, "rung": 0, "epoch": 1, "metric": 0.671, "seconds": 12.1}
 *   {"event": "finished", "trial": 7, "epoch": 9, "metric": 0.684, "no_head": …, "strength": 0.5, "seconds": …}
 *   {"event": "failed",   "trial": 7, "code": 10, "message": …}
 *
 * Groups of ranks, the jobs of an array and a sweep that goes on after a kill all work by it: under its lock a leader
 * reads it, decides, and appends a line, durably. Nothing else is shared. Each trial that is worked on has a lock of
 * its own (trials/0007/trial.lock, taken under the lock of the ledger), so that one whose process died is seen to be
 * free at once.
 */
#ifndef QCTX_SWEEP_LEDGER_H
#define QCTX_SWEEP_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/text/json.h"

typedef enum {
    QCTX_TRIAL_RUNNING, /* or left behind by a process that died, which shows by its lock being free */
    QCTX_TRIAL_PAUSED,
    QCTX_TRIAL_FINISHED,
    QCTX_TRIAL_FAILED,
} qctx_trial_state;
extern const char *const qctx_trial_state_names[];

/* A trial that has begun, as the ledger tells. Owned by the ledger. */
typedef struct {
    int64_t index;
    qctx_trial_state state;
    double *units;    /* [parameters] */
    char **overrides; /* [parameters] */
    int64_t takes;    /* how often it was begun or taken since it last advanced: to a rung, a stop, or a checkpoint */
    int64_t step;     /* of its newest checkpoint, when it was last taken */
    int64_t rung;     /* the highest reached, −1 before the first */
    double *metrics;  /* [rung + 1] at each rung */
    double metric;    /* at the newest rung or, of a finished trial, at its end */
    double no_head;
    double strength;
    int64_t epoch;
    double seconds;
    int code;      /* of a failed trial, its status */
    char *message; /* of a failed trial, its error; else NULL */
} qctx_trial;

typedef struct qctx_ledger qctx_ledger;

/*
 * Opens the ledger of a sweep's folder, which is made if `write`. Nothing is read yet; where there is no ledger, it is
 * taken for an empty one. `parameters`: how many units and overrides a trial has. Local. Errors: IO, SPACE, MEMORY.
 */
qctx_status qctx_ledger_open(const char *folder, int64_t parameters, bool write, qctx_ledger **opened,
                             qctx_error *error);
void qctx_ledger_close(qctx_ledger *ledger);

/*
 * Takes the lock, waiting for it, and reads what others appended; a torn last line, which is what a kill leaves, is cut
 * off. Local. Errors: IO, SPACE, FORMAT (a line that no ledger has, with its number), HUNG (another process has held it
 * for qctx_comm_hang_timeout), MEMORY; the lock is not held then.
 */
qctx_status qctx_ledger_lock(qctx_ledger *ledger, qctx_error *error);
void qctx_ledger_unlock(qctx_ledger *ledger);

/* Reads what others appended, without the lock: for looking on. Local. Errors: IO, FORMAT, MEMORY. */
qctx_status qctx_ledger_refresh(qctx_ledger *ledger, qctx_error *error);

/* Trials that have begun, in the order of their indices, as of the last lock or refresh. Local. */
const qctx_trial *qctx_ledger_trials(const qctx_ledger *ledger, int64_t *count);

/*
 * Appends one event (released here; NULL is an allocation that failed) with host and time, and makes it durable; under
 * the lock. What was written before a failure is taken back. Local. Errors: IO, SPACE, FORMAT, MEMORY.
 */
qctx_status qctx_ledger_append(qctx_ledger *ledger, json_t *event, qctx_error *error);

#endif
