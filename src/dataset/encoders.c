#include "qctx/dataset/encoders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoders_internal.h"
#include "qctx/base/mem.h"
#include "qctx/data/context_texts.h"
#include "qctx/dataset/embed.h"
#include "qctx/store/store.h"

void qctx_encoders_free(qctx_encoders *encoders)
{
    for (int64_t i = 0; i < encoders->count; i++)
        free(encoders->recipes[i].settings);
    free(encoders->recipes);
    free(encoders->weights);
    *encoders = (qctx_encoders){0};
}

/* Whether this rank's encoder is that of rank 0: a path may lead to other files on another node. Collective. */
static qctx_status check_same(qctx_comm *comm, const qctx_encoder *encoder, qctx_error *error)
{
    char *own = qctx_encoder_fingerprint(encoder, error);
    char first[64] = "";
    qctx_status status = qctx_agree(comm, own == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status != QCTX_OK || own == NULL)
        goto out;
    snprintf(first, sizeof first, "%s", own);
    qctx_comm_broadcast(comm, first, sizeof first, 0);
    if (strcmp(first, own) != 0) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "rank %d found the encoder %s, but rank 0 %s; expected the same",
                  qctx_comm_rank(comm), own, first);
        status = qctx_hint(error, "the files of a model must be the same on all nodes, also where QCTX_MODELS leads");
    }
    status = qctx_agree(comm, status, error);
out:
    free(own);
    return status;
}

void qctx_encoders_parts_of(const qctx_encoders *encoders, const double *weights, qctx_encoders_parts *made)
{
    bool with_fields = false;

    *made = (qctx_encoders_parts){0};
    for (int64_t i = 0; i < encoders->count; i++)
        with_fields = with_fields || encoders->recipes[i].field != NULL;
    for (int64_t i = 0; i < encoders->count; i++) {
        const qctx_encoder_recipe *recipe = &encoders->recipes[i];
        qctx_joined_part *part;

        if (recipe->first == i) {
            made->weights[made->count] = weights[i];
            made->parts[made->count++] =
                (qctx_joined_part){.name = recipe->name, .settings = recipe->settings, .fields = made->fields + i};
        }
        part = &made->parts[made->count - 1];
        part->field_count += with_fields;
        made->fields[i] = (qctx_joined_field){
            recipe->field != NULL ? recipe->field : qctx_context_field(encoders->titles), weights[i]};
    }
}

/* The joined encoder of these parts. Collective. */
static qctx_status create_joined(qctx_comm *comm, const qctx_encoders_parts *parts, qctx_encoder **created,
                                 qctx_error *error)
{
    char *settings = qctx_joined_settings(parts->parts, parts->weights, parts->count, error);
    qctx_status status = qctx_agree(comm, settings == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status == QCTX_OK)
        status = qctx_agree(comm, qctx_encoder_create(qctx_joined_encoder.name, settings, created, error), error);
    free(settings);
    return status;
}

/* Collective. */
static qctx_status create_alone(qctx_comm *comm, const qctx_encoder_recipe *recipe, qctx_encoder **created,
                                qctx_error *error)
{
    static const double weight = 1.0;
    const qctx_encoder_recipe alone = {.field = recipe->field, .name = recipe->name, .settings = recipe->settings};
    const qctx_encoders encoders = {.count = 1, .recipes = (qctx_encoder_recipe *)&alone};
    qctx_encoders_parts parts;

    if (recipe->field == NULL)
        return qctx_agree(comm, qctx_encoder_create(recipe->name, recipe->settings, created, error), error);
    qctx_encoders_parts_of(&encoders, &weight, &parts);
    return create_joined(comm, &parts, created, error);
}

/* Hands the encoder out if it is the same on all ranks. Collective. */
static qctx_status hand_out(qctx_comm *comm, qctx_status status, qctx_encoder *encoder, qctx_encoder **created,
                            qctx_error *error)
{
    if (status == QCTX_OK)
        status = check_same(comm, encoder, error);
    if (status != QCTX_OK) {
        qctx_encoder_destroy(encoder);
        return status;
    }
    *created = encoder;
    return QCTX_OK;
}

