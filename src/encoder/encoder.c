#include "qctx/encoder/encoder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/suggest.h"
#include "qctx/encoder/hashing.h"
#include "qctx/encoder/joined.h"
#include "qctx/encoder/pretrained.h"

static const qctx_encoder_class *const classes[] = {&qctx_hashing_encoder, &qctx_pretrained_encoder,
                                                    &qctx_joined_encoder};
const char *const qctx_encoder_built_in_names[] = {"hashing", NULL};
enum { CLASS_COUNT = sizeof classes / sizeof classes[0] };

struct qctx_encoder {
    const qctx_encoder_class *class;
    void *state;
};

static qctx_status unknown_encoder(const char *name, qctx_error *error)
{
    const char *names[CLASS_COUNT];
    const char *nearest;
    char known[32 * CLASS_COUNT];
    size_t used = 0;

    for (int i = 0; i < CLASS_COUNT; i++)
        names[i] = classes[i]->name;
    nearest = qctx_suggest(name, names, CLASS_COUNT);
    for (int i = 0; i < CLASS_COUNT; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ", names[i]);
    qctx_fail(error, QCTX_ERR_CONFIG, "unknown encoder '%s'; known: %s", name, known);
    if (nearest != NULL)
        return qctx_hint(error, "did you mean '%s'?", nearest);
    return QCTX_ERR_CONFIG;
}

qctx_status qctx_encoder_create(const char *name, const char *settings, qctx_encoder **created, qctx_error *error)
{
    qctx_encoder *encoder;
    qctx_status status;
    int found = 0;

    while (found < CLASS_COUNT && strcmp(classes[found]->name, name) != 0)
        found++;
    if (found == CLASS_COUNT)
        return unknown_encoder(name, error);
    encoder = qctx_alloc(1, sizeof *encoder, "an encoder", error);
    if (encoder == NULL)
        return QCTX_ERR_MEMORY;
    encoder->class = classes[found];
    status = encoder->class->create(settings, &encoder->state, error);
    if (status != QCTX_OK) {
        free(encoder);
        return status;
    }
    *created = encoder;
    return QCTX_OK;
}

void qctx_encoder_destroy(qctx_encoder *encoder)
{
    if (encoder == NULL)
        return;
    encoder->class->destroy(encoder->state);
    free(encoder);
}

qctx_status qctx_encoder_fit(qctx_encoder *encoder, qctx_comm *comm, const char *const *texts, int64_t count,
                             qctx_error *error)
{
    return encoder->class->fit(encoder->state, comm, texts, count, error);
}

qctx_status qctx_encoder_encode(qctx_encoder *encoder, qctx_side side, const char *const *texts, int64_t count,
                                float *rows, qctx_error *error)
{
    return encoder->class->encode(encoder->state, side, texts, count, rows, error);
}

int64_t qctx_encoder_fields(const qctx_encoder *encoder, const char *const **names)
{
    *names = NULL;
    return encoder->class->fields != NULL ? encoder->class->fields(encoder->state, names) : 0;
}

int64_t qctx_encoder_dim(const qctx_encoder *encoder)
{
    return encoder->class->dim(encoder->state);
}

const char *qctx_encoder_name(const qctx_encoder *encoder)
{
    return encoder->class->name;
}

qctx_encoder_work qctx_encoder_work_of(const qctx_encoder *encoder)
{
    qctx_encoder_work work = {0};

    if (encoder->class->work != NULL)
        encoder->class->work(encoder->state, &work);
    return work;
}

char *qctx_encoder_fingerprint_of(const char *name, const char *identity, const void *table, size_t bytes,
                                  qctx_error *error)
{
    return qctx_format(error, "%s-%016" PRIx64, name, qctx_hash(table, bytes, qctx_hash_text(identity, 0)));
}

char *qctx_encoder_fingerprint(const qctx_encoder *encoder, qctx_error *error)
{
    const qctx_encoder_class *class = encoder->class;
    char *identity =
        class->identity != NULL ? class->identity(encoder->state, error) : class->settings(encoder->state, error);
    char *fingerprint = NULL;
    void *table = NULL;
    size_t bytes;

    if (identity != NULL && class->save(encoder->state, &table, &bytes, error) == QCTX_OK)
        fingerprint = qctx_encoder_fingerprint_of(class->name, identity, table, bytes, error);
    free(identity);
    free(table);
    return fingerprint;
}

qctx_status qctx_encoder_save(const qctx_encoder *encoder, char **settings, void **table, size_t *bytes,
                              qctx_error *error)
{
    char *text = encoder->class->settings(encoder->state, error);
    qctx_status status;

    if (text == NULL)
        return QCTX_ERR_MEMORY;
    status = encoder->class->save(encoder->state, table, bytes, error);
    if (status != QCTX_OK) {
        free(text);
        return status;
    }
    *settings = text;
    return QCTX_OK;
}

qctx_status qctx_encoder_load(qctx_encoder *encoder, const void *table, size_t bytes, qctx_error *error)
{
    return encoder->class->restore(encoder->state, table, bytes, error);
}

qctx_status qctx_encoder_restore(const char *name, const char *settings, const void *table, size_t bytes,
                                 qctx_encoder **restored, qctx_error *error)
{
    qctx_encoder *encoder = NULL;
    qctx_status status = qctx_encoder_create(name, settings, &encoder, error);

    if (status == QCTX_OK)
        status = qctx_encoder_load(encoder, table, bytes, error);
    if (status != QCTX_OK) {
        qctx_encoder_destroy(encoder);
        return status;
    }
    *restored = encoder;
    return QCTX_OK;
}
