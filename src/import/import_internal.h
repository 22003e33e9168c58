/*
 * What the parts of import share. Readers turn files into records; the
 * collection merges what is equal and holds everything until it is written.
 */
#ifndef QCTX_IMPORT_IMPORT_INTERNAL_H
#define QCTX_IMPORT_IMPORT_INTERNAL_H

#include "qctx/base/arena.h"
#include "qctx/base/textmap.h"
#include "qctx/data/corpus_writer.h"
#include "qctx/data/input.h"
#include "qctx/import/import.h"
#include "qctx/text/json.h"
#include "qctx/text/text.h"

/* Places of a context's fields: those that import makes, and behind them the job's. */
enum { IMPORT_PARAGRAPH, IMPORT_SURROUNDINGS, IMPORT_OWN, IMPORT_SLOTS = IMPORT_OWN + QCTX_IMPORT_FIELDS_MAX };

/* By place; NULL or blank where there is none. Texts are borrowed, or point to `numbers`: a struct to be passed on. */
typedef struct {
    const char *texts[IMPORT_SLOTS];
    char numbers[QCTX_IMPORT_FIELDS_MAX][32];
} import_fields;

typedef struct {
    const char *text;
    const char *title;
    const char **fields; /* [IMPORT_OWN + the job's], NULL: it has none */
    int file;            /* where it was met first, whole: contexts of the same file surround it; −1: a sentence */
} import_context;

typedef struct {
    const char *id;
    const char *text;
    int entered_split;     /* the same before a hold-out */
    int split;             /* index into the collection's splits */
    int64_t reuses;        /* how often its id was met again on another question */
    int64_t first_context; /* one that its own belong with in a hold-out: its first, or that of a question alike */
} import_question;

/* One question answered by one context; the title is the record's own. */
typedef struct {
    int64_t question;
    int64_t context;
    const char *title;
} import_answer;

/* A context that is wrong for a question, and its place among all that were read. */
typedef struct {
    int64_t question;
    int64_t context;
    int64_t order;
} import_negative;

typedef struct {
    qctx_arena texts;
    import_context *contexts;
    int64_t context_count, context_capacity;
    import_question *questions;
    int64_t question_count, question_capacity;
    import_answer *answers;
    int64_t answer_count, answer_capacity;
    import_negative *negatives;
    int64_t negative_count, negative_capacity;
    const char *splits[QCTX_IMPORT_FILES_MAX]; /* borrowed */
    int split_count;
    qctx_textmap context_of_text; /* context's text without line breaks → context */
    qctx_textmap question_of_id;  /* id → question */
    qctx_textmap pairs;           /* split, context and question's text, as one text → question */
    qctx_textmap questions_alike; /* split and question's text, as one text → the first such question */
    const char *paragraph;        /* the last one that a context has for a field, which the next one may share */
} import_collection;

/* One question as a reader found it. Texts need not be squeezed; all are borrowed. */
typedef struct {
    const char *id;    /* NULL or blank: none */
    const char *title; /* "" if none */
    const char *lead;  /* what stands before the question: prefix and earlier turns; "" if nothing */
    const char *question;
    const char *context;
    const import_fields *fields; /* NULL: none */
    bool sentence;               /* the context stands in a paragraph, of which the fields tell */
    bool flat; /* a record of its own: it belongs with others of the same question, and joins them if it has no id */
} import_record;

/* A file being read. */
typedef struct {
    const qctx_import_job *job;
    const char *path;
    int file; /* its place among the job's */
    qctx_input *stream;
    int split;
    qctx_text *text;
    import_collection *collection;
    qctx_import_counts *counts;
} import_source;

/* Index of a split by name, entered if it is new. Local. Cannot fail: there are no more splits than files. */
int import_split(import_collection *collection, const char *name);

/*
 * Adds a record and counts what became of it; `read` and `repaired` are the reader's. `*question` is its row, also if
 * it is merged. Local. Errors: MEMORY.
 */
qctx_status import_add(const import_source *source, const import_record *record, int64_t *question, qctx_error *error);

/* Adds a context that is wrong for a question, taken whole; a blank one is passed over. Local. Errors: MEMORY. */
qctx_status import_add_negative(const import_source *source, int64_t question, const char *text, const char *title,
                                const import_fields *fields, qctx_error *error);

/*
 * Reads the job's fields as far as an object has them, over those that are there already. Local. Errors: FORMAT (a
 * value that is neither text nor number).
 */
qctx_status import_read_fields(const import_source *source, const json_t *object, const char *place,
                               import_fields *fields, qctx_error *error);

/* Whether one of the job's fields is under this key. Local. */
bool import_is_field(const qctx_import_job *job, const char *key);

