/* A store of made-up sentences and their hashing vectors, for tests of what stands behind the stores. */
#ifndef QCTX_TESTS_SUPPORT_SMALL_STORE_H
#define QCTX_TESTS_SUPPORT_SMALL_STORE_H

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "qctx/data/corpus.h"
#include "qctx/encoder/encoder.h"
#include "qctx/store/store.h"

enum { SMALL_CONTEXTS = 700, SMALL_QUESTIONS = 60, SMALL_DIM = 256 };

/* Context i and question i share the name of lamp i; question i is answered by contexts i and, if i is even, i + 1. */
typedef struct {
    char text[SMALL_CONTEXTS][64];
    char title[SMALL_CONTEXTS][32];
    char context_id[SMALL_CONTEXTS][16];
    char question[SMALL_QUESTIONS][64];
    char question_id[SMALL_QUESTIONS][16];
    const char *texts[SMALL_CONTEXTS];
    qctx_context contexts[SMALL_CONTEXTS];
    qctx_question questions[SMALL_QUESTIONS];
    int64_t rows[SMALL_QUESTIONS];
    int64_t offsets[SMALL_QUESTIONS + 1];
    int64_t answers[2 * SMALL_QUESTIONS];
    qctx_split split;
    qctx_corpus corpus;
    qctx_encoder *encoder;
    qctx_store *store;
} small_store;

/* Makes the texts, fits the encoder on all contexts, writes the store and opens it. Collective. */
small_store *small_open(void);

void small_close(small_store *small);

#endif
