/* The sentences of a text file as contexts to be searched. */
#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/retrieval/search.h"
#include "qctx/text/text.h"

static qctx_status read_utf8(const char *path, char **text, size_t *bytes, qctx_error *error)
{
    qctx_status status = qctx_file_read(path, text, bytes, error);
    size_t bad;
    int64_t line = 1;

    if (status != QCTX_OK || qctx_text_is_utf8(*text, *bytes, &bad))
        return status;
    for (size_t i = 0; i < bad; i++)
        line += (*text)[i] == '\n';
    qctx_fail(error, QCTX_ERR_FORMAT, "%s:%lld: the text is not UTF-8", path, (long long)line);
    return qctx_hint(error, "convert it first, for example: iconv -f latin1 -t utf-8");
}

static qctx_status copy_sentences(const char *path, const char *text, const qctx_spans *spans, char ***sentences,
                                  int64_t *count, qctx_error *error)
{
    if (spans->count == 0)
        return qctx_fail(error, QCTX_ERR_DATA, "%s: there are no sentences to search", path);
    *sentences = qctx_alloc(spans->count, sizeof **sentences, "sentences", error);
    if (*sentences == NULL)
        return QCTX_ERR_MEMORY;
    for (*count = 0; *count < spans->count; (*count)++) {
        const qctx_span *span = &spans->items[*count];

        /* Runs of white space, tabs of a table say, carry no meaning in a list of hits. */
        (*sentences)[*count] = qctx_text_squeeze(text + span->first, (size_t)(span->end - span->first), error);
        if ((*sentences)[*count] == NULL)
            return QCTX_ERR_MEMORY;
    }
    return QCTX_OK;
}

static qctx_status cut_sentences(const char *path, const char *text, size_t bytes, char ***sentences, int64_t *count,
                                 qctx_error *error)
{
    qctx_text *tools = NULL;
    qctx_spans spans = {0};
    qctx_status status = qctx_text_create(&tools, error);

    if (status == QCTX_OK)
        status = qctx_text_sentences(tools, text, bytes, &spans, error);
    if (status == QCTX_OK)
        status = copy_sentences(path, text, &spans, sentences, count, error);
    free(spans.items);
    qctx_text_destroy(tools);
    return status;
}

qctx_status qctx_search_read_sentences(qctx_comm *comm, const char *path, char ***sentences, int64_t *count,
                                       qctx_error *error)
{
    char *text = NULL;
    size_t bytes = 0;
    qctx_status status = QCTX_OK;

    *sentences = NULL;
    *count = 0;
    if (qctx_comm_rank(comm) == 0)
        status = read_utf8(path, &text, &bytes, error);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = qctx_comm_broadcast_text(comm, &text, &bytes, 0, error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, cut_sentences(path, text, bytes, sentences, count, error), error);
    if (status != QCTX_OK) {
        qctx_search_free_texts(*sentences, *count);
        *sentences = NULL;
    }
    free(text);
    return status;
}

void qctx_search_free_texts(char **texts, int64_t count)
{
    for (int64_t i = 0; i < count && texts != NULL; i++)
        free(texts[i]);
    free(texts);
}
