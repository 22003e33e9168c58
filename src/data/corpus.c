#include "qctx/data/corpus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "corpus_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/data/lines.h"
#include "qctx/text/json.h"

static qctx_status keep_text(corpus_memory *memory, const char *text, const char **kept, qctx_error *error)
{
    *kept = qctx_arena_text(&memory->texts, text, strlen(text), error);
    return *kept == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* What a record says, and the texts that an earlier one of the same id must have said, too. */
typedef struct {
    const char *id, *title, *text;
} record_texts;

static record_texts texts_of(const qctx_corpus *corpus, qctx_side side, int64_t row)
{
    if (row == ROW_WITHOUT_TEXT)
        return (record_texts){NULL, "", ""};
    if (side == QCTX_QUESTION)
        return (record_texts){corpus->questions[row].id, "", corpus->questions[row].text};
    return (record_texts){corpus->contexts[row].id, corpus->contexts[row].title, corpus->contexts[row].text};
}

/* Enters a record's id, which the arena keeps, with its row; one that is there already must have the same texts. */
static qctx_status enter_record(qctx_corpus *corpus, qctx_side side, const record_texts *record, int64_t row,
                                const char *place, bool *repeated, qctx_error *error)
{
    corpus_memory *memory = corpus->memory;
    qctx_textmap *rows = side == QCTX_QUESTION ? &memory->question_rows : &memory->context_rows;
    int64_t count = rows->count, kept;
    record_texts earlier;
    qctx_status status = qctx_textmap_add(rows, record->id, row, &kept, error);

    *repeated = status == QCTX_OK && rows->count == count;
    if (!*repeated)
        return status;
    earlier = texts_of(corpus, side, kept);
    memory->repeated++;
    if (strcmp(earlier.title, record->title) == 0 && strcmp(earlier.text, record->text) == 0)
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the id '%s' stands on an earlier line too, with another text", place,
                     record->id);
}

/* The texts of a record as the corpus keeps them; `text` is empty where there is none at all. Local. */
static qctx_status keep_record(corpus_memory *memory, record_texts *record, qctx_error *error)
{
    /* Some BEIR corpora hold articles that consist of a title alone, or of nothing. */
    const bool bare = record->text[0] == '\0';
    qctx_status status = keep_text(memory, record->id, &record->id, error);

    if (status == QCTX_OK)
        status = keep_text(memory, record->title, &record->title, error);
    if (status == QCTX_OK && !bare)
        status = keep_text(memory, record->text, &record->text, error);
    if (bare)
        record->text = record->title;
    return status;
}

static qctx_status add_context(qctx_corpus *corpus, const record_texts *texts, qctx_error *error)
{
    qctx_status status = qctx_grow((void **)&corpus->contexts, &corpus->memory->context_capacity,
                                   corpus->context_count + 1, sizeof *corpus->contexts, "contexts", error);

    if (status == QCTX_OK)
        corpus->contexts[corpus->context_count++] = (qctx_context){texts->id, texts->title, texts->text};
    return status;
}

static qctx_status add_question(qctx_corpus *corpus, const record_texts *texts, qctx_error *error)
{
    qctx_status status = qctx_grow((void **)&corpus->questions, &corpus->memory->question_capacity,
                                   corpus->question_count + 1, sizeof *corpus->questions, "questions", error);

    if (status == QCTX_OK)
        corpus->questions[corpus->question_count++] = (qctx_question){texts->id, texts->text};
    return status;
}

/* Takes a record of corpus.jsonl or queries.jsonl. */
static qctx_status take_record(qctx_corpus *corpus, qctx_side side, const json_t *record, const char *place,
                               qctx_error *error)
{
    const int64_t rows = side == QCTX_QUESTION ? corpus->question_count : corpus->context_count;
    record_texts texts = {.title = ""};
    char number[32];
    bool repeated = false;
    qctx_status status = corpus_get_id(record, place, number, &texts.id, error);

    if (status == QCTX_OK && side == QCTX_CONTEXT)
        status = qctx_json_get_string(record, "title", "", place, &texts.title, error);
    if (status == QCTX_OK)
        status = qctx_json_get_string(record, "text", NULL, place, &texts.text, error);
    if (status == QCTX_OK)
        status = keep_record(corpus->memory, &texts, error);
    if (status == QCTX_OK)
        status = enter_record(corpus, side, &texts, texts.text[0] == '\0' ? ROW_WITHOUT_TEXT : rows, place, &repeated,
                              error);
    if (status != QCTX_OK || repeated)
        return status;
    if (texts.text[0] == '\0') {
        corpus->memory->without_text++;
        return QCTX_OK;
    }
    return side == QCTX_QUESTION ? add_question(corpus, &texts, error) : add_context(corpus, &texts, error);
}

