/* What the parts of data/corpus share: the corpus in the making. */
#ifndef QCTX_DATA_CORPUS_INTERNAL_H
#define QCTX_DATA_CORPUS_INTERNAL_H

#include "qctx/base/arena.h"
#include "qctx/base/textmap.h"
#include "qctx/data/corpus.h"
#include "qctx/data/lines.h"
#include "qctx/data/side.h"
#include "qctx/text/json.h"

/* Everything that a corpus' pointers lead into, and what is needed only while it is read. */
typedef struct qctx_corpus_memory {
    qctx_arena texts;
    qctx_textmap context_rows, question_rows; /* id → row, or ROW_WITHOUT_TEXT */
    qctx_textmap field_rows;                  /* name → field */
    int64_t context_capacity, question_capacity, split_capacity, field_capacity;
    int64_t without_text;  /* records left out because they hold no text */
    int64_t repeated;      /* records that stand on an earlier line already, equal in id and texts */
    int64_t contradictory; /* judgements that a later line of the same question and context overrules */
} corpus_memory;

/* Stands for the row of a record that was left out: its answers are left out too. */
#define ROW_WITHOUT_TEXT INT64_MAX

/* Room for the name of a corpus' file with its NUL. */
#define CORPUS_FILE_MAX 96

/* The id of a record: a text, or, as some data sets write it, a whole number, written into `number`. Local. Errors:
 * FORMAT. */
qctx_status corpus_get_id(const json_t *record, const char *place, char number[32], const char **id, qctx_error *error);

/* Opens corpus.jsonl or queries.jsonl of a folder, plain or compressed; `*path` is the caller's to free, also after a
 * failure, and `lines` to close. Local. Errors: IO, FORMAT (it is there in several forms), MEMORY. */
qctx_status corpus_open_lines(const char *folder, const char *name, qctx_lines *lines, char **path, qctx_error *error);

/* Counts the fields of the context that was added last. Local. Errors: MEMORY. */
qctx_status corpus_note_fields(qctx_corpus *corpus, const json_t *record, const char *place, qctx_error *error);

/* The hash of all lines up to the current one, `before` it, as if it had no fields. Local. Errors: MEMORY. */
qctx_status corpus_hash_without_fields(const json_t *record, uint64_t before, qctx_lines *lines, qctx_error *error);

/*
 * file = the name under which "corpus.jsonl" or "queries.jsonl" stands in the folder: plain or compressed, and plain
 * where it is in none of these forms. Returns in how many it is there. Local.
 */
int corpus_find_file(const char *folder, const char *name, char file[CORPUS_FILE_MAX]);

/* Bytes of the split's name in that of a file of qrels ("dev.tsv", "dev.tsv.gz"); 0 for other files. Local. */
size_t corpus_split_name_length(const char *file);

/* Which of several forms is meant, nobody can tell: FORMAT. Local. */
qctx_status corpus_refuse_forms(const char *folder, const char *name, qctx_error *error);

/* Reads all .tsv files of `folder`/qrels, plain or compressed, as splits, in alphabetical order. Local. Errors: as
 * qctx_corpus_open. */
qctx_status corpus_read_splits(qctx_corpus *corpus, const char *folder, qctx_error *error);

#endif
