/*
 * Mines hard negatives: for each training question the contexts that score best among all of the training sources,
 * answered or not, found by the exact scan of all ranks, less those that may be right.
 *
 * Left out are the question's contexts (its pairs, and what else is no negative of it: dataset/examples), those of
 * equally worded questions, contexts that equal one of them or a better one, and by the positive-aware rule
 * (NV-Retriever, Moreira et al. 2024, "TopK-PercPos") those that score above `margin` of what its right context scores.
 * The rule follows sentence-transformers' mine_hard_negatives in what the paper leaves open: of several right contexts
 * the one with the least score p counts, and the bound is p − (1 − margin)·|p|, so that it lies below p where p is
 * negative, too.
 */
#ifndef QCTX_MINING_MINE_H
#define QCTX_MINING_MINE_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/dataset/examples.h"
#include "qctx/dataset/negatives.h"
#include "qctx/dataset/opened.h"
#include "qctx/platform/comm.h"
#include "qctx/retrieval/projector.h"

typedef struct qctx_miner qctx_miner;

typedef struct {
    int64_t count; /* contexts of a question, at most */
    int64_t depth; /* they are looked for among so many best; ≥ 1, may be more than there are */
    double margin; /* 0 to 1 */
} qctx_mining_rule;

/*
 * Numbers all contexts of the training sources, and reads by what they are equal. Borrows sources and examples.
 * Collective. The caller destroys it (NULL-safe). Errors: IO, MEMORY.
 */
qctx_status qctx_miner_create(qctx_comm *comm, const qctx_opened *opened, const qctx_examples *examples,
                              qctx_miner **created, qctx_error *error);
void qctx_miner_destroy(qctx_miner *miner);

/* How many contexts there are to choose from, equal ones counted each. Local. */
int64_t qctx_miner_contexts(const qctx_miner *miner);

/*
 * Lists each example's negatives, the best first, fewer than rule->count where no more are left: a function of the
 * stores, the projector and the rule, the same on all ranks and for any number of ranks. The caller frees the lists,
 * also after a failure. Collective. Errors: MEMORY, STOPPED, MISMATCH (a store was written to).
 */
qctx_status qctx_miner_mine(qctx_miner *miner, const qctx_projector *projector, const qctx_mining_rule *rule,
                            qctx_listed_negatives *lists, qctx_error *error);

#endif
