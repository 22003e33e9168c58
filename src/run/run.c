#include "qctx/run/run.h"

#include <stdlib.h>
#include <string.h>

#include "checkpoints_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/trust.h"
#include "qctx/dataset/embed.h"
#include "qctx/dataset/encoders.h"
#include "qctx/encoder/pretrained.h"
#include "qctx/run/checkpoints.h"
#include "run_internal.h"

/* The checkpoint to use: that of the run folder, or the file itself. */
static qctx_status find_checkpoint(const char *path, char **file, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (!qctx_path_exists(path)) {
        qctx_fail(error, QCTX_ERR_IO, "%s: there is no such run or checkpoint", path);
        return qctx_hint(error, "a run is a folder <run.out>/<run.name> that qctx-dist train made");
    }
    status = run_refuse_other(path, error);
    if (status != QCTX_OK)
        return status;
    if (!qctx_path_is_folder(path)) {
        *file = qctx_strdup(path, error);
        return *file == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    *file = qctx_checkpoints_best_path(path, error);
    if (*file == NULL)
        return QCTX_ERR_MEMORY;
    if (qctx_path_exists(*file))
        return checkpoints_refuse_links(path, *file, error);
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: is not a finished run: checkpoints/best.h5 is missing", path);
    return qctx_hint(error, "train it first: qctx-dist train CONFIG");
}

/* The folder from which the run's relative paths are tried. */
static qctx_status find_folder(const char *path, qctx_run *run, qctx_error *error)
{
    const char *base = qctx_path_base(path);

    if (qctx_path_is_folder(path))
        run->folder = qctx_strdup(path, error);
    else
        run->folder = base == path ? qctx_strdup(".", error) : qctx_format(error, "%.*s", (int)(base - path), path);
    if (run->folder == NULL)
        return QCTX_ERR_MEMORY;
    run->origin.folder = run->folder;
    run->origin.trained_on = run->checkpoint.encoder_fingerprint;
    return qctx_origin_read(run->checkpoint.sources, path, &run->origin, error);
}

/*
 * Stores are made in the folder that the run names where that is here already and may be followed (base/trust), else
 * where they are made by default: a run that is a stranger's makes no folders. Collective.
 */
static void choose_cache(qctx_comm *comm, qctx_run *run)
{
    const char *cache = run->config.data.cache;
    int64_t own =
        qctx_comm_rank(comm) == 0 && qctx_path_is_folder(cache) && qctx_trusts(cache, run->folder, "QCTX_STORES");

    qctx_comm_max_int64(comm, &own, 1);
    run->origin.cache = own ? cache : QCTX_CONFIG_CACHE;
}

qctx_status qctx_run_open(qctx_comm *comm, const char *path, qctx_run *run, qctx_error *error)
{
    char *file = NULL;
    qctx_status status;

    *run = (qctx_run){0};
    status = qctx_agree(comm, find_checkpoint(path, &file, error), error);
    if (status == QCTX_OK)
        status = qctx_checkpoint_read(comm, file, &run->checkpoint, error);
    if (status == QCTX_OK)
        status = qctx_agree(
            comm,
            qctx_config_parse_kept(run->checkpoint.config, strlen(run->checkpoint.config), file, &run->config, error),
            error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, find_folder(path, run, error), error);
    if (status == QCTX_OK)
        choose_cache(comm, run);
    free(file);
    if (status != QCTX_OK) {
        qctx_run_close(run);
        return status;
    }
    run->no_head = (qctx_projector){.normalize = run->config.loss.normalize, .input = run->checkpoint.head.input};
    run->head = run->no_head;
    run->head.head = &run->checkpoint.head;
    run->head.parameters = run->checkpoint.parameters;
    run->head.strength = run->checkpoint.strength;
    return QCTX_OK;
}

void qctx_run_close(qctx_run *run)
{
    qctx_pretrained_look_beside(NULL);
    qctx_config_free(&run->config);
    qctx_origin_free(&run->origin);
    free(run->folder);
    qctx_checkpoint_free(&run->checkpoint);
    *run = (qctx_run){0};
}

/* Before anything that the run names is looked for. */
static void look_beside(const qctx_run *run)
{
    qctx_pretrained_look_beside(run->folder);
    if (strcmp(run->origin.cache, run->config.data.cache) != 0)
        qctx_info(
            "stores are made in %s: %s, the run's data.cache, is not used, since it is not here or lies elsewhere "
            "(QCTX_STORES names folders that may be used)",
            run->origin.cache, run->config.data.cache);
}

qctx_status qctx_run_open_sources(qctx_comm *comm, const qctx_run *run, qctx_opened *opened, qctx_error *error)
{
    look_beside(run);
    return qctx_sources_open(comm, &run->config, &run->origin, opened, error);
}

static qctx_status open_training(qctx_comm *comm, const qctx_run *run, const qctx_origin *origin, qctx_opened *opened,
                                 qctx_error *error)
{
    qctx_config config = run->config; /* borrows all of it */

    config.data.eval.count = 0;
    config.eval.guard.count = 0;
    return qctx_sources_open(comm, &config, origin, opened, error);
}

qctx_status qctx_run_open_training(qctx_comm *comm, const qctx_run *run, qctx_opened *opened, qctx_error *error)
{
    look_beside(run);
    return open_training(comm, run, &run->origin, opened, error);
}

/* Whether an encoder, which its configuration alone describes, is the one that the head was trained on. Local. */
static qctx_status check_encoder(const qctx_run *run, const qctx_encoder *encoder, qctx_error *error)
{
    char *fingerprint = qctx_encoder_fingerprint(encoder, error);
    qctx_status status = fingerprint == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && strcmp(fingerprint, run->checkpoint.encoder_fingerprint) != 0) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "%s: is the encoder '%s', the head was trained on '%s'",
                  run->config.data.encoder.items[0].model, fingerprint, run->checkpoint.encoder_fingerprint);
        status = qctx_hint(error, "put the model that the run was trained with there, or where QCTX_MODELS says");
    }
    free(fingerprint);
    return status;
}

