/* Embeds a corpus: every rank encodes its share of the texts and writes it into one store. */
#ifndef QCTX_DATASET_EMBED_H
#define QCTX_DATASET_EMBED_H

#include <stdbool.h>

#include "qctx/base/status.h"
#include "qctx/data/corpus.h"
#include "qctx/encoder/encoder.h"
#include "qctx/platform/comm.h"
#include "qctx/store/store.h"

/*
 * Writes the store of a corpus with a fitted encoder, with progress and a summary line (rows, seconds, rows/s). What is
 * encoded of a context is its text, with its title in front if `titles` (data/context_texts). The store's bytes of
 * vectors do not depend on N. Collective. Errors: EXISTS (unless `force`), IO, DATA, MEMORY.
 */
qctx_status qctx_embed_corpus(qctx_comm *comm, const qctx_corpus *corpus, bool titles, qctx_encoder *encoder,
                              qctx_dtype dtype, const char *path, bool force, qctx_error *error);

/* What an encoder learns from: the contexts that answer the questions of one split, or all (NULL). Borrows both. */
typedef struct {
    const qctx_corpus *corpus;
    const char *split;
} qctx_fit_source;

/*
 * Fits an encoder on the union of sources [count], in their order and that of the contexts; a corpus that is named
 * twice gives each context once. It learns from what it is to encode: with their titles if `titles`. A corpus without
 * the split gives all its contexts, which the log says. Collective. Errors: those of the encoder.
 */
qctx_status qctx_embed_fit(qctx_comm *comm, qctx_encoder *encoder, const qctx_fit_source *sources, int64_t count,
                           bool titles, qctx_error *error);

/* The encoder that made a store, restored from it. Local. Errors: DATA (the store does not say), FORMAT, CONFIG. */
qctx_status qctx_embed_encoder_of(qctx_store *store, qctx_encoder **encoder, qctx_error *error);

#endif
