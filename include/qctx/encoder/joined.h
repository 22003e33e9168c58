/*
 * The encoder "joined": the rows of several encoders side by side, each scaled by √(wᵢ / Σw), so that rows have unit
 * length again and a dot product is the weighted mean of the encoders' own.
 *
 * A part may take fields of contexts (data/context_texts), each with a weight: its row of a context is then the
 * weighted sum of its rows of these texts, scaled to unit length again, and its weight is the sum of theirs; its row of
 * a question is the question's own. So several fields take no wider rows. Either all parts name fields or none does:
 * then contexts are one text, of the caller's choice.
 *
 * Settings, as a JSON object: parts, a list of {"name": …, "settings": {…}}, 2 to 16, none of them joined; weights, a
 * list of as many numbers ≥ 0, not all 0 (default: all 1). With fields: parts, from 1 on, have "fields": [{"field": …,
 * "weight": …}], no more than 16 in all, and there are no weights beside. Its table is those of the parts, one after
 * the other, each behind its length, a little-endian 64-bit word. Its identity is made of the parts' fingerprints, the
 * weights and the fields. Of its parts' work, tokens and operations add up; texts, and those that were cut, are the
 * most that a part counts. Parts that learn do so from one text a context, whatever fields they take.
 *
 * The rows of a part can be kept by themselves and joined later (dataset/sources): what a joined encoder would say of
 * itself is made from what its parts say.
 */
#ifndef QCTX_ENCODER_JOINED_H
#define QCTX_ENCODER_JOINED_H

#include "qctx/encoder/encoder.h"

enum { QCTX_JOINED_MAX = 16 };     /* parts, and fields of all parts */
#define QCTX_JOINED_WEIGHT_MAX 1e6 /* the largest sum of weights */

extern const qctx_encoder_class qctx_joined_encoder;

/* A field of contexts that a part takes. Borrows its name. */
typedef struct {
    const char *name;
    double weight;
} qctx_joined_field;

/* A part as it is saved. Borrows everything. */
typedef struct {
    const char *name;
    const char *settings;    /* JSON object, or NULL for the defaults */
    const char *fingerprint; /* of the fitted part */
    const void *table;       /* [bytes] */
    size_t bytes;
    int64_t field_count; /* of all parts, or of none */
    const qctx_joined_field *fields;
} qctx_joined_part;

/* What is saved of a joined encoder; all of it is the caller's to free (qctx_joined_saved_free). */
typedef struct {
    char *settings;
    char *fingerprint;
    void *table;
    size_t bytes;
} qctx_joined_saved;

/*
 * The settings of a joined encoder, from name, settings and fields of its parts; `weights` are not asked where these
 * have fields. Freshly allocated, NULL on failure. Local.
 */
char *qctx_joined_settings(const qctx_joined_part *parts, const double *weights, int64_t count, qctx_error *error);

/* All that is saved of the joined encoder of these parts. Local. Errors: MEMORY. */
qctx_status qctx_joined_save_parts(const qctx_joined_part *parts, const double *weights, int64_t count,
                                   qctx_joined_saved *saved, qctx_error *error);
void qctx_joined_saved_free(qctx_joined_saved *saved);

/*
 * weights [count] out of the settings of a joined encoder of `count` parts, or of `count` fields in all, part by part.
 * Local. Errors: CONFIG.
 */
qctx_status qctx_joined_weights(const char *settings, int64_t count, double *weights, qctx_error *error);

/* The first part of a joined encoder that was saved, as an encoder of its own. Local. Errors: CONFIG, FORMAT, MEMORY.
 */
qctx_status qctx_joined_restore_part(const char *settings, const void *table, size_t bytes, qctx_encoder **part,
                                     qctx_error *error);

/*
 * names [QCTX_JOINED_MAX] = the fields that a saved encoder takes, each once, freshly allocated; `*count` 0 for any
 * that takes contexts as one text, or keeps no settings. `name` is its class. Local. Errors: CONFIG, MEMORY.
 */
qctx_status qctx_joined_saved_fields(const char *name, const char *settings, char **names, int64_t *count,
                                     qctx_error *error);

/* factors [count] = √(wᵢ / Σw). Local. Cannot fail. */
void qctx_joined_factors(const double *weights, int64_t count, float *factors);

/* rows [count, dim] from column `at` on = the rows of a part, [count, width], times its factor. Local. Cannot fail. */
void qctx_joined_place(const float *part, int64_t count, int64_t width, float factor, float *rows, int64_t at,
                       int64_t dim);

/*
 * The same of a part's rows of several fields, fields [field_count] of [count, width]: their weighted sum, scaled to
 * the length `factor`. Those of weight 0 are not read; where all are, the columns become 0. Local. Cannot fail.
 */
void qctx_joined_place_sum(const float *const *fields, const double *weights, int64_t field_count, int64_t count,
                           int64_t width, float factor, float *rows, int64_t at, int64_t dim);

#endif
