/*
 * The encoder that a configuration or a command line describes: "hashing", a model folder (transformer/model_folder),
 * several of these joined, or a store, which stands alone and brings its encoder as it was fitted.
 */
#ifndef QCTX_DATASET_ENCODERS_H
#define QCTX_DATASET_ENCODERS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/encoder_spec.h"
#include "qctx/encoder/encoder.h"
#include "qctx/encoder/joined.h"
#include "qctx/platform/comm.h"
#include "qctx/store/store.h"

/* One encoder as its class takes it, and the field of contexts that it is to take. */
typedef struct {
    const char *given; /* as specified; borrowed */
    const char *field; /* NULL: contexts are one text, with their titles or without; borrowed */
    const char *name;  /* of the class */
    char *settings;    /* JSON, or NULL */
    bool learns;       /* has to be fitted before it encodes */
    int64_t first;     /* the first recipe of the same encoder, which differs in its field alone */
} qctx_encoder_recipe;

typedef struct {
    const char *store; /* whose encoder is specified, borrowed; then count is 0 */
    const char *field; /* that it must take, or NULL; borrowed */
    bool titles;       /* contexts of one text have their titles in front */
    int64_t count;
    qctx_encoder_recipe *recipes; /* [count]; those of one encoder stand together, else as they are specified */
    double *weights;              /* [count] */
} qctx_encoders;

/* What a joined encoder of all of them is made of. Borrows from the recipes; points into itself. */
typedef struct {
    int64_t count;
    qctx_joined_part parts[QCTX_JOINED_MAX]; /* by name, settings and fields */
    qctx_joined_field fields[QCTX_JOINED_MAX];
    double weights[QCTX_JOINED_MAX]; /* of parts without fields */
} qctx_encoders_parts;

/* Those parts, with weights [count] of the recipes: fields are named where some recipe has one. Local. Cannot fail. */
void qctx_encoders_parts_of(const qctx_encoders *encoders, const double *weights, qctx_encoders_parts *parts);

/*
 * Refuses a store whose contexts were embedded otherwise than by the field that stands beside its name. Local. Errors:
 * MISMATCH; CONFIG (its encoder's settings).
 */
qctx_status qctx_encoders_check_field(const qctx_store *store, const char *field, qctx_error *error);

/*
 * Finds out what each encoder of a specification is, which rank 0 decides for all. Precision `auto` becomes bfloat16
 * where all ranks' CPUs have instructions for it. Collective. The caller frees, also after a failure. Errors: CONFIG
 * (neither an encoder nor a model folder nor a store, and what was looked for; settings for models without one), USAGE
 * (the same of options), MEMORY.
 */
qctx_status qctx_encoders_resolve(qctx_comm *comm, const qctx_encoder_spec *spec, qctx_encoders *encoders,
                                  qctx_error *error);
void qctx_encoders_free(qctx_encoders *encoders);

/*
 * Creates one encoder of them; one with a field is joined of nothing but itself. Collective. Errors: those of
 * qctx_encoder_create; MISMATCH (ranks found different files).
 */
qctx_status qctx_encoders_create(qctx_comm *comm, const qctx_encoder_recipe *recipe, qctx_encoder **created,
                                 qctx_error *error);

/*
 * The encoder that is specified, as a whole: joined where there are several. `*learns`: it still has to be fitted (that
 * of a store is, and models learn nothing). Collective. Errors: those of resolving, creating, and of opening a store.
 */
qctx_status qctx_encoders_open(qctx_comm *comm, const qctx_encoder_spec *spec, qctx_encoder **opened, bool *learns,
                               qctx_error *error);

/*
 * The weights of a joined encoder, by the settings that a store keeps, in the words of its specification: "hashing 1,
 * models/minilm (paragraph) 0.5". The caller frees `*text`. Local. Errors: CONFIG (settings of another), MEMORY.
 */
qctx_status qctx_encoders_show_weights(const qctx_encoder_spec *spec, const char *settings, char **text,
                                       qctx_error *error);

/*
 * Refuses a store whose rows mean nothing to a head: made by another encoder than the one with the fingerprint
 * `trained_on`, or by another state of it. Local. Errors: MISMATCH.
 */
qctx_status qctx_encoders_check_trained(const qctx_store *store, const char *trained_on, qctx_error *error);

/*
 * Refuses a store, that at `path`, whose contexts were embedded with their titles where `titles` says without, or the
 * reverse; of one that does not tell, or whose encoder names fields, nothing is asked. `setting` names what says so.
 * Local. Errors: MISMATCH.
 */
qctx_status qctx_encoders_check_titles(const char *path, qctx_titles found, bool titles, const char *setting,
                                       qctx_error *error);

#endif
