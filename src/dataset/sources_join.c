/*
 * Corpora embedded by several encoders: the store of each part is made or reused by itself, so that other weights,
 * another part, or one alone embed nothing twice; the joined store is written from the rows of the parts' stores.
 */
#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/data/context_texts.h"
#include "qctx/store/store_writer.h"
#include "sources_internal.h"

/* Of how contexts are judged, what differs from the defaults: stores that were made before there was a choice stay. */
static uint64_t hash_judging(const qctx_config *config, uint64_t hash)
{
    const double grades[] = {config->eval.relevant, config->data.min_grade};

    if (config->eval.gain != QCTX_GAIN_LINEAR)
        hash = qctx_hash_text("exponential", hash);
    if (!config->eval.ignore_identical_ids)
        hash = qctx_hash_text("identical", hash);
    return grades[0] == 1 && grades[1] == 1 ? hash : qctx_hash(grades, sizeof grades, hash);
}

/* What decides the weights where they are tuned: the held-out questions, and how they are measured. */
static uint64_t hash_tuning(const source_resolver *resolver, uint64_t hash)
{
    const qctx_config *config = resolver->config;
    const qctx_sources *train = &config->data.train;
    const int64_t numbers[] = {config->run.seed, config->eval.pool, (int64_t)config->eval.metric};

    hash = qctx_hash_text("tuned", hash);
    hash = qctx_hash(numbers, sizeof numbers, hash);
    hash = qctx_hash(&config->eval.tune, sizeof config->eval.tune, hash);
    hash = qctx_hash_text(config->eval.tune_split, hash);
    hash = hash_judging(config, hash);
    for (int64_t i = 0; i < train->count; i++) {
        const qctx_source *source = &train->items[i];
        const qctx_corpus *corpus = resolver_find(resolver, source)->corpus;
        const uint64_t seen = qctx_context_texts_fingerprint(corpus, qctx_context_field(config->data.titles));

        hash = qctx_hash(&seen, sizeof seen, hash);
        hash = qctx_hash_text(source->split, hash);
        hash = qctx_hash(&source->limit, sizeof source->limit, hash);
    }
    return hash;
}

/* The key of the joined stores: those of their parts, and the weights or what decides them. */
static uint64_t joined_key(const source_resolver *resolver)
{
    uint64_t hash = qctx_hash_text("joined", 0);

    for (int64_t i = 0; i < resolver->encoder_count; i++)
        hash = qctx_hash(&resolver->encoders[i].key, sizeof resolver->encoders[i].key, hash);
    if (resolver->config->encoder.tune)
        return hash_tuning(resolver, hash);
    return qctx_hash(resolver->weights, (size_t)resolver->encoder_count * sizeof *resolver->weights, hash);
}

/* Opens the joined stores that are cached; one of them tells the weights that were chosen. Collective. */
static qctx_status reuse_joined(source_resolver *resolver, int64_t *missing, qctx_error *error)
{
    const uint64_t key = joined_key(resolver);
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < resolver->count && status == QCTX_OK; i++) {
        resolver_location *location = &resolver->locations[i];

        if (!location->is_corpus)
            continue;
        location->joined_path = resolver_cache_path(resolver, location, key, error);
        status = qctx_agree(resolver->comm, location->joined_path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
        if (status != QCTX_OK)
            return status;
        if (!resolver_is_cached(resolver, location->joined_path)) {
            (*missing)++;
            continue;
        }
        status = resolver_reuse(resolver, location, location->joined_path, &location->store, error);
        if (status == QCTX_OK && !resolver->weights_known) {
            status = qctx_agree(resolver->comm,
                                qctx_joined_weights(qctx_store_encoder_settings(location->store),
                                                    resolver->encoder_count, resolver->weights, error),
                                error);
            resolver->weights_known = true;
        }
    }
    return status;
}

/* Opens the stores of all parts of a corpus. Collective. */
static qctx_status open_parts(source_resolver *resolver, resolver_location *location, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < resolver->encoder_count && status == QCTX_OK; i++)
        if (location->parts[i] == NULL)
            status = resolver_open_part(resolver, location, i, &location->parts[i], error);
    return status;
}

