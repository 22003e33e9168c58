/* What is said of a corpus, a store, a configuration and a checkpoint. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "info_internal.h"
#include "qctx/base/fileio.h"
#include "qctx/data/corpus.h"
#include "qctx/run/checkpoint.h"
#include "qctx/store/store.h"
#include "qctx/text/yaml.h"

static void set_text(json_t *object, const char *name, const char *value)
{
    json_object_set_new(object, name, value[0] != '\0' ? json_string(value) : json_null());
}

static void set_count(json_t *object, const char *name, int64_t value)
{
    json_object_set_new(object, name, json_integer(value));
}

static void set_hash(json_t *object, const char *name, uint64_t value)
{
    char text[17];

    snprintf(text, sizeof text, "%016" PRIx64, value);
    set_text(object, name, value != 0 ? text : "");
}

json_t *info_new(const char *kind, const char *path)
{
    json_t *object = json_object();

    set_text(object, "kind", kind);
    set_text(object, "path", path);
    return object;
}

/* The lowest and the highest grade of a split that has some. */
static void set_grades(json_t *object, const float *grades, int64_t count)
{
    float lowest = grades[0], highest = grades[0];

    for (int64_t a = 1; a < count; a++) {
        lowest = fminf(lowest, grades[a]);
        highest = fmaxf(highest, grades[a]);
    }
    json_object_set_new(object, "lowest_grade", json_real((double)lowest));
    json_object_set_new(object, "highest_grade", json_real((double)highest));
}

static void add_split(json_t *splits, const qctx_split *split)
{
    const int64_t answers = split->offsets[split->count];
    json_t *object = json_object();
    int64_t absent = 0;

    for (int64_t a = 0; a < answers; a++)
        absent += split->contexts[a] == QCTX_ABSENT;
    set_count(object, "questions", split->count);
    set_count(object, "answers", answers);
    if (split->grades != NULL)
        set_grades(object, split->grades, answers);
    if (absent > 0)
        set_count(object, "answers_not_in_the_corpus", absent);
    if (split->judged.unknown_questions > 0)
        set_count(object, "judgements_of_unknown_questions", split->judged.unknown_questions);
    if (split->judged.unknown_contexts > 0)
        set_count(object, "judgements_of_unknown_contexts", split->judged.unknown_contexts);
    json_object_set_new(splits, split->name, object);
}

/* How many contexts have each field; a key that never holds a text is none. */
static void add_fields(json_t *description, const qctx_corpus *corpus)
{
    json_t *fields = json_object();

    for (int64_t i = 0; i < corpus->field_count; i++)
        if (corpus->fields[i].contexts > 0)
            set_count(fields, corpus->fields[i].name, corpus->fields[i].contexts);
    if (json_object_size(fields) > 0)
        json_object_set(description, "contexts_with_field", fields);
    json_decref(fields);
}

qctx_status info_corpus(qctx_comm *comm, const char *path, json_t **description, qctx_error *error)
{
    qctx_corpus *corpus = NULL;
    qctx_status status = qctx_corpus_open(comm, path, &corpus, error);
    json_t *splits = json_object();
    int64_t titled = 0;

    *description = info_new("corpus", path);
    if (status != QCTX_OK) {
        json_decref(splits);
        return status;
    }
    for (int64_t i = 0; i < corpus->context_count; i++)
        titled += corpus->contexts[i].title[0] != '\0';
    for (int64_t i = 0; i < corpus->split_count; i++)
        add_split(splits, &corpus->splits[i]);
    set_count(*description, "questions", corpus->question_count);
    set_count(*description, "contexts", corpus->context_count);
    set_count(*description, "contexts_with_title", titled);
    add_fields(*description, corpus);
    json_object_set_new(*description, "splits", splits);
    set_hash(*description, "fingerprint", corpus->fingerprint);
    qctx_corpus_destroy(corpus);
    return QCTX_OK;
}

/* Whether a setting says nothing, since it is empty. An empty prompt says that there is none, and is shown. */
static bool is_left_out(const char *name, const json_t *value)
{
    bool empty = json_is_string(value) && json_string_length(value) == 0;

    return empty && (strcmp(name, "context_model") == 0 || strcmp(name, "pooling") == 0);
}

