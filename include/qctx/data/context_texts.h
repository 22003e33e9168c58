/*
 * The texts of a corpus' contexts as encoders see them, by the name of a field: the text alone; the title in front of
 * it, as the baselines of BEIR have it (Thakur et al. 2021, dense retrieval in their `beir` package: title + " " +
 * text, stripped); the title alone; or what corpus.jsonl has under any other key, such as the paragraph in which a
 * sentence stands. Whatever encodes contexts or learns from them takes their texts from here.
 */
#ifndef QCTX_DATA_CONTEXT_TEXTS_H
#define QCTX_DATA_CONTEXT_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/arena.h"
#include "qctx/base/status.h"
#include "qctx/data/corpus.h"

/* Fields that every corpus has; all other names are keys of corpus.jsonl. */
#define QCTX_CONTEXT_TEXT        "text"
#define QCTX_CONTEXT_TITLE       "title"
#define QCTX_CONTEXT_TITLED_TEXT "title+text"

/* The field that is seen with titles in front, or without. Local. */
const char *qctx_context_field(bool titles);

/*
 * Refuses a field that no context has, with those that there are, and one that is no text somewhere; "text" and
 * "title+text" are always right. Nothing is read. Local. Errors: DATA, FORMAT ("file:line: …").
 */
qctx_status qctx_context_field_check(const qctx_corpus *corpus, const char *field, qctx_error *error);

/* Warns of contexts that lack the field, whose text stands for it, by their number. Local; for one rank to call. */
void qctx_context_field_warn(const qctx_corpus *corpus, const char *field);

typedef struct {
    const char **items; /* [context_count], the corpus's own, joined, or read */
    qctx_arena kept;
} qctx_context_texts;

/*
 * The texts of all contexts in a field that was checked. A context that lacks it, or has nothing but white space in it,
 * gives its text. Joined with its title is what has one; a context with nothing but a title gives that as it is. Fields
 * beside title and text are read from the corpus's file again. The corpus is borrowed. Local. The caller frees, also
 * after a failure. Errors: MEMORY; of such a field those of qctx_corpus_read_field.
 */
qctx_status qctx_context_texts_make(const qctx_corpus *corpus, const char *field, qctx_context_texts *texts,
                                    qctx_error *error);
void qctx_context_texts_free(qctx_context_texts *texts);

/* One of them, freshly allocated, or NULL with `error` filled: title + " " + text without white space at the ends. */
char *qctx_context_text_join(const char *title, const char *text, qctx_error *error);

/* Whether some context has something else in the field than its text. Local. */
bool qctx_context_texts_differ(const qctx_corpus *corpus, const char *field);

/*
 * A hash of what encoders see of a corpus: its fingerprint where they see the texts alone, since earlier programs
 * knew nothing else, another for each field beside it. Local.
 */
uint64_t qctx_context_texts_fingerprint(const qctx_corpus *corpus, const char *field);

#endif
