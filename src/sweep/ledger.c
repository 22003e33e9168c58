#include "qctx/sweep/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"
#include "qctx/platform/comm.h"

const char *const qctx_trial_state_names[] = {
    [QCTX_TRIAL_RUNNING] = "running",
    [QCTX_TRIAL_PAUSED] = "paused",
    [QCTX_TRIAL_FINISHED] = "finished",
    [QCTX_TRIAL_FAILED] = "failed",
    NULL,
};

qctx_status qctx_ledger_open(const char *folder, int64_t parameters, bool write, qctx_ledger **opened,
                             qctx_error *error)
{
    qctx_ledger *ledger = qctx_alloc(1, sizeof *ledger, "the ledger", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (ledger == NULL)
        return status;
    ledger->parameters = parameters;
    ledger->path = qctx_path_join(folder, "ledger.jsonl", error);
    ledger->lock_path = qctx_path_join(folder, "ledger.lock", error);
    if (ledger->path != NULL && ledger->lock_path != NULL)
        status = write ? qctx_folder_make(folder, error) : QCTX_OK;
    if (status != QCTX_OK) {
        qctx_ledger_close(ledger);
        return status;
    }
    *opened = ledger;
    return QCTX_OK;
}

void qctx_ledger_close(qctx_ledger *ledger)
{
    if (ledger == NULL)
        return;
    qctx_lockfile_release(ledger->lock);
    ledger_free_trials(ledger);
    free(ledger->path);
    free(ledger->lock_path);
    free(ledger);
}

const qctx_trial *qctx_ledger_trials(const qctx_ledger *ledger, int64_t *count)
{
    *count = ledger->count;
    return ledger->trials;
}

static qctx_status failed(const qctx_ledger *ledger, const char *what, qctx_error *error)
{
    return qctx_fail(error, qctx_status_of_write(errno), "%s: %s: %s", ledger->path, what, strerror(errno));
}

/* Reads what others appended since the last reading: text [*bytes], to be freed. */
static qctx_status read_rest(const qctx_ledger *ledger, int file, char **text, size_t *bytes, qctx_error *error)
{
    struct stat now;

    if (fstat(file, &now) != 0)
        return failed(ledger, "cannot look at it", error);
    if ((size_t)now.st_size < ledger->bytes)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: it has %lld bytes, but %zu were read: somebody cut or replaced it", ledger->path,
                         (long long)now.st_size, ledger->bytes);
    *text = qctx_alloc(now.st_size - (int64_t)ledger->bytes, 1, "the ledger", error);
    if (*text == NULL)
        return QCTX_ERR_MEMORY;
    *bytes = 0;
    while (ledger->bytes + *bytes < (size_t)now.st_size) {
        size_t at = ledger->bytes + *bytes;
        ssize_t got = pread(file, *text + *bytes, (size_t)now.st_size - at, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(ledger, "cannot read", error);
        if (got == 0)
            break;
        *bytes += (size_t)got;
    }
    return QCTX_OK;
}

static qctx_status take_line(qctx_ledger *ledger, const char *line, size_t bytes, qctx_error *error)
{
    char place[512];
    json_t *event = NULL;
    qctx_status status;

    snprintf(place, sizeof place, "%s:%lld", ledger->path, (long long)ledger->lines + 1);
    status = qctx_json_parse_unique(line, bytes, place, &event, error);
    if (status == QCTX_OK)
        status = ledger_apply(ledger, event, place, error);
    json_decref(event);
    if (status == QCTX_OK) {
        ledger->lines++;
        ledger->bytes += bytes + 1;
    }
    return status;
}

/* Takes in all whole lines; `*torn` are the bytes behind the last line end. */
static qctx_status take_lines(qctx_ledger *ledger, const char *text, size_t bytes, size_t *torn, qctx_error *error)
{
    size_t first = 0;

    for (size_t i = 0; i < bytes; i++) {
        qctx_status status;

        if (text[i] != '\n')
            continue;
        status = take_line(ledger, text + first, i - first, error);
        if (status != QCTX_OK)
            return status;
        first = i + 1;
    }
    *torn = bytes - first;
    return QCTX_OK;
}

static qctx_status cut_torn_line(const qctx_ledger *ledger, int file, size_t torn, qctx_error *error)
{
    qctx_warn("%s: its last line was torn by a kill and is cut off (%zu bytes)", ledger->path, torn);
    if (ftruncate(file, (off_t)ledger->bytes) != 0 || fsync(file) != 0)
        return failed(ledger, "cannot cut off a torn line", error);
    return QCTX_OK;
}

/* The file is opened anew each time: network file systems show what others wrote to one that is opened. */
static qctx_status catch_up(qctx_ledger *ledger, bool locked, qctx_error *error)
{
    int file = open(ledger->path, (locked ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC);
    char *text = NULL;
    size_t bytes = 0, torn = 0;
    qctx_status status;

    if (file < 0)
        return errno == ENOENT && ledger->bytes == 0 ? QCTX_OK : failed(ledger, "cannot open", error);
    status = read_rest(ledger, file, &text, &bytes, error);
    if (status == QCTX_OK)
        status = take_lines(ledger, text, bytes, &torn, error);
    if (status == QCTX_OK && torn > 0 && locked)
        status = cut_torn_line(ledger, file, torn, error);
    free(text);
    close(file);
    return status;
}

/*
 * Whoever takes the lock holds it for some milliseconds. A process that holds it for longer than a rank may be silent
 * is stuck, and all that wait for it would be, too.
 */
static qctx_status take_lock(qctx_ledger *ledger, qctx_error *error)
{
    const double began = qctx_clock_seconds(), most = qctx_comm_hang_timeout();
    qctx_error held;
    qctx_status status;

    while ((status = qctx_lockfile_take(ledger->lock_path, &ledger->lock, &held)) == QCTX_ERR_EXISTS &&
           (most <= 0 || qctx_clock_seconds() - began < most))
        qctx_comm_tell_alive();
    if (status != QCTX_ERR_EXISTS) {
        if (status != QCTX_OK && error != NULL)
            *error = held;
        return status;
    }
    qctx_fail(error, QCTX_ERR_HUNG, "%-s, and has kept its lock for %.0f s (run.hang_timeout)", held.message, most);
    return qctx_hint(error, "if that process does nothing any more, end it; then the same command goes on");
}

qctx_status qctx_ledger_lock(qctx_ledger *ledger, qctx_error *error)
{
    qctx_status status = take_lock(ledger, error);

    if (status != QCTX_OK)
        return status;
    status = catch_up(ledger, true, error);
    if (status != QCTX_OK)
        qctx_ledger_unlock(ledger);
    return status;
}

void qctx_ledger_unlock(qctx_ledger *ledger)
{
    qctx_lockfile_release(ledger->lock);
    ledger->lock = NULL;
}

qctx_status qctx_ledger_refresh(qctx_ledger *ledger, qctx_error *error)
{
    return catch_up(ledger, false, error);
}

static bool write_all(int file, const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t wrote = write(file, text, bytes);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        text += wrote;
        bytes -= (size_t)wrote;
    }
    return true;
}

static qctx_status write_line(const qctx_ledger *ledger, const char *line, qctx_error *error)
{
    int file;
    qctx_status status = qctx_file_append(ledger->path, false, &file, error);

    if (status != QCTX_OK)
        return status;
    if (!write_all(file, line, strlen(line)) || fsync(file) != 0) {
        status = failed(ledger, "cannot write", error);
        /* If not even that succeeds, whoever takes the lock next cuts off the torn line. */
        (void)!ftruncate(file, (off_t)ledger->bytes);
    }
    if (close(file) != 0 && status == QCTX_OK)
        status = failed(ledger, "cannot write", error);
    /* The name of a file that is new must last, too. */
    return status == QCTX_OK && ledger->bytes == 0 ? qctx_folder_sync_parent(ledger->path, error) : status;
}

static char *line_of(json_t *event, qctx_error *error)
{
    char now[32];
    char *text, *line;

    qctx_clock_timestamp(now, sizeof now);
    if (event == NULL || json_object_set_new(event, "host", json_string(qctx_comm_host())) != 0 ||
        json_object_set_new(event, "time", json_string(now)) != 0) {
        qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for an event of the ledger");
        return NULL;
    }
    text = qctx_json_dump(event, error);
    line = text == NULL ? NULL : qctx_format(error, "%s\n", text);
    free(text);
    return line;
}

qctx_status qctx_ledger_append(qctx_ledger *ledger, json_t *event, qctx_error *error)
{
    char *line = line_of(event, error);
    qctx_status status = line == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK)
        status = ledger_apply(ledger, event, "an event of the sweep", error);
    if (status == QCTX_OK)
        status = write_line(ledger, line, error);
    if (status == QCTX_OK) {
        ledger->lines++;
        ledger->bytes += strlen(line);
    }
    free(line);
    json_decref(event);
    return status;
}
