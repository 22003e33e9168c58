/* Complaints about a configuration: where, what, and what was perhaps meant. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config_internal.h"
#include "qctx/base/shown.h"
#include "qctx/base/suggest.h"

enum { REASON_MAX = 768, WORD_MAX = 64 };

qctx_config_place qctx_config_place_of(const qctx_config_reader *reader, const qctx_yaml *node)
{
    return (qctx_config_place){node->line, node->column, reader->on_command_line};
}

void qctx_config_complain(qctx_config_reader *reader, qctx_config_place place, const char *path, const char *format,
                          ...)
{
    char reason[REASON_MAX];
    va_list arguments;

    va_start(arguments, format);
    qctx_shown_vformat(reason, sizeof reason, format, arguments);
    va_end(arguments);
    qctx_yaml_complain(&reader->report, place.on_command_line ? "command line" : reader->file,
                       place.on_command_line ? 0 : place.line, place.column, path, "%-s", reason);
}

/* The part behind the last dot. */
static const char *last_word(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot != NULL ? dot + 1 : path;
}

/* Adds `word` to a comma-separated list; a list that is full stays as it is. */
static void add_word(char *list, size_t size, const char *separator, const char *word, size_t length)
{
    size_t used = strlen(list);

    if (used + strlen(separator) + length + 1 <= size)
        snprintf(list + used, size - used, "%s%.*s", used > 0 ? separator : "", (int)length, word);
}

/* What stands directly under `section` ("": at the top), each once: keys and sections. */
static void list_section(const char *section, char *list, size_t size)
{
    size_t skip = strlen(section), length, previous_length = 0;
    const char *previous = "";

    list[0] = '\0';
    skip += skip > 0;
    for (int64_t i = 0; i < qctx_config_key_count; i++) {
        const char *path = qctx_config_keys[i].path;

        if (strncmp(path, section, strlen(section)) != 0 || (skip > 0 && path[skip - 1] != '.'))
            continue;
        length = strcspn(path + skip, ".");
        if (length != previous_length || strncmp(path + skip, previous, length) != 0)
            add_word(list, size, ", ", path + skip, length);
        previous = path + skip;
        previous_length = length;
    }
}

/* The keys anywhere whose last word is that of `path`: "loss.kind or optim.kind". */
static void list_namesakes(const char *path, char *list, size_t size)
{
    list[0] = '\0';
    for (int64_t i = 0; i < qctx_config_key_count; i++)
        if (strcmp(last_word(qctx_config_keys[i].path), last_word(path)) == 0)
            add_word(list, size, " or ", qctx_config_keys[i].path, strlen(qctx_config_keys[i].path));
}

/* What other trainers call keys of ours, in their last word. */
static const char *const aliases[][2] = {
    {"learning_rate", "optim.lr"},
    {"batch_size", "batch.size"},
    {"train_batch_size", "batch.size"},
    {"per_device_train_batch_size", "batch.size"},
    {"num_epochs", "batch.epochs"},
    {"num_train_epochs", "batch.epochs"},
    {"max_steps", "batch.steps"},
    {"warmup_steps", "optim.warmup"},
    {"optimizer", "optim.kind"},
    {"scheduler", "optim.schedule"},
    {"lr_scheduler", "optim.schedule"},
    {"lr_scheduler_type", "optim.schedule"},
    {"max_grad_norm", "optim.clip_norm"},
    {"grad_clip", "optim.clip_norm"},
    {"temperature", "loss.logit_scale.init"},
    {"hidden_size", "model.hidden"},
    {"hidden_dim", "model.hidden"},
    {"num_layers", "model.layers"},
    {"dropout_rate", "model.dropout"},
    {"output_dir", "run.out"},
    {"run_name", "run.name"},
    {"random_seed", "run.seed"},
    {"bf16", "run.precision"},
    {"train_file", "data.train"},
    {"train_dataset", "data.train"},
    {"eval_file", "data.eval"},
    {"eval_dataset", "data.eval"},
    {"model_name", "data.encoder"},
    {"model_name_or_path", "data.encoder"},
    {"embedding_model", "data.encoder"},
    {"save_steps", "checkpoint.steps"},
    {"save_total_limit", "checkpoint.keep"},
};

/* The key that others call by the last word of `path`, with dashes or underscores, or NULL. */
static const char *find_alias(const char *path)
{
    char word[WORD_MAX];

    snprintf(word, sizeof word, "%s", last_word(path));
    for (char *c = word; *c != '\0'; c++)
        if (*c == '-')
            *c = '_';
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcasecmp(word, aliases[i][0]) == 0)
            return aliases[i][1];
    return NULL;
}

/* The section that is nearest to a word, copied to `found`; or "". */
static void nearest_section(const char *word, char found[WORD_MAX])
{
    char names[QCTX_CONFIG_KEYS_MAX][WORD_MAX];
    const char *sections[QCTX_CONFIG_KEYS_MAX], *near;

    for (int64_t i = 0; i < qctx_config_key_count; i++) {
        const char *path = qctx_config_keys[i].path;

        snprintf(names[i], WORD_MAX, "%.*s", (int)(last_word(path) - path - 1), path);
        sections[i] = names[i];
    }
    near = qctx_suggest(word, sections, qctx_config_key_count);
    snprintf(found, WORD_MAX, "%s", near != NULL ? near : "");
}

/* The key whose last word is nearest to that of `path`, in the same section or else in any; or NULL. */
static const char *nearest_key(const char *path)
{
    const char *words[QCTX_CONFIG_KEYS_MAX], *found;
    size_t section = (size_t)(last_word(path) - path);

    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < qctx_config_key_count; i++) {
            const char *key = qctx_config_keys[i].path, *word = last_word(key);
            bool sibling = (size_t)(word - key) == section && strncmp(key, path, section) == 0;

            words[i] = sibling || pass == 1 ? word : "";
        }
        found = qctx_suggest(last_word(path), words, qctx_config_key_count);
        for (int64_t i = 0; found != NULL && i < qctx_config_key_count; i++)
            if (words[i] == found)
                return qctx_config_keys[i].path;
    }
    return NULL;
}

void qctx_config_complain_unknown(qctx_config_reader *reader, qctx_config_place place, const char *path)
{
    char list[REASON_MAX / 2], both[REASON_MAX], section[WORD_MAX];
    const char *alias = find_alias(path), *near = list;

    list_namesakes(path, list, sizeof list);
    /* What others call so may have been meant as well as a key of that name. */
    if (list[0] != '\0' && alias != NULL) {
        snprintf(both, sizeof both, "%s or %s", alias, list);
        near = both;
    }
    if (list[0] == '\0' && alias == NULL)
        nearest_section(path, list);
    if (list[0] == '\0')
        near = alias != NULL ? alias : nearest_key(path);
    if (near != NULL) {
        qctx_config_complain(reader, place, path, "unknown key; did you mean %s?", near);
        return;
    }
    snprintf(section, sizeof section, "%.*s", (int)(last_word(path) - path > 0 ? last_word(path) - path - 1 : 0), path);
    if (!qctx_config_is_section(section))
        section[0] = '\0';
    list_section(section, list, sizeof list);
    qctx_config_complain(reader, place, path, "unknown key; known here: %s", list);
}
