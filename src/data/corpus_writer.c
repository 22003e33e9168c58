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

/* Records and judgements that are written between two looks at whether to stop. */
enum { BETWEEN_LOOKS = 1024 };

/* What is said of a split's questions: which contexts answer them, and which are wrong. */
typedef enum { JUDGED_RIGHT, JUDGED_WRONG } judged_kind;

static const struct {
    const char *folder, *header, *ending;
} judged_files[] = {
    [JUDGED_RIGHT] = {"qrels", "query-id\tcorpus-id\tscore\n", "\t1"},
    [JUDGED_WRONG] = {"negatives", "query-id\tcorpus-id\n", ""},
};

typedef struct {
    judged_kind kind;
    char *split;
    FILE *stream;
} judged_file;

struct qctx_corpus_writer {
    char *folder;
    char *partial; /* a temporary folder, NULL until it is made */
    bool force;
    qctx_lockfile *lock; /* of the final name */
    FILE *contexts, *questions;
    judged_file *judged;
    int64_t judged_count, judged_capacity;
    int64_t written; /* records and judgements */
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

static qctx_status make_folder(const qctx_corpus_writer *writer, const char *name, qctx_error *error)
{
    char *path = qctx_path_join(writer->partial, name, error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : qctx_folder_make(path, error);

    free(path);
    return status;
}

static qctx_status make_folders(qctx_corpus_writer *writer, qctx_error *error)
{
    qctx_status status = qctx_outfolder_make(writer->folder, &writer->partial, error);

    return status == QCTX_OK ? make_folder(writer, judged_files[JUDGED_RIGHT].folder, error) : status;
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
                                       const qctx_corpus_writer_field *fields, int64_t field_count, qctx_error *error)
{
    json_t *record = json_pack("{s:s, s:s, s:s}", "_id", id, "title", title != NULL ? title : "", "text", text);

    for (int64_t i = 0; i < field_count && record != NULL; i++)
        if (fields[i].text != NULL && json_object_set_new(record, fields[i].name, json_string(fields[i].text)) != 0) {
            json_decref(record);
            record = NULL;
        }
    return write_record(writer, writer->contexts, record, id, error);
}

qctx_status qctx_corpus_writer_question(qctx_corpus_writer *writer, const char *id, const char *text, qctx_error *error)
{
    return write_record(writer, writer->questions, json_pack("{s:s, s:s}", "_id", id, "text", text), id, error);
}

/* Whether anything of this kind is written yet, of any split. */
static bool has_kind(const qctx_corpus_writer *writer, judged_kind kind)
{
    for (int64_t i = 0; i < writer->judged_count; i++)
        if (writer->judged[i].kind == kind)
            return true;
    return false;
}

static qctx_status add_file(qctx_corpus_writer *writer, judged_kind kind, const char *split, FILE **stream,
                            qctx_error *error)
{
    judged_file added = {.kind = kind};
    char *file = NULL;
    qctx_status status = QCTX_OK;

    if (!qctx_split_name_is_valid(split))
        return qctx_fail(error, QCTX_ERR_USAGE, "'%s' cannot be the name of a split: expected letters, digits, _ - .",
                         split);
    if (kind != JUDGED_RIGHT && !has_kind(writer, kind))
        status = make_folder(writer, judged_files[kind].folder, error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&writer->judged, &writer->judged_capacity, writer->judged_count + 1,
                           sizeof *writer->judged, "splits", error);
    if (status != QCTX_OK)
        return status;
    added.split = qctx_strdup(split, error);
    file = qctx_format(error, "%s/%s.tsv", judged_files[kind].folder, split);
    if (added.split == NULL || file == NULL)
        status = QCTX_ERR_MEMORY;
    else
        status = open_stream(writer->partial, file, &added.stream, error);
    free(file);
    if (status != QCTX_OK) {
        free(added.split);
        return status;
    }
    writer->judged[writer->judged_count++] = added;
    *stream = added.stream;
    if (fputs(judged_files[kind].header, added.stream) == EOF)
        return write_failed(writer, error);
    return QCTX_OK;
}

static qctx_status write_judgement(qctx_corpus_writer *writer, judged_kind kind, const char *split,
                                   const char *question_id, const char *context_id, qctx_error *error)
{
    FILE *stream = NULL;

    for (int64_t i = 0; i < writer->judged_count && stream == NULL; i++)
        if (writer->judged[i].kind == kind && strcmp(writer->judged[i].split, split) == 0)
            stream = writer->judged[i].stream;
    if (stream == NULL) {
        qctx_status status = add_file(writer, kind, split, &stream, error);

        if (status != QCTX_OK)
            return status;
    }
    errno = 0;
    if (fprintf(stream, "%s\t%s%s\n", question_id, context_id, judged_files[kind].ending) < 0)
        return write_failed(writer, error);
    return look(writer, error);
}

qctx_status qctx_corpus_writer_answer(qctx_corpus_writer *writer, const char *split, const char *question_id,
                                      const char *context_id, qctx_error *error)
{
    return write_judgement(writer, JUDGED_RIGHT, split, question_id, context_id, error);
}

qctx_status qctx_corpus_writer_negative(qctx_corpus_writer *writer, const char *split, const char *question_id,
                                        const char *context_id, qctx_error *error)
{
    return write_judgement(writer, JUDGED_WRONG, split, question_id, context_id, error);
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

/* Syncs the names in one of the folders of what was judged. */
static qctx_status sync_folder(const qctx_corpus_writer *writer, judged_kind kind, qctx_error *error)
{
    char *inside = qctx_format(error, "%s/%s/.", writer->partial, judged_files[kind].folder);
    qctx_status status = inside == NULL ? QCTX_ERR_MEMORY : qctx_folder_sync_parent(inside, error);

    free(inside);
    return status;
}

static qctx_status close_all(qctx_corpus_writer *writer, qctx_error *error)
{
    bool good = close_durably(&writer->contexts) && close_durably(&writer->questions);
    qctx_status status;

    for (int64_t i = 0; i < writer->judged_count && good; i++)
        good = close_durably(&writer->judged[i].stream);
    if (!good)
        return write_failed(writer, error);
    status = sync_folder(writer, JUDGED_RIGHT, error);
    return status == QCTX_OK && has_kind(writer, JUDGED_WRONG) ? sync_folder(writer, JUDGED_WRONG, error) : status;
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
    for (int64_t i = 0; i < writer->judged_count; i++) {
        if (writer->judged[i].stream != NULL)
            fclose(writer->judged[i].stream);
        free(writer->judged[i].split);
    }
    if (writer->partial != NULL)
        qctx_folder_remove(writer->partial, NULL);
    qctx_lockfile_remove(writer->lock);
    free(writer->judged);
    free(writer->folder);
    free(writer->partial);
    free(writer);
}
