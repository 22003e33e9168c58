/*
 * A head ready for use: encoder rows in, unit-length search rows out. "No head"
 * is a projector too, so that both take the same path everywhere.
 */
#ifndef QCTX_RETRIEVAL_PROJECTOR_H
#define QCTX_RETRIEVAL_PROJECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/model/head.h"

/* A value that borrows its parameters. */
typedef struct {
    const qctx_head_config *head; /* NULL: no head, rows pass as they are */
    const float *parameters;      /* [qctx_head_parameter_count] */
    double strength;              /* α of a residual head */
    bool normalize;               /* unit length afterwards, as in the loss */
    int64_t input;                /* d of the encoder */
} qctx_projector;

/* Length of a projected row. Local. */
int64_t qctx_projector_output(const qctx_projector *projector);

/*
 * y [rows, output] = the projection of x [rows, input] for that side. A row's bits depend on
 * the row, its place in the call and `rows` (the shape of the matrix product); callers that want the same bits on any
 * number of ranks cut the same blocks on any number of ranks. Local. Errors: MEMORY.
 */
qctx_status qctx_projector_apply(const qctx_projector *projector, qctx_side side, const float *x, int64_t rows,
                                 float *y, qctx_error *error);

#endif
