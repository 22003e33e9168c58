/*
 * Trains a head by a configuration and leaves a run folder (run/run.h).
 *
 * At the end of every eval.every epochs the tuning questions are searched with the head; the best epoch so far, the
 * untrained start included, is kept as best.h5. At the end the strength of a residual head is chosen on the same
 * questions and stored with it, and the table (no head beside head) is printed for every evaluation source.
 *
 * A run that was interrupted and is resumed ends with the bits of the unbroken one, on as many ranks and threads; a
 * reproducible run on any number of ranks of its plan. It diverges when the running mean of the loss over 50 steps is
 * above twice the loss of the first step, and 2 above it.
 */
#ifndef QCTX_TRAINING_TRAINER_H
#define QCTX_TRAINING_TRAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/dataset/sources.h"
#include "qctx/platform/comm.h"

typedef enum {
    QCTX_RESUME_NEVER, /* begin; a run that exists is refused */
    QCTX_RESUME_MUST,  /* go on from the newest whole checkpoint of the run; there must be one */
    QCTX_RESUME_AUTO,  /* go on where there is one, begin where there is none: one command for both */
} qctx_resume;

typedef struct {
    qctx_resume resume;
    bool keeps_log;      /* in log.txt of its folder; one that is told elsewhere anyway does not */
    bool force;          /* replace a run folder that exists */
    int64_t pause;       /* end in good order after this epoch and its evaluation, if one is due; 0: at the end */
    FILE *results;       /* where rank 0 prints the tables; NULL: nowhere */
    qctx_opened *opened; /* the sources of the config, opened already and borrowed; NULL: opened here */
} qctx_train_options;

/* How far a run came. */
typedef struct {
    bool finished; /* to its last step; otherwise paused */
    int64_t epoch;
    int64_t step;
    bool chosen; /* there were questions to choose by; then: */
    int64_t best_epoch;
    double metric; /* eval.metric of the best epoch on the choosing questions, and of no head */
    double no_head;
    double strength;
    double seconds; /* that training took so far, interruptions apart */
} qctx_train_result;

/*
 * Collective. One process at a time works in a run folder. Errors: those of the sources; EXISTS (the run exists,
 * neither resume nor force; or another process works in its folder), MISMATCH (resumed with another configuration,
 * which is named key by key, or encoder), DATA (a batch larger than the data; no checkpoint is whole), NUMERIC (with
 * the step and the last good checkpoint), DIVERGED (likewise), IO, SPACE, STOPPED (asked to; a checkpoint of the last
 * step is kept, and the message says how to go on). `result` may be NULL.
 */
qctx_status qctx_train(qctx_comm *comm, const qctx_config *config, const qctx_train_options *options,
                       qctx_train_result *result, qctx_error *error);

#endif
