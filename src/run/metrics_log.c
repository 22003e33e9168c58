#include "qctx/run/metrics_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"

struct qctx_metrics_log {
    qctx_comm *comm;
    char *path;
    FILE *stream; /* rank 0 only */
};

/* The lines of a curve as they are read: where they are, and how many steps there were. */
typedef struct {
    const char *path;
    int64_t line;
    int64_t steps;
} curve;

static bool is_step(const json_t *event)
{
    const char *kind = json_string_value(json_object_get(event, "event"));

    return kind != NULL && strcmp(kind, "step") == 0;
}

static qctx_status expect_step(curve *read, int64_t step, qctx_error *error)
{
    if (step == read->steps + 1) {
        read->steps = step;
        return QCTX_OK;
    }
    qctx_fail(error, QCTX_ERR_DATA, "%s:%lld: step %lld, expected step %lld", read->path, (long long)read->line,
              (long long)step, (long long)read->steps + 1);
    return qctx_hint(error, "the file was changed or damaged: put it back, or begin the run anew with --force");
}

/* Writes the line into `out` if it is of a step, or of a complete evaluation, up to `place`. */
static qctx_status keep_line(curve *read, const char *line, size_t bytes, qctx_metrics_log_place place, FILE *out,
                             qctx_error *error)
{
    char where[1024];
    json_t *event = NULL;
    qctx_status status;
    int64_t step;
    bool kept;

    snprintf(where, sizeof where, "%s:%lld", read->path, (long long)++read->line);
    status = qctx_json_parse(line, bytes, where, &event, error);
    if (status != QCTX_OK)
        return status;
    status = qctx_json_get_integer(event, "step", -1, 0, INT64_MAX, where, &step, error);
    kept = step >= 0 && step <= (is_step(event) ? place.step : place.evaluated);
    if (status == QCTX_OK && kept && is_step(event))
        status = expect_step(read, step, error);
    if (status == QCTX_OK && kept)
        fwrite(line, 1, bytes + 1, out);
    json_decref(event);
    return status;
}

/* What a kill tore has no end of line; a machine that went down may leave zeros, where the text ends too. */
static qctx_status keep_lines(const char *path, const char *text, qctx_metrics_log_place place, FILE *out,
                              qctx_error *error)
{
    curve read = {.path = path};

    for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        qctx_status status = keep_line(&read, line, (size_t)(end - line), place, out, error);

        if (status != QCTX_OK)
            return status;
    }
    if (read.steps >= place.step)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_DATA, "%s: step %lld is missing, the checkpoint has %lld steps", path,
              (long long)read.steps + 1, (long long)place.step);
    return qctx_hint(error, "the file was changed or damaged: put it back, or begin the run anew with --force");
}

static qctx_status rewrite_until(const char *path, qctx_metrics_log_place place, qctx_error *error)
{
    qctx_outfile *file = NULL;
    char *text = NULL;
    size_t bytes;
    qctx_status status = qctx_file_read_inside(path, &text, &bytes, error);

    if (status == QCTX_OK)
        status = qctx_outfile_open(path, &file, error);
    if (status == QCTX_OK)
        status = keep_lines(path, text, place, qctx_outfile_stream(file), error);
    if (status == QCTX_OK)
        status = qctx_outfile_commit(file, error);
    else
        qctx_outfile_discard(file);
    free(text);
    return status;
}

static qctx_status open_local(qctx_metrics_log *log, qctx_metrics_log_place place, qctx_error *error)
{
    bool resumes = place.step >= 0;
    qctx_status status = resumes ? rewrite_until(log->path, place, error) : QCTX_OK;

    if (status == QCTX_OK)
        status = qctx_stream_append(log->path, !resumes, &log->stream, error);
    /* Its name must last as its lines do: no checkpoint is of use without them. */
    return status == QCTX_OK ? qctx_folder_sync_parent(log->path, error) : status;
}

qctx_status qctx_metrics_log_open(qctx_comm *comm, const char *path, qctx_metrics_log_place place,
                                  qctx_metrics_log **opened, qctx_error *error)
{
    qctx_metrics_log *log = qctx_alloc(1, sizeof *log, "the metrics file", error);
    qctx_status status = log == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (log != NULL) {
        log->comm = comm;
        log->path = qctx_strdup(path, error);
        if (log->path == NULL)
            status = QCTX_ERR_MEMORY;
        else if (qctx_comm_rank(comm) == 0)
            status = open_local(log, place, error);
    }
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        qctx_metrics_log_close(log);
    else
        *opened = log;
    return status;
}

void qctx_metrics_log_write(qctx_metrics_log *log, json_t *event)
{
    if (log->stream != NULL && event != NULL) {
        qctx_json_print(event, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9), log->stream);
        fputc('\n', log->stream);
    }
    json_decref(event);
}

qctx_status qctx_metrics_log_flush(qctx_metrics_log *log, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    errno = 0;
    if (log->stream != NULL && (fflush(log->stream) != 0 || ferror(log->stream) || fsync(fileno(log->stream)) != 0)) {
        int code = errno != 0 ? errno : EIO;

        status = qctx_fail(error, qctx_status_of_write(code), "%s: cannot write: %s", log->path, strerror(code));
    }
    return qctx_agree(log->comm, status, error);
}

void qctx_metrics_log_close(qctx_metrics_log *log)
{
    if (log == NULL)
        return;
    if (log->stream != NULL)
        fclose(log->stream);
    free(log->path);
    free(log);
}
