/*
 * Where the rows of a step come from: the stores of a run, or made-up rows for a benchmark. A value with functions;
 * the stepper knows nothing else of the data.
 */
#ifndef QCTX_TRAINING_LOADER_H
#define QCTX_TRAINING_LOADER_H

#include <stdint.h>

#include "qctx/dataset/examples.h"
#include "qctx/dataset/negatives.h"
#include "qctx/dataset/opened.h"
#include "qctx/dataset/teacher.h"

typedef struct qctx_loader qctx_loader;
struct qctx_loader {
    /* out [count, dim] = the encoder's rows of these examples: their questions, or the contexts at
     * chosen[i] (places in examples->contexts). Local. Cannot fail. */
    void (*gather)(const qctx_loader *loader, qctx_side side, const int64_t *example, const int64_t *chosen,
                   int64_t count, float *out);
    /* Tells which rows will be gathered soon, so that reading them from a disk goes on meanwhile. Local. */
    void (*prefetch)(const qctx_loader *loader, const int64_t *example, const int64_t *chosen, int64_t count);
    /* out [count, dim] = the encoder's rows of these contexts, each by its source and row. Local. Cannot fail. */
    void (*gather_contexts)(const qctx_loader *loader, const qctx_negative *contexts, int64_t count, float *out);
    const qctx_examples *examples;
    const qctx_negatives *negatives;     /* join every step beside the batch's contexts; NULL: none */
    const qctx_listed_negatives *listed; /* of which those of the batch's examples join; what stands there may change
                                            between two steps; NULL: none */
    int64_t most_listed;                 /* of an example */
    int64_t most_pool;                   /* of all of them, contents that are equal counted once or more */
    const qctx_teacher *teacher;         /* of the examples; NULL: none */
    const void *from;
    int64_t dim;
};

/* Rows of the stores of a run: mapped, so that the ranks of a node share them. Without negatives, which the caller may
 * set. Borrows all. Local. */
qctx_loader qctx_loader_of_stores(const qctx_opened *opened, const qctx_examples *examples);

/* The most contexts that join a step of so many examples. Local. */
int64_t qctx_loader_most_extras(const qctx_loader *loader, int64_t batch);

#endif
