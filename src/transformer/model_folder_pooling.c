/* How a text's tokens become one vector: names of poolings, and the Pooling module of sentence-transformers. */
#include <string.h>

#include "model_folder_internal.h"

/* In the order in which joined ones stand side by side. */
static const struct {
    const char *name;
    unsigned bit;
} poolings[] = {
    {"cls", QCTX_POOL_CLS},
    {"max", QCTX_POOL_MAX},
    {"mean", QCTX_POOL_MEAN},
    {"mean_sqrt_len", QCTX_POOL_MEAN_SQRT_LEN},
    {"weightedmean", QCTX_POOL_WEIGHTED_MEAN},
    {"last", QCTX_POOL_LAST},
    {"end_of_text", QCTX_POOL_END_OF_TEXT},
};

enum { POOLINGS = sizeof poolings / sizeof poolings[0] };

const unsigned qctx_poolings[] = {
    QCTX_POOL_CLS,           QCTX_POOL_MAX,  QCTX_POOL_MEAN,        QCTX_POOL_MEAN_SQRT_LEN,
    QCTX_POOL_WEIGHTED_MEAN, QCTX_POOL_LAST, QCTX_POOL_END_OF_TEXT, 0,
};

#define POOLING_NAMES "cls, max, mean, mean_sqrt_len, weightedmean, last, end_of_text"

/* Its place in the order, or POOLINGS. */
static int find(const char *name, size_t length)
{
    int at = 0;

    while (at < POOLINGS && (strlen(poolings[at].name) != length || memcmp(poolings[at].name, name, length) != 0))
        at++;
    return at;
}

qctx_status qctx_pooling_parse(const char *text, unsigned *pooling, qctx_error *error)
{
    unsigned found = 0;
    int before = -1;

    *pooling = 0;
    for (const char *part = text;; part++) {
        size_t length = strcspn(part, "+");
        int place = find(part, length);

        if (place == POOLINGS)
            return qctx_fail(error, QCTX_ERR_CONFIG,
                             "the pooling '%s' is unknown, expected one of " POOLING_NAMES ", or several joined by +",
                             text);
        if (place <= before)
            return qctx_fail(error, QCTX_ERR_CONFIG,
                             "the pooling '%s' is not in order, expected each once in the order " POOLING_NAMES, text);
        found |= poolings[place].bit;
        before = place;
        part += length;
        if (*part == '\0')
            break;
    }
    *pooling = found;
    return QCTX_OK;
}

int64_t model_folder_pooled(unsigned pooling)
{
    int64_t count = 0;

    for (int i = 0; i < POOLINGS; i++)
        count += (pooling & poolings[i].bit) != 0;
    return count;
}

/* The modes of sentence-transformers, in the order in which it joins those of the old keys. */
static const struct {
    const char *mode, *old_key;
    unsigned bit;
} modes[] = {
    {"cls", "pooling_mode_cls_token", QCTX_POOL_CLS},
    {"max", "pooling_mode_max_tokens", QCTX_POOL_MAX},
    {"mean", "pooling_mode_mean_tokens", QCTX_POOL_MEAN},
    {"mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", QCTX_POOL_MEAN_SQRT_LEN},
    {"weightedmean", "pooling_mode_weightedmean_tokens", QCTX_POOL_WEIGHTED_MEAN},
    {"lasttoken", "pooling_mode_lasttoken", QCTX_POOL_LAST},
};

static const char supported[] =
    "cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken, and several of them in this order";

static qctx_status add_mode(const model_config *config, const char *key, const char *mode, unsigned *pooling,
                            qctx_error *error)
{
    unsigned from_here = 0;

    for (size_t i = sizeof modes / sizeof modes[0]; i-- > 0;) {
        from_here |= modes[i].bit;
        if (strcmp(mode, modes[i].mode) != 0)
            continue;
        /* One that stands before those there are would be another order of the joined vectors. */
        if ((*pooling & from_here) != 0)
            break;
        *pooling |= modes[i].bit;
        return QCTX_OK;
    }
    return model_config_refuse(config, key, mode, supported, error);
}

/* {"pooling_mode": "mean"} or a list of them. */
static qctx_status read_modes(const model_config *config, const json_t *found, unsigned *pooling, qctx_error *error)
{
    if (json_is_string(found))
        return add_mode(config, "pooling_mode", json_string_value(found), pooling, error);
    if (!json_is_array(found) || json_array_size(found) == 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'pooling_mode' is %s, expected a name or a list of names",
                         config->path, json_is_array(found) ? "empty" : qctx_json_type(found));
    for (size_t i = 0; i < json_array_size(found); i++) {
        const char *mode = json_string_value(json_array_get(found, i));
        qctx_status status;

        if (mode == NULL)
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'pooling_mode' holds %s, expected names", config->path,
                             qctx_json_type(json_array_get(found, i)));
        status = add_mode(config, "pooling_mode", mode, pooling, error);
        if (status != QCTX_OK)
            return status;
    }
    return QCTX_OK;
}

/* {"pooling_mode_mean_tokens": true, …}; none at all is mean. */
static qctx_status read_old_keys(const model_config *config, unsigned *pooling, qctx_error *error)
{
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        bool chosen;
        qctx_status status = model_config_flag(config, modes[i].old_key, false, &chosen, error);

        if (status == QCTX_OK && chosen)
            status = add_mode(config, modes[i].old_key, modes[i].mode, pooling, error);
        if (status != QCTX_OK)
            return status;
    }
    if (*pooling == 0)
        *pooling = QCTX_POOL_MEAN;
    return QCTX_OK;
}

qctx_status model_folder_read_pooling(const char *home, int64_t hidden, unsigned *pooling, bool *with_prompt,
                                      qctx_error *error)
{
    model_config config = {0};
    const json_t *found;
    const char *width_key = "embedding_dimension";
    int64_t width;
    qctx_status status = model_config_open(home, "config.json", true, &config, error);

    if (status != QCTX_OK)
        goto out;
    *pooling = 0;
    found = json_object_get(config.object, "pooling_mode");
    status = found != NULL ? read_modes(&config, found, pooling, error) : read_old_keys(&config, pooling, error);
    if (status == QCTX_OK)
        status = model_config_flag(&config, "include_prompt", true, with_prompt, error);
    if (json_object_get(config.object, width_key) == NULL)
        width_key = "word_embedding_dimension";
    if (status == QCTX_OK)
        status = model_config_integer(&config, width_key, hidden, 1, INT32_MAX, &width, error);
    if (status == QCTX_OK && width != hidden)
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is %lld, expected %lld, the width of the transformer",
                           config.path, width_key, (long long)width, (long long)hidden);
out:
    model_config_free(&config);
    return status;
}
