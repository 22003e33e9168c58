#include "qctx/engine/tracker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"

struct qctx_tracker {
    qctx_comm *comm;
    char *path;
    FILE *stream; /* rank 0 only */
};

/* Copies the lines of steps up to `last` into `out`; a torn last line is what a kill leaves, and is dropped. */
static qctx_status keep_lines(const char *path, char *text, int64_t last, FILE *out, qctx_error *error)
{
    int64_t number = 0;

    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char place[1024];
        json_t *event = NULL;
        qctx_status status;

        snprintf(place, sizeof place, "%s:%lld", path, (long long)++number);
        status = qctx_json_parse(line, (size_t)(end - line), place, &event, error);
        if (status != QCTX_OK)
            return status;
        if (json_integer_value(json_object_get(event, "step")) <= last)
            fwrite(line, 1, (size_t)(end - line) + 1, out);
        json_decref(event);
    }
    return QCTX_OK;
}

static qctx_status rewrite_until(const char *path, int64_t last, qctx_error *error)
{
    qctx_outfile *file = NULL;
    char *text = NULL;
    size_t bytes;
    qctx_status status = qctx_file_read(path, &text, &bytes, error);

    if (status == QCTX_OK)
        status = qctx_outfile_open(path, &file, error);
    if (status == QCTX_OK)
        status = keep_lines(path, text, last, qctx_outfile_stream(file), error);
    if (status == QCTX_OK)
        status = qctx_outfile_commit(file, error);
    else
        qctx_outfile_discard(file);
    free(text);
    return status;
}

static qctx_status open_local(qctx_tracker *tracker, int64_t resume_step, qctx_error *error)
{
    bool resumes = resume_step >= 0 && qctx_path_exists(tracker->path);

    if (resumes) {
        qctx_status status = rewrite_until(tracker->path, resume_step, error);

        if (status != QCTX_OK)
            return status;
    }
    tracker->stream = fopen(tracker->path, resumes ? "ab" : "wb");
    if (tracker->stream == NULL)
        return qctx_write_failed(tracker->path, "cannot open for writing", errno, error);
    return QCTX_OK;
}

qctx_status qctx_tracker_open(qctx_comm *comm, const char *path, qctx_tracker_place place, qctx_tracker **opened,
                              qctx_error *error)
{
    qctx_tracker *tracker = qctx_alloc(1, sizeof *tracker, "the metrics file", error);
    qctx_status status = tracker == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (tracker != NULL) {
        tracker->comm = comm;
        tracker->path = qctx_strdup(path, error);
        if (tracker->path == NULL)
            status = QCTX_ERR_MEMORY;
        else if (qctx_comm_rank(comm) == 0)
            status = open_local(tracker, place.step, error);
    }
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        qctx_tracker_close(tracker);
    else
        *opened = tracker;
    return status;
}

void qctx_tracker_write(qctx_tracker *tracker, json_t *event)
{
    if (tracker->stream != NULL && event != NULL) {
        json_dumpf(event, tracker->stream, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
        fputc('\n', tracker->stream);
    }
    json_decref(event);
}

qctx_status qctx_tracker_flush(qctx_tracker *tracker, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    errno = 0;
    if (tracker->stream != NULL &&
        (fflush(tracker->stream) != 0 || ferror(tracker->stream) || fsync(fileno(tracker->stream)) != 0))
        status = qctx_write_failed(tracker->path, "cannot write", errno, error);
    return qctx_agree(tracker->comm, status, error);
}

void qctx_tracker_close(qctx_tracker *tracker)
{
    if (tracker == NULL)
        return;
    if (tracker->stream != NULL)
        fclose(tracker->stream);
    free(tracker->path);
    free(tracker);
}
