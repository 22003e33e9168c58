#include "qctx/run/run_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"

struct qctx_run_log {
    char *path; /* NULL before there is a file */
    FILE *file; /* NULL then, and after a failure */
    FILE *memory;
    char *said; /* what `memory` holds */
    size_t bytes;
};

qctx_run_log *qctx_run_log_begin(void)
{
    qctx_run_log *log = qctx_alloc(1, sizeof *log, "the run's log", NULL);

    if (log == NULL)
        return NULL;
    log->memory = open_memstream(&log->said, &log->bytes);
    qctx_log_copy(log->memory);
    return log;
}

/* Without its file the run goes on. The copy ends first, since this is said, too. */
static void give_up(qctx_run_log *log, const char *why)
{
    qctx_log_copy(NULL);
    if (log->file != NULL)
        fclose(log->file);
    log->file = NULL;
    qctx_warn("%-s; the run goes on without its log", why);
}

static void check(qctx_run_log *log)
{
    qctx_error why;

    errno = 0;
    if (log->file == NULL || (fflush(log->file) == 0 && !ferror(log->file)))
        return;
    qctx_write_failed(log->path, "cannot write", errno, &why);
    give_up(log, why.message);
}

/* What a kill tore has no end of line. */
static void end_torn_line(qctx_run_log *log)
{
    FILE *kept = NULL;

    if (qctx_file_open_inside(log->path, &kept, NULL) == QCTX_OK && fseek(kept, -1, SEEK_END) == 0 &&
        fgetc(kept) != '\n')
        fputc('\n', log->file);
    if (kept != NULL)
        fclose(kept);
}

void qctx_run_log_open(qctx_run_log *log, const char *path, bool goes_on)
{
    qctx_error why;

    if (log == NULL)
        return;
    log->path = qctx_strdup(path, NULL);
    if (log->path == NULL || qctx_stream_append(path, !goes_on, &log->file, &why) != QCTX_OK) {
        give_up(log, log->path == NULL ? "out of memory" : why.message);
        return;
    }
    end_torn_line(log);
    if (log->memory != NULL && fflush(log->memory) == 0)
        fwrite(log->said, 1, log->bytes, log->file);
    qctx_log_copy(log->file);
    check(log);
}

void qctx_run_log_sync(qctx_run_log *log)
{
    if (log == NULL)
        return;
    check(log);
    if (log->file != NULL)
        fsync(fileno(log->file));
}

void qctx_run_log_end(qctx_run_log *log, const qctx_error *failure)
{
    if (log == NULL)
        return;
    if (log->file != NULL && failure != NULL)
        qctx_log_copy_error(failure);
    qctx_run_log_sync(log);
    qctx_log_copy(NULL);
    if (log->file != NULL)
        fclose(log->file);
    if (log->memory != NULL)
        fclose(log->memory);
    free(log->said);
    free(log->path);
    free(log);
}
