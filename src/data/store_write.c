/*
 * Writing a store in three steps: one rank makes the file and its room, all ranks write their rows through MPI-IO, one
 * rank adds texts, answers and attributes and gives the file its name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/half.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "store_internal.h"

/* Rows that are asked for and written at a time. */
enum { BLOCK = 1024 };

typedef struct {
    qctx_comm *comm;
    const char *path;
    char *partial; /* the name until the file is complete */
    const qctx_store_description *description;
    qctx_store_rows fill;
    void *context;
    uint64_t checksum;
} writer;

static int64_t row_count(const writer *w, int side)
{
    return side == QCTX_STORE_QUESTIONS ? w->description->corpus->question_count
                                        : w->description->corpus->context_count;
}

static const char *vectors_of(int side)
{
    return side == QCTX_STORE_QUESTIONS ? "questions/vectors" : "contexts/vectors";
}

static qctx_h5_type stored_type(const writer *w)
{
    return w->description->dtype == QCTX_FLOAT16 ? QCTX_H5_FLOAT16 : QCTX_H5_FLOAT32;
}

static qctx_status make_parent_folder(const char *path, qctx_error *error)
{
    char *folder = qctx_strdup(path, error);
    qctx_status status = QCTX_OK;
    char *slash;

    if (folder == NULL)
        return QCTX_ERR_MEMORY;
    slash = strrchr(folder, '/');
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        status = qctx_folder_make(folder, error);
    }
    free(folder);
    return status;
}

static qctx_status make_file(const writer *w, bool force, qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status status = qctx_output_check(w->path, force, error);
    qctx_status closed;

    if (status == QCTX_OK)
        status = make_parent_folder(w->path, error);
    if (status == QCTX_OK)
        status = qctx_h5_create(w->partial, &file, error);
    for (int side = 0; side < 2 && status == QCTX_OK; side++)
        status = qctx_h5_make(file, vectors_of(side), stored_type(w), row_count(w, side), w->description->dim, error);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    return status != QCTX_OK ? status : closed;
}

static const char *id_of(const writer *w, int side, int64_t row)
{
    return side == QCTX_STORE_QUESTIONS ? w->description->corpus->questions[row].id
                                        : w->description->corpus->contexts[row].id;
}

/* Rounds the rows to the stored type, in place for float32; checks what will be stored and adds up its checksum. */
static qctx_status prepare_rows(writer *w, int side, int64_t first, int64_t count, float *rows, uint16_t *halves,
                                qctx_error *error)
{
    int64_t dim = w->description->dim;
    bool half = w->description->dtype == QCTX_FLOAT16;
    size_t bytes = (size_t)dim * (half ? sizeof *halves : sizeof *rows);
    const char *fault;
    double length;

    if (half) {
        qctx_half_from_float(rows, count * dim, halves);
        qctx_half_to_float(halves, count * dim, rows);
    }
    for (int64_t i = 0; i < count; i++) {
        fault = qctx_store_row_fault(rows + i * dim, dim, &length);
        if (fault != NULL)
            return qctx_store_bad_row(w->path, (qctx_store_side)side, first + i, id_of(w, side, first + i), fault,
                                      error);
        w->checksum += qctx_store_row_checksum((qctx_store_side)side, first + i,
                                               half ? (const void *)(halves + i * dim) : rows + i * dim, bytes);
    }
    return QCTX_OK;
}

static qctx_status write_share(writer *w, qctx_h5 *file, int side, qctx_error *error)
{
    int64_t dim = w->description->dim;
    float *rows = qctx_alloc(BLOCK * dim, sizeof *rows, "a block of rows", error);
    uint16_t *halves = qctx_alloc(BLOCK * dim, sizeof *halves, "a block of rows", error);
    const void *stored = w->description->dtype == QCTX_FLOAT16 ? (const void *)halves : rows;
    qctx_status status = rows == NULL || halves == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    int64_t first, share;

    qctx_share(row_count(w, side), qctx_comm_rank(w->comm), qctx_comm_size(w->comm), &first, &share);
    for (int64_t done = 0; done < share && status == QCTX_OK; done += BLOCK) {
        int64_t count = share - done < BLOCK ? share - done : BLOCK;

        status = w->fill(w->context, (qctx_store_side)side, first + done, count, rows, error);
        if (status == QCTX_OK)
            status = prepare_rows(w, side, first + done, count, rows, halves, error);
        if (status == QCTX_OK)
            status = qctx_h5_write(file, vectors_of(side), stored_type(w), first + done, count, stored, error);
    }
    free(rows);
    free(halves);
    return status;
}

/* Collective. */
static qctx_status write_rows(writer *w, qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status closed;
    qctx_status status = qctx_h5_reopen_parallel(w->comm, w->partial, &file, error);

    if (status != QCTX_OK)
        return status;
    for (int side = 0; side < 2 && status == QCTX_OK; side++)
        status = write_share(w, file, side, error);
    status = qctx_agree(w->comm, status, error);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    qctx_comm_sum_uint64(w->comm, &w->checksum, 1);
    return status != QCTX_OK ? status : closed;
}

/* Writes one text field of a side; one that is empty everywhere is left away. */
static qctx_status write_field(qctx_h5 *file, const char *dataset, const void *records, size_t stride, size_t offset,
                               int64_t count, qctx_error *error)
{
    const char **texts = qctx_alloc(count, sizeof *texts, "texts of a store", error);
    qctx_status status = QCTX_OK;
    bool any = false;

    if (texts == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        memcpy(&texts[i], (const char *)records + (size_t)i * stride + offset, sizeof *texts);
        any = any || texts[i][0] != '\0';
    }
    if (any)
        status = qctx_h5_write_texts(file, dataset, texts, count, error);
    free(texts);
    return status;
}

