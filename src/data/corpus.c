#include "qctx/data/corpus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "corpus_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/data/lines.h"
#include "qctx/text/json.h"

/* The id of a record: a text, or, as some data sets write it, a whole number. */
static qctx_status get_id(const json_t *record, const char *place, char *number, size_t number_bytes, const char **id,
                          qctx_error *error)
{
    const json_t *value = json_object_get(record, "_id");
    qctx_status status = QCTX_OK;

    if (json_is_integer(value)) {
        snprintf(number, number_bytes, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        *id = number;
    } else {
        status = qctx_json_get_string(record, "_id", NULL, place, id, error);
    }
    if (status == QCTX_OK && (*id)[0] == '\0')
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: '_id' is empty", place);
    return status;
}

static qctx_status keep_text(corpus_memory *memory, const char *text, const char **kept, qctx_error *error)
{
    *kept = qctx_arena_text(&memory->texts, text, strlen(text), error);
    return *kept == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* Enters an id that must be new, with its row. */
static qctx_status enter_id(qctx_textmap *rows, const char *id, int64_t row, const char *place, qctx_error *error)
{
    int64_t count = rows->count, kept;
    qctx_status status = qctx_textmap_add(rows, id, row, &kept, error);

    if (status == QCTX_OK && rows->count == count)
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: the id '%s' stands on an earlier line too", place, id);
    return status;
}

static qctx_status take_context(qctx_corpus *corpus, const json_t *record, const char *place, qctx_error *error)
{
    corpus_memory *memory = corpus->memory;
    qctx_context context = {0};
    const char *id, *title, *text;
    char number[32];
    qctx_status status = get_id(record, place, number, sizeof number, &id, error);

    if (status == QCTX_OK)
        status = qctx_json_get_string(record, "title", "", place, &title, error);
    if (status == QCTX_OK)
        status = qctx_json_get_string(record, "text", NULL, place, &text, error);
    if (status == QCTX_OK)
        status = keep_text(memory, id, &context.id, error);
    if (status != QCTX_OK)
        return status;
    /* Some BEIR corpora hold articles that consist of a title alone, or of nothing. */
    if (text[0] == '\0')
        text = title;
    if (text[0] == '\0') {
        memory->without_text++;
        return enter_id(&memory->context_rows, context.id, ROW_WITHOUT_TEXT, place, error);
    }
    status = keep_text(memory, title, &context.title, error);
    if (status == QCTX_OK)
        status = keep_text(memory, text, &context.text, error);
    if (status == QCTX_OK)
        status = enter_id(&memory->context_rows, context.id, corpus->context_count, place, error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&corpus->contexts, &memory->context_capacity, corpus->context_count + 1,
                           sizeof context, "contexts", error);
    if (status == QCTX_OK)
        corpus->contexts[corpus->context_count++] = context;
    return status;
}

static qctx_status take_question(qctx_corpus *corpus, const json_t *record, const char *place, qctx_error *error)
{
    corpus_memory *memory = corpus->memory;
    qctx_question question = {0};
    const char *id, *text;
    char number[32];
    qctx_status status = get_id(record, place, number, sizeof number, &id, error);

    if (status == QCTX_OK)
        status = qctx_json_get_string(record, "text", NULL, place, &text, error);
    if (status == QCTX_OK)
        status = keep_text(memory, id, &question.id, error);
    if (status != QCTX_OK)
        return status;
    if (text[0] == '\0') {
        memory->without_text++;
        return enter_id(&memory->question_rows, question.id, ROW_WITHOUT_TEXT, place, error);
    }
    status = keep_text(memory, text, &question.text, error);
    if (status == QCTX_OK)
        status = enter_id(&memory->question_rows, question.id, corpus->question_count, place, error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&corpus->questions, &memory->question_capacity, corpus->question_count + 1,
                           sizeof question, "questions", error);
    if (status == QCTX_OK)
        corpus->questions[corpus->question_count++] = question;
    return status;
}

typedef qctx_status take_record(qctx_corpus *corpus, const json_t *record, const char *place, qctx_error *error);

static qctx_status read_records(qctx_corpus *corpus, const char *folder, const char *name, take_record *take,
                                qctx_error *error)
{
    qctx_lines lines = {.hash = corpus->fingerprint};
    char file[CORPUS_FILE_MAX];
    const int forms = corpus_find_file(folder, name, file);
    char *path = qctx_path_join(folder, file, error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    bool more = true;

    if (status == QCTX_OK && forms > 1)
        status = corpus_refuse_forms(folder, name, error);
    if (status == QCTX_OK)
        status = qctx_lines_open(&lines, path, error);

    while (status == QCTX_OK) {
        json_t *record = NULL;

        status = qctx_lines_next(&lines, &more, error);
        if (status != QCTX_OK || !more)
            break;
        status = qctx_json_parse(lines.text, lines.length, lines.place, &record, error);
        if (status == QCTX_OK)
            status = take(corpus, record, lines.place, error);
        json_decref(record);
    }
    corpus->fingerprint = lines.hash;
    qctx_lines_close(&lines);
    free(path);
    return status;
}

/* Whoever made the folder by hand wants to know what belongs into it; a hint that is there already knows more. */
static void hint_at_layout(qctx_error *error)
{
    if (error != NULL && error->hint[0] == '\0' && error->code != QCTX_ERR_MEMORY)
        qctx_hint(error, "a corpus is a folder with corpus.jsonl and queries.jsonl (_id, text) and qrels/<split>.tsv; "
                         "qctx-dist import makes one");
}

static qctx_status open_local(const char *folder, qctx_corpus **opened, qctx_error *error)
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
        status = read_records(corpus, folder, "corpus.jsonl", take_context, error);
    if (status == QCTX_OK)
        status = read_records(corpus, folder, "queries.jsonl", take_question, error);
    if (status == QCTX_OK && corpus->context_count == 0)
        status = qctx_fail(error, QCTX_ERR_DATA, "%s: corpus.jsonl holds no context", folder);
    if (status == QCTX_OK && corpus->question_count == 0)
        status = qctx_fail(error, QCTX_ERR_DATA, "%s: queries.jsonl holds no question", folder);
    if (status == QCTX_OK)
        status = corpus_read_splits(corpus, folder, error);
    if (status != QCTX_OK)
        goto out;
    qctx_textmap_free(&corpus->memory->context_rows);
    qctx_textmap_free(&corpus->memory->question_rows);
    *opened = corpus;
    corpus = NULL;
out:
    if (status != QCTX_OK)
        hint_at_layout(error);
    qctx_corpus_destroy(corpus);
    return status;
}

qctx_status qctx_corpus_open(qctx_comm *comm, const char *folder, qctx_corpus **opened, qctx_error *error)
{
    qctx_corpus *corpus = NULL;
    qctx_status status = qctx_agree(comm, open_local(folder, &corpus, error), error);

    if (status != QCTX_OK)
        goto out;
    if (!qctx_comm_same(comm, corpus->fingerprint)) {
        status = qctx_fail(error, QCTX_ERR_MISMATCH, "%s: the ranks read different files under this name", folder);
        goto out;
    }
    if (corpus->memory->without_text > 0 && qctx_comm_rank(comm) == 0)
        qctx_warn("%s: left out %" PRId64 " records without any text, with their answers", folder,
                  corpus->memory->without_text);
    if (corpus->memory->unknown_questions + corpus->memory->unknown_contexts > 0 && qctx_comm_rank(comm) == 0)
        qctx_warn("%s: left out %" PRId64 " answers of questions that are not in queries.jsonl, and %" PRId64
                  " whose contexts are not in corpus.jsonl",
                  folder, corpus->memory->unknown_questions, corpus->memory->unknown_contexts);
    *opened = corpus;
    corpus = NULL;
out:
    qctx_corpus_destroy(corpus);
    return status;
}

void qctx_corpus_destroy(qctx_corpus *corpus)
{
    if (corpus == NULL)
        return;
    if (corpus->memory != NULL) {
        qctx_textmap_free(&corpus->memory->context_rows);
        qctx_textmap_free(&corpus->memory->question_rows);
        qctx_arena_free(&corpus->memory->texts);
    }
    qctx_splits_free(corpus->splits, corpus->split_count);
    free(corpus->contexts);
    free(corpus->questions);
    free(corpus->memory);
    free(corpus);
}

const qctx_split *qctx_corpus_split(const qctx_corpus *corpus, const char *name, qctx_error *error)
{
    return qctx_splits_find(corpus->splits, corpus->split_count, name, corpus->folder, error);
}

bool qctx_corpus_is(const char *path)
{
    char file[CORPUS_FILE_MAX];

    return qctx_path_is_folder(path) && corpus_find_file(path, "corpus.jsonl", file) > 0;
}
