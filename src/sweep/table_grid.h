/* A table in Markdown whose columns are padded, so that it can be read as it is, too. */
#ifndef QCTX_SWEEP_TABLE_GRID_H
#define QCTX_SWEEP_TABLE_GRID_H

#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"

/* Cells row by row, the heading first; owned. Start from {.columns = …}. A failure to add one is kept in `status`. */
typedef struct {
    int64_t columns;
    int64_t count;
    int64_t capacity;
    char **cells;
    qctx_status status;
} table_grid;

/* Adds the next cell: `text` (freed here; NULL is an allocation that failed), or a copy of one. Local. */
void table_grid_take(table_grid *grid, char *text, qctx_error *error);
void table_grid_add(table_grid *grid, const char *text, qctx_error *error);

/* Prints what was added, if there is more than the heading. Local. */
void table_grid_print(FILE *out, const table_grid *grid);
void table_grid_free(table_grid *grid);

/* Prints one line of text as Markdown: line ends become spaces, bars are escaped. Local. */
void table_print_escaped(FILE *out, const char *text);

#endif
