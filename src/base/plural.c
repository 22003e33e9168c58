#include "qctx/base/plural.h"

const char *qctx_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}
