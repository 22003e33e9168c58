/*
 * Corpora embedded by several encoders, or several fields by one: the store of each is made or reused by itself, so
 * that other weights, another part, or one alone embed nothing twice; the joined store is written from their rows.
 */
#include <stdlib.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
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
        const uint64_t seen = resolver_seen(resolver, corpus);

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

/* The weights that were chosen when a joined store was made. Local. */
static qctx_status take_weights(source_resolver *resolver, const qctx_store *store, qctx_error *error)
{
    const qctx_encoder_spec spec = qctx_config_encoder_spec(resolver->config);
    const char *settings = qctx_store_encoder_settings(store);
    char *shown = NULL;
    qctx_status status = qctx_joined_weights(settings, resolver->encoder_count, resolver->weights, error);

    if (status == QCTX_OK)
        status = qctx_encoders_show_weights(&spec, settings, &shown, error);
    if (status == QCTX_OK)
        qctx_info("weights as they were chosen when that was made: %s", shown);
    resolver->weights_known = status == QCTX_OK;
    free(shown);
    return status;
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
        location->joined_path =
            resolver_cache_path(resolver, location, resolver_seen(resolver, location->corpus), key, error);
        status = qctx_agree(resolver->comm, location->joined_path == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);
        if (status != QCTX_OK)
            return status;
        if (!resolver_is_cached(resolver, location->joined_path)) {
            (*missing)++;
            continue;
        }
        status = resolver_reuse(resolver, location, location->joined_path, &location->store, error);
        if (status == QCTX_OK && !resolver->weights_known)
            status = qctx_agree(resolver->comm, take_weights(resolver, location->store, error), error);
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

/* What the store's writer asks rows of: `stores` are those of the encoders of the run, one for each field. */
typedef struct {
    qctx_store *const *stores;
    qctx_encoders_parts parts;
    float factors[QCTX_JOINED_MAX]; /* [parts.count] */
    int64_t dim;
} joiner;

/* The stores of a part stand together: from this one on, one for each of its fields. */
static int64_t first_store(const joiner *j, int64_t part)
{
    return j->parts.parts[part].fields - j->parts.fields;
}

static void prepare_joiner(const source_resolver *resolver, const resolver_location *location, joiner *j)
{
    double weights[QCTX_JOINED_MAX];

    *j = (joiner){.stores = location->parts};
    qctx_encoders_parts_of(&resolver->specified, resolver->weights, &j->parts);
    for (int64_t i = 0; i < j->parts.count; i++) {
        const qctx_joined_part *part = &j->parts.parts[i];

        weights[i] = part->field_count == 0 ? j->parts.weights[i] : 0;
        for (int64_t f = 0; f < part->field_count; f++)
            weights[i] += part->fields[f].weight;
        j->dim += qctx_store_dim(j->stores[first_store(j, i)]);
    }
    qctx_joined_factors(weights, j->parts.count, j->factors);
}

/* A part's columns, from `at` on: questions, and contexts of one field, are those of its first store. */
static qctx_status join_part(const joiner *j, int64_t part, qctx_side side, int64_t first, int64_t count, float *rows,
                             int64_t at, qctx_error *error)
{
    const int64_t fields = side == QCTX_CONTEXT ? j->parts.parts[part].field_count : 0;
    const int64_t read = fields > 1 ? fields : 1, width = qctx_store_dim(j->stores[first_store(j, part)]);
    float *made[QCTX_JOINED_MAX] = {0};
    double weights[QCTX_JOINED_MAX];
    qctx_status status = QCTX_OK;

    for (int64_t f = 0; f < read && status == QCTX_OK; f++) {
        weights[f] = j->parts.parts[part].fields[f].weight;
        made[f] = qctx_alloc(count * width, sizeof *made[f], "rows to join", error);
        status = made[f] == NULL
                     ? QCTX_ERR_MEMORY
                     : qctx_store_read(j->stores[first_store(j, part) + f], side, first, count, made[f], error);
    }
    if (status == QCTX_OK && fields > 1)
        qctx_joined_place_sum((const float *const *)made, weights, fields, count, width, j->factors[part], rows, at,
                              j->dim);
    else if (status == QCTX_OK)
        qctx_joined_place(made[0], count, width, j->factors[part], rows, at, j->dim);
    for (int64_t f = 0; f < read; f++)
        free(made[f]);
    return status;
}

static qctx_status join_rows(void *context, qctx_side side, int64_t first, int64_t count, float *rows,
                             qctx_error *error)
{
    const joiner *j = context;
    qctx_status status = QCTX_OK;
    int64_t at = 0;

    for (int64_t i = 0; i < j->parts.count && status == QCTX_OK; i++) {
        status = join_part(j, i, side, first, count, rows, at, error);
        at += qctx_store_dim(j->stores[first_store(j, i)]);
    }
    return status;
}

/* What is saved of a part, for as long as it is needed. */
typedef struct {
    char *settings;
    char *fingerprint;
    void *table;
} saved_part;

/* What a store of a part keeps of its encoder: of one with a field, which is joined of nothing else, that one's. */
static qctx_status save_part(qctx_store *store, bool has_field, qctx_joined_part *part, saved_part *saved,
                             qctx_error *error)
{
    qctx_encoder *encoder = NULL;
    qctx_status status = qctx_store_encoder_table(store, &saved->table, &part->bytes, error);

    part->settings = qctx_store_encoder_settings(store);
    part->fingerprint = qctx_store_encoder_fingerprint(store);
    if (status == QCTX_OK && has_field) {
        status = qctx_joined_restore_part(part->settings, saved->table, part->bytes, &encoder, error);
        free(saved->table);
        saved->table = NULL;
        if (status == QCTX_OK)
            status = qctx_encoder_save(encoder, &saved->settings, &saved->table, &part->bytes, error);
        if (status == QCTX_OK && (saved->fingerprint = qctx_encoder_fingerprint(encoder, error)) == NULL)
            status = QCTX_ERR_MEMORY;
        part->settings = saved->settings;
        part->fingerprint = saved->fingerprint;
        qctx_encoder_destroy(encoder);
    }
    part->table = saved->table;
    return status;
}

/* What the joined encoder would save, from what the stores of its parts keep. Local. */
static qctx_status save_encoder(const source_resolver *resolver, joiner *j, qctx_joined_saved *saved, qctx_error *error)
{
    saved_part kept[QCTX_JOINED_MAX] = {0};
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < j->parts.count && status == QCTX_OK; i++) {
        const int64_t first = first_store(j, i);

        status = save_part(j->stores[first], resolver->specified.recipes[first].field != NULL, &j->parts.parts[i],
                           &kept[i], error);
    }
    if (status == QCTX_OK)
        status = qctx_joined_save_parts(j->parts.parts, j->parts.weights, j->parts.count, saved, error);
    for (int64_t i = 0; i < j->parts.count; i++) {
        free(kept[i].settings);
        free(kept[i].fingerprint);
        free(kept[i].table);
    }
    return status;
}

