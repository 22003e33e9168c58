#include "qctx/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "qctx/base/clock.h"

static int speaking_rank = 0;
static bool progress_drawn = false;
static FILE *redirected = NULL; /* or NULL: standard error */

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

/* Where a line goes, with its beginning written: the time, in a file that is read afterwards. */
static FILE *begin_line(void)
{
    char now[32];

    if (redirected == NULL)
        return stderr;
    qctx_clock_timestamp(now, sizeof now);
    fprintf(redirected, "%s ", now);
    return redirected;
}

/* What is redirected is buffered by its stream, and read while the work goes on. */
static void end_line(FILE *out)
{
    if (out != stderr)
        fflush(out);
}

static void clear_progress(void)
{
    if (progress_drawn)
        fputs("\r\033[K", stderr);
    progress_drawn = false;
}

void qctx_info(const char *format, ...)
{
    va_list arguments;
    FILE *out;

    if (speaking_rank != 0)
        return;
    clear_progress();
    out = begin_line();
    va_start(arguments, format);
    vfprintf(out, format, arguments);
    va_end(arguments);
    fputc('\n', out);
    end_line(out);
}

void qctx_warn(const char *format, ...)
{
    /* One write per line keeps the lines of several ranks apart. */
    char line[2048];
    va_list arguments;
    FILE *out;

    clear_progress();
    out = begin_line();
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (speaking_rank == 0)
        fprintf(out, "warning: %s\n", line);
    else
        fprintf(out, "warning (rank %d): %s\n", speaking_rank, line);
    end_line(out);
}

void qctx_log_error(const qctx_error *error)
{
    FILE *out;

    clear_progress();
    out = begin_line();
    fprintf(out, "qctx-dist: %s\n", error->message);
    if (error->hint[0] != '\0')
        fprintf(out, "hint: %s\n", error->hint);
    end_line(out);
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
    vsnprintf(line, sizeof line, format, arguments);
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
