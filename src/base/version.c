#include "qctx/base/version.h"

#ifndef QCTX_VERSION
#define QCTX_VERSION "unknown"
#endif

const char *qctx_version(void)
{
    return QCTX_VERSION;
}
