#include "qctx/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int speaking_rank = 0;
static bool quiet_info = false;
static bool progress_drawn = false;

void qctx_log_set_rank(int rank)
{
    speaking_rank = rank;
}

void qctx_log_set_quiet(bool quiet)
{
    quiet_info = quiet;
}

FILE *qctx_log_redirect(FILE *out)
{
    (void)out;
    return NULL;
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

    if (speaking_rank != 0 || quiet_info)
        return;
    clear_progress();
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void qctx_warn(const char *format, ...)
{
    /* One write per line keeps the lines of several ranks apart. */
    char line[2048];
    va_list arguments;

    clear_progress();
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (speaking_rank == 0)
        fprintf(stderr, "warning: %s\n", line);
    else
        fprintf(stderr, "warning (rank %d): %s\n", speaking_rank, line);
}

void qctx_log_error(const qctx_error *error)
{
    clear_progress();
    fprintf(stderr, "qctx-dist: %s\n", error->message);
    if (error->hint[0] != '\0')
        fprintf(stderr, "hint: %s\n", error->hint);
}

bool qctx_progress_shown(void)
{
    return speaking_rank == 0 && !quiet_info && isatty(STDERR_FILENO);
}

static int terminal_columns(void)
{
    struct winsize window;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
        return window.ws_col;
    return 80;
}

void qctx_progress(const char *format, ...)
{
    char line[512];
    va_list arguments;
    int columns;

    if (!qctx_progress_shown())
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
