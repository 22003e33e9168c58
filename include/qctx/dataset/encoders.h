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

/* One encoder as its class takes it. */
typedef struct {
    const char *given; /* as specified; borrowed */
    const char *name;  /* of the class */
    char *settings;    /* JSON, or NULL */
    bool learns;       /* has to be fitted before it encodes */
} qctx_encoder_recipe;

typedef struct {
    const char *store; /* whose encoder is specified, borrowed; then count is 0 */
    int64_t count;
    qctx_encoder_recipe *recipes; /* [count] */
    double *weights;              /* [count] */
} qctx_encoders;

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
 * Creates one encoder of them. Collective. Errors: those of qctx_encoder_create; MISMATCH (ranks found different
 * files).
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
 * Refuses a store whose rows mean nothing to a head: made by another encoder than the one with the fingerprint
 * `trained_on`, or by another state of it. Local. Errors: MISMATCH.
 */
qctx_status qctx_encoders_check_trained(const qctx_store *store, const char *trained_on, qctx_error *error);

/*
 * Refuses a store, that at `path`, whose contexts were embedded with their titles where `titles` says without, or the
 * reverse; of one that does not tell, nothing is asked. `setting` names what says so. Local. Errors: MISMATCH.
 */
qctx_status qctx_encoders_check_titles(const char *path, qctx_titles found, bool titles, const char *setting,
                                       qctx_error *error);

#endif
