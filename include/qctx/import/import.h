/*
 * Makes a corpus folder from question files. docs/corpora.md lists the formats with all names of keys and columns.
 *
 *   SQuAD  data[].paragraphs[] with context and qas[]; unanswerable: is_impossible, or no answers
 *   QuAC   the same with followup, yesno, orig_answer, background; unanswerable: CANNOTANSWER
 *   JSON   an array of records, or of articles as SQuAD has them, alone or under "data"; or a table as pandas'
 *          to_json writes it, in any of its orientations
 *   JSONL  a record a line
 *   TSV    rows divided by tabs, CSV by commas or semicolons, quoted as RFC 4180 has it; a first row that names a
 *          question and a context names the columns; without it rows are question, context
 *
 * A record is an object with a question and one or more contexts under one of the names known for them, or under
 * those that `columns` gives; with title, id, negatives and a label if it likes: or an array of a question, a context
 * and negatives. A row is a record whose keys are the columns. A record with a context and `answers` that say where
 * they begin is read as a question of SQuAD.
 *
 * The context of a SQuAD or QuAC question is the sentence that holds its answer (all sentences that the answer
 * touches), with `radius` sentences on either side. The answer is the first that stands at its answer_start, counted
 * in code points or else in UTF-16 units or bytes. If none does, the first that the paragraph holds is taken, where it
 * is nearest to its answer_start. Other contexts are taken whole.
 *
 * Equal contexts become one; a question repeated with the same context in the
 * same split is merged. The same id again, with the same question in the same
 * split, adds a further context to that question, and so does the same question
 * of records without ids; any other id that is taken gets a suffix. Runs of
 * white space become one space; within contexts those with line breaks become a line break, or an empty line. Contexts
 * that differ in that alone are equal.
 *
 * Contexts keep fields beside title and text: a sentence the paragraph in which it stands and, on request, what
 * surrounds it; a record what the user names. A context met again has the first of each field that it was met with.
 *
 * A record that is malformed is left out and counted, unless `strict`, or unless
 * more records of its file are malformed than not. Any file may be compressed by
 * gzip or zstd, and may be a pipe.
 */
#ifndef QCTX_IMPORT_IMPORT_H
#define QCTX_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/text/json.h"

enum { QCTX_IMPORT_FILES_MAX = 32, QCTX_IMPORT_FIELDS_MAX = 16 };

/* Fields of contexts that import makes itself. */
#define QCTX_IMPORT_PARAGRAPH    "paragraph"
#define QCTX_IMPORT_SURROUNDINGS "surroundings"

typedef enum {
    QCTX_IMPORT_AUTO, /* told from the content */
    QCTX_IMPORT_SQUAD,
    QCTX_IMPORT_QUAC,
    QCTX_IMPORT_JSON,
    QCTX_IMPORT_JSONL,
    QCTX_IMPORT_TSV,
    QCTX_IMPORT_CSV,
} qctx_import_format;
extern const char *const qctx_import_format_names[];

typedef struct {
    const char *split; /* a valid split name; unused with a hold-out */
    const char *path;
} qctx_import_file;

/* What a key or column holds. */
typedef enum {
    QCTX_IMPORT_QUESTION,
    QCTX_IMPORT_CONTEXT,
    QCTX_IMPORT_TITLE,
    QCTX_IMPORT_ID,
    QCTX_IMPORT_NEGATIVE,
    QCTX_IMPORT_LABEL,
    QCTX_IMPORT_ROLES,
} qctx_import_role;
extern const char *const qctx_import_role_names[];

/*
 * What a hold-out keeps on one side. Titles or contexts: what is held out asks for contexts that no training question
 * has, as on a new corpus. Questions: it asks anew for contexts that stay, as users of one corpus do.
 */
typedef enum { QCTX_HOLDOUT_TITLE, QCTX_HOLDOUT_CONTEXT, QCTX_HOLDOUT_QUESTION } qctx_holdout_unit;
extern const char *const qctx_holdout_unit_names[];

