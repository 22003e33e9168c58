/* What terminal.c (lines) and terminal_edit.c (libedit) share. */
#ifndef QCTX_PLATFORM_TERMINAL_INTERNAL_H
#define QCTX_PLATFORM_TERMINAL_INTERNAL_H

#include "qctx/platform/terminal.h"

/* An editor of lines; NULL in a build without. */
typedef struct terminal_editor terminal_editor;

/* `*opened` stays NULL where there is no editor. Local. Errors: MEMORY. Closing is NULL-safe. */
qctx_status terminal_editor_open(const char *prompt, terminal_editor **opened, qctx_error *error);
void terminal_editor_close(terminal_editor *editor);

/*
 * A line as it was edited, with its end, which is the editor's until the next one and goes into the history; NULL at
 * Ctrl-D. Local. Errors: IO, STOPPED.
 */
qctx_status terminal_editor_next(terminal_editor *editor, const char **line, size_t *length, qctx_error *error);

#endif
