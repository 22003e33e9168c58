#include "qctx/import/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"

const char *const qctx_import_format_names[] = {
    [QCTX_IMPORT_AUTO] = "auto",   [QCTX_IMPORT_SQUAD] = "squad",
    [QCTX_IMPORT_QUAC] = "quac",   [QCTX_IMPORT_JSON] = "json",
    [QCTX_IMPORT_JSONL] = "jsonl", [QCTX_IMPORT_TSV] = "tsv",
    [QCTX_IMPORT_CSV] = "csv",     NULL,
};
const char *const qctx_holdout_unit_names[] = {
    [QCTX_HOLDOUT_TITLE] = "title", [QCTX_HOLDOUT_CONTEXT] = "context", [QCTX_HOLDOUT_QUESTION] = "question", NULL};

/* A file of which more is malformed than not was taken for what it is not, or is damaged. */
static qctx_status check_file(const qctx_import_counts *counts, qctx_error *error)
{
    if (counts->malformed <= counts->read)
        return QCTX_OK;
    if (error != NULL)
        *error = counts->first_problem;
    return QCTX_ERR_FORMAT;
}

/* A name that the user gives and no record has is a slip, also of a role that a record may do without. */
static qctx_status check_columns(const import_source *source, qctx_error *error)
{
    for (int role = 0; role < QCTX_IMPORT_ROLES; role++)
        if (source->job->columns[role] != NULL && !source->counts->met[role] && source->counts->read > 0) {
            qctx_fail(error, QCTX_ERR_FORMAT, "%s: --columns names '%s' for the %s, and no record has it; not used: %s",
                      source->path, source->job->columns[role], qctx_import_role_names[role],
                      source->counts->unused[0] != '\0' ? source->counts->unused : "nothing");
            return qctx_hint(error, "leave the role out of --columns, or give the name that it has");
        }
    return QCTX_OK;
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
    if (status == QCTX_OK)
        status = check_file(source->counts, error);
    return status == QCTX_OK ? check_columns(source, error) : status;
}

static qctx_status read_file(import_source *source, qctx_error *error)
{
    qctx_status status = qctx_input_open(source->path, &source->stream, error);

    if (status != QCTX_OK && qctx_folder_has(source->path, "corpus.jsonl"))
        return qctx_hint(error, "a BEIR folder is a corpus as it is: data.train=[{corpus: …}] names it");
    if (status != QCTX_OK)
        return status;
    qctx_info("reading %s", source->path);
    status = read_stream(source, error);
    qctx_input_close(source->stream);
    return status;
}

/* A field that no record of any file has is a slip. */
static qctx_status check_fields(const qctx_import_job *job, const qctx_import_report *report, qctx_error *error)
{
    for (int64_t field = 0; field < job->field_count; field++) {
        const char *unused = "nothing";
        bool met = false;

        for (int64_t i = 0; i < job->file_count; i++) {
            met = met || report->files[i].met_field[field];
            if (report->files[i].unused[0] != '\0')
                unused = report->files[i].unused;
        }
        if (met)
            continue;
        qctx_fail(error, QCTX_ERR_FORMAT, "no record has the key '%s' of the field '%s'; not used: %s",
                  job->fields[field].key, job->fields[field].name, unused);
        return qctx_hint(error, "give the key or column that has it: --field %s=KEY", job->fields[field].name);
    }
    return QCTX_OK;
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
            .file = (int)i,
            .split = import_split(collection, holds_out ? "train" : job->files[i].split),
            .text = text,
            .collection = collection,
            .counts = &report->files[i],
        };

        status = read_file(&source, error);
    }
    qctx_text_destroy(text);
    return status == QCTX_OK ? check_fields(job, report, error) : status;
}

/* Appends ", 3 what" where there are any. */
static void name_count(char *text, size_t size, int64_t count, const char *what)
{
    size_t used = strlen(text);

    if (count > 0)
        snprintf(text + used, size - used, "%s%" PRId64 " %s", used > 0 ? ", " : "", count, what);
}

/* Says why nothing is left of the files that a split was read from. */
static qctx_status refuse_empty_split(const char *split, const qctx_import_counts *counts, qctx_error *error)
{
    char reasons[256] = "";

    name_count(reasons, sizeof reasons, counts->unanswerable, "are unanswerable");
    name_count(reasons, sizeof reasons, counts->no_pair, "are no pairs by their label or score");
    name_count(reasons, sizeof reasons, counts->empty, "lack a text");
    name_count(reasons, sizeof reasons, counts->not_found, "have no answer in their paragraph");
    qctx_fail(error, QCTX_ERR_DATA, "no question is left for the split '%s': of %" PRId64 " read%s%s", split,
              counts->read, counts->read > 0 ? ", " : "", reasons);
    if (counts->malformed > 0)
        return qctx_hint(error, "%" PRId64 " were left out as malformed; the first: %s", counts->malformed,
                         counts->first_problem.message);
    if (counts->no_pair == counts->read && counts->read > 0)
        return qctx_hint(error, "--columns question=NAME,context=NAME takes every record for a pair");
    return QCTX_ERR_DATA;
}

/* A split without questions would be refused by every reader of the corpus. */
static qctx_status check_splits(const qctx_import_job *job, const import_collection *collection,
                                const qctx_import_report *report, qctx_error *error)
{
    for (int split = 0; split < collection->split_count; split++) {
        qctx_import_counts sum = {0};

        for (int64_t i = 0; i < job->file_count; i++) {
            const qctx_import_counts *counts = &report->files[i];

            if (collection->split_count > 1 && strcmp(job->files[i].split, collection->splits[split]) != 0)
                continue;
            sum.read += counts->read;
            sum.kept += counts->kept;
            sum.unanswerable += counts->unanswerable;
            sum.no_pair += counts->no_pair;
            sum.empty += counts->empty;
            sum.not_found += counts->not_found;
            if (sum.malformed == 0)
                sum.first_problem = counts->first_problem;
            sum.malformed += counts->malformed;
        }
        if (sum.kept == 0)
            return refuse_empty_split(collection->splits[split], &sum, error);
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
        status = import_finish_fields(&collection, job, report, error);
    if (status == QCTX_OK)
        status = import_write(&collection, job, writer, report, error);
    if (status == QCTX_OK) {
        status = qctx_corpus_writer_commit(writer, error);
        writer = NULL;
    }
    qctx_corpus_writer_discard(writer);
    import_free(&collection);
    return status;
}
