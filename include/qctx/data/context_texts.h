/*
 * The texts of a corpus' contexts as encoders see them: the title in front of the text, as the baselines of BEIR have
 * it (Thakur et al. 2021, dense retrieval in their `beir` package: title + " " + text, stripped), or the text alone.
 * Whatever encodes contexts or learns from them takes their texts from here.
 */
#ifndef QCTX_DATA_CONTEXT_TEXTS_H
#define QCTX_DATA_CONTEXT_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/arena.h"
#include "qctx/base/status.h"
#include "qctx/data/corpus.h"

typedef struct {
    const char **items; /* [context_count], the corpus's own or joined */
    qctx_arena joined;
} qctx_context_texts;

/*
 * The texts of all contexts, with their titles in front if `titles`; a context without title, or with nothing but one,
 * gives its text as it is. The corpus is borrowed. Local. The caller frees, also after a failure. Errors: MEMORY.
 */
qctx_status qctx_context_texts_make(const qctx_corpus *corpus, bool titles, qctx_context_texts *texts,
                                    qctx_error *error);
void qctx_context_texts_free(qctx_context_texts *texts);

/* One of them, freshly allocated, or NULL with `error` filled: title + " " + text without white space at the ends. */
char *qctx_context_text_join(const char *title, const char *text, qctx_error *error);

/* Whether `titles` makes a difference: some context has a title. Local. */
bool qctx_context_texts_differ(const qctx_corpus *corpus, bool titles);

/*
 * A hash of what encoders see of a corpus: its fingerprint where they see the texts alone, since earlier programs
 * knew nothing else, another where they see titles. Local.
 */
uint64_t qctx_context_texts_fingerprint(const qctx_corpus *corpus, bool titles);

#endif
