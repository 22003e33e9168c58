#include "qctx/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "qctx/base/clock.h"
#include "qctx/base/shown.h"

static int speaking_rank = 0;
static bool progress_drawn = false;
static FILE *redirected = NULL; /* or NULL: standard error */
static FILE *copied = NULL;     /* where the same is written as well, or NULL */

/* Room for the errors of a whole configuration file, one a line. */
enum { LINE_MAX_BYTES = QCTX_ERROR_MESSAGE_MAX + 512 };

void qctx_log_set_rank(int rank)
{
    speaking_rank = rank;
}

FILE *qctx_log_redirect(FILE *out)
{
    FILE *before = redirected;

    redirected = out;
    return before;
}

/* Writes a text as a line, or lines; in a file, which is read afterwards, with the time in front. */
static void write_line(FILE *out, const char *text)
{
    char now[32];

    if (out != stderr) {
        qctx_clock_timestamp(now, sizeof now);
        fprintf(out, "%s ", now);
    }
    fprintf(out, "%s\n", text);
    /* What is redirected is buffered by its stream, and read while the work goes on. */
    if (out != stderr)
        fflush(out);
}

static void clear_progress(void)
{
    if (progress_drawn)
        fputs("\r\033[K", stderr);
    progress_drawn = false;
}

/* One write per line keeps the lines of several ranks apart. */
static void say(const char *text)
{
    clear_progress();
    write_line(redirected != NULL ? redirected : stderr, text);
    if (copied != NULL)
        write_line(copied, text);
}

void qctx_info(const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;

    if (speaking_rank != 0)
        return;
    va_start(arguments, format);
    qctx_shown_vformat(line, sizeof line, format, arguments);
    va_end(arguments);
    say(line);
}

void qctx_warn(const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;
    int used = speaking_rank == 0 ? snprintf(line, sizeof line, "warning: ")
                                  : snprintf(line, sizeof line, "warning (rank %d): ", speaking_rank);

    va_start(arguments, format);
    qctx_shown_vformat(line + used, sizeof line - (size_t)used, format, arguments);
    va_end(arguments);
    say(line);
}

/* The two lines of an error. */
static const char *error_text(const qctx_error *error, char *text, size_t size)
{
    snprintf(text, size, "qctx-dist: %s%s%s", error->message, error->hint[0] != '\0' ? "\nhint: " : "", error->hint);
    return text;
}

void qctx_log_error(const qctx_error *error)
{
    char text[QCTX_ERROR_MESSAGE_MAX + QCTX_ERROR_HINT_MAX + 32];

    say(error_text(error, text, sizeof text));
}

void qctx_log_copy(FILE *out)
{
    copied = out;
}

void qctx_log_copy_error(const qctx_error *error)
{
    char text[QCTX_ERROR_MESSAGE_MAX + QCTX_ERROR_HINT_MAX + 32];

    if (copied != NULL)
        write_line(copied, error_text(error, text, sizeof text));
}

void qctx_log_copy_line(const char *line)
{
    if (copied != NULL)
        write_line(copied, line);
}

bool qctx_log_progress_shown(void)
{
    return speaking_rank == 0 && redirected == NULL && isatty(STDERR_FILENO);
}

static int terminal_columns(void)
{
    struct winsize window;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        return window.ws_col;
    return 80;
}

void qctx_log_progress(const char *format, ...)
{
    char line[512];
    va_list arguments;
    int columns;

    if (!qctx_log_progress_shown())
        return;
    va_start(arguments, format);
    qctx_shown_vformat(line, sizeof line, format, arguments);
    va_end(arguments);
    clear_progress();
    if (line[0] == '\0') {
        fflush(stderr);
        return;
    }
    /* A line that wraps could not be redrawn in place. */
    columns = terminal_columns();
    if (columns > 1 && (size_t)columns < sizeof line)
        line[columns - 1] = '\0';
    fputs(line, stderr);
    fflush(stderr);
    progress_drawn = true;
}