/* The object's own spelling of a key, in whatever case it is written; NULL if it has none. Local. */
const char *import_find_key(const json_t *object, const char *name);

/* The place of the job's field number `index`, which may be one that import would make itself. Local. */
int import_slot(const qctx_import_job *job, int64_t index);

/* Keeps of a record's fields what its context has not yet. Local. Errors: MEMORY. */
qctx_status import_keep_fields(const import_source *source, int64_t context, const import_fields *fields,
                               qctx_error *error);

/* Lists a context's fields for the writer. Local. */
void import_list_fields(const import_context *context, const qctx_import_job *job,
                        qctx_corpus_writer_field fields[IMPORT_SLOTS]);

/* Gives contexts that were taken whole what surrounds them, and counts all fields. Local. Errors: MEMORY. */
qctx_status import_finish_fields(import_collection *collection, const qctx_import_job *job, qctx_import_report *report,
                                 qctx_error *error);

/*
 * What to do about a record that a reader could not use: counts it, keeps the first one's message and returns OK, or
 * returns `status` if that is no FORMAT or the job is strict. Local.
 */
qctx_status import_leave_out(const import_source *source, qctx_status status, const qctx_error *error);

/* Writes everything through `writer`, with the job's fields, and fills the report's totals. Local. Errors: IO, STOPPED.
 */
qctx_status import_write(const import_collection *collection, const qctx_import_job *job, qctx_corpus_writer *writer,
                         qctx_import_report *report, qctx_error *error);
void import_free(import_collection *collection);

/* Refuses a file that begins as no text in UTF-8 does, by the name of what it is. Local. Errors: FORMAT. */
qctx_status import_refuse_foreign(const import_source *source, const char *head, size_t bytes, qctx_error *error);

/* Refuses a text whose first line begins no table and no JSON, if it is of a kind that is known. Local. Errors: FORMAT.
 */
qctx_status import_refuse_text(const import_source *source, const char *text, size_t bytes, qctx_error *error);

/*
 * Refuses bytes of a text that are NUL or no UTF-8, by line and column; the text begins in line `line`. Local. Errors:
 * FORMAT.
 */
qctx_status import_check_text(const import_source *source, const char *text, size_t bytes, int64_t line,
                              qctx_error *error);

/*
 * The format by the first bytes of a stream, SQuAD standing for every JSON document, and what is no text or no UTF-8
 * refused by its name. Local. Errors: IO, FORMAT.
 */
qctx_status import_detect(const import_source *source, qctx_import_format *format, qctx_error *error);

/*
 * Whether an object is a table as pandas' to_json writes it: {"question": {"0": …}, …}, {"question": […], …},
 * {"0": {"question": …}, …} or {"columns": […], "data": [[…], …]}; and whether a text that begins with { and is not at
 * hand as a whole begins one. Local.
 */
bool import_is_frame(const qctx_import_job *job, const json_t *root);
bool import_begins_frame(const qctx_import_job *job, const char *text);

/* Replaces such a table by the array of its records. Local. Errors: FORMAT (a row of another length than the names). */
qctx_status import_unfold_frame(const import_source *source, json_t **root, qctx_error *error);

/* Readers of whole files. Local. Errors: FORMAT, MEMORY, IO, STOPPED. */
qctx_status import_read_document(const import_source *source, qctx_error *error);
qctx_status import_read_jsonl(const import_source *source, qctx_error *error);
qctx_status import_read_table(const import_source *source, qctx_error *error);

/* One article of SQuAD or QuAC, or one record; `place` is where it stands. Local. Errors: FORMAT, MEMORY. */
qctx_status import_read_article(const import_source *source, const json_t *article, const char *place,
                                qctx_error *error);
qctx_status import_read_record(const import_source *source, const json_t *record, const char *place, qctx_error *error);

/* Whether a table's column, or a record's key, is known to hold a question or a context. Local. */
bool import_names_question(const char *name);
bool import_names_context(const char *name);

/*
 * Whether something is taken from a key or column of this name, as --columns has it or else by the known names, or as a
 * field. Local.
 */
bool import_takes_key(const qctx_import_job *job, const char *name);

/* The names that are known, "question, query, …"; for messages. Local. */
#define IMPORT_KNOWN_QUESTIONS "question, query, anchor, sentence1"
#define IMPORT_KNOWN_CONTEXTS  "context, passage, positive, pos, document, answer, text, sentence2"

/* The keys of an object, "'a', 'b'", cut to fit. Local. */
void import_list_keys(const json_t *object, char *text, size_t size);

/* Keeps the name of a key from which nothing is taken, once, as far as there is room. Local. */
void import_note_unused(qctx_import_counts *counts, const char *key);