/* What to make, from what, and how. Texts are borrowed. */
typedef struct {
    const char *folder;
    bool force;
    qctx_import_file files[QCTX_IMPORT_FILES_MAX];
    int64_t file_count;
    qctx_import_format format;
    /*
     * The user's names of keys or columns, by role, or columns' numbers from 1: only what is named is taken then. All
     * NULL: the names that are known.
     */
    const char *columns[QCTX_IMPORT_ROLES];
    bool strict;    /* what would be mended or left out is an error */
    bool paragraph; /* SQuAD, QuAC: the context is the whole paragraph */
    int64_t radius; /* SQuAD, QuAC: sentences on either side */
    /*
     * A context with this many neighbours on either side is kept as its field "surroundings": a sentence with those of
     * its paragraph; a context that was taken whole with those of its title, as the file has them first. 0: none is.
     */
    int64_t surroundings;
    int64_t field_count;
    struct {
        const char *name; /* no key of its own of corpus.jsonl, and given once */
        const char *key;  /* of records, or of a paragraph or its article; a table's column, or its number from 1 */
    } fields[QCTX_IMPORT_FIELDS_MAX];
    /* "This is a question about {title}. ", QuAC also "Specifically, {section_title}. ", as QuestionContext did. */
    bool prefix;
    /*
     * QuAC: this many earlier questions of the dialog stand before the question. Questions only, as Qu et al.
     * (Open-Retrieval Conversational Question Answering, 2020) do: one who searches does not know the true answers.
     */
    int64_t history;
    double dev_share, test_share; /* hold-out: shares of all questions; both 0: the files' own splits */
    qctx_holdout_unit unit;       /* of the hold-out: no title on two sides (and no context), no context, no question */
    uint64_t seed;
} qctx_import_job;

/*
 * What became of one file's questions, one with several contexts counting once for each:
 * read = kept + merged + unanswerable + not_found + empty + no_pair.
 */
typedef struct {
    qctx_import_format format;
    int64_t read;
    int64_t kept;
    int64_t merged; /* the same question, context and split as an earlier one */
    int64_t unanswerable;
    int64_t not_found; /* no answer is in its paragraph */
    int64_t empty;     /* the question, the context or the answer has no text */
    int64_t no_pair;   /* a label or score says that question and context do not belong together */
    int64_t repaired;  /* of those kept or merged: the answer does not stand where its answer_start says */
    int64_t renamed;   /* of those kept: an id that was taken already */
    int64_t untitled;  /* of those kept: the job has a prefix, and they no title to put into it */
    int64_t negatives; /* contexts that are wrong for a question, beside those */
    qctx_json_mends mends;
    int64_t commas;                         /* that stood behind a record of JSONL, and were cut */
    int64_t malformed;                      /* records, paragraphs or questions left out, not in `read` */
    qctx_error first_problem;               /* why the first of them was left out */
    bool met[QCTX_IMPORT_ROLES];            /* a record has a key of this role */
    bool met_field[QCTX_IMPORT_FIELDS_MAX]; /* likewise, of the job's fields */
    char unused[256];                       /* keys that records have and nothing is taken from, "a, b"; "" if none */
} qctx_import_counts;

typedef struct {
    const char *name;
    int64_t questions;
    int64_t contexts;
    int64_t negatives; /* pairs in negatives/SPLIT.tsv */
} qctx_import_split;

typedef struct {
    qctx_import_counts files[QCTX_IMPORT_FILES_MAX];
    qctx_import_split splits[QCTX_IMPORT_FILES_MAX];
    int64_t split_count;
    int64_t shared[QCTX_IMPORT_FILES_MAX][QCTX_IMPORT_FILES_MAX]; /* contexts that two splits share */
    int64_t questions, contexts;                                  /* of the whole corpus */
    int64_t paragraphs, surroundings;                             /* contexts that have that field */
    int64_t fields[QCTX_IMPORT_FIELDS_MAX];                       /* likewise, of the job's */
    int64_t negatives;                                            /* of all splits */
    int64_t answering_negatives;                                  /* left out: they answer their question, too */
} qctx_import_report;

/*
 * Does the job. The hold-out is a function of the seed and of the texts, not of their order: groups of contexts
 * that share a title (or a question with several contexts), or of equal questions, are drawn in a random order and fill
 * test, then dev.
 * Local: one rank works. Errors: IO, FORMAT (file and line, or file and data[i].paragraphs[j].qas[k]), DATA (no
 * question is left for a split), EXISTS, STOPPED, USAGE (a split's name).
 */
qctx_status qctx_import_run(const qctx_import_job *job, qctx_import_report *report, qctx_error *error);

#endif
