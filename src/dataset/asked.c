#include "qctx/dataset/asked.h"

#include <stdlib.h>

#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/dataset/context_keys.h"

/* Adds the contexts that the examples of one source make pairs with. */
static void add_source(const qctx_examples *examples, int32_t source, const qctx_context_keys *keys, qctx_asked *asked)
{
    for (int64_t i = 0; i < examples->count; i++)
        for (int64_t c = 0; c < examples->pairs[i] && examples->source[i] == source; c++) {
            const int64_t context = examples->contexts[examples->offsets[i] + c];

            asked->contents[asked->count] = keys->content[context];
            asked->groups[asked->count++] = keys->groups[context];
        }
}

qctx_status qctx_asked_list(const qctx_opened *opened, const qctx_examples *examples, qctx_asked *asked,
                            qctx_error *error)
{
    const int64_t most = examples->offsets[examples->count];
    qctx_status status = QCTX_OK;

    *asked = (qctx_asked){0};
    asked->contents = qctx_alloc(most, sizeof *asked->contents, "the contexts of training", error);
    asked->groups = qctx_alloc(most, sizeof *asked->groups, "the contexts of training", error);
    if (asked->contents == NULL || asked->groups == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < opened->train_count && status == QCTX_OK; s++) {
        qctx_context_keys keys = {0};

        status = qctx_context_keys_read(opened->train[s].store, &keys, error);
        if (status == QCTX_OK)
            add_source(examples, (int32_t)s, &keys, asked);
        qctx_context_keys_free(&keys);
    }
    qctx_sort_numbers(asked->contents, asked->count);
    qctx_sort_numbers(asked->groups, asked->count);
    return status;
}

void qctx_asked_free(qctx_asked *asked)
{
    free(asked->contents);
    free(asked->groups);
    *asked = (qctx_asked){0};
}

/* By a group that is not the content itself, a context has a title. */
static qctx_novelty_class class_of(const qctx_asked *asked, const qctx_context_keys *keys, int64_t context)
{
    const bool titled = keys->groups[context] != keys->content[context];

    if (qctx_sorted_has(asked->contents, asked->count, keys->content[context]))
        return QCTX_NEW_QUESTION;
    return titled && !qctx_sorted_has(asked->groups, asked->count, keys->groups[context]) ? QCTX_NEW_TITLE
                                                                                          : QCTX_NEW_CONTEXT;
}

qctx_status qctx_asked_classify(const qctx_asked *asked, const qctx_opened_source *source, unsigned char *classes,
                                qctx_error *error)
{
    const qctx_eval_set set = qctx_source_questions(source);
    qctx_context_keys keys = {0};
    qctx_status status = qctx_context_keys_read(source->store, &keys, error);

    for (int64_t q = 0; q < set.count && status == QCTX_OK; q++) {
        classes[q] = QCTX_NEW_TITLE;
        for (int64_t a = set.offsets[q]; a < set.offsets[q + 1]; a++) {
            qctx_novelty_class class;

            if (set.contexts[a] == QCTX_ABSENT)
                continue;
            class = class_of(asked, &keys, set.contexts[a]);
            if (class < classes[q])
                classes[q] = (unsigned char)class;
        }
    }
    qctx_context_keys_free(&keys);
    return status;
}

qctx_status qctx_asked_classify_all(const qctx_opened *opened, const qctx_examples *examples, unsigned char **classes,
                                    qctx_error *error)
{
    int64_t questions = 0, done = 0;
    qctx_asked asked = {0};
    qctx_status status = qctx_asked_list(opened, examples, &asked, error);

    for (int64_t s = 0; s < qctx_opened_reported_count(opened); s++)
        questions += qctx_source_questions(qctx_opened_reported(opened, s)).count;
    *classes = qctx_alloc(questions, sizeof **classes, "the evaluation", error);
    if (*classes == NULL)
        status = QCTX_ERR_MEMORY;
    for (int64_t s = 0; s < qctx_opened_reported_count(opened) && status == QCTX_OK; s++) {
        status = qctx_asked_classify(&asked, qctx_opened_reported(opened, s), *classes + done, error);
        done += qctx_source_questions(qctx_opened_reported(opened, s)).count;
    }
    qctx_asked_free(&asked);
    return status;
}
