/*
 * The outcome of a sweep as tables, at any time: for people while it runs, in Markdown as QuestionContext printed its
 * own, and as CSV. A row a trial (and one for no head per set of sources), a column each for what differs between the
 * trials, then top-1 and top-10 of every evaluation source with its interval.
 */
#ifndef QCTX_SWEEP_TABLE_H
#define QCTX_SWEEP_TABLE_H

#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/sweep/definition.h"
#include "qctx/sweep/ledger.h"

/*
 * Counts by state, the trials that run with their epochs and seconds, the best so far, and those that failed with their
 * message; at most 80 columns. Local. Errors: IO, FORMAT, MEMORY.
 */
qctx_status qctx_sweep_print_status(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                                    qctx_error *error);

/*
 * Results, from the summary.json of the runs. In Markdown those of the finished trials, best first, and below them what
 * is paused and what has failed; as CSV a line for each trial that has begun and evaluation source, in the order of the
 * trials. Local. Errors: IO, FORMAT, MEMORY.
 */
qctx_status qctx_sweep_print_markdown(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                                      qctx_error *error);
qctx_status qctx_sweep_print_csv(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                                 qctx_error *error);

/* Index of the best finished trial (of paused ones where none is finished), or −1. Local. */
int64_t qctx_sweep_best(const qctx_ledger *ledger);

#endif
