#include "qctx/data/corpus_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/lockfile.h"
#include "qctx/base/mem.h"
#include "qctx/base/outfile.h"
#include "qctx/data/corpus.h"
#include "qctx/platform/stop.h"
#include "qctx/text/json.h"

/* Records and answers that are written between two looks at whether to stop. */
enum { BETWEEN_LOOKS = 1024 };

typedef struct {
    char *name;
    FILE *stream;
} split_file;

struct qctx_corpus_writer {
    char *folder;
    char *partial; /* a temporary folder, NULL until it is made */
    bool force;
    qctx_lockfile *lock; /* of the final name */
    FILE *contexts, *questions;
    FILE *negatives;  /* NULL until there are some */
    json_t *negative; /* the line of negatives that is being made, or NULL */
    split_file *splits;
    int64_t split_count, split_capacity;
    int64_t written; /* records and answers */
};

static qctx_status open_stream(const char *folder, const char *name, FILE **stream, qctx_error *error)
{
    char *path = qctx_path_join(folder, name, error);
    qctx_status status = QCTX_OK;

    if (path == NULL)
        return QCTX_ERR_MEMORY;
    *stream = fopen(path, "wb");
    if (*stream == NULL)
        status = qctx_write_failed(path, "cannot open for writing", errno, error);
    free(path);
    return status;
}

static qctx_status write_failed(const qctx_corpus_writer *writer, qctx_error *error)
{
    return qctx_write_failed(writer->folder, "cannot write", errno, error);
}

/* Only what is a corpus may be replaced: --force beside a wrong name must not cost a folder of something else. */
static qctx_status may_be_written(const char *folder, bool force, qctx_error *error)
{
    struct stat found;
    qctx_status status;

    if (strcmp(folder, "-") == 0) {
        qctx_fail(error, QCTX_ERR_USAGE, "'-': a corpus is a folder, which standard output cannot take");
        return qctx_hint(error, "name the folder to make");
    }
    status = qctx_path_must_not_exist(folder, force, error);
    if (status == QCTX_OK && lstat(folder, &found) == 0 && S_ISLNK(found.st_mode)) {
        qctx_fail(error, QCTX_ERR_EXISTS, "%s: is a link, and only a corpus itself is replaced", folder);
        return qctx_hint(error, "name the folder that it leads to, or remove the link");
    }
    if (status == QCTX_OK && qctx_path_exists(folder) && !qctx_corpus_is(folder)) {
        qctx_fail(error, QCTX_ERR_EXISTS, "%s: exists and is no corpus; only a corpus is replaced", folder);
        status = qctx_hint(error, "choose another name");
    }
    return status;
}

/* Beside the corpus, and hidden: it is there only while a writer is at work. */
static qctx_status take_lock(qctx_corpus_writer *writer, qctx_error *error)
{
    const char *base = qctx_path_base(writer->folder);
    char *path = qctx_format(error, "%.*s.%s.lock", (int)(base - writer->folder), writer->folder, base);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_lockfile_take(path, &writer->lock, error);

    free(path);
    return status;
}

static qctx_status make_folders(qctx_corpus_writer *writer, qctx_error *error)
{
    qctx_status status = qctx_outfolder_make(writer->folder, &writer->partial, error);
    char *qrels = status == QCTX_OK ? qctx_path_join(writer->partial, "qrels", error) : NULL;

    if (status == QCTX_OK)
        status = qrels == NULL ? QCTX_ERR_MEMORY : qctx_folder_make(qrels, error);
    free(qrels);
    return status;
}

