/*
 * Lists of negatives that files give (data/negatives_file): each training source's own, the file that its key
 * `negatives` names or else the one that its corpus has for its split.
 *
 * An example's list is in the order of the file, each content once. Contexts that answer the question, or equal one
 * that does, are no negatives of it. Lines of questions that are not trained on, since they are of another split or
 * held out, mean nothing here; those of ids that the source does not have are left out, with a warning that counts them
 * and names the first.
 */
#ifndef QCTX_MINING_GIVEN_NEGATIVES_H
#define QCTX_MINING_GIVEN_NEGATIVES_H

#include "qctx/base/status.h"
#include "qctx/dataset/examples.h"
#include "qctx/dataset/negatives.h"
#include "qctx/dataset/opened.h"
#include "qctx/platform/comm.h"

/*
 * Reads the lists of all examples; those of sources without a file are empty. Every rank reads the files and has the
 * same lists. The caller frees them, also after a failure. Collective. Errors: IO and FORMAT (of a file), DATA (no
 * source has a file; a file names no negative of a training question), MISMATCH (the ranks read different files),
 * MEMORY, STOPPED.
 */
qctx_status qctx_given_negatives_read(qctx_comm *comm, const qctx_opened *opened, const qctx_examples *examples,
                                      qctx_listed_negatives *lists, qctx_error *error);

/*
 * Takes `count` negatives of each example's list for round `round` (from 0), all of a shorter one: the next ones with
 * every round, in a circle. The caller frees `taken`, also after a failure. Local. Errors: MEMORY.
 */
qctx_status qctx_given_negatives_take(const qctx_listed_negatives *lists, int64_t count, int64_t round,
                                      qctx_listed_negatives *taken, qctx_error *error);

/*
 * A hash of what lists hold and of `fingerprint`, what is trained on otherwise; that itself for no lists, never 0. No
 * paths are in it. Local. Cannot fail.
 */
int64_t qctx_given_negatives_fingerprint(const qctx_listed_negatives *lists, int64_t fingerprint);

#endif
