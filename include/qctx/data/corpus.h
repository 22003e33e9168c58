/*
 * A corpus: contexts, questions, and per split which contexts answer which
 * question. On disk a BEIR folder (Thakur et al. 2021):
 *
 *   corpus.jsonl     {"_id": "c17", "title": "Eiffel Tower", "text": "It was designed by …"}
 *   queries.jsonl    {"_id": "q3", "text": "who designed the tower?"}
 *   qrels/train.tsv  query-id <TAB> corpus-id <TAB> score, with or without a header line
 *
 * Each file may be compressed by gzip or zstd, then with .gz or .zst behind its name; one that is there in two of
 * these forms is refused. Other keys of a context's line are its fields where they hold a text ("paragraph"), counted
 * here and read when somebody asks for one, and else ignored ("metadata"). In memory everything is an
 * index: contexts 0 … context_count − 1 and questions 0 … question_count − 1 in
 * file order; each split is a CSR list over its questions.
 */
#ifndef QCTX_DATA_CORPUS_H
#define QCTX_DATA_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/arena.h"
#include "qctx/base/status.h"
#include "qctx/data/split.h"
#include "qctx/platform/comm.h"

typedef struct {
    const char *id;    /* never empty, unique among contexts */
    const char *title; /* "" if none */
    const char *text;  /* never empty; where the file has none, the title: then it is the same pointer */
} qctx_context;

typedef struct {
    const char *id;
    const char *text;
} qctx_question;

/* A key of corpus.jsonl beside _id, title and text. */
typedef struct {
    const char *name;
    int64_t contexts;      /* that have a text under it, of more than white space */
    uint64_t hash;         /* of these contexts' rows and texts */
    const char *odd_place; /* "file:line" of the first value that is no string and not null; NULL if there is none */
    const char *odd_type;  /* what that is, "an object" */
} qctx_corpus_field;

typedef struct {
    int64_t context_count;
    qctx_context *contexts;
    int64_t field_count;
    qctx_corpus_field *fields; /* in the order in which the file has them first */
    int64_t question_count;
    qctx_question *questions;
    int64_t split_count;
    qctx_split *splits; /* in alphabetical order of their names */
    /*
     * Hash of all lines of all files that were read, and of the splits' names. A line of corpus.jsonl with fields
     * counts as if it were without them, as `import` would have written it.
     */
    uint64_t fingerprint;
    const char *folder; /* where it was read */
    struct qctx_corpus_memory *memory;
} qctx_corpus;

/*
 * Reads a corpus folder; every rank reads it and holds it whole. Lines of qrels with a score ≤ 0 are not answers, other
 * scores are grades; a context that answers, but is not there or has no text, stands as QCTX_ABSENT. A question without
 * answers in a split is not in that split; a split without questions is kept, with the counts of what was judged, and
 * qctx_corpus_split refuses it. Left out are records without any text (some BEIR corpora have them), repetitions of a
 * record, and judgements of unknown questions; rank 0 warns.
 * Collective. The caller destroys `*opened` (NULL-safe). Errors: IO, FORMAT (file:line: …; two texts under one id,
 * a missing key, not UTF-8, malformed line; a file in two forms), DATA (no contexts, no questions, no split with
 * questions), MISMATCH (the ranks see different files).
 */
qctx_status qctx_corpus_open(qctx_comm *comm, const char *folder, qctx_corpus **opened, qctx_error *error);
void qctx_corpus_destroy(qctx_corpus *corpus);

/*
 * The contexts alone, for a search: of the folder's files only corpus.jsonl is read, and need be there. Collective.
 * Errors: as above.
 */
qctx_status qctx_corpus_open_contexts(qctx_comm *comm, const char *folder, qctx_corpus **opened, qctx_error *error);

/*
 * A corpus of contexts alone from texts [count], none empty: copies of them, with their numbers from 1 as ids. `name`
 * stands for its folder. Local. Errors: MEMORY.
 */
qctx_status qctx_corpus_of_texts(const char *name, const char *const *texts, int64_t count, qctx_corpus **made,
                                 qctx_error *error);

/* The field of that name, or NULL if no context has such a key. Local. */
const qctx_corpus_field *qctx_corpus_find_field(const qctx_corpus *corpus, const char *name);

/*
 * Reads corpus.jsonl again for one of the corpus's fields: values [context_count] get the text of each context that has
 * one, kept in `texts`, and stay as they are for the others. Local. Errors: IO, FORMAT, MEMORY, STOPPED, MISMATCH (the
 * file is another by now).
 */
qctx_status qctx_corpus_read_field(const qctx_corpus *corpus, const qctx_corpus_field *field, qctx_arena *texts,
                                   const char **values, qctx_error *error);

/* The split of that name, or NULL with `error` filled (DATA, naming those that exist). Local. */
const qctx_split *qctx_corpus_split(const qctx_corpus *corpus, const char *name, qctx_error *error);

/* Whether the folder has a file for that split, which nobody has read yet. Local. */
bool qctx_corpus_has_split(const char *folder, const char *name);

/* Whether `path` looks like a corpus folder (it holds corpus.jsonl, plain or compressed). Local. */
bool qctx_corpus_is(const char *path);

#endif