static void close_parts(resolver_location *location)
{
    for (int64_t i = 0; i < QCTX_JOINED_MAX; i++) {
        qctx_store_close(location->parts[i]);
        location->parts[i] = NULL;
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
static qctx_status save_encoder(const source_resolver *resolver, const resolver_location *location,
                                qctx_joined_saved *saved, qctx_error *error)
{
    qctx_joined_part parts[QCTX_JOINED_MAX];
    void *tables[QCTX_JOINED_MAX] = {0};
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < resolver->encoder_count && status == QCTX_OK; i++) {
        qctx_store *store = location->parts[i];

        parts[i] = (qctx_joined_part){.name = qctx_store_encoder(store),
                                      .settings = qctx_store_encoder_settings(store),
                                      .fingerprint = qctx_store_encoder_fingerprint(store)};
        status = qctx_store_encoder_table(store, &tables[i], &parts[i].bytes, error);
        parts[i].table = tables[i];
    }
    if (status == QCTX_OK)
        status = qctx_joined_save_parts(parts, resolver->weights, resolver->encoder_count, saved, error);
    for (int64_t i = 0; i < resolver->encoder_count; i++)
        free(tables[i]);
    return status;
}

/* Writes the joined store of a corpus, whose parts are open, and opens it. Collective. */
static qctx_status write_joined(source_resolver *resolver, resolver_location *location, qctx_error *error)
{
    qctx_joined_saved saved = {0};
    joiner j = {.parts = location->parts, .count = resolver->encoder_count};
    qctx_store_description description = {
        .corpus = location->corpus, .dtype = resolver->config->data.dtype, .titles = resolver->config->data.titles};
    qctx_status status = qctx_agree(resolver->comm, save_encoder(resolver, location, &saved, error), error);

    if (status != QCTX_OK)
        goto out;
    qctx_joined_factors(resolver->weights, j.count, j.factors);
    for (int64_t i = 0; i < j.count; i++)
        j.dim += qctx_store_dim(location->parts[i]);
    description.dim = j.dim;
    description.encoder = qctx_joined_encoder.name;
    description.encoder_settings = saved.settings;
    description.encoder_fingerprint = saved.fingerprint;
    description.encoder_table = saved.table;
    description.encoder_table_bytes = saved.bytes;
    status = qctx_store_write(resolver->comm, location->joined_path, true, &description, join_rows, &j, error);
    if (status != QCTX_OK)
        qctx_hint_place(error, resolver_cache(resolver), "data.cache=FOLDER");
    if (status == QCTX_OK)
        status = qctx_store_open(resolver->comm, location->joined_path, &location->store, error);
    if (status == QCTX_OK)
        qctx_info("%s: joined from the stores of %lld encoders, %lld floats a vector", location->joined_path,
                  (long long)j.count, (long long)j.dim);
out:
    qctx_joined_saved_free(&saved);
    return status;
}

/* Another job may make it meanwhile. Collective. */
static qctx_status make_joined(source_resolver *resolver, resolver_location *location, qctx_error *error)
{
    qctx_lockfile *turn = NULL;
    qctx_status status = resolver_take_turn(resolver, location->joined_path, &turn, error);
    const bool cached = status == QCTX_OK && resolver_is_cached(resolver, location->joined_path);

    if (status == QCTX_OK && cached)
        status = resolver_reuse(resolver, location, location->joined_path, &location->store, error);
    else if (status == QCTX_OK)
        status = open_parts(resolver, location, error);
    if (status == QCTX_OK && !cached)
        status = write_joined(resolver, location, error);
    qctx_lockfile_remove(turn);
    return status;
}

/* The weights that are to be tuned, from the parts' stores of the training corpora. Collective. */
static qctx_status choose_weights(source_resolver *resolver, qctx_error *error)
{
    const qctx_sources *train = &resolver->config->data.train;
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < train->count && status == QCTX_OK; i++)
        status = open_parts(resolver, resolver_find(resolver, &train->items[i]), error);
    return status == QCTX_OK ? resolver_tune(resolver, error) : status;
}

qctx_status resolver_join(source_resolver *resolver, qctx_error *error)
{
    int64_t missing = 0;
    qctx_status status = reuse_joined(resolver, &missing, error);

    if (status == QCTX_OK && missing > 0 && !resolver->weights_known)
        status = choose_weights(resolver, error);
    for (int64_t i = 0; i < resolver->count && status == QCTX_OK; i++) {
        resolver_location *location = &resolver->locations[i];

        if (!location->is_corpus || location->store != NULL)
            continue;
        status = make_joined(resolver, location, error);
        close_parts(location);
    }
    return status;
}