/* Whoever made the folder by hand wants to know what belongs into it; a hint that is there already knows more. */
static void hint_at_layout(qctx_error *error)
{
    if (error != NULL && error->hint[0] == '\0')
        qctx_hint(error, "a corpus is a folder with corpus.jsonl and queries.jsonl (_id, text) and qrels/<split>.tsv; "
                         "qctx-dist import makes one");
}

/* Takes a context's line with its fields, which are hashed apart: `before` are the lines before it. */
static qctx_status take_context(qctx_corpus *corpus, const json_t *record, uint64_t before, qctx_lines *lines,
                                qctx_error *error)
{
    const int64_t rows = corpus->context_count;
    qctx_status status = take_record(corpus, QCTX_CONTEXT, record, lines->place, error);

    if (status == QCTX_OK && corpus->context_count > rows)
        status = corpus_note_fields(corpus, record, lines->place, error);
    return status == QCTX_OK ? corpus_hash_without_fields(record, before, lines, error) : status;
}

static qctx_status read_records(qctx_corpus *corpus, const char *folder, const char *name, qctx_side side,
                                qctx_error *error)
{
    qctx_lines lines = {.hash = corpus->fingerprint};
    char *path = NULL;
    qctx_status status = corpus_open_lines(folder, name, &lines, &path, error);
    bool more = true;

    while (status == QCTX_OK) {
        const uint64_t before = lines.hash;
        json_t *record = NULL;

        status = qctx_lines_next(&lines, &more, error);
        if (status != QCTX_OK || !more)
            break;
        status = qctx_json_parse(lines.text, lines.length, lines.place, &record, error);
        if (status == QCTX_OK)
            status = side == QCTX_CONTEXT ? take_context(corpus, record, before, &lines, error)
                                          : take_record(corpus, side, record, lines.place, error);
        if (status != QCTX_OK && record != NULL &&
            (json_object_get(record, "_id") == NULL || json_object_get(record, "text") == NULL))
            hint_at_layout(error);
        json_decref(record);
    }
    corpus->fingerprint = lines.hash;
    qctx_lines_close(&lines);
    free(path);
    return status;
}

/* Questions and what answers them. */
static qctx_status read_questions(qctx_corpus *corpus, const char *folder, qctx_error *error)
{
    qctx_status status = read_records(corpus, folder, "queries.jsonl", QCTX_QUESTION, error);

    if (status == QCTX_OK && corpus->question_count == 0)
        status = qctx_fail(error, QCTX_ERR_DATA, "%s: queries.jsonl holds no question", folder);
    return status == QCTX_OK ? corpus_read_splits(corpus, folder, error) : status;
}

static qctx_status open_local(const char *folder, bool contexts_only, qctx_corpus **opened, qctx_error *error)
{
    qctx_corpus *corpus = NULL;
    qctx_status status = QCTX_ERR_MEMORY;

    if (!qctx_path_is_folder(folder)) {
        qctx_fail(error, QCTX_ERR_IO, "%s: cannot open the corpus: %s", folder,
                  qctx_path_exists(folder) ? "not a folder" : strerror(ENOENT));
        return qctx_hint(error, "qctx-dist import makes a corpus folder from question files");
    }
    corpus = qctx_alloc(1, sizeof *corpus, "a corpus", error);
    if (corpus == NULL)
        goto out;
    corpus->memory = qctx_alloc(1, sizeof *corpus->memory, "a corpus", error);
    if (corpus->memory == NULL)
        goto out;
    status = keep_text(corpus->memory, folder, &corpus->folder, error);
    if (status == QCTX_OK)
        status = read_records(corpus, folder, "corpus.jsonl", QCTX_CONTEXT, error);
    if (status == QCTX_OK && corpus->context_count == 0)
        status = qctx_fail(error, QCTX_ERR_DATA, "%s: corpus.jsonl holds no context", folder);
    if (status == QCTX_OK && !contexts_only)
        status = read_questions(corpus, folder, error);
    if (status != QCTX_OK)
        goto out;
    qctx_textmap_free(&corpus->memory->context_rows);
    qctx_textmap_free(&corpus->memory->question_rows);
    qctx_textmap_free(&corpus->memory->field_rows);
    *opened = corpus;
    corpus = NULL;
out:
    if (status == QCTX_ERR_IO || status == QCTX_ERR_DATA)
        hint_at_layout(error);
    qctx_corpus_destroy(corpus);
    return status;
}

