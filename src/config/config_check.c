/* What is fine key by key but not together. */
#include <string.h>

#include "config_internal.h"
#include "qctx/base/names.h"
#include "qctx/config/encoder_spec.h"
#include "qctx/data/context_texts.h"
#include "qctx/encoder/joined.h"

static int64_t index_of(const char *path)
{
    return qctx_config_find(qctx_config_keys, qctx_config_key_count, path);
}

/* Whether the key was complained about already. */
static bool was_refused(const qctx_config_reader *reader, const char *path)
{
    return reader->refused[index_of(path)];
}

static qctx_config_place place_of(const qctx_config_reader *reader, const char *path)
{
    return reader->places[index_of(path)];
}

static void check_train(qctx_config_reader *reader)
{
    if (reader->config.data.train.count == 0 && !was_refused(reader, "data.train") && !reader->file_unread)
        qctx_config_complain(reader, place_of(reader, "data.train"), "data.train",
                             "required: what to train on, such as [{corpus: corpora/squad, split: train}]");
}

static void check_loss(qctx_config_reader *reader)
{
    const qctx_config *config = &reader->config;

    if (config->loss.kind != QCTX_LOSS_CLIP && config->loss.direction != QCTX_DIRECTION_BOTH)
        qctx_config_complain(reader, place_of(reader, "loss.direction"), "loss.direction",
                             "only clip has one direction; with another loss.kind leave it at both");
    if (config->loss.logit_scale.init > config->loss.logit_scale.max && !was_refused(reader, "loss.logit_scale.init") &&
        !was_refused(reader, "loss.logit_scale.max"))
        qctx_config_complain(reader, place_of(reader, "loss.logit_scale.init"), "loss.logit_scale.init",
                             "expected at most loss.logit_scale.max, %.15g, found %.15g", config->loss.logit_scale.max,
                             config->loss.logit_scale.init);
}

/* What the scheme of the loss cannot do with the rest of the configuration; told where the key stands that has to
 * change. */
static void check_scheme(qctx_config_reader *reader)
{
    const qctx_config *config = &reader->config;
    qctx_loss_conflict conflict =
        qctx_loss_check(config->loss.kind, config->loss.similarity, config->run.precision, config->run.reproducible);

    if (conflict.key == NULL && (config->loss.candidates == QCTX_LOSS_CANDIDATES_CORPUS || config->negatives.count > 0))
        conflict = qctx_loss_check_extras(config->loss.kind, config->loss.direction);
    if (conflict.key != NULL)
        qctx_config_complain(reader, place_of(reader, conflict.key), conflict.key, "%s", conflict.reason);
}

static void complain_at(qctx_config_reader *reader, const char *path, const char *reason)
{
    qctx_config_complain(reader, place_of(reader, path), path, "%s", reason);
}

/* What names negatives of files is followed where they are asked for. */
static void check_given_negatives(qctx_config_reader *reader)
{
    const qctx_config *config = &reader->config;
    const bool from_file = config->negatives.from == QCTX_NEGATIVES_OF_FILE;

    if (from_file && config->negatives.count == 0 && !was_refused(reader, "negatives.count"))
        complain_at(reader, "negatives.from",
                    "file needs negatives.count, how many of them a question takes at a time");
    for (int64_t i = 0; i < config->data.train.count && !from_file && !was_refused(reader, "negatives.from"); i++)
        if (config->data.train.items[i].negatives != NULL)
            qctx_config_complain(reader, place_of(reader, "data.train"), "data.train",
                                 "'%s' names a file of negatives, which is read with negatives.from: file",
                                 config->data.train.items[i].name);
}

static void check_negatives(qctx_config_reader *reader)
{
    const qctx_config *config = &reader->config;

    check_given_negatives(reader);
    if (config->negatives.count == 0)
        return;
    if (config->loss.candidates == QCTX_LOSS_CANDIDATES_CORPUS)
        complain_at(reader, "negatives.count",
                    "is for loss.candidates: batch; with corpus every question meets all contexts that answer one");
    if (config->negatives.from == QCTX_NEGATIVES_MINED && config->negatives.depth < config->negatives.count &&
        !was_refused(reader, "negatives.depth"))
        qctx_config_complain(reader, place_of(reader, "negatives.depth"), "negatives.depth",
                             "expected at least negatives.count, %lld, found %lld", (long long)config->negatives.count,
                             (long long)config->negatives.depth);
}

/* Whether some entry says more than its model. */
static bool has_mapping(const qctx_encoder_entries *entries)
{
    for (int64_t i = 0; i < entries->count; i++)
        if (entries->items[i].field != NULL || entries->items[i].weight != 1.0)
            return true;
    return false;
}

