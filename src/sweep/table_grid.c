#include "table_grid.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/shown.h"

void table_grid_take(table_grid *grid, char *text, qctx_error *error)
{
    if (text == NULL)
        grid->status = QCTX_ERR_MEMORY;
    if (grid->status == QCTX_OK)
        grid->status = qctx_grow((void **)&grid->cells, &grid->capacity, grid->count + 1, sizeof *grid->cells,
                                 "cells of a table", error);
    if (grid->status == QCTX_OK)
        grid->cells[grid->count++] = text;
    else
        free(text);
}

void table_grid_add(table_grid *grid, const char *text, qctx_error *error)
{
    table_grid_take(grid, qctx_strdup(text, error), error);
}

void table_grid_free(table_grid *grid)
{
    for (int64_t c = 0; c < grid->count; c++)
        free(grid->cells[c]);
    free(grid->cells);
    *grid = (table_grid){0};
}

void table_print_escaped(FILE *out, const char *text)
{
    while (*text != '\0') {
        const size_t length = strcspn(text, "|");

        qctx_show(text, length, out);
        text += length;
        if (*text == '|') {
            fputs("\\|", out);
            text++;
        }
    }
}

static int64_t width_of(const char *text)
{
    int64_t width = qctx_shown_columns(text, strlen(text));

    for (const char *bar = strchr(text, '|'); bar != NULL; bar = strchr(bar + 1, '|'))
        width++;
    return width;
}

static int64_t column_width(const table_grid *grid, int64_t column)
{
    int64_t widest = 3;

    for (int64_t c = column; c < grid->count; c += grid->columns)
        widest = width_of(grid->cells[c]) > widest ? width_of(grid->cells[c]) : widest;
    return widest;
}

static void print_rule(FILE *out, const table_grid *grid)
{
    for (int64_t column = 0; column < grid->columns; column++) {
        fputs("|", out);
        for (int64_t i = column_width(grid, column) + 2; i > 0; i--)
            fputc('-', out);
    }
    fputs("|\n", out);
}

void table_grid_print(FILE *out, const table_grid *grid)
{
    for (int64_t c = 0; c < grid->count && grid->count > grid->columns; c++) {
        int64_t column = c % grid->columns;

        fputs("| ", out);
        table_print_escaped(out, grid->cells[c]);
        fprintf(out, "%*s", (int)(column_width(grid, column) - width_of(grid->cells[c]) + 1), "");
        if (column + 1 == grid->columns)
            fputs("|\n", out);
        if (c + 1 == grid->columns)
            print_rule(out, grid);
    }
}
