#include "qctx/import/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"
#include "qctx/base/log.h"

const char *const qctx_import_format_names[] = {
    [QCTX_IMPORT_AUTO] = "auto",   [QCTX_IMPORT_SQUAD] = "squad",
    [QCTX_IMPORT_QUAC] = "quac",   [QCTX_IMPORT_JSON] = "json",
    [QCTX_IMPORT_JSONL] = "jsonl", [QCTX_IMPORT_TSV] = "tsv",
    [QCTX_IMPORT_CSV] = "csv",     NULL,
};

/* A file of which more is malformed than not was taken for what it is not, or is damaged. */
static qctx_status check_file(const qctx_import_counts *counts, qctx_error *error)
{
    if (counts->malformed <= counts->read)
        return QCTX_OK;
    if (error != NULL)
        *error = counts->first_problem;
    return QCTX_ERR_FORMAT;
}

static qctx_status read_stream(const import_source *source, qctx_error *error)
{
    qctx_status status = import_detect(source, &source->counts->format, error);

    if (status != QCTX_OK)
        return status;
    switch (source->counts->format) {
    case QCTX_IMPORT_JSONL:
        status = import_read_jsonl(source, error);
        break;
    case QCTX_IMPORT_TSV:
    case QCTX_IMPORT_CSV:
        status = import_read_table(source, error);
        break;
    default:
        status = import_read_document(source, error);
    }
    return status == QCTX_OK ? check_file(source->counts, error) : status;
}

static qctx_status read_file(import_source *source, qctx_error *error)
{
    qctx_status status = qctx_input_open(source->path, &source->stream, error);

    if (status != QCTX_OK)
        return status;
    qctx_info("reading %s", source->path);
    status = read_stream(source, error);
    qctx_input_close(source->stream);
    return status;
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
