/*
 * Makes a corpus folder from question files: SQuAD 1.1 and 2.0, QuAC 0.2, JSONL
 * and TSV.
 *
 *   SQuAD  data[].paragraphs[] with context and qas[]; unanswerable: is_impossible, or no answers
 *   QuAC   the same with followup, yesno, orig_answer, background; unanswerable: CANNOTANSWER
 *   JSONL  {"question": …, "context": …, "title": …, "id": …}, title and id optional; "query" is taken for
 *          question, "passage" and "positive" for context, "_id" for id
 *   TSV    question TAB context [TAB title], with or without a header line that begins "question" or "query"
 *
 * The context of a SQuAD or QuAC question is the sentence that holds its first
 * answer (all sentences that the answer touches), with `radius` sentences on
 * either side. An answer_start at which the answer does not stand is repaired:
 * the answer's nearest occurrence in the paragraph is taken. JSONL and TSV
 * contexts are taken whole.
 *
 * Equal contexts become one; a question repeated with the same context in the
 * same split is merged. The same id again, with the same question in the same
 * split, adds a further context to that question; any other id that is taken
 * gets a suffix. Runs of white space become one space.
 */
#ifndef QCTX_DATA_IMPORT_H
#define QCTX_DATA_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

enum { QCTX_IMPORT_FILES_MAX = 32 };

typedef enum {
    QCTX_IMPORT_AUTO, /* told from the content */
    QCTX_IMPORT_SQUAD,
    QCTX_IMPORT_QUAC,
    QCTX_IMPORT_JSONL,
    QCTX_IMPORT_TSV,
} qctx_import_format;
extern const char *const qctx_import_format_names[];

typedef struct {
    const char *split; /* a valid split name; unused with a hold-out */
    const char *path;
} qctx_import_file;

/* What to make, from what, and how. Texts are borrowed. */
typedef struct {
    const char *folder;
    bool force;
    qctx_import_file files[QCTX_IMPORT_FILES_MAX];
    int64_t file_count;
    qctx_import_format format;
    bool paragraph; /* SQuAD, QuAC: the context is the whole paragraph */
    int64_t radius; /* SQuAD, QuAC: sentences on either side */
    /* "This is a question about {title}. ", QuAC also "Specifically, {section_title}. ", as QuestionContext did. */
    bool prefix;
    /*
     * QuAC: this many earlier questions of the dialog stand before the question. Questions only, as Qu et al.
     * (Open-Retrieval Conversational Question Answering, 2020) do: one who searches does not know the true answers.
     */
    int64_t history;
    double dev_share, test_share; /* hold-out: shares of all questions; both 0: the files' own splits */
    bool by_title;                /* no title on two sides of the hold-out, rather than no context only */
    uint64_t seed;
} qctx_import_job;

/* What became of one file's questions: read = kept + merged + unanswerable + not_found + empty. */
typedef struct {
    qctx_import_format format;
    int64_t read;
    int64_t kept;
    int64_t merged; /* the same question, context and split as an earlier one */
    int64_t unanswerable;
    int64_t not_found; /* the answer is not in its paragraph */
    int64_t empty;     /* the question, the context or the answer has no text */
    int64_t repaired;  /* of those kept or merged: a wrong answer_start */
    int64_t renamed;   /* of those kept: an id that was taken already */
} qctx_import_counts;

typedef struct {
    const char *name;
    int64_t questions;
    int64_t contexts;
} qctx_import_split;

typedef struct {
    qctx_import_counts files[QCTX_IMPORT_FILES_MAX];
    qctx_import_split splits[QCTX_IMPORT_FILES_MAX];
    int64_t split_count;
    int64_t shared[QCTX_IMPORT_FILES_MAX][QCTX_IMPORT_FILES_MAX]; /* contexts that two splits share */
    int64_t questions, contexts;                                  /* of the whole corpus */
} qctx_import_report;

/*
 * Does the job. The hold-out is a function of the seed and of the texts, not of their order: groups of contexts
 * that share a title (or a question with several contexts) are drawn in a random order and fill test, then dev.
 * Local: one rank works. Errors: IO, FORMAT (file and line, or file and data[i].paragraphs[j].qas[k]), DATA (no
 * question is left for a split), EXISTS, USAGE (a split's name).
 */
qctx_status qctx_import_run(const qctx_import_job *job, qctx_import_report *report, qctx_error *error);

#endif
