#include "qctx/data/import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"

/* How much of a file is looked at to tell its format. */
enum { HEAD_BYTES = 1 << 16 };

const char *const qctx_import_format_names[] = {
    [QCTX_IMPORT_AUTO] = "auto",   [QCTX_IMPORT_SQUAD] = "squad", [QCTX_IMPORT_QUAC] = "quac",
    [QCTX_IMPORT_JSONL] = "jsonl", [QCTX_IMPORT_TSV] = "tsv",     NULL,
};

static qctx_status read_head(const char *path, char *head, size_t *bytes, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    FILE *file = qctx_path_is_folder(path) ? NULL : fopen(path, "rb");

    if (file == NULL)
        return qctx_fail(error, QCTX_ERR_IO, "%s: cannot open for reading: %s", path,
                         strerror(qctx_path_is_folder(path) ? EISDIR : errno));
    *bytes = fread(head, 1, HEAD_BYTES, file);
    head[*bytes] = '\0';
    if (ferror(file))
        status = qctx_fail(error, QCTX_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    fclose(file);
    return status;
}

/*
 * The format by a file's first line, SQuAD standing for QuAC too: a whole JSON object without "data" begins JSONL;
 * what begins as JSON otherwise is a document; a line with a tab begins TSV.
 */
static qctx_status tell_format(const char *path, const char *head, qctx_import_format *format, qctx_error *error)
{
    const char *text = head + (strncmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
    json_t *first = NULL;
    size_t length;

    text += strspn(text, " \t\r\n");
    length = strcspn(text, "\n");
    if (*text == '{' || *text == '[') {
        bool whole = qctx_json_parse(text, length, path, &first, NULL) == QCTX_OK;
        bool long_pair = text[length] == '\0' && strstr(text, "\"paragraphs\"") == NULL &&
                         strstr(text, "\"data\"") == NULL && strlen(head) == HEAD_BYTES;

        *format = (whole && json_is_object(first) && json_object_get(first, "data") == NULL) || long_pair
                      ? QCTX_IMPORT_JSONL
                      : QCTX_IMPORT_SQUAD;
        json_decref(first);
        return QCTX_OK;
    }
    if (*text != '\0' && memchr(text, '\t', length) != NULL) {
        *format = QCTX_IMPORT_TSV;
        return QCTX_OK;
    }
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s, expected SQuAD, QuAC, JSONL or TSV", path,
              *text == '\0' ? "the file holds no text" : "the first line is neither JSON nor divided by tabs");
    return qctx_hint(error, "--format names the format if it was guessed wrongly");
}

static qctx_status detect(const char *path, qctx_import_format *format, qctx_error *error)
{
    char *head = qctx_alloc(HEAD_BYTES + 1, 1, "the head of a file", error);
    size_t bytes;
    qctx_status status = head == NULL ? QCTX_ERR_MEMORY : read_head(path, head, &bytes, error);

    if (status == QCTX_OK)
        status = tell_format(path, head, format, error);
    free(head);
    return status;
}

/* Reads a JSON document, which says itself whether it is SQuAD or QuAC unless the user did. */
static qctx_status read_document(const import_source *source, qctx_error *error)
{
    json_t *root = NULL;
    qctx_status status = qctx_json_load_file(source->path, &root, error);

    if (status != QCTX_OK)
        return status;
    if (source->job->format == QCTX_IMPORT_AUTO && import_is_quac(root))
        source->counts->format = QCTX_IMPORT_QUAC;
    status = import_read_squad(source, root, error);
    json_decref(root);
    return status;
}

static qctx_status read_file(const import_source *source, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    source->counts->format = source->job->format;
    if (source->job->format == QCTX_IMPORT_AUTO)
        status = detect(source->path, &source->counts->format, error);
    if (status != QCTX_OK)
        return status;
    qctx_info("reading %s", source->path);
    switch (source->counts->format) {
    case QCTX_IMPORT_JSONL:
        return import_read_jsonl(source, error);
    case QCTX_IMPORT_TSV:
        return import_read_tsv(source, error);
    default:
        return read_document(source, error);
    }
}

static qctx_status read_files(const qctx_import_job *job, import_collection *collection, qctx_import_report *report,
                              qctx_error *error)
{
    bool holds_out = job->dev_share > 0 || job->test_share > 0;
    qctx_text *text = NULL;
    qctx_status status = qctx_text_create(&text, error);

    for (int64_t i = 0; i < job->file_count && status == QCTX_OK; i++) {
        import_source source = {
            .job = job,
            .path = job->files[i].path,
            .split = import_split(collection, holds_out ? "train" : job->files[i].split),
            .text = text,
            .collection = collection,
            .counts = &report->files[i],
        };

        status = read_file(&source, error);
    }
    qctx_text_destroy(text);
    return status;
}

/* A split without questions would be refused by every reader of the corpus. */
static qctx_status check_splits(const qctx_import_job *job, const import_collection *collection,
                                const qctx_import_report *report, qctx_error *error)
{
    for (int split = 0; split < collection->split_count; split++) {
        int64_t read = 0, kept = 0, unanswerable = 0;

        for (int64_t i = 0; i < job->file_count; i++)
            if (collection->split_count == 1 || strcmp(job->files[i].split, collection->splits[split]) == 0) {
                read += report->files[i].read;
                kept += report->files[i].kept;
                unanswerable += report->files[i].unanswerable;
            }
        if (kept == 0)
            return qctx_fail(error, QCTX_ERR_DATA,
                             "no question is left for the split '%s': of %" PRId64 " read, %" PRId64
                             " are unanswerable and %" PRId64 " lack a text or their answer",
                             collection->splits[split], read, unanswerable, read - unanswerable);
    }
    return QCTX_OK;
}

qctx_status qctx_import_run(const qctx_import_job *job, qctx_import_report *report, qctx_error *error)
{
    import_collection collection = {0};
    qctx_corpus_writer *writer = NULL;
    qctx_status status;

    memset(report, 0, sizeof *report);
    /* Opened first: what cannot be written is said before minutes of reading. */
    status = qctx_corpus_writer_open(job->folder, job->force, &writer, error);
    if (status != QCTX_OK)
        return status;
    status = read_files(job, &collection, report, error);
    if (status == QCTX_OK)
        status = check_splits(job, &collection, report, error);
    if (status == QCTX_OK && (job->dev_share > 0 || job->test_share > 0))
        status = import_hold_out(&collection, job, error);
    if (status == QCTX_OK)
        status = import_write(&collection, writer, report, error);
    if (status == QCTX_OK) {
        status = qctx_corpus_writer_commit(writer, error);
        writer = NULL;
    }
    qctx_corpus_writer_discard(writer);
    import_free(&collection);
    return status;
}
