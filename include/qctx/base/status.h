/*
 * Status codes and the error record.
 *
 * Every function that can fail returns a qctx_status and fills the caller's
 * qctx_error. The status is also the exit code of the program, the same on all
 * ranks, so the values are documented and never reused.
 */
#ifndef QCTX_BASE_STATUS_H
#define QCTX_BASE_STATUS_H

typedef enum {
    QCTX_OK = 0,
    QCTX_ERR_INTERNAL = 1,  /* a defect of the program, or a library call that should not fail */
    QCTX_ERR_USAGE = 2,     /* command line: unknown command or option, missing or surplus argument */
    QCTX_ERR_CONFIG = 3,    /* configuration file or override: syntax, unknown key, value out of range */
    QCTX_ERR_IO = 4,        /* a file cannot be opened, read, written or renamed */
    QCTX_ERR_FORMAT = 5,    /* a file was read but is malformed or of another schema */
    QCTX_ERR_DATA = 6,      /* well-formed data that cannot be used: empty, NaN, zero vectors, too few rows */
    QCTX_ERR_MISMATCH = 7,  /* two things that must agree do not: dimensions, encoders, ranks, checkpoints */
    QCTX_ERR_EXISTS = 8,    /* the output exists and --force was not given */
    QCTX_ERR_MEMORY = 9,    /* an allocation failed */
    QCTX_ERR_NUMERIC = 10,  /* the loss or a gradient is not finite */
    QCTX_ERR_HUNG = 11,     /* ranks did not answer for run.hang_timeout */
    QCTX_ERR_DIVERGED = 12, /* the loss is finite, but far above where it began, and stays there */
    QCTX_ERR_SPACE = 13,    /* the disk, or the quota, is full */
    QCTX_STOPPED = 75,      /* asked to stop, and did so in good order: the same command with --resume goes on. The
                               number is EX_TEMPFAIL of sysexits.h: try again later */
} qctx_status;

/* Room for the errors of a whole configuration file, one a line. */
#define QCTX_ERROR_MESSAGE_MAX 4096
#define QCTX_ERROR_HINT_MAX    512

/*
 * What went wrong, owned by the caller and plain data, so that it can be
 * broadcast as bytes. `message` names file and place, what was found and what
 * was expected; `hint` says what to do about it and may be empty.
 */
typedef struct {
    qctx_status code;
    char message[QCTX_ERROR_MESSAGE_MAX];
    char hint[QCTX_ERROR_HINT_MAX];
} qctx_error;

/*
 * Fills `error` (which may be NULL) and returns `code`, so that a failure is one statement:
 *     return qctx_fail(error, QCTX_ERR_FORMAT, "%s:%d: not a number: '%s'", path, line, text);
 * Clears the hint. Local.
 */
qctx_status qctx_fail(qctx_error *error, qctx_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the hint to an error that was just filled; returns its code. Local. */
qctx_status qctx_hint(qctx_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Appends one more line to the message (used to report all errors of a file at once). A line that does not fit
 * is left out, and those after it; the message then ends in a line "…". Local.
 */
void qctx_error_append(qctx_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the failure of a write means by its errno: SPACE for a full disk or quota, else IO. Local. */
qctx_status qctx_status_of_write(int code);

/* Short English name of a code ("format", "io"), for logs and docs. Local. */
const char *qctx_status_name(qctx_status code);

#endif
