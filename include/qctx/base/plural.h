/* "1 step", "2 steps": what a counted word ends with. */
#ifndef QCTX_BASE_PLURAL_H
#define QCTX_BASE_PLURAL_H

#include <stdint.h>

/* "s", or "" behind a count of 1. Local. Cannot fail. */
const char *qctx_plural(int64_t count);

#endif
