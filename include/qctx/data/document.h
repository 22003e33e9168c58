/*
 * A text file as contexts to be searched: its sentences, or its passages, the paragraphs that blank lines divide.
 *
 * The file may be a pipe, and compressed by gzip or zstd. A byte order mark is skipped, NUL characters are read as
 * blanks. White space within a context is one space, since tabs and line ends carry no meaning in a list of hits.
 */
#ifndef QCTX_DATA_DOCUMENT_H
#define QCTX_DATA_DOCUMENT_H

#include <stdbool.h>

#include "qctx/base/status.h"
#include "qctx/data/corpus.h"
#include "qctx/platform/comm.h"

/*
 * What a context has at most, in code points, which models read to the end: longer paragraphs are cut behind
 * sentences, so that as many stay together as fit; longer sentences between words, and words between code points.
 */
enum { QCTX_DOCUMENT_MOST = 1000 };

/*
 * Reads a text file: rank 0 does, every rank holds it. A line end ends a sentence (UAX #29), so that notes on lines of
 * their own stay apart; in a passage the lines are joined. The caller destroys `*opened`. Collective. Errors: IO,
 * MEMORY, FORMAT (not UTF-8: names the line; a PDF or another kind that is told by its beginning, by name), DATA (no
 * text in it).
 */
qctx_status qctx_document_open(qctx_comm *comm, const char *path, bool passages, qctx_corpus **opened,
                               qctx_error *error);

#endif
