/*
 * log.txt of a run's folder: what the log said while the run was made, each line with its time, those of a resumed run
 * behind the earlier ones. It never holds a run up: where it cannot be written, that is warned of once.
 */
#ifndef QCTX_RUN_RUN_LOG_H
#define QCTX_RUN_RUN_LOG_H

#include <stdbool.h>

#include "qctx/base/status.h"

typedef struct qctx_run_log qctx_run_log;

/*
 * Begins to keep what this process says, in memory as long as there is no folder; NULL without memory. For rank 0; the
 * others hold NULL, with which the functions below do nothing. Local.
 */
qctx_run_log *qctx_run_log_begin(void);

/* From here on it stands in the file `path`, at whose end it goes on, or which it begins anew. Local. */
void qctx_run_log_open(qctx_run_log *log, const char *path, bool goes_on);

/* Makes what was said durable. Local. */
void qctx_run_log_sync(qctx_run_log *log);

/* Adds the failure that the run ends with, if it is one, and closes. Local. */
void qctx_run_log_end(qctx_run_log *log, const qctx_error *failure);

#endif
