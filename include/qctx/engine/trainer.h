/*
 * Trains a head by a configuration and leaves a run folder (engine/run.h).
 *
 * At the end of every eval.every epochs the tuning questions are searched with the head; the best epoch so far, the
 * untrained start included, is kept as best.h5. At the end the strength of a residual head is chosen on the same
 * questions and stored with it, and the table (no head beside head) is printed for every evaluation source.
 */
#ifndef QCTX_ENGINE_TRAINER_H
#define QCTX_ENGINE_TRAINER_H

#include <stdbool.h>

#include "qctx/base/status.h"
#include "qctx/engine/config.h"
#include "qctx/platform/comm.h"

typedef struct {
    bool resume; /* go on from the last checkpoint of the run folder */
    bool force;  /* replace a run folder that exists */
} qctx_train_options;

/*
 * Collective. Results go to standard output of rank 0. Errors: those of the sources; EXISTS (the run exists, neither
 * resume nor force), MISMATCH (resumed with another configuration or encoder), DATA (a batch larger than the data),
 * NUMERIC (with the step and the last good checkpoint), IO.
 */
qctx_status qctx_train(qctx_comm *comm, const qctx_config *config, const qctx_train_options *options,
                       qctx_error *error);

#endif
