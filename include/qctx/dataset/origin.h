/*
 * What the sources of a run were when it was trained: a run that was moved finds them again by that, and takes nothing
 * else in their place.
 *
 * Kept as JSON, a list with an object for each corpus or store that the configuration names:
 *   path      as configured          kind       "corpus" or "store"
 *   store     the last part of its store's path
 *   checksum, corpus_fingerprint    of that store, 16 hexadecimal digits; absent where it does not tell
 */
#ifndef QCTX_DATASET_ORIGIN_H
#define QCTX_DATASET_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/dataset/opened.h"

/* What stands for one corpus or store; hashes are 0 where they are not known. */
typedef struct {
    char *path;
    char *store;
    bool is_corpus;
    uint64_t checksum;
    uint64_t corpus_fingerprint;
} qctx_origin_location;

typedef struct {
    const char *folder;     /* of the run: paths are looked for in it and in those above it, too; borrowed */
    const char *trained_on; /* the fingerprint that the encoder must have; borrowed */
    const char *cache;      /* where stores are made, in the place of data.cache; borrowed */
    bool allow_external;    /* stores may hold their vectors in other files, where the configuration says so */
    bool for_encoder;       /* sources only bring the encoder: a corpus that was changed since is passed over */
    int64_t count;
    qctx_origin_location *locations; /* [count]; none of a run of an earlier version */
} qctx_origin;

/* The JSON text of what a configuration's opened sources are; the caller's to free. Local. Errors: MEMORY. */
qctx_status qctx_origin_write(const qctx_config *config, const qctx_opened *opened, char **text, qctx_error *error);

/* Reads that text, of the file `place`, or nothing of NULL. Local. The caller frees, in any case. Errors: FORMAT,
 * MEMORY.
 */
qctx_status qctx_origin_read(const char *text, const char *place, qctx_origin *origin, qctx_error *error);
void qctx_origin_free(qctx_origin *origin);

/* What is known of the corpus or store of that path, or NULL; `origin` may be NULL. Local. */
const qctx_origin_location *qctx_origin_of(const qctx_origin *origin, const char *path, bool is_corpus);

#endif
