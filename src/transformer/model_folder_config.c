/* Configuration files of models: every value that is read is checked, and refused with file, key, found and expected.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_folder_internal.h"
#include "qctx/base/fileio.h"

const char *const qctx_architecture_names[] = {
    [QCTX_BERT] = "bert",
    [QCTX_DISTILBERT] = "distilbert",
    [QCTX_ROBERTA] = "roberta",
    [QCTX_MPNET] = "mpnet",
    [QCTX_CLIP_TEXT] = "clip_text_model",
    [QCTX_OPEN_CLIP] = "open_clip",
    NULL,
};

qctx_status model_config_open(const char *folder, const char *name, bool required, model_config *config,
                              qctx_error *error)
{
    qctx_status status = QCTX_ERR_MEMORY;

    *config = (model_config){0};
    config->path = qctx_path_join(folder, name, error);
    if (config->path == NULL)
        goto out;
    if (!required && !qctx_path_exists(config->path)) {
        config->root = json_object();
        status = config->root != NULL ? QCTX_OK : qctx_fail(error, QCTX_ERR_MEMORY, "cannot allocate an object");
    } else {
        status = qctx_json_load_file(config->path, &config->root, error);
    }
    if (status == QCTX_OK && !json_is_object(config->root))
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an object", config->path,
                           qctx_json_type(config->root));
    config->object = config->root;
out:
    if (status != QCTX_OK)
        model_config_free(config);
    return status;
}

void model_config_free(model_config *config)
{
    free(config->path);
    json_decref(config->root);
    *config = (model_config){0};
}

/* A value of the wrong kind, with the value itself where it is short enough to be shown. */
static qctx_status refuse_value(const model_config *config, const char *key, const char *expected, qctx_error *error)
{
    const json_t *found = json_object_get(config->object, key);

    if (json_is_integer(found))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %lld, expected %s", config->path, key,
                         (long long)json_integer_value(found), expected);
    if (json_is_real(found))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %g, expected %s", config->path, key,
                         json_real_value(found), expected);
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %s, expected %s", config->path, key,
                     found == NULL ? "missing" : qctx_json_type(found), expected);
}

qctx_status model_config_section(const model_config *config, const char *key, bool optional, model_config *section,
                                 qctx_error *error)
{
    json_t *found = json_object_get(config->object, key);

    *section = *config;
    if (optional && (found == NULL || json_is_null(found))) {
        section->object = NULL;
        return QCTX_OK;
    }
    if (!json_is_object(found))
        return refuse_value(config, key, "an object", error);
    section->object = found;
    return QCTX_OK;
}

qctx_status model_config_integer(const model_config *config, const char *key, int64_t fallback, int64_t least,
                                 int64_t most, int64_t *value, qctx_error *error)
{
    const json_t *found = json_object_get(config->object, key);
    char expected[96];

    *value = found == NULL ? fallback : json_integer_value(found);
    if ((json_is_integer(found) || (found == NULL && fallback != MODEL_REQUIRED)) && *value >= least && *value <= most)
        return QCTX_OK;
    snprintf(expected, sizeof expected, "an integer from %lld to %lld", (long long)least, (long long)most);
    return refuse_value(config, key, expected, error);
}

qctx_status model_config_flag(const model_config *config, const char *key, bool fallback, bool *value,
                              qctx_error *error)
{
    const json_t *found = json_object_get(config->object, key);

    *value = found == NULL || json_is_null(found) ? fallback : json_is_true(found);
    if (found == NULL || json_is_null(found) || json_is_boolean(found))
        return QCTX_OK;
    return refuse_value(config, key, "true or false", error);
}

qctx_status model_config_number(const model_config *config, const char *key, double fallback, double *value,
                                qctx_error *error)
{
    const json_t *found = json_object_get(config->object, key);

    *value = found == NULL ? fallback : json_number_value(found);
    if ((found == NULL || json_is_number(found)) && isfinite(*value) && *value > 0.0)
        return QCTX_OK;
    return refuse_value(config, key, "a number above 0", error);
}

qctx_status model_config_text(const model_config *config, const char *key, const char *fallback, const char **value,
                              qctx_error *error)
{
    const json_t *found = json_object_get(config->object, key);

    *value = json_is_string(found) ? json_string_value(found) : fallback;
    if (json_is_string(found) || ((found == NULL || json_is_null(found)) && fallback != NULL))
        return QCTX_OK;
    return refuse_value(config, key, "a string", error);
}

qctx_status model_config_refuse(const model_config *config, const char *key, const char *found, const char *supported,
                                qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_CONFIG, "%s: '%s' is '%.200s', which is not supported; supported: %s",
                     config->path, key, found, supported);
}

static bool is_off(const json_t *value)
{
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_OBJECT:
        return json_object_size(value) == 0;
    case JSON_ARRAY:
        return json_array_size(value) == 0;
    case JSON_STRING:
        return json_string_length(value) == 0;
    case JSON_INTEGER:
    case JSON_REAL:
        return json_number_value(value) == 0.0;
    case JSON_TRUE:
        return false;
    default:
        return true;
    }
}

qctx_status model_config_without(const model_config *config, const char *const *keys, int64_t count, qctx_error *error)
{
    for (int64_t i = 0; i < count; i++) {
        const json_t *found = json_object_get(config->object, keys[i]);

        if (json_is_string(found) && !is_off(found))
            return model_config_refuse(config, keys[i], json_string_value(found), "none", error);
        if (!is_off(found))
            return qctx_fail(error, QCTX_ERR_CONFIG, "%s: '%s' is not supported; found %s, expected none", config->path,
                             keys[i], qctx_json_type(found));
    }
    return QCTX_OK;
}

qctx_status model_config_function(const model_config *config, const char *key, const char *fallback,
                                  qctx_linear_function *function, qctx_error *error)
{
    static const struct {
        const char *name;
        qctx_linear_function function;
    } known[] = {
        {"gelu", QCTX_LINEAR_GELU},
        {"gelu_new", QCTX_LINEAR_GELU_TANH},
        {"gelu_pytorch_tanh", QCTX_LINEAR_GELU_TANH},
        {"quick_gelu", QCTX_LINEAR_QUICK_GELU},
        {"relu", QCTX_LINEAR_RELU},
        {"tanh", QCTX_LINEAR_TANH},
    };
    const char *name;
    qctx_status status = model_config_text(config, key, fallback, &name, error);

    if (status != QCTX_OK)
        return status;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0) {
            *function = known[i].function;
            return QCTX_OK;
        }
    }
    return model_config_refuse(config, key, name, "gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, tanh", error);
}
