/*
 * metrics.jsonl: one JSON object a line, written by rank 0 as the run goes.
 *
 *   {"event": "step", "step": 1, "epoch": 1, "loss": …, "logit_scale": …, "lr": …, "grad_norm": …, "seconds": …}
 *   {"event": "eval", "step": 39, "epoch": 1, "source": "squad/dev", "table": {…}, "seconds": …}
 *
 * Lines are flushed at every evaluation and checkpoint, so that a run that is killed keeps what it measured. A write
 * error is remembered and reported by the next flush.
 */
#ifndef QCTX_ENGINE_TRACKER_H
#define QCTX_ENGINE_TRACKER_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"
#include "qctx/platform/json.h"

typedef struct qctx_tracker qctx_tracker;

/*
 * Opens `path` on rank 0. `resume_step` < 0 begins a new file; otherwise the lines of steps up to and including it are
 * kept and what came after them is dropped, so that the curve has every step once. Collective. Errors: IO, FORMAT.
 */
qctx_status qctx_tracker_open(qctx_comm *comm, const char *path, int64_t resume_step, qctx_tracker **opened,
                              qctx_error *error);

/* Writes one event as a line and releases it (json_decref). Other ranks pass NULL. Local. Cannot fail here. */
void qctx_tracker_write(qctx_tracker *tracker, json_t *event);

/* Makes what was written durable. Collective. Errors: IO. */
qctx_status qctx_tracker_flush(qctx_tracker *tracker, qctx_error *error);

/* Closes without a last check; NULL-safe. Local. */
void qctx_tracker_close(qctx_tracker *tracker);

#endif
