/* What the files of sweep/ledger share: ledger.c (the file), ledger_event.c (what a line means). */
#ifndef QCTX_SWEEP_LEDGER_INTERNAL_H
#define QCTX_SWEEP_LEDGER_INTERNAL_H

#include <stddef.h>

#include "qctx/base/lockfile.h"
#include "qctx/sweep/ledger.h"

struct qctx_ledger {
    char *path;
    char *lock_path;
    qctx_lockfile *lock;
    int64_t parameters;
    int64_t count;
    int64_t capacity;
    qctx_trial *trials; /* by index */
    int64_t lines;      /* of the file, read so far */
    size_t bytes;       /* of those lines */
};

/* Takes in one event; `place` is "ledger.jsonl:17". Local. Errors: FORMAT, MEMORY; the trials have not changed then. */
qctx_status ledger_apply(qctx_ledger *ledger, const json_t *event, const char *place, qctx_error *error);

void ledger_free_trials(qctx_ledger *ledger);

#endif