static void copy_settings(json_t *settings, json_t *target)
{
    const char *name;
    json_t *value;

    json_object_foreach(settings, name, value)
    {
        bool empty = json_is_string(value) && json_string_length(value) == 0;

        if (!is_left_out(name, value))
            json_object_set(target, name, empty ? json_null() : value);
    }
}

static void copy_parts(const json_t *settings, json_t *target)
{
    const json_t *parts = json_object_get(settings, "parts"), *weights = json_object_get(settings, "weights");
    json_t *copied = json_array();

    for (size_t i = 0; i < json_array_size(parts); i++) {
        json_t *part = json_array_get(parts, i), *object = json_object();

        json_object_set(object, "encoder", json_object_get(part, "name"));
        if (weights != NULL)
            json_object_set(object, "weight", json_array_get(weights, i));
        copy_settings(json_object_get(part, "settings"), object);
        if (json_object_get(part, "fields") != NULL)
            json_object_set(object, "fields", json_object_get(part, "fields"));
        json_array_append_new(copied, object);
    }
    json_object_set_new(target, "parts", copied);
}

/*
 * The settings of a store's encoder as an object for people: those of a joined one as `parts` with their weights,
 * prompts that are empty as null. A text that is no JSON object stays a text. The caller's.
 */
static json_t *encoder_settings(const char *encoder, const char *text)
{
    json_t *settings = NULL, *shown;

    if (text[0] == '\0')
        return json_null();
    if (qctx_json_parse(text, strlen(text), "encoder_settings", &settings, NULL) != QCTX_OK ||
        !json_is_object(settings)) {
        json_decref(settings);
        return json_string(text);
    }
    shown = json_object();
    if (strcmp(encoder, "joined") == 0)
        copy_parts(settings, shown);
    else
        copy_settings(settings, shown);
    json_decref(settings);
    return shown;
}

qctx_status info_store(qctx_comm *comm, const char *path, json_t **description, qctx_error *error)
{
    qctx_store *store = NULL;
    qctx_status status = qctx_store_open_contexts(comm, path, &store, error);
    json_t *splits = json_object();

    *description = info_new("store", path);
    if (status != QCTX_OK) {
        json_decref(splits);
        return status;
    }
    for (int64_t i = 0; i < qctx_store_split_count(store); i++)
        add_split(splits, qctx_store_split_at(store, i));
    set_count(*description, "questions", qctx_store_count(store, QCTX_QUESTION));
    set_count(*description, "contexts", qctx_store_count(store, QCTX_CONTEXT));
    json_object_set_new(*description, "splits", splits);
    set_count(*description, "dim", qctx_store_dim(store));
    set_text(*description, "dtype", qctx_dtype_names[qctx_store_dtype(store)]);
    json_object_set_new(*description, "unit_length", json_boolean(qctx_store_unit_length(store)));
    set_text(*description, "encoder", qctx_store_encoder(store));
    set_text(*description, "encoder_fingerprint", qctx_store_encoder_fingerprint(store));
    json_object_set_new(*description, "encoder_settings",
                        encoder_settings(qctx_store_encoder(store), qctx_store_encoder_settings(store)));
    if (qctx_store_titles(store) != QCTX_TITLES_NONE && qctx_store_titles(store) != QCTX_TITLES_FIELDS)
        set_text(*description, "titles", qctx_titles_names[qctx_store_titles(store)]);
    set_hash(*description, "corpus_fingerprint", qctx_store_corpus_fingerprint(store));
    set_hash(*description, "checksum", qctx_store_checksum(store));
    set_count(*description, "version", qctx_store_version(store));
    set_text(*description, "verified", qctx_verified_names[qctx_store_verified(store)]);
    qctx_store_close(store);
    return QCTX_OK;
}

qctx_status info_set_config(json_t *description, const qctx_config *config, qctx_error *error)
{
    char *text = qctx_config_dump(config, error);

    if (text == NULL)
        return QCTX_ERR_MEMORY;
    set_text(description, "config", text);
    free(text);
    return QCTX_OK;
}

