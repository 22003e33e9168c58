/* What the files of run/run share. */
#ifndef QCTX_RUN_RUN_INTERNAL_H
#define QCTX_RUN_RUN_INTERNAL_H

#include <stdbool.h>

#include "qctx/base/status.h"

/* Whether the folder is that of a sweep, whose trials are runs; it has a config.yaml as they have. Local. */
bool run_is_sweep(const char *path);

/*
 * Refuses a configuration, a sweep, a corpus and a store in the place of a run, each with what to name in its place;
 * all else passes. Local. Errors: FORMAT.
 */
qctx_status run_refuse_other(const char *path, qctx_error *error);

#endif
