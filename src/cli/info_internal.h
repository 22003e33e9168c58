/*
 * What the files of cli/cmd_info share: cmd_info.c sees what a path is, info_describe.c describes it by a JSON object,
 * info_print.c prints that as it is or as text.
 */
#ifndef QCTX_CLI_INFO_INTERNAL_H
#define QCTX_CLI_INFO_INTERNAL_H

#include "qctx/platform/comm.h"
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

/* Print a description to standard output. Local. Errors: MEMORY. */
qctx_status info_print_json(const json_t *description, qctx_error *error);
void info_print_text(const json_t *description);

#endif
