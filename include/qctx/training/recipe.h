/*
 * What run.recipe sets: the head, the loss, the rate and the length of a run by how much there is to learn from. It was
 * found by a sweep over data sets and numbers of questions (docs/results.md has the figures).
 *
 * Only what the configuration leaves to the data is set, by a table: a function of the facts alone, so that all ranks
 * set the same.
 */
#ifndef QCTX_TRAINING_RECIPE_H
#define QCTX_TRAINING_RECIPE_H

#include <stdint.h>

#include "qctx/config/config.h"

/* What there is to learn from. */
typedef struct {
    int64_t questions; /* training questions, without those held out */
    int64_t contexts;  /* that these ask for, each once */
    int64_t sources;
    int64_t dim; /* of the vectors */
} qctx_recipe_facts;

enum { QCTX_RECIPE_LINES = 5, QCTX_RECIPE_LINE_MAX = 256 };

/* What was set and why, for the log. */
typedef struct {
    int count; /* 0: the configuration left nothing open */
    char lines[QCTX_RECIPE_LINES][QCTX_RECIPE_LINE_MAX];
} qctx_recipe_account;

/* Sets what `config` leaves to the recipe, and accounts for it. Local. Cannot fail. */
void qctx_recipe_settle(qctx_config *config, const qctx_recipe_facts *facts, qctx_recipe_account *account);

#endif
