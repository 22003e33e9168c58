/* What the tests of the loss's sharing use: a whole batch, and steps of it on any communicator, carried out in any
 * manner. */
#ifndef QCTX_TESTS_CONTRASTIVE_SHARING_H
#define QCTX_TESTS_CONTRASTIVE_SHARING_H

#include "contrastive_probe.h"
#include "qctx/base/tree_sum.h"

/* How a step is carried out: everything that must change no bit. */
typedef struct {
    bool offer;
    bool in_place;
    double log_scale;
} manner;

extern const manner sharing_plain; /* neither, at a scale of e³ */

/* With duplicates and further positives. */
problem sharing_problem(int64_t rows, int64_t dim);
problem sharing_problem_with_extras(int64_t rows, int64_t extras, int64_t dim);

/* The rows of the batch that fall to a rank: a share, or its leaves'. */
void sharing_rows(const qctx_comm *comm, const qctx_loss_config *config, int64_t batch, int64_t *first, int64_t *count);

/* A problem with the rows and extras that fall to a rank. */
problem sharing_own(const qctx_comm *comm, const qctx_loss_config *config, const problem *p);

/* A step with a loss, on this rank's rows; and with a loss made for it. */
answer sharing_step(qctx_comm *comm, qctx_loss *loss, const problem *p, const qctx_loss_config *config, manner how);

/* A loss with just the memory for the problem. */
qctx_loss *sharing_create(qctx_comm *comm, const qctx_loss_config *config, const problem *p);

answer sharing_solve(qctx_comm *comm, const problem *p, const qctx_loss_config *config, manner how);

/* On rows brought to unit length. */
qctx_loss_config sharing_config(qctx_similarity scheme, qctx_loss_kind kind);

/* The schemes that work by tiles. */
enum { SHARING_SCHEMES = 2 };
extern const qctx_similarity sharing_schemes[SHARING_SCHEMES];

#endif