/* The encoder of a run that only its training data make what it is. Collective. */
static qctx_status encoder_of_sources(qctx_comm *comm, const qctx_run *run, qctx_encoder **opened, qctx_error *error)
{
    qctx_opened sources = {0};
    qctx_origin origin = run->origin; /* borrows all of it */
    qctx_status status;

    origin.for_encoder = true;
    status = open_training(comm, run, &origin, &sources, error);

    if (status == QCTX_OK)
        status = qctx_run_check_store(run, sources.train[0].store, error);
    if (status == QCTX_OK)
        status = qctx_embed_encoder_of(sources.train[0].store, opened, error);
    status = qctx_agree(comm, status, error);
    qctx_opened_close(&sources);
    return status;
}

qctx_status qctx_run_open_encoder(qctx_comm *comm, const qctx_run *run, qctx_encoder **opened, qctx_error *error)
{
    const qctx_encoder_spec spec = qctx_config_encoder_spec(&run->config);
    qctx_encoder *encoder = NULL;
    bool learns = false;
    qctx_status status;

    look_beside(run);
    status = qctx_encoders_open(comm, &spec, &encoder, &learns, error);
    if (status == QCTX_OK && !learns && !run->config.encoder.tune)
        status = qctx_agree(comm, check_encoder(run, encoder, error), error);
    if (status == QCTX_OK && (learns || run->config.encoder.tune)) {
        qctx_encoder_destroy(encoder);
        return encoder_of_sources(comm, run, opened, error);
    }
    if (status == QCTX_OK)
        *opened = encoder;
    else
        qctx_encoder_destroy(encoder);
    return status;
}

qctx_status qctx_run_check_store(const qctx_run *run, const qctx_store *store, qctx_error *error)
{
    if (qctx_store_dim(store) != run->head.input)
        return qctx_fail(error, QCTX_ERR_MISMATCH, "%s: rows of %lld, the head takes rows of %lld",
                         qctx_store_path(store), (long long)qctx_store_dim(store), (long long)run->head.input);
    return qctx_encoders_check_trained(store, run->checkpoint.encoder_fingerprint, error);
}