/* Whether it describes a sweep: what its trials differ in is no key of a configuration. Local. */
static bool is_sweep_file(const char *path)
{
    qctx_error ignored = {0};
    qctx_yaml *root = NULL;
    char *text = NULL;
    size_t bytes;
    bool is = false;

    if (qctx_file_read(path, &text, &bytes, &ignored) == QCTX_OK &&
        qctx_yaml_parse(text, bytes, path, &root, &ignored) == QCTX_OK && root->kind == QCTX_YAML_MAPPING)
        for (int64_t i = 0; i < root->count && !is; i++)
            is = strcmp(root->children[i]->key, "parameters") == 0;
    qctx_yaml_destroy(root);
    free(text);
    return is;
}

qctx_status info_config(qctx_comm *comm, const char *path, json_t **description, qctx_error *error)
{
    qctx_config config = {0};
    qctx_status status = qctx_config_load(comm, path, NULL, 0, &config, error);

    *description = info_new("configuration", path);
    if (status == QCTX_ERR_CONFIG && is_sweep_file(path)) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: is a sweep file, not a configuration", path);
        qctx_hint(error, "qctx-dist sweep status %s says how its sweep is", path);
        return QCTX_ERR_FORMAT;
    }
    if (status == QCTX_OK)
        status = qctx_agree(comm, info_set_config(*description, &config, error), error);
    qctx_config_free(&config);
    return status;
}

static void set_head(json_t *description, const qctx_head_config *head)
{
    json_t *object = json_object();

    set_text(object, "form", qctx_head_form_names[head->form]);
    set_text(object, "sides", qctx_head_sides_names[head->sides]);
    set_text(object, "activation", qctx_activation_names[head->activation]);
    set_count(object, "layers", head->layers);
    set_count(object, "input", head->input);
    set_count(object, "hidden", head->hidden);
    set_count(object, "output", head->output);
    set_count(object, "parameters", qctx_head_parameter_count(head));
    json_object_set_new(description, "head", object);
}

void info_set_checkpoint(json_t *description, const qctx_checkpoint *checkpoint)
{
    const float *scalars = checkpoint->parameters + qctx_head_parameter_count(&checkpoint->head);
    const bool retired = checkpoint->similarity == QCTX_SIMILARITY_AUTO;

    set_count(description, "epoch", checkpoint->progress.epoch);
    set_count(description, "step", checkpoint->progress.step);
    json_object_set_new(description, "strength", json_real(checkpoint->strength));
    json_object_set_new(description, "logit_scale", json_real(exp((double)scalars[0])));
    if (checkpoint->scalar_count > 1)
        json_object_set_new(description, "logit_bias", json_real((double)scalars[1]));
    set_count(description, "best_epoch", checkpoint->progress.best_epoch);
    json_object_set_new(description, "best_metric", json_real(checkpoint->progress.best_metric));
    set_text(description, "encoder_fingerprint", checkpoint->encoder_fingerprint);
    set_hash(description, "checksum", qctx_checkpoint_checksum(checkpoint));
    set_text(description, "similarity",
             retired ? QCTX_CHECKPOINT_RETIRED_SCHEME : qctx_similarity_names[checkpoint->similarity]);
    set_text(description, "precision", qctx_precision_names[checkpoint->precision]);
    set_head(description, &checkpoint->head);
}

qctx_status info_checkpoint(qctx_comm *comm, const char *path, json_t **description, qctx_error *error)
{
    qctx_checkpoint checkpoint = {0};
    qctx_status status = qctx_checkpoint_read(comm, path, &checkpoint, error);

    *description = info_new("checkpoint", path);
    if (status != QCTX_OK)
        return status;
    info_set_checkpoint(*description, &checkpoint);
    json_object_set_new(*description, "can_be_resumed",
                        json_boolean(checkpoint.optimizer.count > 0 && checkpoint.similarity != QCTX_SIMILARITY_AUTO));
    qctx_checkpoint_free(&checkpoint);
    return QCTX_OK;
}
