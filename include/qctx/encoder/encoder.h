/*
 * A frozen sentence encoder: text in, one unit-length vector out.
 *
 * The life of an encoder: create from settings, fit on the training contexts
 * (a no-op for encoders that learn nothing), encode; its state is a small JSON
 * text plus a table of bytes that the store keeps, from which it is restored.
 * Implementations fill a qctx_encoder_class; there is one module per encoder.
 */
#ifndef QCTX_ENCODER_ENCODER_H
#define QCTX_ENCODER_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/data/side.h"
#include "qctx/encoder/encoder_class.h"
#include "qctx/platform/comm.h"

typedef struct qctx_encoder qctx_encoder;

/* Encoders that need no more than their name, such as "hashing", and take a setting `dim`. Closed by NULL. */
extern const char *const qctx_encoder_built_in_names[];

/*
 * Creates the encoder called `name` ("hashing", "pretrained", "joined"). `settings` is a JSON object text or NULL for
 * the defaults; unknown settings are refused. Local. The caller destroys it (NULL-safe). Errors: CONFIG (unknown
 * encoder: names the known ones; bad settings).
 */
qctx_status qctx_encoder_create(const char *name, const char *settings, qctx_encoder **created, qctx_error *error);
void qctx_encoder_destroy(qctx_encoder *encoder);

/*
 * Learns what the encoder learns (idf …) from the contexts texts [count], the same array on every rank;
 * each rank works on its share and the result is the same bits for any number of ranks.
 * Collective. Errors: DATA (no texts), MEMORY.
 */
qctx_status qctx_encoder_fit(qctx_encoder *encoder, qctx_comm *comm, const char *const *texts, int64_t count,
                             qctx_error *error);

/*
 * rows [count, dim] = unit-length vectors of the texts [count], as questions or as contexts; contexts are texts
 * [count, fields] for an encoder that takes fields. A row depends on its text or texts and its side only. Uses the
 * OpenMP threads of the rank. Local. Errors: MEMORY, INTERNAL, DATA (not fitted).
 */
qctx_status qctx_encoder_encode(qctx_encoder *encoder, qctx_side side, const char *const *texts, int64_t count,
                                float *rows, qctx_error *error);

/* What it has done so far. Local. */
qctx_encoder_work qctx_encoder_work_of(const qctx_encoder *encoder);

/*
 * How many fields of a context the encoder takes, and their names (data/context_texts), which are the encoder's own; 0
 * for one that takes a context as one text of the caller's choice. Local.
 */
int64_t qctx_encoder_fields(const qctx_encoder *encoder, const char *const **names);

/* Length of a row. Local. */
int64_t qctx_encoder_dim(const qctx_encoder *encoder);

/* Name of the implementation ("hashing", "pretrained", "joined"). Local. */
const char *qctx_encoder_name(const qctx_encoder *encoder);

/*
 * Identifies name, what of the settings decides rows, and fitted state: equal fingerprints give equal rows. Written as
 * "hashing-0123456789abcdef". Local; freshly allocated, NULL with `error` filled on failure.
 */
char *qctx_encoder_fingerprint(const qctx_encoder *encoder, qctx_error *error);

/*
 * The same of an encoder that is not there as an object, from what it would say of itself: its identity (its settings
 * where its class has none) and its table [bytes]. Local.
 */
char *qctx_encoder_fingerprint_of(const char *name, const char *identity, const void *table, size_t bytes,
                                  qctx_error *error);

/*
 * State for keeping: `*settings` is a JSON object text, `*table` [*bytes] the fitted part in little-endian
 * order (may be empty). Caller frees both. Local. Errors: MEMORY.
 */
qctx_status qctx_encoder_save(const qctx_encoder *encoder, char **settings, void **table, size_t *bytes,
                              qctx_error *error);

/* The fitted state into an encoder just created from the saved settings. Local. Errors: FORMAT, MEMORY. */
qctx_status qctx_encoder_load(qctx_encoder *encoder, const void *table, size_t bytes, qctx_error *error);

/* Restores a saved encoder. Local. Errors: CONFIG, FORMAT (a torn or foreign table), MEMORY. */
qctx_status qctx_encoder_restore(const char *name, const char *settings, const void *table, size_t bytes,
                                 qctx_encoder **restored, qctx_error *error);

#endif