/* What all ranks must have read alike: texts and answers, and the fields, which the fingerprint leaves out. */
static uint64_t hash_of_all(const qctx_corpus *corpus)
{
    uint64_t hash = corpus->fingerprint;

    for (int64_t i = 0; i < corpus->field_count; i++)
        hash = qctx_hash(&corpus->fields[i].hash, sizeof corpus->fields[i].hash,
                         qctx_hash_text(corpus->fields[i].name, hash));
    return hash;
}

static void warn_of_what_is_left_out(const qctx_corpus *corpus)
{
    const corpus_memory *memory = corpus->memory;
    int64_t unknown_questions = 0, unknown_contexts = 0, without_answer = 0;

    for (int64_t i = 0; i < corpus->split_count; i++) {
        const qctx_split *split = &corpus->splits[i];

        unknown_questions += split->judged.unknown_questions;
        unknown_contexts += split->judged.unknown_contexts;
        without_answer += split->judged.without_answer;
        if (split->count == 0)
            qctx_warn("%s: the split '%s' has no question with an answer and cannot be used", corpus->folder,
                      split->name);
    }
    if (memory->without_text > 0)
        qctx_warn("%s: left out %" PRId64 " record%s without any text", corpus->folder, memory->without_text,
                  qctx_plural(memory->without_text));
    if (memory->repeated > 0)
        qctx_warn("%s: %" PRId64 " records stand twice and are taken once", corpus->folder, memory->repeated);
    if (memory->contradictory > 0)
        qctx_warn("%s: %" PRId64 " judgements of qrels are overruled by a later line with another score",
                  corpus->folder, memory->contradictory);
    if (unknown_questions > 0)
        qctx_warn("%s: left out %" PRId64 " judgement%s of questions that are not in queries.jsonl", corpus->folder,
                  unknown_questions, qctx_plural(unknown_questions));
    if (unknown_contexts > 0)
        qctx_warn("%s: %" PRId64 " judged contexts are not in corpus.jsonl, or have no text; where they answer, they "
                  "count as not found",
                  corpus->folder, unknown_contexts);
    if (without_answer > 0)
        qctx_warn("%s: left out %" PRId64 " question%s of splits that no context answers, all scores being 0",
                  corpus->folder, without_answer, qctx_plural(without_answer));
}

static qctx_status open_corpus(qctx_comm *comm, const char *folder, bool contexts_only, qctx_corpus **opened,
                               qctx_error *error)
{
    qctx_corpus *corpus = NULL;
    qctx_status status = qctx_agree(comm, open_local(folder, contexts_only, &corpus, error), error);

    if (status != QCTX_OK)
        goto out;
    if (!qctx_comm_same(comm, hash_of_all(corpus))) {
        status = qctx_fail(error, QCTX_ERR_MISMATCH, "%s: the ranks read different files under this name", folder);
        goto out;
    }
    if (qctx_comm_rank(comm) == 0)
        warn_of_what_is_left_out(corpus);
    *opened = corpus;
    corpus = NULL;
out:
    qctx_corpus_destroy(corpus);
    return status;
}

qctx_status qctx_corpus_open(qctx_comm *comm, const char *folder, qctx_corpus **opened, qctx_error *error)
{
    return open_corpus(comm, folder, false, opened, error);
}

qctx_status qctx_corpus_open_contexts(qctx_comm *comm, const char *folder, qctx_corpus **opened, qctx_error *error)
{
    return open_corpus(comm, folder, true, opened, error);
}

void qctx_corpus_destroy(qctx_corpus *corpus)
{
    if (corpus == NULL)
        return;
    if (corpus->memory != NULL) {
        qctx_textmap_free(&corpus->memory->context_rows);
        qctx_textmap_free(&corpus->memory->question_rows);
        qctx_textmap_free(&corpus->memory->field_rows);
        qctx_arena_free(&corpus->memory->texts);
    }
    qctx_splits_free(corpus->splits, corpus->split_count);
    free(corpus->contexts);
    free(corpus->questions);
    free(corpus->fields);
    free(corpus->memory);
    free(corpus);
}

const qctx_split *qctx_corpus_split(const qctx_corpus *corpus, const char *name, qctx_error *error)
{
    return qctx_splits_find(corpus->splits, corpus->split_count, name, corpus->folder, error);
}

bool qctx_corpus_has_split(const char *folder, const char *name)
{
    char plain[CORPUS_FILE_MAX], file[CORPUS_FILE_MAX];
    int bytes = snprintf(plain, sizeof plain, "qrels/%s.tsv", name);

    return bytes > 0 && (size_t)bytes < sizeof plain && corpus_find_file(folder, plain, file) > 0;
}

bool qctx_corpus_is(const char *path)
{
    char file[CORPUS_FILE_MAX];

    return qctx_path_is_folder(path) && corpus_find_file(path, "corpus.jsonl", file) > 0;
}
