#include "qctx/dataset/named_examples.h"

#include <stdlib.h>

#include "qctx/base/mem.h"

qctx_status qctx_named_examples_read(const qctx_examples *examples, int32_t source, qctx_store *store,
                                     qctx_named_examples *named, qctx_error *error)
{
    const int64_t questions = qctx_store_count(store, QCTX_QUESTION), contexts = qctx_store_count(store, QCTX_CONTEXT);
    qctx_status status = qctx_id_rows_read(store, QCTX_QUESTION, &named->questions, error);

    if (status == QCTX_OK)
        status = qctx_id_rows_read(store, QCTX_CONTEXT, &named->contexts, error);
    if (status != QCTX_OK)
        return status;
    named->example = qctx_alloc(questions, sizeof *named->example, "the examples of a file's ids", error);
    named->content = qctx_alloc(contexts, sizeof *named->content, "the examples of a file's ids", error);
    if (named->example == NULL || named->content == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t q = 0; q < questions; q++)
        named->example[q] = -1;
    for (int64_t i = 0; i < examples->count; i++)
        if (examples->source[i] == source)
            named->example[examples->question[i]] = i;
    return qctx_store_content(store, QCTX_CONTEXT, named->content, error);
}

void qctx_named_examples_free(qctx_named_examples *named)
{
    qctx_id_rows_free(&named->questions);
    qctx_id_rows_free(&named->contexts);
    free(named->example);
    free(named->content);
    *named = (qctx_named_examples){0};
}