qctx_status qctx_encoders_create(qctx_comm *comm, const qctx_encoder_recipe *recipe, qctx_encoder **created,
                                 qctx_error *error)
{
    qctx_encoder *encoder = NULL;
    qctx_status status = create_alone(comm, recipe, &encoder, error);

    return hand_out(comm, status, encoder, created, error);
}

/* All of them as one. Collective. */
static qctx_status create_all(qctx_comm *comm, const qctx_encoders *encoders, qctx_encoder **created, qctx_error *error)
{
    qctx_encoders_parts parts;
    qctx_encoder *encoder = NULL;
    qctx_status status;

    if (encoders->count == 1)
        return qctx_encoders_create(comm, &encoders->recipes[0], created, error);
    qctx_encoders_parts_of(encoders, encoders->weights, &parts);
    status = create_joined(comm, &parts, &encoder, error);
    return hand_out(comm, status, encoder, created, error);
}

qctx_status qctx_encoders_check_field(const qctx_store *store, const char *field, qctx_error *error)
{
    const qctx_titles titles = qctx_store_titles(store);
    const char *by = titles == QCTX_TITLES_JOINED ? QCTX_CONTEXT_TITLED_TEXT : QCTX_CONTEXT_TEXT;
    char *names[QCTX_JOINED_MAX];
    int64_t count = 0;
    qctx_status status = QCTX_OK;

    if (qctx_store_encoder(store)[0] == '\0')
        return qctx_fail(error, QCTX_ERR_MISMATCH,
                         "%s: the store does not say which encoder made its vectors, and of which field, expected '%s'",
                         qctx_store_path(store), field);
    status =
        qctx_joined_saved_fields(qctx_store_encoder(store), qctx_store_encoder_settings(store), names, &count, error);
    if (status == QCTX_OK && count > 0)
        by = names[0];
    if (status == QCTX_OK && (count > 1 || strcmp(by, field) != 0)) {
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "%s: its contexts were embedded by their '%s'%s, and data.encoder says '%s'", qctx_store_path(store),
                  by, count > 1 ? " and other fields" : "", field);
        status = qctx_hint(error, "leave the field out: a store brings its encoder, and what it takes of contexts");
    }
    for (int64_t f = 0; f < count; f++)
        free(names[f]);
    return status;
}

/* The encoder of a store, as it was fitted. Collective. */
static qctx_status restore(qctx_comm *comm, const qctx_encoders *encoders, qctx_encoder **restored, qctx_error *error)
{
    qctx_store *store = NULL;
    qctx_status status = qctx_store_open_contexts(comm, encoders->store, &store, error);

    if (status == QCTX_OK && encoders->field != NULL)
        status = qctx_agree(comm, qctx_encoders_check_field(store, encoders->field, error), error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, qctx_embed_encoder_of(store, restored, error), error);
    qctx_store_close(store);
    return status;
}

qctx_status qctx_encoders_open(qctx_comm *comm, const qctx_encoder_spec *spec, qctx_encoder **opened, bool *learns,
                               qctx_error *error)
{
    qctx_encoders encoders = {0};
    qctx_status status = qctx_encoders_resolve(comm, spec, &encoders, error);

    *learns = false;
    if (status != QCTX_OK)
        goto out;
    for (int64_t i = 0; i < encoders.count; i++)
        *learns = *learns || encoders.recipes[i].learns;
    if (encoders.store != NULL)
        status = restore(comm, &encoders, opened, error);
    else
        status = create_all(comm, &encoders, opened, error);
out:
    qctx_encoders_free(&encoders);
    return status;
}

qctx_status qctx_encoders_check_trained(const qctx_store *store, const char *trained_on, qctx_error *error)
{
    const char *found = qctx_store_encoder_fingerprint(store);

    if (strcmp(found, trained_on) == 0)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_MISMATCH, "%s: was made by encoder '%s', the head was trained on '%s'",
              qctx_store_path(store), found, trained_on);
    return qctx_hint(error, "embed the corpus with the run's encoder, or train again");
}

qctx_status qctx_encoders_check_titles(const char *path, qctx_titles found, bool titles, const char *setting,
                                       qctx_error *error)
{
    if (found == QCTX_TITLES_NONE || found == QCTX_TITLES_FIELDS || (found == QCTX_TITLES_JOINED) == titles)
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_MISMATCH, "%s: its contexts were embedded %s, and %s", path,
                     titles ? "without their titles" : "with their titles in front", setting);
}