/* Writes the joined store of a corpus, whose parts are open, and opens it. Collective. */
static qctx_status write_joined(source_resolver *resolver, resolver_location *location, qctx_error *error)
{
    const char *fields[QCTX_JOINED_MAX];
    qctx_joined_saved saved = {0};
    joiner j;
    qctx_store_description description = {.corpus = location->corpus,
                                          .dtype = resolver->config->data.dtype,
                                          .titles = resolver->config->data.titles,
                                          .fields = fields};
    qctx_status status;

    prepare_joiner(resolver, location, &j);
    status = qctx_agree(resolver->comm, save_encoder(resolver, &j, &saved, error), error);
    if (status != QCTX_OK)
        goto out;
    for (int64_t f = 0; f < resolver->encoder_count && j.parts.parts[0].field_count > 0; f++)
        fields[description.field_count++] = j.parts.fields[f].name;
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
    if (status == QCTX_OK && description.field_count > j.parts.count)
        qctx_info("%s: joined from the stores of %lld fields by %lld encoder%s, %lld floats a vector",
                  location->joined_path, (long long)description.field_count, (long long)j.parts.count,
                  qctx_plural(j.parts.count), (long long)j.dim);
    else if (status == QCTX_OK)
        qctx_info("%s: joined from the stores of %lld encoders, %lld floats a vector", location->joined_path,
                  (long long)j.parts.count, (long long)j.dim);
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
