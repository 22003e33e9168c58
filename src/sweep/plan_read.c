/* The keys of a sweep file, overrides of them, and what they need of the shared configuration. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/suggest.h"

enum { REASON_MAX = 512, WORD_MAX = 64 };

/* Trials are numbered, and each has a folder. */
#define TRIALS_MAX 1000000

const char *plan_file_of(const plan_reader *reader, const qctx_yaml *node)
{
    return node != NULL && node->line == 0 ? "command line" : reader->file;
}

void plan_complain(plan_reader *reader, const qctx_yaml *node, const char *path, const char *format, ...)
{
    char reason[REASON_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    qctx_yaml_complain(&reader->report, plan_file_of(reader, node), node != NULL ? node->line : 0,
                       node != NULL ? node->column : 0, path, "%s", reason);
}

/* "name, out, config" */
static void list_words(const char *const *words, int64_t count, char list[REASON_MAX])
{
    size_t used = 0;

    list[0] = '\0';
    for (int64_t i = 0; i < count && used < REASON_MAX; i++)
        used += (size_t)snprintf(list + used, REASON_MAX - used, "%s%s", i > 0 ? ", " : "", words[i]);
}

void plan_complain_unknown(plan_reader *reader, const qctx_yaml *node, const char *path, const char *const *known,
                           int64_t count)
{
    const char *near = qctx_suggest(node->key, known, count);
    char *below = qctx_format(NULL, "%s%s%s", path, path[0] != '\0' ? "." : "", node->key);
    char list[REASON_MAX];

    list_words(known, count, list);
    if (near != NULL)
        plan_complain(reader, node, below != NULL ? below : path, "unknown key; did you mean %s?", near);
    else
        plan_complain(reader, node, below != NULL ? below : path, "unknown key; known here: %s", list);
    free(below);
}

bool plan_expect_mapping(plan_reader *reader, const qctx_yaml *node, const char *path, const char *example)
{
    if (node->kind == QCTX_YAML_MAPPING)
        return true;
    plan_complain(reader, node, path, "expected keys with values, such as %s, found a %s", example,
                  node->kind == QCTX_YAML_SEQUENCE ? "list" : "single value");
    return false;
}

/* The text of a scalar, or NULL and a complaint. */
static const char *read_text(plan_reader *reader, const qctx_yaml *node, const char *path)
{
    if (node->kind == QCTX_YAML_SCALAR && !qctx_yaml_is_null(node))
        return node->text;
    plan_complain(reader, node, path, "expected a text, found %s",
                  node->kind == QCTX_YAML_SCALAR ? "no value" : "a list or a mapping");
    return NULL;
}

int64_t plan_read_word(plan_reader *reader, const qctx_yaml *node, const char *path, const char *const *words,
                       int64_t count)
{
    const char *text = read_text(reader, node, path), *near;
    char list[REASON_MAX];

    for (int64_t i = 0; i < count && text != NULL; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    if (text == NULL)
        return -1;
    near = qctx_suggest(text, words, count);
    list_words(words, count, list);
    if (near != NULL)
        plan_complain(reader, node, path, "found '%s'; did you mean %s?", text, near);
    else
        plan_complain(reader, node, path, "expected one of %s, found '%s'", list, text);
    return -1;
}

bool plan_read_count(plan_reader *reader, const qctx_yaml *node, const char *path, int64_t least, int64_t *value)
{
    if (node->kind == QCTX_YAML_SCALAR && !node->quoted && qctx_yaml_parse_count(node->text, value) && *value >= least)
        return true;
    plan_complain(reader, node, path, "expected a whole number ≥ %lld", (long long)least);
    return false;
}

static qctx_status read_path(plan_reader *reader, const qctx_yaml *node, char **member)
{
    const char *text = read_text(reader, node, node->key);

    if (text == NULL)
        return QCTX_OK;
    if (text[0] == '\0')
        plan_complain(reader, node, node->key, "expected a path, found an empty text");
    *member = qctx_strdup(text, &reader->report);
    return *member != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
}

static qctx_status read_name(plan_reader *reader, const qctx_yaml *node)
{
    qctx_status status = read_path(reader, node, &reader->plan->name);
    const char *name = reader->plan->name;

    if (name != NULL && (strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
        plan_complain(reader, node, "name", "expected a name without '/', found '%s'", name);
    return status;
}

static qctx_status read_out(plan_reader *reader, const qctx_yaml *node)
{
    return read_path(reader, node, &reader->plan->out);
}

static qctx_status read_config(plan_reader *reader, const qctx_yaml *node)
{
    return read_path(reader, node, &reader->plan->config_path);
}

static qctx_status read_nothing(plan_reader *reader, const qctx_yaml *node)
{
    (void)reader;
    (void)node;
    return QCTX_OK;
}

static qctx_status refuse_program(plan_reader *reader, const qctx_yaml *node)
{
    plan_complain(reader, node, node->key, "a sweep here trains by a configuration: name it with `config: FILE`");
    return QCTX_OK;
}

static qctx_status refuse_service(plan_reader *reader, const qctx_yaml *node)
{
    plan_complain(reader, node, node->key, "means nothing here: trials are kept in <out>/<name>; leave it out");
    return QCTX_OK;
}

static qctx_status read_method(plan_reader *reader, const qctx_yaml *node)
{
    static const char *const methods[] = {"grid", "random", "bayes"};
    int64_t method = plan_read_word(reader, node, "method", methods, 3);

    reader->plan->method = method >= 0 ? (qctx_sweep_method)method : QCTX_SWEEP_RANDOM;
    return QCTX_OK;
}

qctx_status plan_add_config_override(plan_reader *reader, bool constant, char *override)
{
    const int64_t at = constant ? reader->constant_count : reader->config_count;
    qctx_status status = override == NULL ? QCTX_ERR_MEMORY
                                          : qctx_grow((void **)&reader->config_overrides, &reader->config_capacity,
                                                      reader->config_count + 1, sizeof *reader->config_overrides,
                                                      "the overrides of the configuration", &reader->report);

    if (status != QCTX_OK) {
        free(override);
        return status;
    }
    memmove(reader->config_overrides + at + 1, reader->config_overrides + at,
            (size_t)(reader->config_count - at) * sizeof *reader->config_overrides);
    reader->config_overrides[at] = override;
    reader->config_count++;
    reader->constant_count += constant;
    return QCTX_OK;
}

static qctx_status read_metric_name(plan_reader *reader, const qctx_yaml *node)
{
    bool good;
    qctx_status status =
        qctx_config_check_value("eval.metric", node, plan_file_of(reader, node), &good, &reader->report);

    reader->metric_given = true;
    if (status != QCTX_OK || !good)
        return status;
    return plan_add_config_override(reader, true, qctx_format(&reader->report, "eval.metric=%s", node->text));
}

static void read_goal(plan_reader *reader, const qctx_yaml *node)
{
    static const char *const goals[] = {"maximize", "minimize"};

    if (plan_read_word(reader, node, "metric.goal", goals, 2) == 1)
        plan_complain(reader, node, "metric.goal", "every metric is better the higher it is: use maximize");
}

static qctx_status read_metric(plan_reader *reader, const qctx_yaml *node)
{
    static const char *const keys[] = {"name", "goal"};
    qctx_status status = QCTX_OK;

    if (!plan_expect_mapping(reader, node, "metric", "{name: top1, goal: maximize}"))
        return QCTX_OK;
    for (int64_t i = 0; i < node->count && status == QCTX_OK; i++) {
        const qctx_yaml *entry = node->children[i];

        if (strcmp(entry->key, "name") == 0)
            status = read_metric_name(reader, entry);
        else if (strcmp(entry->key, "goal") == 0)
            read_goal(reader, entry);
        else if (strcmp(entry->key, "target") == 0)
            plan_complain(reader, entry, "metric.target", "is not supported: a sweep ends with run_cap");
        else
            plan_complain_unknown(reader, entry, "metric", keys, 2);
    }
    if (!reader->metric_given && status == QCTX_OK)
        plan_complain(reader, node, "metric.name", "required in metric: what to maximize, such as top1");
    return status;
}

static qctx_status read_run_cap(plan_reader *reader, const qctx_yaml *node)
{
    if (plan_read_count(reader, node, "run_cap", 1, &reader->run_cap) && reader->run_cap > TRIALS_MAX)
        plan_complain(reader, node, "run_cap", "expected at most %d", TRIALS_MAX);
    return QCTX_OK;
}

static qctx_status read_ranks(plan_reader *reader, const qctx_yaml *node)
{
    plan_read_count(reader, node, "ranks_per_trial", 1, &reader->plan->ranks_per_trial);
    return QCTX_OK;
}

static qctx_status read_seed(plan_reader *reader, const qctx_yaml *node)
{
    plan_read_count(reader, node, "seed", 0, &reader->plan->seed);
    return QCTX_OK;
}

static void read_early_key(plan_reader *reader, const qctx_yaml *entry)
{
    static const char *const keys[] = {"type", "min_iter", "eta"}, *const types[] = {"hyperband"};
    qctx_halving *halving = &reader->plan->halving;

    if (strcmp(entry->key, "type") == 0)
        plan_read_word(reader, entry, "early_terminate.type", types, 1);
    else if (strcmp(entry->key, "min_iter") == 0)
        plan_read_count(reader, entry, "early_terminate.min_iter", 1, &halving->first);
    else if (strcmp(entry->key, "eta") == 0)
        plan_read_count(reader, entry, "early_terminate.eta", 2, &halving->eta);
    else if (strcmp(entry->key, "max_iter") == 0 || strcmp(entry->key, "s") == 0)
        plan_complain(
            reader, entry, "early_terminate",
            "max_iter and s are not supported; use min_iter, here max_iter / eta^s: batch.epochs ends a trial");
    else if (strcmp(entry->key, "strict") == 0)
        plan_complain(reader, entry, "early_terminate",
                      "strict is not supported: trials pause, none is ended for good");
    else
        plan_complain_unknown(reader, entry, "early_terminate", keys, 3);
}

static qctx_status read_early(plan_reader *reader, const qctx_yaml *node)
{
    bool typed = false;

    if (!plan_expect_mapping(reader, node, "early_terminate", "{type: hyperband, min_iter: 1, eta: 3}"))
        return QCTX_OK;
    reader->early = node;
    reader->plan->halves = true;
    for (int64_t i = 0; i < node->count; i++) {
        typed = typed || strcmp(node->children[i]->key, "type") == 0;
        read_early_key(reader, node->children[i]);
    }
    if (!typed)
        plan_complain(reader, node, "early_terminate", "expected a type: hyperband");
    return QCTX_OK;
}

static qctx_status read_root_parameters(plan_reader *reader, const qctx_yaml *node)
{
    return plan_read_parameters(reader, "", node);
}

/* In the order in which they are read: parameters need the method. */
static const struct {
    const char *key;
    qctx_status (*read)(plan_reader *reader, const qctx_yaml *node);
    bool written; /* into the plan's text, as it stands in the tree */
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
    {"variants", plan_read_variants, true},
    {"parameters", read_root_parameters, true},
    {"program", refuse_program, false},
    {"command", refuse_program, false},
    {"project", refuse_service, false},
    {"entity", refuse_service, false},
};

/* The first of them are those that a sweep may have. */
enum { KEYS = sizeof keys / sizeof keys[0], OWN_KEYS = 12 };

const qctx_yaml *plan_find(const qctx_yaml *root, const char *key)
{
    for (int64_t i = 0; i < root->count; i++)
        if (strcmp(root->children[i]->key, key) == 0)
            return root->children[i];
    return NULL;
}

const char *plan_written_key(int64_t index)
{
    for (int k = 0; k < OWN_KEYS; k++)
        if (keys[k].written && index-- == 0)
            return keys[k].key;
    return NULL;
}

static void refuse_unknown(plan_reader *reader, const qctx_yaml *root)
{
    const char *names[OWN_KEYS];

    for (int k = 0; k < OWN_KEYS; k++)
        names[k] = keys[k].key;
    for (int64_t i = 0; i < root->count; i++) {
        const qctx_yaml *entry = root->children[i];
        int k = 0;

        while (k < KEYS && strcmp(keys[k].key, entry->key) != 0)
            k++;
        if (k == KEYS && qctx_config_is_section(entry->key))
            plan_complain(reader, entry, entry->key, "is for the shared configuration, which `config` names");
        else if (k == KEYS)
            plan_complain_unknown(reader, entry, "", names, OWN_KEYS);
    }
}

/* How many trials there are. */
static void count_trials(plan_reader *reader, const qctx_yaml *root)
{
    qctx_sweep_plan *plan = reader->plan;
    const int64_t grid = qctx_space_grid_size(&plan->space);

    plan->trials = reader->run_cap;
    if (plan->method != QCTX_SWEEP_GRID) {
        if (plan_find(root, "run_cap") == NULL)
            plan_complain(reader, NULL, "run_cap", "required: how many trials %s search makes",
                          plan->method == QCTX_SWEEP_BAYES ? "bayes" : "random");
        return;
    }
    if (reader->run_cap == 0 || grid < reader->run_cap)
        plan->trials = grid;
    if (plan->trials > TRIALS_MAX)
        plan_complain(reader, plan_find(root, "parameters"), "parameters",
                      "the grid has more than %d points; set run_cap", TRIALS_MAX);
}

/* An override of the shared configuration would be without effect where the sweep sets the key in every trial. */
static void check_config_overrides(plan_reader *reader)
{
    for (int64_t i = reader->constant_count; i < reader->config_count; i++) {
        const char *override = reader->config_overrides[i], *sign = strchr(override, '=');
        const qctx_yaml place = {.line = 0};
        char path[WORD_MAX];

        snprintf(path, sizeof path, "%.*s", (int)(sign - override), override);
        if (plan_refusal(path) != NULL)
            plan_complain(reader, &place, path, "%s", plan_refusal(path));
        for (int64_t t = 0; t < reader->target_count; t++)
            if (reader->targets[t].varies && strcmp(reader->targets[t].path, path) == 0)
                plan_complain(reader, &place, path, "varies in this sweep, by line %d of %s", reader->targets[t].line,
                              reader->file);
    }
}

static void check_whole(plan_reader *reader, const qctx_yaml *root)
{
    check_config_overrides(reader);
    if (plan_find(root, "method") == NULL)
        plan_complain(reader, NULL, "method", "required: one of grid, random, bayes");
    if (plan_find(root, "config") == NULL && plan_find(root, "program") == NULL)
        plan_complain(reader, NULL, "config", "required: the configuration that the trials share");
    if (plan_find(root, "parameters") == NULL && plan_find(root, "variants") == NULL)
        plan_complain(reader, NULL, "parameters", "required: what varies, such as {optim.lr: {values: [1e-4, 1e-3]}}");
    if (reader->plan->method == QCTX_SWEEP_BAYES && plan_find(root, "metric") == NULL)
        plan_complain(reader, NULL, "metric", "required by bayes: {name: top1, goal: maximize}");
    if (reader->report.code == QCTX_OK && reader->plan->space.count == 0)
        plan_complain(reader, NULL, "parameters", "nothing varies: give a key values, or min and max");
    if (reader->report.code == QCTX_OK)
        count_trials(reader, root);
}

qctx_status plan_read(plan_reader *reader, const qctx_yaml *root)
{
    qctx_sweep_plan *plan = reader->plan;
    qctx_status status = QCTX_OK;

    plan->seed = 1;
    plan->ranks_per_trial = 1;
    plan->halving = (qctx_halving){.first = 1, .eta = 3};
    if (!plan_expect_mapping(reader, root, "the file", "{method: grid, parameters: {optim.lr: {values: [1e-4]}}}"))
        return QCTX_OK;
    refuse_unknown(reader, root);
    for (int k = 0; k < KEYS && status == QCTX_OK; k++) {
        const qctx_yaml *node = plan_find(root, keys[k].key);

        if (node != NULL)
            status = keys[k].read(reader, node);
    }
    if (status == QCTX_OK)
        check_whole(reader, root);
    return status;
}

/* With fewer trials than this, no rung but the first few has enough of them for one to go on. */
static int64_t least_trials(const qctx_halving *halving)
{
    int64_t least = 1;

    for (int64_t i = qctx_halving_rungs(halving); i > 0; i--)
        if (__builtin_mul_overflow(least, halving->eta, &least))
            return INT64_MAX;
    return least;
}

/* Rungs are counted in epochs that all trials have, and each must be evaluated. */
static void check_early(plan_reader *reader, const qctx_config *config)
{
    const qctx_halving *halving = &reader->plan->halving;

    for (int64_t i = 0; i < reader->target_count; i++) {
        const plan_target *target = &reader->targets[i];
        const qctx_yaml place = {.line = target->line, .column = target->column};

        if (!target->varies)
            continue;
        if (strcmp(target->path, "batch.epochs") == 0 || strcmp(target->path, "batch.steps") == 0 ||
            strcmp(target->path, "eval.every") == 0)
            plan_complain(reader, &place, target->path, "cannot vary with early_terminate, which counts epochs");
    }
    if (halving->first >= config->batch.epochs)
        plan_complain(reader, reader->early, "early_terminate.min_iter",
                      "expected less than batch.epochs of the configuration, %lld, found %lld",
                      (long long)config->batch.epochs, (long long)halving->first);
    else if (reader->plan->trials < least_trials(halving))
        plan_complain(
            reader, reader->early, "early_terminate",
            "no trial would come to its end: of each rung one in %lld goes on, so %lld rungs need %lld trials, "
            "and there are %lld; raise run_cap, min_iter or leave early_terminate out",
            (long long)halving->eta, (long long)qctx_halving_rungs(halving), (long long)least_trials(halving),
            (long long)reader->plan->trials);
    if (config->batch.steps > 0)
        plan_complain(reader, reader->early, "early_terminate", "counts epochs; leave batch.steps of %s out",
                      reader->plan->config_path);
    if (config->eval.every == 0 || halving->first % config->eval.every != 0)
        plan_complain(reader, reader->early, "early_terminate",
                      "judges after min_iter · eta^k epochs, but eval.every of %s is %lld; set it to 1",
                      reader->plan->config_path, (long long)config->eval.every);
}

void plan_check(plan_reader *reader, const qctx_config *config)
{
    const bool chosen = config->eval.tune > 0 || config->eval.tune_split[0] != '\0' || config->data.eval.count > 0;

    reader->plan->halving.last = config->batch.epochs;
    if (reader->plan->halves)
        check_early(reader, config);
    if ((reader->plan->halves || reader->plan->method == QCTX_SWEEP_BAYES) && !chosen)
        plan_complain(reader, NULL, "metric", "there are no questions to choose by: set eval.tune in %s",
                      reader->plan->config_path);
}
