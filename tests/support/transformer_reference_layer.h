/* The layers of the reference in double: plain formulas, one text at a time. */
#ifndef QCTX_TESTS_TRANSFORMER_REFERENCE_LAYER_H
#define QCTX_TESTS_TRANSFORMER_REFERENCE_LAYER_H

#include "../../src/transformer/transformer_internal.h"

/* An affine map, or gain and bias of a norm: values of the file, which double holds exactly. */
typedef struct {
    float *weight, *bias;
} reference_pair;

typedef struct {
    const qctx_model_folder *folder;
    int64_t d, f;
    reference_pair joint, output, first, up, down, second; /* of one layer */
    float *buckets;                                        /* [buckets, heads] of MPNet, or NULL */
    double *wide, *mixed, *normed;                         /* of one text: [tokens, max(3d, f)], [tokens, d] twice */
} reference_layers;

/* Takes room for texts of `longest` tokens. Local. Errors: MEMORY, FORMAT. The caller closes it in any case. */
qctx_status reference_open(reference_layers *layers, const qctx_model_folder *folder, int64_t longest,
                           qctx_error *error);
void reference_close(reference_layers *layers);

/* Reads the weights of a layer in the place of the one before. Local. Errors: MEMORY, FORMAT. */
qctx_status reference_load(reference_layers *layers, int64_t layer, qctx_error *error);

/* x [tokens, d] = the layer's output for one text x. Local. Cannot fail. */
void reference_apply(const reference_layers *layers, int64_t tokens, double *x);

/* The same for pieces that stand outside of layers. A map without bias has zeros. */
qctx_status reference_alloc(int64_t rows, int64_t columns, reference_pair *pair, qctx_error *error);
void reference_free(reference_pair *pair);
qctx_status reference_read(const qctx_model_folder *folder, transformer_part part, int64_t layer, int64_t rows,
                           int64_t columns, reference_pair *pair, qctx_error *error);
void reference_affine(int64_t rows, int64_t output, int64_t input, const double *x, const reference_pair *map,
                      double *y);
void reference_norm(int64_t rows, int64_t d, double epsilon, const reference_pair *norm, const double *x, double *y);
void reference_function(qctx_linear_function function, int64_t count, double *x);

#endif
