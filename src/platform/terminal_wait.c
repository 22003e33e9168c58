/* Waiting for standard input without being taken for silent, or deaf to requests to stop. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "qctx/platform/comm.h"
#include "qctx/platform/stop.h"
#include "terminal_internal.h"

/* Between two looks at the other ranks. */
enum { LOOK_MILLISECONDS = 100 };

qctx_status terminal_wait(qctx_error *error)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    qctx_status status = QCTX_OK;
    int ready = 0;

    while (ready == 0 && status == QCTX_OK) {
        ready = poll(&input, 1, LOOK_MILLISECONDS);
        if (ready < 0 && errno != EINTR)
            return qctx_fail(error, QCTX_ERR_IO, "standard input: cannot wait: %s", strerror(errno));
        if (ready < 0)
            ready = 0;
        qctx_comm_tell_alive();
        status = qctx_stop_check(error);
    }
    return status;
}