static qctx_status write_texts(qctx_h5 *file, const qctx_corpus *corpus, qctx_error *error)
{
    const size_t question = sizeof(qctx_question);
    const size_t context = sizeof(qctx_context);
    int64_t questions = corpus->question_count;
    int64_t contexts = corpus->context_count;
    qctx_status status =
        write_field(file, "questions/id", corpus->questions, question, offsetof(qctx_question, id), questions, error);

    if (status == QCTX_OK)
        status = write_field(file, "questions/text", corpus->questions, question, offsetof(qctx_question, text),
                             questions, error);
    if (status == QCTX_OK)
        status =
            write_field(file, "contexts/id", corpus->contexts, context, offsetof(qctx_context, id), contexts, error);
    if (status == QCTX_OK)
        status = write_field(file, "contexts/text", corpus->contexts, context, offsetof(qctx_context, text), contexts,
                             error);
    if (status == QCTX_OK)
        status = write_field(file, "contexts/title", corpus->contexts, context, offsetof(qctx_context, title), contexts,
                             error);
    return status;
}

static qctx_status write_list(qctx_h5 *file, const char *split, const char *field, const int64_t *values, int64_t count,
                              qctx_error *error)
{
    char *dataset = qctx_format(error, "answers/%s/%s", split, field);
    qctx_status status = QCTX_ERR_MEMORY;

    if (dataset == NULL)
        return status;
    status = qctx_h5_make(file, dataset, QCTX_H5_INT64, count, 0, error);
    if (status == QCTX_OK)
        status = qctx_h5_write(file, dataset, QCTX_H5_INT64, 0, count, values, error);
    free(dataset);
    return status;
}

static qctx_status write_splits(qctx_h5 *file, const qctx_corpus *corpus, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < corpus->split_count && status == QCTX_OK; i++) {
        const qctx_split *split = &corpus->splits[i];

        status = write_list(file, split->name, "questions", split->questions, split->count, error);
        if (status == QCTX_OK)
            status = write_list(file, split->name, "offsets", split->offsets, split->count + 1, error);
        if (status == QCTX_OK)
            status = write_list(file, split->name, "contexts", split->contexts, split->offsets[split->count], error);
    }
    return status;
}

static qctx_status set_hash(qctx_h5 *file, const char *name, uint64_t value, qctx_error *error)
{
    char text[17];

    snprintf(text, sizeof text, "%016" PRIx64, value);
    return qctx_h5_set_text(file, "/", name, text, error);
}

static qctx_status write_encoder(qctx_h5 *file, const qctx_store_description *description, qctx_error *error)
{
    int64_t bytes = (int64_t)description->encoder_table_bytes;
    qctx_status status = qctx_h5_set_text(file, "/", "encoder", description->encoder, error);

    if (status == QCTX_OK)
        status = qctx_h5_set_text(file, "/", "encoder_fingerprint", description->encoder_fingerprint, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_text(file, "/", "encoder_settings", description->encoder_settings, error);
    if (status == QCTX_OK && bytes > 0) {
        status = qctx_h5_make(file, "encoder/table", QCTX_H5_BYTES, bytes, 0, error);
        if (status == QCTX_OK)
            status = qctx_h5_write(file, "encoder/table", QCTX_H5_BYTES, 0, bytes, description->encoder_table, error);
    }
    return status;
}

static qctx_status write_attributes(const writer *w, qctx_h5 *file, qctx_error *error)
{
    qctx_status status = qctx_h5_set_text(file, "/", "schema", "qctx-store", error);

    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "version", QCTX_STORE_VERSION, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "dim", w->description->dim, error);
    if (status == QCTX_OK)
        status = set_hash(file, "corpus_fingerprint", w->description->corpus->fingerprint, error);
    if (status == QCTX_OK)
        status = set_hash(file, "checksum", w->checksum, error);
    return status;
}

static qctx_status finish_file(const writer *w, qctx_error *error)
{
    qctx_h5 *file = NULL;
    qctx_status status = qctx_h5_reopen(w->partial, &file, error);
    qctx_status closed;

    if (status == QCTX_OK)
        status = write_texts(file, w->description->corpus, error);
    if (status == QCTX_OK)
        status = write_splits(file, w->description->corpus, error);
    if (status == QCTX_OK)
        status = write_encoder(file, w->description, error);
    if (status == QCTX_OK)
        status = write_attributes(w, file, error);
    closed = qctx_h5_close(file, status == QCTX_OK ? error : NULL);
    if (status == QCTX_OK)
        status = closed;
    return status == QCTX_OK ? qctx_file_publish(w->partial, w->path, error) : status;
}

qctx_status qctx_store_write(qctx_comm *comm, const char *path, bool force, const qctx_store_description *description,
                             qctx_store_rows rows, void *context, qctx_error *error)
{
    writer w = {.comm = comm, .path = path, .description = description, .fill = rows, .context = context};
    bool first_rank = qctx_comm_rank(comm) == 0;
    bool made = false;
    qctx_status status = QCTX_OK;

    w.partial = qctx_format(error, "%s.partial", path);
    if (w.partial == NULL)
        status = QCTX_ERR_MEMORY;
    else if (first_rank) {
        status = make_file(&w, force, error);
        made = status != QCTX_ERR_EXISTS;
    }
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        goto out;
    status = write_rows(&w, error);
    if (status != QCTX_OK)
        goto out;
    if (first_rank)
        status = finish_file(&w, error);
    status = qctx_agree(comm, status, error);
out:
    if (status != QCTX_OK && made)
        unlink(w.partial);
    free(w.partial);
    return status;
}
