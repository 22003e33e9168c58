/*
 * What the parts of data/import share. Readers turn files into records; the
 * collection merges what is equal and holds everything until it is written.
 */
#ifndef QCTX_DATA_IMPORT_INTERNAL_H
#define QCTX_DATA_IMPORT_INTERNAL_H

#include "qctx/base/arena.h"
#include "qctx/base/textmap.h"
#include "qctx/data/corpus_writer.h"
#include "qctx/data/import.h"
#include "qctx/platform/json.h"
#include "qctx/platform/text.h"

typedef struct {
    const char *text;
    const char *title;
} import_context;

typedef struct {
    const char *id;
    const char *text;
    int split;             /* index into the collection's splits */
    int64_t reuses;        /* how often its id was met again on another question */
    int64_t first_context; /* of its answers */
} import_question;

/* One question answered by one context; the title is the record's own. */
typedef struct {
    int64_t question;
    int64_t context;
    const char *title;
} import_answer;

typedef struct {
    qctx_arena texts;
    import_context *contexts;
    int64_t context_count, context_capacity;
    import_question *questions;
    int64_t question_count, question_capacity;
    import_answer *answers;
    int64_t answer_count, answer_capacity;
    const char *splits[QCTX_IMPORT_FILES_MAX]; /* borrowed */
    int split_count;
    qctx_textmap context_of_text; /* context's text → context */
    qctx_textmap question_of_id;  /* id → question */
    qctx_textmap pairs;           /* split, context and question's text, as one text */
} import_collection;

/* One question as a reader found it. Texts need not be squeezed; all are borrowed. */
typedef struct {
    const char *id;    /* NULL or blank: none */
    const char *title; /* "" if none */
    const char *lead;  /* what stands before the question: prefix and earlier turns; "" if nothing */
    const char *question;
    const char *context;
} import_record;

/* A file being read. */
typedef struct {
    const qctx_import_job *job;
    const char *path;
    int split;
    qctx_text *text;
    import_collection *collection;
    qctx_import_counts *counts;
} import_source;

/* Index of a split by name, entered if it is new. Local. Cannot fail: there are no more splits than files. */
int import_split(import_collection *collection, const char *name);

/* Adds a record and counts what became of it; `read` and `repaired` are the reader's. Local. Errors: MEMORY. */
qctx_status import_add(const import_source *source, const import_record *record, qctx_error *error);

/* Writes everything through `writer` and fills the report's totals. Local. Errors: IO. */
qctx_status import_write(const import_collection *collection, qctx_corpus_writer *writer, qctx_import_report *report,
                         qctx_error *error);
void import_free(import_collection *collection);

/* Readers. Local. Errors: FORMAT, MEMORY, IO. `root` is the parsed file. */
qctx_status import_read_squad(const import_source *source, const json_t *root, qctx_error *error);
qctx_status import_read_jsonl(const import_source *source, qctx_error *error);
qctx_status import_read_tsv(const import_source *source, qctx_error *error);

/* The id of a record, NULL if it has none: a text, or a whole number written into `number`. Errors: FORMAT. */
qctx_status import_get_id(const json_t *record, const char *key, const char *place, char number[32], const char **id,
                          qctx_error *error);

/* "This is a question about {title}. Specifically, {section}. ", as far as there are such titles; freshly allocated. */
char *import_prefix(const qctx_import_job *job, const char *title, const char *section, qctx_error *error);

/* Whether a parsed file of SQuAD's shape is QuAC, by keys that only QuAC has. */
bool import_is_quac(const json_t *root);

/* Moves questions from the one split to train, dev and test. Local. Errors: DATA (a side stays empty), MEMORY. */
qctx_status import_hold_out(import_collection *collection, const qctx_import_job *job, qctx_error *error);

#endif