/* The weights of several encoders, which stand in one place: beside each, or in encoder.weights. */
static void check_weights(qctx_config_reader *reader)
{
    const qctx_encoder_entries *entries = &reader->config.data.encoder;
    const qctx_numbers *weights = &reader->config.encoder.weights;
    const char *key = weights->count > 0 ? "encoder.weights" : "data.encoder";
    double sum = 0;

    if (was_refused(reader, "data.encoder"))
        return;
    for (int64_t i = 0; i < (weights->count > 0 ? weights->count : entries->count); i++)
        sum += weights->count > 0 ? weights->items[i] : entries->items[i].weight;
    if (weights->count > 0 && has_mapping(entries))
        complain_at(reader, key,
                    "is for plain names in data.encoder, where some have a field or a weight of their own; "
                    "give each its weight there");
    else if (weights->count > 0 && entries->count == 1)
        complain_at(reader, key, "is for several encoders, and data.encoder names one");
    else if (weights->count > 0 && weights->count != entries->count)
        qctx_config_complain(reader, place_of(reader, key), key,
                             "expected %lld numbers, one for each encoder of data.encoder, found %lld",
                             (long long)entries->count, (long long)weights->count);
    else if (!(sum > 0 && sum <= QCTX_JOINED_WEIGHT_MAX))
        complain_at(reader, key,
                    weights->count > 0 ? "expected a sum above 0 and at most 1e6"
                                       : "expected weights whose sum is above 0 and at most 1e6");
}

static void check_tune(qctx_config_reader *reader)
{
    const qctx_config *config = &reader->config;
    const qctx_encoder_entries *entries = &config->data.encoder;
    bool weighted = config->encoder.weights.count > 0;

    if (!config->encoder.tune || was_refused(reader, "data.encoder"))
        return;
    for (int64_t i = 0; i < entries->count; i++)
        weighted = weighted || entries->items[i].weight != 1.0;
    if (entries->count == 1)
        complain_at(reader, "encoder.tune",
                    "chooses the weights of several encoders or fields, and data.encoder names one");
    else if (weighted)
        complain_at(reader, "encoder.tune",
                    "chooses the weights; leave encoder.weights out, and those in data.encoder");
    else if (config->eval.tune == 0 && config->eval.tune_split[0] == '\0')
        complain_at(reader, "encoder.tune", "needs held-out questions: set eval.tune or eval.tune_split");
}

/* One model with one field twice: what contexts are without a field is one, too. */
static void check_twice(qctx_config_reader *reader)
{
    const qctx_encoder_entries *entries = &reader->config.data.encoder;
    const bool titles = reader->config.data.titles;

    for (int64_t i = 0; i < entries->count; i++)
        for (int64_t j = 0; j < i; j++) {
            const qctx_encoder_entry *one = &entries->items[i], *other = &entries->items[j];
            const char *field = qctx_encoder_entry_field(one, titles),
                       *before = qctx_encoder_entry_field(other, titles);

            if (strcmp(one->model, other->model) != 0 || (field == NULL) != (before == NULL) ||
                (field != NULL && strcmp(field, before) != 0))
                continue;
            if (one->field == NULL && other->field == NULL)
                qctx_config_complain(reader, place_of(reader, "data.encoder"), "data.encoder", "names %s twice",
                                     one->model);
            else
                qctx_config_complain(reader, place_of(reader, "data.encoder"), "data.encoder",
                                     "names %s twice with the field '%s'", one->model,
                                     field != NULL ? field : qctx_context_field(titles));
        }
}

/* What only the files can tell, whether a path is a model folder, is checked by dataset/encoders. */
static void check_encoder(qctx_config_reader *reader)
{
    const qctx_encoder_entries *entries = &reader->config.data.encoder;
    const qctx_encoder_spec spec = qctx_config_encoder_spec(&reader->config);
    const char *setting = qctx_encoder_spec_model_setting(&spec);
    bool built_in = true;

    if (entries->count > QCTX_JOINED_MAX)
        qctx_config_complain(reader, place_of(reader, "data.encoder"), "data.encoder",
                             "expected at most %d encoders, found %lld", QCTX_JOINED_MAX, (long long)entries->count);
    for (int64_t i = 0; i < entries->count; i++)
        built_in = built_in && qctx_name_find(qctx_encoder_built_in_names, entries->items[i].model) >= 0;
    if (built_in && setting != NULL && !was_refused(reader, "data.encoder")) {
        char path[64];

        snprintf(path, sizeof path, "encoder.%s", setting);
        complain_at(reader, path, "is for model folders, and data.encoder names none");
    }
    if (!was_refused(reader, "data.encoder"))
        check_twice(reader);
    check_weights(reader);
    check_tune(reader);
}

