#include "qctx/dataset/encoders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoders_internal.h"
#include "qctx/base/mem.h"
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

qctx_status qctx_encoders_create(qctx_comm *comm, const qctx_encoder_recipe *recipe, qctx_encoder **created,
                                 qctx_error *error)
{
    qctx_encoder *encoder = NULL;
    qctx_status status = qctx_agree(comm, qctx_encoder_create(recipe->name, recipe->settings, &encoder, error), error);

    if (status == QCTX_OK)
        status = check_same(comm, encoder, error);
    if (status != QCTX_OK) {
        qctx_encoder_destroy(encoder);
        return status;
    }
    *created = encoder;
    return QCTX_OK;
}

/* The encoder of a store, as it was fitted. Collective. */
static qctx_status restore(qctx_comm *comm, const char *path, qctx_encoder **restored, qctx_error *error)
{
    qctx_store *store = NULL;
    qctx_status status = qctx_store_open_contexts(comm, path, &store, error);

    if (status == QCTX_OK)
        status = qctx_agree(comm, qctx_embed_encoder_of(store, restored, error), error);
    qctx_store_close(store);
    return status;
}

/* Collective. */
static qctx_status create_joined(qctx_comm *comm, const qctx_encoders *encoders, qctx_encoder **created,
                                 qctx_error *error)
{
    qctx_joined_part parts[QCTX_JOINED_MAX] = {0};
    qctx_encoder_recipe recipe = {.name = "joined"};
    qctx_status status;

    for (int64_t i = 0; i < encoders->count; i++)
        parts[i] = (qctx_joined_part){.name = encoders->recipes[i].name, .settings = encoders->recipes[i].settings};
    recipe.settings = qctx_joined_settings(parts, encoders->weights, encoders->count, error);
    status = qctx_agree(comm, recipe.settings == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
    if (status == QCTX_OK)
        status = qctx_encoders_create(comm, &recipe, created, error);
    free(recipe.settings);
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
        status = restore(comm, encoders.store, opened, error);
    else if (encoders.count == 1)
        status = qctx_encoders_create(comm, &encoders.recipes[0], opened, error);
    else
        status = create_joined(comm, &encoders, opened, error);
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
    if (found == QCTX_TITLES_NONE || (found == QCTX_TITLES_JOINED) == titles)
        return QCTX_OK;
    return qctx_fail(error, QCTX_ERR_MISMATCH, "%s: its contexts were embedded %s, and %s", path,
                     titles ? "without their titles" : "with their titles in front", setting);
}
