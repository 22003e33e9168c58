/* The questions of search, from the lines of rank 0's standard input to all ranks. */
#ifndef QCTX_CLI_QUESTIONS_H
#define QCTX_CLI_QUESTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"
#include "qctx/platform/terminal.h"

/* What is shown of a line that cannot be asked. */
enum { QCTX_QUESTION_SHOWN_BYTES = 1000 };

/* {0} but for comm and words_leave before the first question. */
typedef struct {
    qctx_comm *comm;
    bool words_leave;         /* "exit" and "quit" end the input; else they are questions */
    qctx_line_reader *reader; /* of rank 0 */
    int64_t line;             /* its number, from 1 */
} qctx_questions;

/*
 * `*question` = the next one, the same text on every rank and the caller's to free; NULL at the end. For a line that
 * is none (DATA: not UTF-8, with a NUL, without words, too long) the error says why, and on rank 0 `*question` is what
 * can be shown of it: UTF-8, of at most
 * QCTX_QUESTION_SHOWN_BYTES bytes, or some more where they were mended. The next call goes on behind it.
 * Collective. Errors: DATA, IO, MEMORY, STOPPED.
 */
qctx_status qctx_questions_next(qctx_questions *questions, char **question, qctx_error *error);
void qctx_questions_close(qctx_questions *questions);

#endif
