/*
 * What the files of cli/cmd_mine share: cmd_mine.c finds the negatives of a source's questions, mine_write.c writes
 * them as other trainers read them.
 */
#ifndef QCTX_CLI_MINE_INTERNAL_H
#define QCTX_CLI_MINE_INTERNAL_H

#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/dataset/examples.h"
#include "qctx/dataset/negatives.h"
#include "qctx/store/store.h"

/*
 *   tsv            query-id <TAB> corpus-id, a line a negative (data/negatives_file)
 *
 *   n-tuple        {"anchor": …, "positive": …, "negative_1": …, …}: a line for each right context, all of the same
 *                  keys, as sentence-transformers' mine_hard_negatives calls it
 *
 *   flagembedding  {"query": …, "pos": […], "neg": […]}, a line a question
 */
typedef enum { MINE_TSV, MINE_N_TUPLE, MINE_FLAGEMBEDDING } mine_format;
extern const char *const mine_format_names[];

/* What is written: the negatives of examples of one store, at most `count` of each. Borrows everything. */
typedef struct {
    mine_format format;
    qctx_store *store;
    const qctx_examples *examples;
    const qctx_listed_negatives *lists;
    int64_t count;
} mine_sheet;

/*
 * Writes the sheet. Texts of contexts are as the encoder saw them, with their titles in front where the store was
 * embedded so. `*left_out` counts the questions that the format has no line for: those without a negative, and as
 * n-tuple those with less than count. Local. Write errors stay with the stream. Errors: DATA (an id that a table cannot
 * hold, a store without texts), IO, MEMORY, MISMATCH, STOPPED.
 */
qctx_status mine_write(FILE *out, const mine_sheet *sheet, int64_t *left_out, qctx_error *error);

#endif
