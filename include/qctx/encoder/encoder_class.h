/* What there is to fill for an encoder of one kind; encoder.h is how all of them are used. */
#ifndef QCTX_ENCODER_ENCODER_CLASS_H
#define QCTX_ENCODER_ENCODER_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/data/side.h"
#include "qctx/platform/comm.h"

/* What an encoder has done since it was created, on this rank; zeros for one that does not count. */
typedef struct {
    int64_t texts;
    int64_t tokens;
    int64_t truncated; /* texts longer than the model takes, cut at their end */
    double flops;      /* multiplications and additions of matrix products */
} qctx_encoder_work;

/*
 * What an encoder implementation provides. The contracts are those of the functions of encoder.h; `state` is its own.
 * One that learns nothing has a fit that does nothing and saves a table of no bytes (still to be freed).
 */
typedef struct {
    const char *name;
    /* `settings` may be NULL. */
    qctx_status (*create)(const char *settings, void **state, qctx_error *error);
    qctx_status (*fit)(void *state, qctx_comm *comm, const char *const *texts, int64_t count, qctx_error *error);
    qctx_status (*encode)(void *state, qctx_side side, const char *const *texts, int64_t count, float *rows,
                          qctx_error *error);
    int64_t (*dim)(const void *state);
    /* NULL: it takes contexts as one text. */
    int64_t (*fields)(const void *state, const char *const **names);
    /* All settings as a JSON object, defaults included and always in the same order; freshly allocated. */
    char *(*settings)(const void *state, qctx_error *error);
    /* NULL: the settings. Else the part of them that decides rows, as text, without paths; freshly allocated. */
    char *(*identity)(const void *state, qctx_error *error);
    /* NULL: it does not count. */
    void (*work)(const void *state, qctx_encoder_work *work);
    qctx_status (*save)(const void *state, void **table, size_t *bytes, qctx_error *error);
    /* Into a state just created from the saved settings. */
    qctx_status (*restore)(void *state, const void *table, size_t bytes, qctx_error *error);
    void (*destroy)(void *state);
} qctx_encoder_class;

#endif
