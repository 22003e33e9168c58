#include "qctx/cli/commands.h"

qctx_status qctx_cmd_train(qctx_comm *comm, int argc, char **argv, qctx_error *error)
{
    (void)comm, (void)argc, (void)argv;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "train is not built yet");
}
