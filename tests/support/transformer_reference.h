/* The plain twin of the transformer: straight from the formulas, in double, one text at a time. Slow. */
#ifndef QCTX_TESTS_TRANSFORMER_REFERENCE_H
#define QCTX_TESTS_TRANSFORMER_REFERENCE_H

#include "qctx/transformer/transformer.h"

/*
 * rows [texts, dim] = what qctx_transformer_forward gives, from weights as they stand in the folder. `pooling` replaces
 * the folder's unless 0. Local. Errors: MEMORY, and those of create and forward.
 */
qctx_status transformer_reference(const qctx_model_folder *folder, unsigned pooling, const qctx_token_batch *batch,
                                  double *rows, qctx_error *error);

#endif
