/*
 * What the files of cli/cmd_info share: cmd_info.c sees what a path is, info_describe.c, info_run.c and info_folder.c
 * describe it by a JSON object, which info_print.c prints as it is or as text; info_run.c prints what a run gained
 * before that, info_runs.c the table of a folder's runs.
 */
#ifndef QCTX_CLI_INFO_INTERNAL_H
#define QCTX_CLI_INFO_INTERNAL_H

#include <stdbool.h>

#include "qctx/config/config.h"
#include "qctx/platform/comm.h"
#include "qctx/run/checkpoint.h"
#include "qctx/run/outcome.h"
#include "qctx/text/json.h"

/*
 * Each describes one kind of thing. `*description` is the caller's on all ranks, also after an error. Collective.
 * Errors: those of opening it, MEMORY.
 */
qctx_status info_corpus(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);
qctx_status info_store(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);
qctx_status info_config(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);
qctx_status info_checkpoint(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);
qctx_status info_run(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);

qctx_status info_folder(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);

/* Whether a folder holds anything that can be described. Local. */
bool info_is_folder(const char *path);

/* A description with its first members, "kind" and "path"; the caller's. Local. */
json_t *info_new(const char *kind, const char *path);

/* What a run folder tells of its run: state, how far, when, results; the caller's. Local. */
json_t *info_outcome(const qctx_run_outcome *outcome);

/* Add to a description. Local. Errors: MEMORY. */
void info_set_checkpoint(json_t *description, const qctx_checkpoint *checkpoint);
qctx_status info_set_config(json_t *description, const qctx_config *config, qctx_error *error);

/* Print a description to standard output. Local. Errors: MEMORY, FORMAT (results of a run). */
qctx_status info_print_json(const json_t *description, qctx_error *error);
qctx_status info_print_text(const json_t *description, qctx_error *error);
qctx_status info_print_run(const json_t *description, qctx_error *error);
qctx_status info_print_folder(const json_t *description, qctx_error *error);

#endif
