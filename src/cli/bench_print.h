/* How a measurement is printed for people. */
#ifndef QCTX_CLI_BENCH_PRINT_H
#define QCTX_CLI_BENCH_PRINT_H

#include <stdio.h>

#include "qctx/text/json.h"

/*
 * Prints an object: numbers, texts and lists of numbers one a line, lists of objects as tables whose columns are the
 * keys of the first row, objects of objects likewise, with the names in front. Local.
 */
void bench_print(const json_t *result, FILE *out);

#endif
