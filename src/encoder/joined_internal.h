/* What the files of encoder/joined share. */
#ifndef QCTX_ENCODER_JOINED_INTERNAL_H
#define QCTX_ENCODER_JOINED_INTERNAL_H

#include "qctx/encoder/joined.h"

/* The name of the class, and in settings and fingerprints. */
#define JOINED_NAME "joined"

/* The settings of a joined encoder, checked. The texts are the caller's to free (joined_settings_free). */
typedef struct {
    int64_t count;
    char *names[QCTX_JOINED_MAX];
    char *settings[QCTX_JOINED_MAX]; /* NULL: none given */
    double weights[QCTX_JOINED_MAX]; /* with fields the sums of theirs */
    int64_t field_count;             /* of all parts; 0: contexts are one text */
    char *fields[QCTX_JOINED_MAX];   /* [field_count] their names, part by part */
    double field_weights[QCTX_JOINED_MAX];
    int64_t first_fields[QCTX_JOINED_MAX + 1]; /* those of part i are first_fields[i] … first_fields[i + 1] − 1 */
} joined_settings;

typedef struct {
    int64_t count;
    qctx_encoder *parts[QCTX_JOINED_MAX];
    float factors[QCTX_JOINED_MAX]; /* of their rows: √(wᵢ / Σw) */
    joined_settings settings;
    int64_t name_count;                 /* distinct fields */
    const char *names[QCTX_JOINED_MAX]; /* of these, borrowed from the settings */
    int64_t columns[QCTX_JOINED_MAX];   /* of each field of the settings: its place among them */
} joined_state;

qctx_status joined_settings_parse(const char *text, joined_settings *settings, qctx_error *error);
void joined_settings_free(joined_settings *settings);

/* What identifies a joined encoder: the fingerprints of its parts and the weights. NULL on failure. */
char *joined_identity(const qctx_joined_part *parts, const double *weights, int64_t count, qctx_error *error);

/* The tables of the parts as one, each behind its length. */
qctx_status joined_table_write(const qctx_joined_part *parts, int64_t count, void **table, size_t *bytes,
                               qctx_error *error);

/* tables[i], lengths[i] = those of part i within the table. Errors: FORMAT. */
qctx_status joined_table_read(const void *table, size_t bytes, int64_t count, const void **tables, size_t *lengths,
                              qctx_error *error);

/* Lists the distinct fields of the settings. Local. Cannot fail. */
void joined_list_fields(joined_state *state);

/* rows [count, dim] of contexts of which each field is a text: texts [count, name_count]. Local. */
qctx_status joined_encode_fields(joined_state *state, const char *const *texts, int64_t count, float *rows, int64_t dim,
                                 qctx_error *error);

#endif
