#include "qctx/cli/questions.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/retrieval/search.h"
#include "qctx/text/text.h"

static bool leaves(const qctx_questions *questions, const char *line)
{
    return questions->words_leave && (strcmp(line, "quit") == 0 || strcmp(line, "exit") == 0);
}

/* Whether a line is a question, and if not, why. */
static qctx_status check(const char *line, size_t length, size_t lost, qctx_error *error)
{
    if (lost > 0)
        return qctx_fail(error, QCTX_ERR_DATA, "the question has %zu bytes, expected at most %d", length + lost,
                         QCTX_TERMINAL_LINE_BYTES);
    if (strlen(line) != length)
        return qctx_fail(error, QCTX_ERR_DATA, "the question holds a NUL character at byte %zu", strlen(line) + 1);
    return qctx_search_check(line, error);
}

/* The next question of rank 0, or what can be shown of a line that is none. */
static qctx_status read_question(qctx_questions *questions, char **question, qctx_error *error)
{
    const char *line = NULL;
    size_t length = 0, lost = 0;
    qctx_status status = QCTX_OK;

    if (questions->reader == NULL)
        status = qctx_line_reader_open("question> ", &questions->reader, error);
    if (status == QCTX_OK)
        status = qctx_line_reader_next(questions->reader, &line, &length, &lost, error);
    if (status != QCTX_OK || line == NULL || leaves(questions, line))
        return status;
    questions->line++;
    status = check(line, length, lost, error);
    if (status == QCTX_ERR_DATA && length > QCTX_QUESTION_SHOWN_BYTES)
        length = QCTX_QUESTION_SHOWN_BYTES;
    *question = qctx_text_mend(line, length, error);
    return *question == NULL ? QCTX_ERR_MEMORY : status;
}

qctx_status qctx_questions_next(qctx_questions *questions, char **question, qctx_error *error)
{
    qctx_comm *comm = questions->comm;
    char *line = NULL;
    size_t length;
    int64_t more;
    qctx_status status = qctx_comm_rank(comm) == 0 ? read_question(questions, &line, error) : QCTX_OK;

    *question = line;
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        return status;
    more = line != NULL;
    length = more ? strlen(line) : 0;
    qctx_comm_broadcast(comm, &more, sizeof more, 0);
    return more ? qctx_comm_broadcast_text(comm, question, &length, 0, error) : QCTX_OK;
}

void qctx_questions_close(qctx_questions *questions)
{
    qctx_line_reader_close(questions->reader);
    questions->reader = NULL;
}
