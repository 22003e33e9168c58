/* Lines that are edited and remembered on a terminal, by libedit, which a build may lack. */
#include "terminal_internal.h"

#ifdef QCTX_LIBEDIT
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "qctx/base/mem.h"
#include "qctx/base/wait.h"

#define TEXT_OF(number)          #number
#define VERSION_OF(major, minor) "libedit " TEXT_OF(major) "." TEXT_OF(minor)

/* Lines that the arrow keys bring back. */
enum { REMEMBERED = 1000 };

/* Shown for bytes that are no character: U+FFFD. */
static const wchar_t no_character = 0xFFFD;

struct terminal_editor {
    const char *prompt;
    EditLine *lines;
    History *history;
    locale_t utf8;      /* of terminals here; 0 where the system has none */
    qctx_status status; /* why a line ended before its end */
    qctx_error *error;  /* where that is said */
};

const char *qctx_terminal_editor(void)
{
    return VERSION_OF(LIBEDIT_MAJOR, LIBEDIT_MINOR);
}

static terminal_editor *editor_of(EditLine *lines)
{
    void *editor = NULL;

    el_get(lines, EL_CLIENTDATA, &editor);
    return editor;
}

static char *prompt_of(EditLine *lines)
{
    return (char *)editor_of(lines)->prompt;
}

/* The next character for libedit, which would wait in read() itself: 1, or 0 at the end. */
static int take_character(EditLine *lines, wchar_t *character)
{
    terminal_editor *editor = editor_of(lines);
    mbstate_t state = {0};
    size_t used = (size_t)-2;
    char byte;

    while (used == (size_t)-2) {
        editor->status = qctx_wait_readable(STDIN_FILENO, "standard input", editor->error);
        if (editor->status != QCTX_OK || read(STDIN_FILENO, &byte, 1) != 1)
            return 0;
        used = mbrtowc(character, &byte, 1, &state);
    }
    if (used == (size_t)-1)
        *character = no_character;
    return 1;
}

/* Which keys insert letters follows from the locale. */
static void set_up(terminal_editor *editor)
{
    HistEvent event;

    history(editor->history, &event, H_SETSIZE, REMEMBERED);
    history(editor->history, &event, H_SETUNIQUE, 1);
    el_set(editor->lines, EL_CLIENTDATA, editor);
    el_set(editor->lines, EL_PROMPT, prompt_of);
    el_set(editor->lines, EL_EDITOR, "emacs");
    el_set(editor->lines, EL_HIST, history, editor->history);
    el_set(editor->lines, EL_GETCFN, take_character);
}

qctx_status terminal_editor_open(const char *prompt, terminal_editor **opened, qctx_error *error)
{
    terminal_editor *editor = qctx_alloc(1, sizeof *editor, "a line editor", error);
    locale_t before;

    if (editor == NULL)
        return QCTX_ERR_MEMORY;
    editor->prompt = prompt;
    editor->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    before = uselocale(editor->utf8);
    editor->lines = el_init("qctx-dist", stdin, stdout, stderr);
    editor->history = history_init();
    if (editor->lines != NULL && editor->history != NULL) {
        set_up(editor);
        *opened = editor;
    }
    uselocale(before);
    if (*opened != NULL)
        return QCTX_OK;
    terminal_editor_close(editor);
    return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for a line editor");
}

void terminal_editor_close(terminal_editor *editor)
{
    if (editor == NULL)
        return;
    if (editor->lines != NULL)
        el_end(editor->lines);
    if (editor->history != NULL)
        history_end(editor->history);
    if (editor->utf8 != (locale_t)0)
        freelocale(editor->utf8);
    free(editor);
}

qctx_status terminal_editor_next(terminal_editor *editor, const char **line, size_t *length, qctx_error *error)
{
    locale_t before = uselocale(editor->utf8);
    HistEvent event;
    int count = 0;

    editor->status = QCTX_OK;
    editor->error = error;
    el_resize(editor->lines);
    *line = el_gets(editor->lines, &count);
    *length = *line != NULL && count > 0 ? (size_t)count : 0;
    if (*length == 0)
        *line = NULL;
    else if (**line != '\n')
        history(editor->history, &event, H_ENTER, *line);
    uselocale(before);
    return editor->status;
}

#else

const char *qctx_terminal_editor(void)
{
    return NULL;
}

qctx_status terminal_editor_open(const char *prompt, terminal_editor **opened, qctx_error *error)
{
    (void)prompt, (void)error;
    *opened = NULL;
    return QCTX_OK;
}

void terminal_editor_close(terminal_editor *editor)
{
    (void)editor;
}

qctx_status terminal_editor_next(terminal_editor *editor, const char **line, size_t *length, qctx_error *error)
{
    (void)editor, (void)line, (void)length;
    return qctx_fail(error, QCTX_ERR_INTERNAL, "this build edits no lines");
}

#endif