/* Tables go by the names of their sources. */
static void check_names(qctx_config_reader *reader, const char *key, const qctx_sources *sources)
{
    for (int64_t i = 1; i < sources->count; i++)
        for (int64_t j = 0; j < i; j++)
            if (strcmp(sources->items[i].name, sources->items[j].name) == 0) {
                qctx_config_complain(reader, place_of(reader, key), key,
                                     "sources %lld and %lld are both called '%s'; give one of them a name",
                                     (long long)j, (long long)i, sources->items[i].name);
                break;
            }
}

/* What is measured is measured whole, and teaches nothing. */
static void check_training_keys(qctx_config_reader *reader, const char *key, const qctx_sources *sources)
{
    for (int64_t i = 0; i < sources->count; i++) {
        if (sources->items[i].weight != 1.0)
            qctx_config_complain(reader, place_of(reader, key), key, "weight is for data.train, and '%s' has one",
                                 sources->items[i].name);
        if (sources->items[i].teacher != NULL)
            qctx_config_complain(reader, place_of(reader, key), key, "teacher is for data.train, and '%s' has one",
                                 sources->items[i].name);
        if (sources->items[i].negatives != NULL)
            qctx_config_complain(reader, place_of(reader, key), key, "negatives are for data.train, and '%s' has some",
                                 sources->items[i].name);
    }
}

static void check_measured(qctx_config_reader *reader)
{
    const qctx_sources *eval = &reader->config.data.eval, *guard = &reader->config.eval.guard;

    check_names(reader, "data.eval", eval);
    check_training_keys(reader, "data.eval", eval);
    check_names(reader, "eval.guard", guard);
    check_training_keys(reader, "eval.guard", guard);
    for (int64_t g = 0; g < guard->count; g++)
        for (int64_t e = 0; e < eval->count; e++)
            if (strcmp(guard->items[g].name, eval->items[e].name) == 0)
                qctx_config_complain(reader, place_of(reader, "eval.guard"), "eval.guard",
                                     "source %lld and source %lld of data.eval are both called '%s'; leave one out, "
                                     "or give it a name",
                                     (long long)g, (long long)e, eval->items[e].name);
}

/* A guard limits a choice, and its last resort is strength 0. What it may not be is checked by dataset/opened. */
static void check_guard(qctx_config_reader *reader)
{
    const qctx_config *config = &reader->config;

    if (config->eval.guard.count == 0)
        return;
    if (config->model.form == QCTX_HEAD_PLAIN)
        complain_at(reader, "eval.guard", "limits the strength of a head, and model.form: plain has none");
    if (config->eval.tune == 0 && config->eval.tune_split[0] == '\0' && config->data.eval.count == 0)
        complain_at(reader, "eval.guard",
                    "needs questions to choose by: set eval.tune or eval.tune_split, or name data.eval");
}

/* A teacher speaks of the questions of one source. */
static void check_teacher(qctx_config_reader *reader)
{
    const qctx_sources *train = &reader->config.data.train;
    const char *teacher = reader->config.data.teacher;

    if (teacher != NULL && teacher[0] != '\0' && train->count > 1)
        qctx_config_complain(reader, place_of(reader, "data.teacher"), "data.teacher",
                             "is for one source, and data.train has %lld: name it in its own, {…, teacher: FILE}",
                             (long long)train->count);
    else if (teacher != NULL && teacher[0] != '\0' && train->count == 1 && train->items[0].teacher != NULL)
        complain_at(reader, "data.teacher", "the source of data.train names a teacher, too: leave one of them out");
}

/* Whether a source has a teacher, by data.teacher or by itself. */
static bool has_teacher(const qctx_config *config)
{
    bool has = config->data.teacher != NULL && config->data.teacher[0] != '\0';

    for (int64_t i = 0; i < config->data.train.count; i++)
        has = has || config->data.train.items[i].teacher != NULL;
    return has;
}

/* What asks a teacher for something without one. Runs of earlier versions, that were taken so, stay readable. */
static void check_distill(qctx_config_reader *reader)
{
    const qctx_config *config = &reader->config;
    const char *key = config->loss.distill.kind != QCTX_DISTILL_KL ? "loss.distill.kind"
                      : config->loss.distill.weight != 1.0         ? "loss.distill.weight"
                      : config->loss.distill.temperature != 1.0    ? "loss.distill.temperature"
                                                                   : NULL;

    if (key != NULL && !reader->kept && !was_refused(reader, key) && !was_refused(reader, "data.teacher") &&
        !was_refused(reader, "data.train") && !has_teacher(config))
        complain_at(reader, key, "is for a teacher, and neither data.teacher nor a source of data.train names one");
}

void qctx_config_check(qctx_config_reader *reader)
{
    check_train(reader);
    check_encoder(reader);
    check_loss(reader);
    check_scheme(reader);
    check_negatives(reader);
    check_measured(reader);
    check_guard(reader);
    check_teacher(reader);
    check_distill(reader);
}
