/* Embeds a corpus: every rank encodes its share of the texts and writes it into one store. */
#ifndef QCTX_DATASET_EMBED_H
#define QCTX_DATASET_EMBED_H

#include <stdbool.h>

#include "qctx/base/status.h"
#include "qctx/data/corpus.h"
#include "qctx/encoder/encoder.h"
#include "qctx/platform/comm.h"
#include "qctx/store/store.h"

/* What is to be embedded, by what, and into what. Borrows everything. */
typedef struct {
    const qctx_corpus *corpus;
    qctx_encoder *encoder; /* fitted */
    bool titles;   /* where the encoder names no fields: what it is given of a context, qctx_context_field(titles) */
    bool may_lack; /* a field that no context has is no mistake: texts stand for it, which is said */
    qctx_dtype dtype;
    const char *path;
    bool force;
    const qctx_store *questions; /* has the corpus's questions by the same encoder, whose vectors are taken; or NULL */
} qctx_embed_request;

/*
 * Writes the store of a corpus, with progress and a summary line (rows, seconds, rows/s). What is encoded of a context
 * are the fields that the encoder names, else one text (data/context_texts). The store's bytes of vectors do not depend
 * on N. Collective. Errors: EXISTS (unless `force`), IO, DATA (also: a field that no context has), MEMORY.
 */
qctx_status qctx_embed_corpus(qctx_comm *comm, const qctx_embed_request *request, qctx_error *error);

/*
 * A hash of what an encoder is given of a corpus: the fields [count] that it names, or, where these are none, texts
 * with their titles or without. Local.
 */
uint64_t qctx_embed_seen(const qctx_corpus *corpus, const char *const *fields, int64_t count, bool titles);

/* What an encoder learns from: the contexts that answer the questions of one split, or all (NULL). Borrows both. */
typedef struct {
    const qctx_corpus *corpus;
    const char *split;
} qctx_fit_source;

/*
 * Fits an encoder on the union of sources [count], in their order and that of the contexts; a corpus that is named
 * twice gives each context once. It learns from one text a context, with its title if `titles`, whatever fields it
 * takes. A corpus without the split gives all its contexts, which the log says. Collective. Errors: those of the
 * encoder.
 */
qctx_status qctx_embed_fit(qctx_comm *comm, qctx_encoder *encoder, const qctx_fit_source *sources, int64_t count,
                           bool titles, qctx_error *error);

/* The encoder that made a store, restored from it. Local. Errors: DATA (the store does not say), FORMAT, CONFIG. */
qctx_status qctx_embed_encoder_of(qctx_store *store, qctx_encoder **encoder, qctx_error *error);

#endif
