#include "qctx/base/temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

const char *qctx_temporary_folder(void)
{
    const char *named = getenv("TMPDIR");

    return named != NULL && named[0] != '\0' ? named : "/tmp";
}

qctx_status qctx_temporary_open(int *handle, qctx_error *error)
{
    char *name = qctx_path_join(qctx_temporary_folder(), "qctx-dist.XXXXXX", error);
    qctx_status status = QCTX_OK;

    *handle = -1;
    if (name == NULL)
        return QCTX_ERR_MEMORY;
    *handle = mkostemp(name, O_CLOEXEC);
    if (*handle < 0) {
        status = qctx_write_failed(qctx_temporary_folder(), "cannot make a temporary file", errno, error);
        qctx_hint(error, "let TMPDIR name a folder that may be written to and has room");
    } else {
        unlink(name);
    }
    free(name);
    return status;
}
