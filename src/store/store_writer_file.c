/* The partial store as a file: opened, and given what a store holds beside the values of its vectors. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/mem.h"
#include "qctx/data/context_texts.h"
#include "store_internal.h"
#include "store_writer_internal.h"

int qctx_store_partial_handle(const qctx_store_writer *writer, int flags, qctx_error *error)
{
    int handle = open(writer->partial, flags | O_NOFOLLOW | O_CLOEXEC);

    if (handle < 0)
        qctx_fail(error, QCTX_ERR_IO, "%s: cannot open: %s", writer->partial, strerror(errno));
    return handle;
}

int64_t qctx_store_writer_rows(const qctx_store_writer *writer, qctx_side side)
{
    const qctx_corpus *corpus = writer->description->corpus;

    return side == QCTX_QUESTION ? corpus->question_count : corpus->context_count;
}

size_t qctx_store_writer_row_bytes(const qctx_store_writer *writer)
{
    return (size_t)writer->description->dim *
           (writer->description->dtype == QCTX_FLOAT16 ? sizeof(uint16_t) : sizeof(float));
}

/* What contexts were encoded with, as readers of the file will find it. */
static qctx_titles titles_of(const qctx_store_description *what)
{
    if (what->field_count > 0)
        return QCTX_TITLES_FIELDS;
    if (qctx_context_texts_differ(what->corpus, qctx_context_field(what->titles)))
        return QCTX_TITLES_JOINED;
    return what->encoder_settings[0] != '\0' && qctx_context_texts_differ(what->corpus, QCTX_CONTEXT_TITLED_TEXT)
               ? QCTX_TITLES_LEFT_OUT
               : QCTX_TITLES_NONE;
}

qctx_store_head qctx_store_partial_head(const qctx_store_writer *writer)
{
    qctx_store_head head = {.bytes = writer->layout.bytes,
                            .digits = writer->layout.place,
                            .titles = titles_of(writer->description),
                            .checksum = writer->checksum,
                            .rest = writer->layout.rest};

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT; side++) {
        head.offsets[side] = writer->layout.offsets[side];
        head.vector_bytes[side] = qctx_store_writer_rows(writer, side) * (int64_t)qctx_store_writer_row_bytes(writer);
    }
    return head;
}

static qctx_status make_vectors(const qctx_store_writer *writer, qctx_h5 *file, qctx_error *error)
{
    qctx_h5_type type = writer->description->dtype == QCTX_FLOAT16 ? QCTX_H5_FLOAT16 : QCTX_H5_FLOAT32;
    qctx_status status = QCTX_OK;

    for (qctx_side side = 0; side < QCTX_SIDE_COUNT && status == QCTX_OK; side++)
        if (qctx_store_writer_rows(writer, side) > 0)
            status = qctx_h5_make(file, qctx_store_vectors_of(side), type, qctx_store_writer_rows(writer, side),
                                  writer->description->dim, error);
    return status;
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

static qctx_status write_list(qctx_h5 *file, const char *split, const char *field, qctx_h5_type type,
                              const void *values, int64_t count, qctx_error *error)
{
    char *dataset = qctx_format(error, "answers/%s/%s", split, field);
    qctx_status status = QCTX_ERR_MEMORY;

    if (dataset == NULL)
        return status;
    status = qctx_h5_make(file, dataset, type, count, 0, error);
    if (status == QCTX_OK)
        status = qctx_h5_write(file, dataset, type, 0, count, values, error);
    free(dataset);
    return status;
}

static qctx_status write_splits(qctx_h5 *file, const qctx_corpus *corpus, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < corpus->split_count && status == QCTX_OK; i++) {
        const qctx_split *split = &corpus->splits[i];

        if (split->count == 0)
            continue;
        status = write_list(file, split->name, "questions", QCTX_H5_INT64, split->questions, split->count, error);
        if (status == QCTX_OK)
            status = write_list(file, split->name, "offsets", QCTX_H5_INT64, split->offsets, split->count + 1, error);
        if (status == QCTX_OK)
            status = write_list(file, split->name, "contexts", QCTX_H5_INT64, split->contexts,
                                split->offsets[split->count], error);
        if (status == QCTX_OK && split->grades != NULL)
            status = write_list(file, split->name, "grades", QCTX_H5_FLOAT32, split->grades,
                                split->offsets[split->count], error);
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

static qctx_status write_attributes(qctx_h5 *file, const qctx_store_description *description, qctx_error *error)
{
    qctx_status status = qctx_h5_set_text(file, "/", "schema", "qctx-store", error);

    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "version", QCTX_STORE_VERSION, error);
    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "dim", description->dim, error);
    if (status == QCTX_OK)
        status = set_hash(file, "corpus_fingerprint", description->corpus->fingerprint, error);
    /* Stores of texts alone do not say so, as those of earlier programs do not. */
    if (status == QCTX_OK && titles_of(description) == QCTX_TITLES_FIELDS)
        status = qctx_h5_set_text(file, "/", "context_text", QCTX_STORE_FIELDS, error);
    else if (status == QCTX_OK && titles_of(description) == QCTX_TITLES_JOINED)
        status = qctx_h5_set_text(file, "/", "context_text", QCTX_STORE_TITLE_AND_TEXT, error);
    return status;
}

/* The checksum comes first: where its digits stand does not depend on what follows. */
qctx_status qctx_store_partial_begin(qctx_h5 *file, uint64_t checksum, qctx_error *error)
{
    return set_hash(file, "checksum", checksum, error);
}

qctx_status qctx_store_partial_fill(const qctx_store_writer *writer, qctx_h5 *file, qctx_error *error)
{
    const qctx_store_description *description = writer->description;
    qctx_status status = qctx_store_partial_begin(file, writer->journal.job, error);

    if (status == QCTX_OK)
        status = make_vectors(writer, file, error);
    if (status == QCTX_OK)
        status = write_texts(file, description->corpus, error);
    if (status == QCTX_OK)
        status = write_splits(file, description->corpus, error);
    if (status == QCTX_OK)
        status = write_encoder(file, description, error);
    if (status == QCTX_OK)
        status = write_attributes(file, description, error);
    return status;
}