qctx_status qctx_corpus_writer_open(const char *folder, bool force, qctx_corpus_writer **opened, qctx_error *error)
{
    qctx_corpus_writer *writer = qctx_alloc(1, sizeof *writer, "a corpus writer", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (writer == NULL)
        return status;
    writer->force = force;
    writer->folder = qctx_path_trim(folder, error);
    if (writer->folder != NULL)
        status = may_be_written(writer->folder, force, error);
    if (status == QCTX_OK)
        status = make_folders(writer, error);
    if (status == QCTX_OK)
        status = take_lock(writer, error);
    if (status == QCTX_OK)
        status = open_stream(writer->partial, "corpus.jsonl", &writer->contexts, error);
    if (status == QCTX_OK)
        status = open_stream(writer->partial, "queries.jsonl", &writer->questions, error);
    if (status == QCTX_OK)
        *opened = writer;
    else
        qctx_corpus_writer_discard(writer);
    return status;
}

static qctx_status look(qctx_corpus_writer *writer, qctx_error *error)
{
    return ++writer->written % BETWEEN_LOOKS == 0 ? qctx_stop_check(error) : QCTX_OK;
}

/* Writes one record as a line; takes `record` over, which may be NULL. */
static qctx_status write_record(qctx_corpus_writer *writer, FILE *stream, json_t *record, const char *id,
                                qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (record == NULL)
        return qctx_fail(error, QCTX_ERR_DATA, "%s: the record '%s' is not valid UTF-8", writer->folder, id);
    errno = 0;
    if (json_dumpf(record, stream, 0) != 0 || fputc('\n', stream) == EOF)
        status = write_failed(writer, error);
    json_decref(record);
    return status == QCTX_OK ? look(writer, error) : status;
}

qctx_status qctx_corpus_writer_context(qctx_corpus_writer *writer, const char *id, const char *title, const char *text,
                                       qctx_error *error)
{
    json_t *record = json_pack("{s:s, s:s, s:s}", "_id", id, "title", title != NULL ? title : "", "text", text);

    return write_record(writer, writer->contexts, record, id, error);
}

qctx_status qctx_corpus_writer_question(qctx_corpus_writer *writer, const char *id, const char *text, qctx_error *error)
{
    return write_record(writer, writer->questions, json_pack("{s:s, s:s}", "_id", id, "text", text), id, error);
}

static qctx_status add_split(qctx_corpus_writer *writer, const char *name, FILE **stream, qctx_error *error)
{
    split_file split = {0};
    char *file = NULL;
    qctx_status status;

    if (!qctx_split_name_is_valid(name))
        return qctx_fail(error, QCTX_ERR_USAGE, "'%s' cannot be the name of a split: expected letters, digits, _ - .",
                         name);
    status = qctx_grow((void **)&writer->splits, &writer->split_capacity, writer->split_count + 1,
                       sizeof *writer->splits, "splits", error);
    if (status != QCTX_OK)
        return status;
    split.name = qctx_strdup(name, error);
    file = qctx_format(error, "qrels/%s.tsv", name);
    if (split.name == NULL || file == NULL)
        status = QCTX_ERR_MEMORY;
    else
        status = open_stream(writer->partial, file, &split.stream, error);
    free(file);
    if (status != QCTX_OK) {
        free(split.name);
        return status;
    }
    writer->splits[writer->split_count++] = split;
    *stream = split.stream;
    if (fputs("query-id\tcorpus-id\tscore\n", split.stream) == EOF)
        return write_failed(writer, error);
    return QCTX_OK;
}

qctx_status qctx_corpus_writer_answer(qctx_corpus_writer *writer, const char *split, const char *question_id,
                                      const char *context_id, qctx_error *error)
{
    FILE *stream = NULL;

    for (int64_t i = 0; i < writer->split_count && stream == NULL; i++)
        if (strcmp(writer->splits[i].name, split) == 0)
            stream = writer->splits[i].stream;
    if (stream == NULL) {
        qctx_status status = add_split(writer, split, &stream, error);

        if (status != QCTX_OK)
            return status;
    }
    errno = 0;
    if (fprintf(stream, "%s\t%s\t1\n", question_id, context_id) < 0)
        return write_failed(writer, error);
    return look(writer, error);
}

/* Writes the line of negatives that was being made, if there is one. */
static qctx_status end_negatives(qctx_corpus_writer *writer, qctx_error *error)
{
    json_t *record = writer->negative;

    writer->negative = NULL;
    return record == NULL ? QCTX_OK : write_record(writer, writer->negatives, record, "negatives", error);
}

qctx_status qctx_corpus_writer_negative(qctx_corpus_writer *writer, const char *question_id, const char *context_id,
                                        qctx_error *error)
{
    const char *before = json_string_value(json_object_get(writer->negative, "query-id"));
    qctx_status status = QCTX_OK;

    if (writer->negatives == NULL)
        status = open_stream(writer->partial, "negatives.jsonl", &writer->negatives, error);
    if (status == QCTX_OK && (before == NULL || strcmp(before, question_id) != 0)) {
        status = end_negatives(writer, error);
        writer->negative = json_pack("{s:s, s:[]}", "query-id", question_id, "corpus-ids");
    }
    if (status == QCTX_OK &&
        json_array_append_new(json_object_get(writer->negative, "corpus-ids"), json_string(context_id)) != 0)
        status = qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for negatives");
    return status;
}

/* Flushes, syncs and closes; a write error of earlier counts too. */
static bool close_durably(FILE **stream)
{
    bool good = !ferror(*stream);

    errno = 0;
    good = fflush(*stream) == 0 && good;
    good = good && fsync(fileno(*stream)) == 0;
    good = fclose(*stream) == 0 && good;
    *stream = NULL;
    return good;
}

static qctx_status close_all(qctx_corpus_writer *writer, qctx_error *error)
{
    qctx_status status = end_negatives(writer, error);
    char *inside;
    bool good;

    if (status != QCTX_OK)
        return status;
    good = close_durably(&writer->contexts) && close_durably(&writer->questions);
    good = good && (writer->negatives == NULL || close_durably(&writer->negatives));
    for (int64_t i = 0; i < writer->split_count && good; i++)
        good = close_durably(&writer->splits[i].stream);
    if (!good)
        return write_failed(writer, error);
    inside = qctx_path_join(writer->partial, "qrels/.", error);
    status = inside == NULL ? QCTX_ERR_MEMORY : qctx_folder_sync_parent(inside, error);
    free(inside);
    return status;
}

/*
 * An older corpus steps aside for the moment between two renames, into a folder made for it, and comes back if the
 * second one fails.
 */
static qctx_status replace(const qctx_corpus_writer *writer, qctx_error *error)
{
    char *aside = NULL;
    qctx_status status = qctx_outfolder_make(writer->folder, &aside, error);

    if (status != QCTX_OK)
        return status;
    if (rename(writer->folder, aside) != 0)
        status = qctx_write_failed(writer->folder, "cannot move the older corpus aside", errno, error);
    if (status == QCTX_OK)
        status = qctx_file_publish_new(writer->partial, writer->folder, error);
    if (status != QCTX_OK && !qctx_path_exists(writer->folder))
        rename(aside, writer->folder);
    if (status == QCTX_OK)
        status = qctx_folder_remove(aside, error);
    free(aside);
    return status;
}

/* What stands under the name now is asked for again: the corpus may have been written in hours. */
static qctx_status publish(const qctx_corpus_writer *writer, qctx_error *error)
{
    qctx_status status = may_be_written(writer->folder, writer->force, error);

    if (status != QCTX_OK)
        return status;
    if (qctx_path_exists(writer->folder))
        return replace(writer, error);
    return qctx_file_publish_new(writer->partial, writer->folder, error);
}

qctx_status qctx_corpus_writer_commit(qctx_corpus_writer *writer, qctx_error *error)
{
    qctx_status status = close_all(writer, error);

    if (status == QCTX_OK)
        status = publish(writer, error);
    qctx_corpus_writer_discard(writer);
    return status;
}

void qctx_corpus_writer_discard(qctx_corpus_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->contexts != NULL)
        fclose(writer->contexts);
    if (writer->questions != NULL)
        fclose(writer->questions);
    if (writer->negatives != NULL)
        fclose(writer->negatives);
    json_decref(writer->negative);
    for (int64_t i = 0; i < writer->split_count; i++) {
        if (writer->splits[i].stream != NULL)
            fclose(writer->splits[i].stream);
        free(writer->splits[i].name);
    }
    if (writer->partial != NULL)
        qctx_folder_remove(writer->partial, NULL);
    qctx_lockfile_remove(writer->lock);
    free(writer->splits);
    free(writer->folder);
    free(writer->partial);
    free(writer);
}
