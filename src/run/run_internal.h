/* What the files of run/run share. */
#ifndef QCTX_RUN_RUN_INTERNAL_H
#define QCTX_RUN_RUN_INTERNAL_H

#include "qctx/base/status.h"

/*
 * Refuses a configuration, a sweep, a corpus, a store and a folder of runs in the place of a run, each with what to
 * name in its place; all else passes. Local. Errors: FORMAT.
 */
qctx_status run_refuse_other(const char *path, qctx_error *error);

#endif
