/* The examples of one training source by the ids of its store, by which files of others name questions and contexts. */
#ifndef QCTX_DATASET_NAMED_EXAMPLES_H
#define QCTX_DATASET_NAMED_EXAMPLES_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/dataset/examples.h"
#include "qctx/store/id_rows.h"
#include "qctx/store/store.h"

/* Start from {0}. */
typedef struct {
    qctx_id_rows questions, contexts;
    int64_t *example;  /* [questions of the store] the example of each, or −1 */
    uint64_t *content; /* [contexts of the store] as qctx_store_content has it */
} qctx_named_examples;

/* The caller frees them, also after a failure. Local. Errors: IO, MEMORY, MISMATCH. */
qctx_status qctx_named_examples_read(const qctx_examples *examples, int32_t source, qctx_store *store,
                                     qctx_named_examples *named, qctx_error *error);
void qctx_named_examples_free(qctx_named_examples *named);

#endif
