/* Encoders, or the vectors of stores, without a run: the configuration that commands make up for them. */
#ifndef QCTX_CLI_ALONE_H
#define QCTX_CLI_ALONE_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/cli/options.h"
#include "qctx/config/config.h"
#include "qctx/platform/comm.h"

/* What the command line says of them. */
typedef struct {
    const qctx_option_texts *encoders; /* none: the paths are stores */
    const char *split;                 /* NULL: dev */
    bool allow_external;               /* stores may hold their vectors in other files */
} alone_source;

/*
 * The configuration of encoders with the corpora at paths [count] as data.eval, or without an encoder the stores there;
 * `takes` says what the command takes, for a message. Local. The caller frees it, also after a failure. Errors: USAGE
 * (a store beside an encoder, no store without one), IO, FORMAT, MEMORY.
 */
qctx_status alone_configure(const alone_source *source, const char *takes, const char *const *paths, int64_t count,
                            qctx_config *config, qctx_error *error);

/*
 * An encoder that learns does so from the corpora themselves: data.train is set where there is such. Collective.
 * Errors: those of encoders.
 */
qctx_status alone_learn(qctx_comm *comm, qctx_config *config, qctx_error *error);

#endif
