#include "qctx/platform/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "qctx/base/mem.h"
#include "qctx/base/wait.h"
#include "terminal_internal.h"

/* Read at a time. */
enum { BLOCK_BYTES = 1 << 14 };

struct qctx_line_reader {
    const char *prompt;
    bool asks;               /* there is a terminal, where a prompt is shown */
    terminal_editor *editor; /* there, if the build has one */
    char *block;             /* what was read and not yet taken */
    size_t first, end;
    char *line;
};

bool qctx_terminal_is(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

int64_t qctx_terminal_columns(void)
{
    struct winsize size = {0};

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

qctx_status qctx_line_reader_open(const char *prompt, qctx_line_reader **opened, qctx_error *error)
{
    qctx_line_reader *reader = qctx_alloc(1, sizeof *reader, "a reader of lines", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (reader == NULL)
        return status;
    reader->prompt = prompt;
    reader->asks = qctx_terminal_is();
    reader->block = qctx_alloc(BLOCK_BYTES, 1, "a reader of lines", error);
    reader->line = qctx_alloc(QCTX_TERMINAL_LINE_BYTES + 1, 1, "a reader of lines", error);
    if (reader->block != NULL && reader->line != NULL)
        status = reader->asks ? terminal_editor_open(prompt, &reader->editor, error) : QCTX_OK;
    if (status != QCTX_OK) {
        qctx_line_reader_close(reader);
        return status;
    }
    *opened = reader;
    return QCTX_OK;
}

void qctx_line_reader_close(qctx_line_reader *reader)
{
    if (reader == NULL)
        return;
    terminal_editor_close(reader->editor);
    free(reader->block);
    free(reader->line);
    free(reader);
}

/* Reads on when all that was read is taken; nothing is there at the end of the input. */
static qctx_status refill(qctx_line_reader *reader, qctx_error *error)
{
    ssize_t got = -1;

    errno = EINTR;
    while (got < 0 && errno == EINTR) {
        qctx_status status = qctx_wait_readable(STDIN_FILENO, "standard input", error);

        if (status != QCTX_OK)
            return status;
        got = read(STDIN_FILENO, reader->block, BLOCK_BYTES);
    }
    if (got < 0)
        return qctx_fail(error, QCTX_ERR_IO, "standard input: cannot read: %s", strerror(errno));
    reader->first = 0;
    reader->end = (size_t)got;
    return QCTX_OK;
}

/* Appends to the line what there is room for, and counts the rest. */
static void keep(qctx_line_reader *reader, const char *bytes, size_t count, size_t *length, size_t *lost)
{
    size_t room = QCTX_TERMINAL_LINE_BYTES - *length;
    size_t kept = count < room ? count : room;

    memcpy(reader->line + *length, bytes, kept);
    *length += kept;
    *lost += count - kept;
}

/* A line with its end, from whatever standard input is; `*more` is false at the end. */
static qctx_status read_plain(qctx_line_reader *reader, size_t *length, size_t *lost, bool *more, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    bool whole = false;

    *more = false;
    while (status == QCTX_OK && !whole) {
        const char *at, *end;

        if (reader->first == reader->end)
            status = refill(reader, error);
        if (status != QCTX_OK || reader->first == reader->end)
            break;
        *more = true;
        at = reader->block + reader->first;
        end = memchr(at, '\n', reader->end - reader->first);
        whole = end != NULL;
        end = whole ? end : reader->block + reader->end;
        keep(reader, at, (size_t)(end - at), length, lost);
        reader->first += (size_t)(end - at) + whole;
    }
    return status;
}

static qctx_status read_edited(qctx_line_reader *reader, size_t *length, size_t *lost, bool *more, qctx_error *error)
{
    const char *text = NULL;
    size_t bytes = 0;
    qctx_status status = terminal_editor_next(reader->editor, &text, &bytes, error);

    *more = status == QCTX_OK && text != NULL;
    if (*more)
        keep(reader, text, bytes - (text[bytes - 1] == '\n'), length, lost);
    return status;
}

qctx_status qctx_line_reader_next(qctx_line_reader *reader, const char **line, size_t *length, size_t *lost,
                                  qctx_error *error)
{
    qctx_status status;
    bool more;

    *line = NULL;
    *length = *lost = 0;
    if (reader->asks && reader->editor == NULL) {
        fputs(reader->prompt, stdout);
        fflush(stdout);
    }
    status = reader->editor != NULL ? read_edited(reader, length, lost, &more, error)
                                    : read_plain(reader, length, lost, &more, error);
    /* The shell's prompt, or a message, begins on a line of its own. */
    if (!more && reader->asks) {
        fputc('\n', stdout);
        fflush(stdout);
    }
    if (status != QCTX_OK || !more)
        return status;
    while (*length > 0 && reader->line[*length - 1] == '\r')
        (*length)--;
    reader->line[*length] = '\0';
    *line = reader->line;
    return QCTX_OK;
}
