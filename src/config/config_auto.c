/* What a configuration leaves to the data: which keys, by which file, and what becomes of them when a run goes on. */
#include <string.h>

#include "config_internal.h"

bool qctx_config_is_auto(const qctx_config_key *key, const qctx_config *config)
{
    const void *member = (const char *)config + key->offset;
    int choice = 0;

    if (!key->may_be_auto && !key->by_recipe)
        return false;
    if (key->type == QCTX_KEY_COUNT)
        return *(const int64_t *)member == QCTX_CONFIG_AUTO;
    if (key->type == QCTX_KEY_NUMBER)
        return *(const double *)member == QCTX_CONFIG_AUTO;
    memcpy(&choice, member, sizeof choice);
    return choice == QCTX_CONFIG_AUTO;
}

static void leave(const qctx_config_key *key, qctx_config *config)
{
    void *member = (char *)config + key->offset;
    const int choice = QCTX_CONFIG_AUTO;

    if (key->type == QCTX_KEY_COUNT)
        *(int64_t *)member = QCTX_CONFIG_AUTO;
    else if (key->type == QCTX_KEY_NUMBER)
        *(double *)member = QCTX_CONFIG_AUTO;
    else
        memcpy(member, &choice, sizeof choice);
}

bool qctx_config_is_left(const qctx_config *config, const char *path)
{
    int64_t index = qctx_config_find(qctx_config_keys, qctx_config_key_count, path);

    return index >= 0 && qctx_config_keys[index].by_recipe && qctx_config_is_auto(&qctx_config_keys[index], config);
}

/* How a key is stored that may be left to the data. */
static size_t size_of(const qctx_config_key *key)
{
    return key->type == QCTX_KEY_COUNT ? sizeof(int64_t) : key->type == QCTX_KEY_NUMBER ? sizeof(double) : sizeof(int);
}

void qctx_config_adopt_auto(qctx_config *config, const qctx_config *then)
{
    for (int64_t i = 0; i < qctx_config_key_count; i++) {
        const qctx_config_key *key = &qctx_config_keys[i];

        if (qctx_config_is_auto(key, config))
            memcpy((char *)config + key->offset, (const char *)then + key->offset, size_of(key));
    }
    /* A run from before there were recipes goes on without one. */
    if (config->run.recipe == QCTX_RECIPE_AUTO)
        config->run.recipe = then->run.recipe;
}

static bool is_set(const qctx_config_place *place)
{
    return place->line > 0 || place->on_command_line;
}

bool qctx_config_names_only_data(const qctx_config_reader *reader)
{
    static const char *const others[] = {"run.recipe", "model.", "loss.", "optim.", "batch."};

    for (int64_t i = 0; i < qctx_config_key_count; i++)
        for (size_t o = 0; o < sizeof others / sizeof others[0]; o++)
            if (is_set(&reader->places[i]) && strncmp(qctx_config_keys[i].path, others[o], strlen(others[o])) == 0)
                return false;
    return true;
}

void qctx_config_leave_to_recipe(qctx_config_reader *reader)
{
    for (int64_t i = 0; i < qctx_config_key_count; i++)
        if (qctx_config_keys[i].by_recipe && !is_set(&reader->places[i]))
            leave(&qctx_config_keys[i], &reader->config);
}