/* A paragraph in which answers are looked for. Start from {.text, .length}; end with import_free_paragraph. */
typedef struct {
    const char *text;
    size_t length;
    qctx_spans sentences; /* divided when the first answer asks for them */
    bool divided;
    qctx_span around;   /* the last answer's context with its neighbours, empty if it has none */
    char *whole;        /* a copy of the text, made when a field asks for it */
    char *surroundings; /* of the last answer's context */
} import_paragraph;

typedef enum { IMPORT_FOUND, IMPORT_UNANSWERABLE, IMPORT_NO_TEXT, IMPORT_NOT_FOUND } import_finding;

/*
 * Looks for a question's answer: `turn` has is_impossible and answers, as an array of {text, answer_start} or of texts,
 * or as an object of two arrays. `*span` are the bytes of its context. Counts what is repaired. Local. Errors: FORMAT,
 * MEMORY, INTERNAL.
 */
qctx_status import_find_answer(const import_source *source, import_paragraph *paragraph, const json_t *turn,
                               const char *place, import_finding *finding, qctx_span *span, qctx_error *error);

/*
 * Adds to `fields`, where they have it not yet, what a paragraph is for the context that was found in it last: itself,
 * and it with the sentences around.
 * The texts are the paragraph's, until the next call. Local. Errors: MEMORY.
 */
qctx_status import_describe_sentence(import_paragraph *paragraph, import_fields *fields, qctx_error *error);
void import_free_paragraph(import_paragraph *paragraph);

/* Counts a question that was read and whose answer was not found. Local. */
void import_count_finding(const import_source *source, import_finding finding);

/*
 * An id or a title, "" if there is none: a text or a whole number, with `reals` any number, written into `number`.
 * Local. Errors: FORMAT.
 */
qctx_status import_get_name(const json_t *record, const char *key, bool reals, const char *place, char number[32],
                            const char **text, qctx_error *error);

/* A number, or a text that is one, or a truth value as 1 or 0; false if it is none of these. Local. */
bool import_get_number(const json_t *value, double *number);

/*
 * The title of an article of SQuAD as text: it is the name of a page of Wikipedia, where underscores stand for spaces.
 * Freshly allocated. Local.
 */
char *import_page_title(const char *name, qctx_error *error);

/* "This is a question about {title}. Specifically, {section}. ", as far as there are such titles; freshly allocated. */
char *import_prefix(const qctx_import_job *job, const char *title, const char *section, qctx_error *error);

/* Whether a parsed file of SQuAD's shape is QuAC, by keys that only QuAC has. */
bool import_is_quac(const json_t *root);

/* Moves questions from the one split to train, dev and test. Local. Errors: DATA (a side stays empty), MEMORY. */
qctx_status import_hold_out(import_collection *collection, const qctx_import_job *job, qctx_error *error);

/* Tables: what their reader and the detection of formats share. */
enum { IMPORT_FIELDS_MAX = 256 };

/*
 * Counts the fields of the row at `at` and finds its end, the line break or the text's end. With `quoted` a field that
 * begins with a quote ends at its closing quote; false if there is none, or if text follows it. Local.
 */
bool import_measure_row(const char *at, const char *end, char delimiter, bool quoted, int64_t *fields,
                        const char **row_end);

/* Cuts a row that was measured into its fields, in place, NUL-terminated, without quotes: *row_end is written. Local.
 */
void import_split_row(char *at, char *row_end, char delimiter, bool quoted, char **fields);

/* A name of a column, trimmed; unless `exact` as keys are written, in lower case with _ for spaces. In place. Local. */
void import_tidy_name(char *name, bool exact);

typedef enum {
    IMPORT_NO_HEADER,
    IMPORT_HEADER,          /* names a question and a context, the known ones or the user's */
    IMPORT_UNKNOWN_HEADER,  /* is a header by one name, and the other is not known */
    IMPORT_NUMBERS,         /* no header; the user names columns by their numbers */
    IMPORT_NUMBERED_HEADER, /* a header, and the user names columns by their numbers */
} import_header;

/* Refuses a first row that holds one cell, as titles stand above tables. Local. Errors: FORMAT. */
qctx_status import_refuse_lone_cell(const char *place, qctx_error *error);

/* What a first row is. Local. */
import_header import_read_header(const qctx_import_job *job, const char *const *fields, int64_t count);

/* What divides the columns of a text's first row: a comma, a semicolon or a tab. Local. */
char import_tell_delimiter(const qctx_import_job *job, const char *text, size_t bytes);

/*
 * Whether the first row of a text names its columns, divided by tabs, commas or semicolons, or the user names them by
 * numbers that it has; then `*delimiter` is what divides it. Local.
 */
bool import_begins_table(const qctx_import_job *job, const char *text, size_t bytes, char *delimiter);

#endif
