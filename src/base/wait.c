#include "qctx/base/wait.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>

enum { BETWEEN_LOOKS = 100 }; /* milliseconds */

static qctx_status (*look)(qctx_error *error);

void qctx_wait_set_look(qctx_status (*taken)(qctx_error *error))
{
    look = taken;
}

static qctx_status take_look(qctx_error *error)
{
    return look != NULL ? look(error) : QCTX_OK;
}

qctx_status qctx_wait_moment(qctx_error *error)
{
    poll(NULL, 0, BETWEEN_LOOKS);
    return take_look(error);
}

qctx_status qctx_wait_readable(int handle, const char *name, qctx_error *error)
{
    struct pollfd input = {.fd = handle, .events = POLLIN};
    qctx_status status = QCTX_OK;
    int ready = 0;

    while (ready == 0 && status == QCTX_OK) {
        ready = poll(&input, 1, BETWEEN_LOOKS);
        if (ready < 0 && errno != EINTR)
            return qctx_fail(error, QCTX_ERR_IO, "%s: cannot wait: %s", name, strerror(errno));
        if (ready < 0)
            ready = 0;
        status = take_look(error);
    }
    return status;
}
