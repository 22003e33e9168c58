#include "qctx/platform/stop.h"

void qctx_stop_listen(qctx_comm *world)
{
    (void)world;
}

bool qctx_stop_requested(void)
{
    return false;
}

qctx_status qctx_stop_check(qctx_error *error)
{
    (void)error;
    return QCTX_OK;
}

qctx_status qctx_stop_agree(qctx_comm *comm, qctx_error *error)
{
    (void)comm, (void)error;
    return QCTX_OK;
}
