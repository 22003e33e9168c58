/*
 * Corpora embedded by several encoders: the store of each part is made or reused by itself, so that other weights,
 * another part, or one alone embed nothing twice; the joined store is written from the rows of the parts' stores.
 */
#include <stdlib.h>

#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "sources_internal.h"

/* What decides the weights where they are tuned: the held-out questions, and how they are measured. */
static uint64_t hash_tuning(const qctx_places *places, uint64_t hash)
{
    const qctx_config *config = places->config;
    const qctx_sources *train = &config->data.train;
    const int64_t numbers[] = {config->run.seed, config->eval.pool, (int64_t)config->eval.metric};

    hash = qctx_hash_text("tuned", hash);
    hash = qctx_hash(numbers, sizeof numbers, hash);
    hash = qctx_hash(&config->eval.tune, sizeof config->eval.tune, hash);
    hash = qctx_hash_text(config->eval.tune_split, hash);
    for (int64_t i = 0; i < train->count; i++) {
        const qctx_source *source = &train->items[i];
        const qctx_corpus *corpus = qctx_places_find(places, source)->corpus;

        hash = qctx_hash(&corpus->fingerprint, sizeof corpus->fingerprint, hash);
        hash = qctx_hash_text(source->split, hash);
        hash = qctx_hash(&source->limit, sizeof source->limit, hash);
    }
    return hash;
}

/* The key of the joined stores: those of their parts, and the weights or what decides them. */
static uint64_t joined_key(const qctx_places *places)
{
    uint64_t hash = qctx_hash_text("joined", 0);

    for (int64_t i = 0; i < places->encoder_count; i++)
        hash = qctx_hash(&places->encoders[i].key, sizeof places->encoders[i].key, hash);
    if (places->config->encoder.tune)
        return hash_tuning(places, hash);
    return qctx_hash(places->weights, (size_t)places->encoder_count * sizeof *places->weights, hash);
}

/* Opens the joined stores that are cached; one of them tells the weights that were chosen. Collective. */
static qctx_status reuse_joined(qctx_places *places, int64_t *missing, qctx_error *error)
{
    const uint64_t key = joined_key(places);
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < places->count && status == QCTX_OK; i++) {
        qctx_place *place = &places->places[i];

        if (!place->is_corpus)
            continue;
        place->joined_path = qctx_places_cache_path(places, place, key, error);
        status = qctx_agree(places->comm, place->joined_path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
        if (status != QCTX_OK)
            return status;
        if (!qctx_places_cached(places, place->joined_path)) {
            (*missing)++;
            continue;
        }
        status = qctx_places_reuse(places, place, place->joined_path, &place->store, error);
        if (status == QCTX_OK && !places->weights_known) {
            status = qctx_agree(places->comm,
                                qctx_joined_weights(qctx_store_encoder_settings(place->store), places->encoder_count,
                                                    places->weights, error),
                                error);
            places->weights_known = true;
        }
    }
    return status;
}

/* Opens the stores of all parts of a corpus. Collective. */
static qctx_status open_parts(qctx_places *places, qctx_place *place, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < places->encoder_count && status == QCTX_OK; i++)
        if (place->parts[i] == NULL)
            status = qctx_places_open_part(places, place, i, &place->parts[i], error);
    return status;
}

static void close_parts(qctx_place *place)
{
    for (int64_t i = 0; i < QCTX_JOINED_MAX; i++) {
        qctx_store_close(place->parts[i]);
        place->parts[i] = NULL;
    }
}

/* What the store's writer asks rows of. */
typedef struct {
    qctx_store *const *parts;
    int64_t count;
    int64_t dim;
    float factors[QCTX_JOINED_MAX];
} joiner;

