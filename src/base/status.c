#include "qctx/base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "qctx/base/shown.h"

qctx_status qctx_fail(qctx_error *error, qctx_status code, const char *format, ...)
{
    va_list arguments;

    if (error == NULL)
        return code;
    error->code = code;
    error->hint[0] = '\0';
    va_start(arguments, format);
    qctx_shown_vformat(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return code;
}

qctx_status qctx_hint(qctx_error *error, const char *format, ...)
{
    va_list arguments;

    if (error == NULL)
        return QCTX_ERR_INTERNAL;
    va_start(arguments, format);
    qctx_shown_vformat(error->hint, sizeof error->hint, format, arguments);
    va_end(arguments);
    return error->code;
}

void qctx_error_append(qctx_error *error, const char *format, ...)
{
    static const char more[] = "\n…";
    char line[QCTX_ERROR_MESSAGE_MAX];
    size_t used, length;
    va_list arguments;

    if (error == NULL)
        return;
    va_start(arguments, format);
    qctx_shown_vformat(line, sizeof line, format, arguments);
    va_end(arguments);
    used = strlen(error->message);
    length = strlen(line);
    if (used >= sizeof more && strcmp(error->message + used + 1 - sizeof more, more) == 0)
        return;
    if (used == 0) {
        memcpy(error->message, line, length + 1);
    } else if (used + 1 + length + sizeof more <= sizeof error->message) {
        error->message[used] = '\n';
        memcpy(error->message + used + 1, line, length + 1);
    } else if (used + sizeof more <= sizeof error->message) {
        memcpy(error->message + used, more, sizeof more);
    }
}

qctx_status qctx_status_of_write(int code)
{
    return code == ENOSPC || code == EDQUOT ? QCTX_ERR_SPACE : QCTX_ERR_IO;
}

const char *qctx_status_name(qctx_status code)
{
    switch (code) {
    case QCTX_OK:
        return "ok";
    case QCTX_ERR_INTERNAL:
        return "internal";
    case QCTX_ERR_USAGE:
        return "usage";
    case QCTX_ERR_CONFIG:
        return "config";
    case QCTX_ERR_IO:
        return "io";
    case QCTX_ERR_FORMAT:
        return "format";
    case QCTX_ERR_DATA:
        return "data";
    case QCTX_ERR_MISMATCH:
        return "mismatch";
    case QCTX_ERR_EXISTS:
        return "exists";
    case QCTX_ERR_MEMORY:
        return "memory";
    case QCTX_ERR_NUMERIC:
        return "numeric";
    case QCTX_ERR_HUNG:
        return "hung";
    case QCTX_ERR_DIVERGED:
        return "diverged";
    case QCTX_ERR_SPACE:
        return "space";
    case QCTX_STOPPED:
        return "stopped";
    }
    return "unknown";
}
