/*
 * The columns of a file of qrels: BEIR's three (query-id, corpus-id, score) or TREC's four, whose second means nothing;
 * divided by tabs, or by spaces where no id has one; in the order that a header names, where there is one. A list of
 * negatives has the same, or no score.
 */
#ifndef QCTX_DATA_QRELS_COLUMNS_H
#define QCTX_DATA_QRELS_COLUMNS_H

#include <stdbool.h>

#include "qctx/base/status.h"
#include "qctx/data/lines.h"

typedef enum { QRELS_QUESTION, QRELS_CONTEXT, QRELS_SCORE, QRELS_ROLES } qrels_role;

/* What the header of a file says; {0}, or {.negatives = true}, where there was none. */
typedef struct {
    bool negatives;          /* the file may be a list of negatives, without scores */
    int count;               /* columns of each line, or 0 */
    int places[QRELS_ROLES]; /* of the roles among them; −1: none has the score */
} qrels_header;

/* The role that a column or key of this name has, in any case and with any of "-_ " between its words; QRELS_ROLES for
 * none. Local. */
qrels_role qrels_role_of(const char *name);

/*
 * Cuts the current line in place: fields [QRELS_ROLES] point into it and *score is the number that it ends with, or 0
 * without one; or the file's first line is its header, which `header` then keeps, and *is_header is true. Local.
 * Errors: FORMAT.
 */
qctx_status qrels_read_line(qctx_lines *lines, qrels_header *header, const char *fields[QRELS_ROLES], double *score,
                            bool *is_header, qctx_error *error);

#endif
