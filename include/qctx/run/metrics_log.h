/*
 * metrics.jsonl: one JSON object a line, written by rank 0 as the run goes.
 *
 *   {"event": "step", "step": 1, "epoch": 1, "loss": …, "accuracy": …, "logit_scale": …, "lr": …, "grad_norm": …,
 *    "seconds": …, "distill_loss": …}                               (one line; the last with a teacher's scores alone)
 *   {"event": "choice", "step": 39, "epoch": 1, "metric": "top1", "value": …, "no_head": …, "strength": …,
 *    "top1": …, "top5": …, "top10": …, "mrr@10": …, "held_out_loss": …, "seconds": …}
 *                                                              (one line; where there are questions to choose by)
 *   {"event": "eval", "step": 39, "epoch": 1, "strength": …, "seconds": …, "table": {"source": "squad/dev", …}}
 *
 *   {"event": "predictions", "step": 39, "epoch": 1, "questions": [{"id", "question", "position", "first"}, …]}
 *                                                             (one line a source; with eval.predictions)
 *
 * Lines are flushed at every evaluation and checkpoint, so that a run that is killed keeps what it measured. A write
 * error is remembered and reported by the next flush.
 */
#ifndef QCTX_RUN_METRICS_LOG_H
#define QCTX_RUN_METRICS_LOG_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"
#include "qctx/text/json.h"

typedef struct qctx_metrics_log qctx_metrics_log;

/* Where a resumed run goes on. */
typedef struct {
    int64_t step;      /* the last step taken; −1: a new file */
    int64_t evaluated; /* the last step whose evaluation was complete */
} qctx_metrics_log_place;

/*
 * Opens `path` on rank 0. Of the lines that are there, those of steps and of complete evaluations up to `place` are
 * kept and what came after them is dropped, so that the curve has every step once and in order; a step that is missing
 * is DATA, with its number. Collective. Errors: IO, SPACE, FORMAT, DATA.
 */
qctx_status qctx_metrics_log_open(qctx_comm *comm, const char *path, qctx_metrics_log_place place,
                                  qctx_metrics_log **opened, qctx_error *error);

/* Writes one event as a line and releases it (json_decref). Other ranks pass NULL. Local. Cannot fail here. */
void qctx_metrics_log_write(qctx_metrics_log *log, json_t *event);

/* Makes what was written durable. Collective. Errors: IO, SPACE. */
qctx_status qctx_metrics_log_flush(qctx_metrics_log *log, qctx_error *error);

/* Closes without a last check; NULL-safe. Local. */
void qctx_metrics_log_close(qctx_metrics_log *log);

#endif
