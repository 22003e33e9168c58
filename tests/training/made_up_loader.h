/* Training examples and vectors made of nothing but their numbers, for tests of the training step. */
#ifndef QCTX_TESTS_MADE_UP_LOADER_H
#define QCTX_TESTS_MADE_UP_LOADER_H

#include "qctx/training/loader.h"

enum { MADE_UP_EXAMPLES = 260, MADE_UP_CONTEXTS = 200, MADE_UP_LIST = 6 };

/* Question i is answered by context i modulo their number and, if i is even, by the one behind it. */
typedef struct {
    int32_t source[MADE_UP_EXAMPLES];
    int64_t question[MADE_UP_EXAMPLES];
    int64_t offsets[MADE_UP_EXAMPLES + 1];
    int64_t contexts[2 * MADE_UP_EXAMPLES];
    uint64_t content[2 * MADE_UP_EXAMPLES];
    qctx_examples examples;
    qctx_negative list[MADE_UP_CONTEXTS];
    qctx_negatives negatives; /* all contexts; the loader has none until a test gives it these */
    int64_t list_offsets[MADE_UP_EXAMPLES + 1];
    int64_t list_places[MADE_UP_EXAMPLES * MADE_UP_LIST];
    float list_scores[MADE_UP_EXAMPLES * MADE_UP_LIST];
    uint8_t list_roles[MADE_UP_EXAMPLES * MADE_UP_LIST];
    qctx_teacher teacher; /* the loader has none until a test gives it this one */
    qctx_loader loader;
    float spoilt; /* added to every number of context 7, the only one of question 7 */
    int64_t prefetched;
} made_up;

/* The lists of the teacher: three of four questions have one, of their right context and of MADE_UP_LIST − 1 others. */

/* Fills the rows and their loader, for vectors of `dim` numbers. */
void made_up_open(made_up *rows, int64_t dim);

#endif
