/* What a store says of its encoder, for people: of a joined one each part with its weight. */
#include <string.h>

#include "info_internal.h"

/* Settings that say nothing where they are empty; an empty prompt says that there is none. */
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
        json_object_set(object, "weight", json_array_get(weights, i));
        copy_settings(json_object_get(part, "settings"), object);
        json_array_append_new(copied, object);
    }
    json_object_set_new(target, "parts", copied);
}

json_t *qctx_info_encoder_settings(const char *encoder, const char *text)
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
