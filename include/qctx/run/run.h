/*
 * A run folder, <run.out>/<run.name>:
 *
 *   config.yaml              as resolved       metrics.jsonl   one event a line
 *   checkpoints/best.h5      the head to use   summary.json    the outcome
 *   checkpoints/step-*.h5    to go on from     log.txt         what the log said
 */
#ifndef QCTX_RUN_RUN_H
#define QCTX_RUN_RUN_H

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/dataset/sources.h"
#include "qctx/encoder/encoder.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"
#include "qctx/run/checkpoint.h"
#include "qctx/store/store.h"

/* A finished (or still running) run, opened for use. */
typedef struct {
    qctx_config config;
    qctx_checkpoint checkpoint; /* best.h5 */
    qctx_origin origin;         /* what it was trained with; borrows from the checkpoint */
    char *folder;               /* of the run, or that of the checkpoint's file */
    qctx_projector head;        /* of that checkpoint, at its strength; borrows from it */
    qctx_projector no_head;     /* the frozen encoder beside it */
} qctx_run;

/*
 * Opens a run folder (or a checkpoint file directly). Collective. The caller closes it. Errors: IO, FORMAT, CONFIG;
 * a folder without best.h5 says what it is missing.
 */
qctx_status qctx_run_open(qctx_comm *comm, const char *path, qctx_run *run, qctx_error *error);
void qctx_run_close(qctx_run *run);

/*
 * qctx_sources_open for the configuration of a run, which may have been trained long ago and elsewhere: what it was
 * trained with is looked for beside the run and where QCTX_STORES and QCTX_MODELS say, too. Collective. Errors: those
 * of qctx_sources_open.
 */
qctx_status qctx_run_open_sources(qctx_comm *comm, const qctx_run *run, qctx_opened *opened, qctx_error *error);

/* The same without data.eval, which may be gone where nothing is measured. Collective. Errors: likewise. */
qctx_status qctx_run_open_training(qctx_comm *comm, const qctx_run *run, qctx_opened *opened, qctx_error *error);

/*
 * The encoder that the head was trained on, by the configuration: models need no training data. One that learns, or
 * whose weights were tuned, is that of the run's first training source. Collective. The caller destroys it. Errors:
 * those of opening encoders, and sources; MISMATCH (the model is another one now).
 */
qctx_status qctx_run_open_encoder(qctx_comm *comm, const qctx_run *run, qctx_encoder **opened, qctx_error *error);

/*
 * Refuses a store whose rows mean nothing to the head: of another encoder, or of another state of it. Local.
 * Errors: MISMATCH.
 */
qctx_status qctx_run_check_store(const qctx_run *run, const qctx_store *store, qctx_error *error);

/* Whether `path` is a run folder; a sweep's own is none, those of its trials are. Local. */
bool qctx_run_is(const char *path);

#endif
