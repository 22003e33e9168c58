#include "qctx/data/side.h"

#include <stddef.h>

const char *const qctx_side_names[] = {[QCTX_QUESTION] = "question", [QCTX_CONTEXT] = "context", NULL};
