/*
 * What training questions ask for: the contents of their right contexts, and these contexts' titles. By it the
 * questions of an evaluation are told apart (evaluation/novelty).
 */
#ifndef QCTX_DATASET_ASKED_H
#define QCTX_DATASET_ASKED_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/dataset/examples.h"
#include "qctx/dataset/opened.h"
#include "qctx/evaluation/novelty.h"

/* Ascending numbers, as qctx_store_content and qctx_store_groups give them. */
typedef struct {
    int64_t count;
    uint64_t *contents; /* [count] */
    uint64_t *groups;   /* [count] */
} qctx_asked;

/* Of the contexts that the examples make pairs with. The caller frees it, also after a failure. Local. Errors: IO,
 * MEMORY. */
qctx_status qctx_asked_list(const qctx_opened *opened, const qctx_examples *examples, qctx_asked *asked,
                            qctx_error *error);
void qctx_asked_free(qctx_asked *asked);

/*
 * classes [questions of the source] receives what each asks for, a qctx_novelty_class: with several right contexts the
 * best known of them. Where the source's contexts have no titles, a context that is not asked for is a NEW_CONTEXT.
 * Local. Errors: IO, MEMORY.
 */
qctx_status qctx_asked_classify(const qctx_asked *asked, const qctx_opened_source *source, unsigned char *classes,
                                qctx_error *error);

/*
 * The same for the questions of all evaluation sources and guards, one after another, by what the examples ask for. The
 * caller frees the classes. Local. Errors: IO, MEMORY.
 */
qctx_status qctx_asked_classify_all(const qctx_opened *opened, const qctx_examples *examples, unsigned char **classes,
                                    qctx_error *error);

#endif