static qctx_status join_rows(void *context, qctx_side side, int64_t first, int64_t count, float *rows,
                             qctx_error *error)
{
    const joiner *j = context;
    qctx_status status = QCTX_OK;
    int64_t at = 0;

    for (int64_t i = 0; i < j->count && status == QCTX_OK; i++) {
        const int64_t width = qctx_store_dim(j->parts[i]);
        float *part = qctx_alloc(count * width, sizeof *part, "rows to join", error);

        status = part == NULL ? QCTX_ERR_MEMORY : qctx_store_read(j->parts[i], side, first, count, part, error);
        if (status == QCTX_OK)
            qctx_joined_place(part, count, width, j->factors[i], rows, at, j->dim);
        at += width;
        free(part);
    }
    return status;
}

/* What the joined encoder would save, from what the stores of its parts keep. Local. */
static qctx_status save_encoder(const qctx_places *places, const qctx_place *place, qctx_joined_saved *saved,
                                qctx_error *error)
{
    qctx_joined_part parts[QCTX_JOINED_MAX];
    void *tables[QCTX_JOINED_MAX] = {0};
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < places->encoder_count && status == QCTX_OK; i++) {
        qctx_store *store = place->parts[i];

        parts[i] = (qctx_joined_part){.name = qctx_store_encoder(store),
                                      .settings = qctx_store_encoder_settings(store),
                                      .fingerprint = qctx_store_encoder_fingerprint(store)};
        status = qctx_store_encoder_table(store, &tables[i], &parts[i].bytes, error);
        parts[i].table = tables[i];
    }
    if (status == QCTX_OK)
        status = qctx_joined_save_parts(parts, places->weights, places->encoder_count, saved, error);
    for (int64_t i = 0; i < places->encoder_count; i++)
        free(tables[i]);
    return status;
}

/* Writes the joined store of a corpus, whose parts are open, and opens it. Collective. */
static qctx_status write_joined(qctx_places *places, qctx_place *place, qctx_error *error)
{
    qctx_joined_saved saved = {0};
    joiner j = {.parts = place->parts, .count = places->encoder_count};
    qctx_store_description description = {.corpus = place->corpus, .dtype = places->config->data.dtype};
    qctx_status status = qctx_agree(places->comm, save_encoder(places, place, &saved, error), error);

    if (status != QCTX_OK)
        goto out;
    qctx_joined_factors(places->weights, j.count, j.factors);
    for (int64_t i = 0; i < j.count; i++)
        j.dim += qctx_store_dim(place->parts[i]);
    description.dim = j.dim;
    description.encoder = qctx_joined_encoder.name;
    description.encoder_settings = saved.settings;
    description.encoder_fingerprint = saved.fingerprint;
    description.encoder_table = saved.table;
    description.encoder_table_bytes = saved.bytes;
    status = qctx_store_write(places->comm, place->joined_path, true, &description, join_rows, &j, error);
    if (status == QCTX_OK)
        status = qctx_store_open(places->comm, place->joined_path, &place->store, error);
    if (status == QCTX_OK)
        qctx_info("%s: joined from the stores of %lld encoders, %lld floats a vector", place->joined_path,
                  (long long)j.count, (long long)j.dim);
out:
    qctx_joined_saved_free(&saved);
    return status;
}

/* The weights that are to be tuned, from the parts' stores of the training corpora. Collective. */
static qctx_status choose_weights(qctx_places *places, qctx_error *error)
{
    const qctx_sources *train = &places->config->data.train;
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < train->count && status == QCTX_OK; i++)
        status = open_parts(places, qctx_places_find(places, &train->items[i]), error);
    return status == QCTX_OK ? qctx_places_tune(places, error) : status;
}

qctx_status qctx_places_join(qctx_places *places, qctx_error *error)
{
    int64_t missing = 0;
    qctx_status status = reuse_joined(places, &missing, error);

    if (status == QCTX_OK && missing > 0 && !places->weights_known)
        status = choose_weights(places, error);
    for (int64_t i = 0; i < places->count && status == QCTX_OK; i++) {
        qctx_place *place = &places->places[i];

        if (!place->is_corpus || place->store != NULL)
            continue;
        status = open_parts(places, place, error);
        if (status == QCTX_OK)
            status = write_joined(places, place, error);
        close_parts(place);
    }
    return status;
}
