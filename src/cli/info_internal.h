/* What the files of cli/cmd_info share: descriptions are JSON objects, printed as they are or as text. */
#ifndef QCTX_CLI_INFO_INTERNAL_H
#define QCTX_CLI_INFO_INTERNAL_H

#include "qctx/platform/comm.h"
#include "qctx/platform/json.h"

/* Each describes one kind of thing; `*description` is the caller's on all ranks. Collective. Errors: those of opening.
 */
qctx_status qctx_info_corpus(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);
qctx_status qctx_info_store(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);
qctx_status qctx_info_config(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);
qctx_status qctx_info_checkpoint(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);
qctx_status qctx_info_run(qctx_comm *comm, const char *path, json_t **description, qctx_error *error);

/*
 * The settings of a store's encoder as an object: those of a joined one as `parts` with their weights, prompts that
 * are empty as null. Texts that are no JSON object stay texts. The caller's. Local.
 */
json_t *qctx_info_encoder_settings(const char *encoder, const char *text);

/* Print to standard output. Local. Errors: MEMORY. */
qctx_status qctx_info_print_json(const json_t *description, qctx_error *error);
void qctx_info_print_text(const json_t *description);

#endif
