/* What the parts of engine/examples share: the division of the training questions into examples and held-out ones. */
#ifndef QCTX_ENGINE_EXAMPLES_INTERNAL_H
#define QCTX_ENGINE_EXAMPLES_INTERNAL_H

#include <stdbool.h>

#include "qctx/engine/examples.h"

/* What is known of the contexts of one training source, [contexts of its store]. */
typedef struct {
    uint64_t *content;
    uint64_t *groups;
} context_keys;

/* A question during the division: which source, and which question of its split. */
typedef struct {
    int32_t source;
    int64_t index;
    bool held_out;
} candidate;

typedef struct {
    const qctx_config *config;
    const qctx_opened *opened;
    context_keys *keys; /* [train_count] */
    int64_t count;
    candidate *candidates; /* all training questions, by source */
    int64_t content_count;
    uint64_t *contents; /* of all right contexts of the held-out questions, sorted */
} division;

/*
 * Lists the questions of the training sources and holds out a share of them (none where eval.tune_split names a
 * split). Local. Errors: IO, MEMORY. Freed by examples_division_free, also after a failure.
 */
qctx_status examples_divide(division *work, qctx_error *error);
void examples_division_free(division *work);

/* The rows of the right contexts of a candidate. Local. */
const int64_t *examples_contexts_of(const division *work, const candidate *question, int64_t *count);

/* Whether any right context of a candidate is also one of a held-out question. Local. */
bool examples_is_touched(const division *work, const candidate *question);

#endif
