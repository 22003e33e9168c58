/* The keys at the top of a sweep file, and what each of them reads. */
#include <stdlib.h>
#include <string.h>

#include "definition_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/names.h"

static qctx_status read_path(definition_reader *reader, const qctx_yaml *node, char **member)
{
    const char *text = definition_read_text(reader, node, node->key);

    if (text == NULL)
        return QCTX_OK;
    if (text[0] == '\0')
        definition_complain(reader, node, node->key, "expected a path, found an empty text");
    *member = qctx_strdup(text, &reader->report);
    return *member != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status read_name(definition_reader *reader, const qctx_yaml *node)
{
    qctx_status status = read_path(reader, node, &reader->definition->name);
    const char *name = reader->definition->name;

    if (name != NULL && (strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
        definition_complain(reader, node, "name", "expected a name without '/', found '%s'", name);
    return status;
}

static qctx_status read_out(definition_reader *reader, const qctx_yaml *node)
{
    return read_path(reader, node, &reader->definition->out);
}

static qctx_status read_config(definition_reader *reader, const qctx_yaml *node)
{
    return read_path(reader, node, &reader->definition->config_path);
}

static qctx_status read_nothing(definition_reader *reader, const qctx_yaml *node)
{
    (void)reader;
    (void)node;
    return QCTX_OK;
}

static qctx_status refuse_program(definition_reader *reader, const qctx_yaml *node)
{
    definition_complain(reader, node, node->key, "a sweep here trains by a configuration: name it with `config: FILE`");
    return QCTX_OK;
}

static qctx_status refuse_service(definition_reader *reader, const qctx_yaml *node)
{
    definition_complain(reader, node, node->key, "means nothing here: trials are kept in <out>/<name>; leave it out");
    return QCTX_OK;
}

static qctx_status read_method(definition_reader *reader, const qctx_yaml *node)
{
    int64_t method = definition_read_word(reader, node, "method", qctx_sweep_method_names);

    reader->definition->method = method >= 0 ? (qctx_sweep_method)method : QCTX_SWEEP_RANDOM;
    return QCTX_OK;
}

static qctx_status read_metric_name(definition_reader *reader, const qctx_yaml *node)
{
    bool good;
    qctx_status status =
        qctx_config_check_value("eval.metric", node, definition_file_of(reader, node), &good, &reader->report);

    reader->metric_given = true;
    if (status != QCTX_OK || !good)
        return status;
    return definition_add_config_override(reader, true, qctx_format(&reader->report, "eval.metric=%s", node->text));
}

static void read_goal(definition_reader *reader, const qctx_yaml *node)
{
    static const char *const goals[] = {"maximize", "minimize", NULL};

    if (definition_read_word(reader, node, "metric.goal", goals) == 1)
        definition_complain(reader, node, "metric.goal", "every metric is better the higher it is: use maximize");
}

static qctx_status read_metric(definition_reader *reader, const qctx_yaml *node)
{
    static const char *const keys[] = {"name", "goal", NULL};
    qctx_status status = QCTX_OK;

    if (!definition_expect_mapping(reader, node, "metric", "{name: top1, goal: maximize}"))
        return QCTX_OK;
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++) {
        const qctx_yaml *entry = node->children[i];

        if (strcmp(entry->key, "name") == 0)
            status = read_metric_name(reader, entry);
        else if (strcmp(entry->key, "goal") == 0)
            read_goal(reader, entry);
        else if (strcmp(entry->key, "target") == 0)
            definition_complain(reader, entry, "metric.target", "is not supported: a sweep ends with run_cap");
        else
            definition_complain_unknown(reader, entry, "metric", keys);
    }
    if (!reader->metric_given && status == QCTX_OK)
        definition_complain(reader, node, "metric.name", "required in metric: what to maximize, such as top1");
    return status;
}

static qctx_status read_run_cap(definition_reader *reader, const qctx_yaml *node)
{
    if (definition_read_count(reader, node, "run_cap", 1, &reader->run_cap) && reader->run_cap > TRIALS_MAX)
        definition_complain(reader, node, "run_cap", "expected at most %d", TRIALS_MAX);
    return QCTX_OK;
}

static qctx_status read_ranks(definition_reader *reader, const qctx_yaml *node)
{
    definition_read_count(reader, node, "ranks_per_trial", 1, &reader->definition->ranks_per_trial);
    return QCTX_OK;
}

static qctx_status read_seed(definition_reader *reader, const qctx_yaml *node)
{
    definition_read_count(reader, node, "seed", 0, &reader->definition->seed);
    return QCTX_OK;
}

static void read_early_key(definition_reader *reader, const qctx_yaml *entry)
{
    static const char *const keys[] = {"type", "min_iter", "eta", NULL}, *const types[] = {"hyperband", NULL};
    qctx_halving *halving = &reader->definition->halving;

    if (strcmp(entry->key, "type") == 0)
        definition_read_word(reader, entry, "early_terminate.type", types);
    else if (strcmp(entry->key, "min_iter") == 0)
        definition_read_count(reader, entry, "early_terminate.min_iter", 1, &halving->first);
    else if (strcmp(entry->key, "eta") == 0)
        definition_read_count(reader, entry, "early_terminate.eta", 2, &halving->eta);
    else if (strcmp(entry->key, "max_iter") == 0 || strcmp(entry->key, "s") == 0)
        definition_complain(
            reader, entry, "early_terminate",
            "max_iter and s are not supported; use min_iter, here max_iter / eta^s: batch.epochs ends a trial");
    else if (strcmp(entry->key, "strict") == 0)
        definition_complain(reader, entry, "early_terminate",
                            "strict is not supported: trials pause, none is ended for good");
    else
        definition_complain_unknown(reader, entry, "early_terminate", keys);
}

static qctx_status read_early(definition_reader *reader, const qctx_yaml *node)
{
    bool typed = false;

    if (!definition_expect_mapping(reader, node, "early_terminate", "{type: hyperband, min_iter: 1, eta: 3}"))
        return QCTX_OK;
    reader->early = node;
    reader->definition->halves = true;
    for (int64_t i = 0; i < node->count; i++) {
        typed = typed || strcmp(node->children[i]->key, "type") == 0;
        read_early_key(reader, node->children[i]);
    }
    if (!typed)
        definition_complain(reader, node, "early_terminate", "expected a type: hyperband");
    return QCTX_OK;
}

static qctx_status read_root_parameters(definition_reader *reader, const qctx_yaml *node)
{
    return definition_read_parameters(reader, "", node);
}

/* In the order in which they are read: parameters need the method. */
static const struct {
    const char *key;
    qctx_status (*read)(definition_reader *reader, const qctx_yaml *node);
    bool written; /* the definition's text has it as it stands in the tree */
} keys[] = {
    {"name", read_name, false},
    {"description", read_nothing, false},
    {"out", read_out, false},
    {"config", read_config, false},
    {"method", read_method, true},
    {"metric", read_metric, true},
    {"run_cap", read_run_cap, true},
    {"seed", read_seed, true},
    {"ranks_per_trial", read_ranks, true},
    {"early_terminate", read_early, true},
    {"variants", definition_read_variants, true},
    {"parameters", read_root_parameters, true},
    {"program", refuse_program, false},
    {"command", refuse_program, false},
    {"project", refuse_service, false},
    {"entity", refuse_service, false},
};

/* A sweep may have the first of these keys; the others, which W&B has, are refused with what to write instead. */
enum { KEYS = sizeof keys / sizeof keys[0], OWN_KEYS = 12 };

const char *definition_written_key(int64_t index)
{
    for (int k = 0; k < OWN_KEYS; k++)
        if (keys[k].written && index-- == 0)
            return keys[k].key;
    return NULL;
}

static void refuse_unknown(definition_reader *reader, const qctx_yaml *root)
{
    const char *names[OWN_KEYS + 1] = {NULL};

    for (int k = 0; k < OWN_KEYS; k++)
        names[k] = keys[k].key;
    for (int64_t i = 0; i < root->count; i++) {
        const qctx_yaml *entry = root->children[i];
        int k = 0;

        while (k < KEYS && strcmp(keys[k].key, entry->key) != 0)
            k++;
        if (k == KEYS && qctx_config_is_section(entry->key))
            definition_complain(reader, entry, entry->key, "is for the shared configuration, which `config` names");
        else if (k == KEYS)
            definition_complain_unknown(reader, entry, "", names);
    }
}

qctx_status definition_read_keys(definition_reader *reader, const qctx_yaml *root)
{
    qctx_sweep_definition *definition = reader->definition;
    qctx_status status = QCTX_OK;

    definition->seed = 1;
    definition->ranks_per_trial = 1;
    definition->halving = (qctx_halving){.first = 1, .eta = 3};
    if (!definition_expect_mapping(reader, root, "the file",
                                   "{method: grid, parameters: {optim.lr: {values: [1e-4]}}}"))
        return QCTX_OK;
    refuse_unknown(reader, root);
    for (int k = 0; k < KEYS && status == QCTX_OK; k++) {
        const qctx_yaml *node = definition_find(root, keys[k].key);

        if (node != NULL)
            status = keys[k].read(reader, node);
    }
    if (status == QCTX_OK)
        definition_check_keys(reader, root);
    return status;
}
