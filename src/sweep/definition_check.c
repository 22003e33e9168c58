/* What is fine key by key but not together, nor with the shared configuration; and how many trials there are. */
#include <stdio.h>
#include <string.h>

#include "definition_internal.h"

enum { WORD_MAX = 64 };

/* How many trials there are. */
static void count_trials(definition_reader *reader, const qctx_yaml *root)
{
    qctx_sweep_definition *definition = reader->definition;
    const int64_t grid = qctx_space_grid_size(&definition->space);

    definition->trials = reader->run_cap;
    if (definition->method != QCTX_SWEEP_GRID) {
        if (definition_find(root, "run_cap") == NULL)
            definition_complain(reader, NULL, "run_cap", "required: how many trials %s search makes",
                                qctx_sweep_method_names[definition->method]);
        return;
    }
    if (reader->run_cap == 0 || grid < reader->run_cap)
        definition->trials = grid;
    if (definition->trials > TRIALS_MAX)
        definition_complain(reader, definition_find(root, "parameters"), "parameters",
                            "the grid has more than %d points; set run_cap", TRIALS_MAX);
}

/* An override of the shared configuration would be without effect where the sweep sets the key in every trial. */
static void check_config_overrides(definition_reader *reader)
{
    for (int64_t i = reader->constant_count; i < reader->config_count; i++) {
        const char *override = reader->config_overrides[i], *sign = strchr(override, '=');
        const qctx_yaml place = {.line = 0};
        char path[WORD_MAX];

        snprintf(path, sizeof path, "%.*s", (int)(sign - override), override);
        if (definition_refusal(path) != NULL)
            definition_complain(reader, &place, path, "%s", definition_refusal(path));
        for (int64_t t = 0; t < reader->target_count; t++)
            if (reader->targets[t].varies && strcmp(reader->targets[t].path, path) == 0)
                definition_complain(reader, &place, path, "varies in this sweep, by line %d of %s",
                                    reader->targets[t].line, reader->file);
    }
}

void definition_check_keys(definition_reader *reader, const qctx_yaml *root)
{
    check_config_overrides(reader);
    if (definition_find(root, "method") == NULL)
        definition_complain(reader, NULL, "method", "required: one of grid, random, bayes");
    if (definition_find(root, "config") == NULL && definition_find(root, "program") == NULL)
        definition_complain(reader, NULL, "config", "required: the configuration that the trials share");
    if (definition_find(root, "parameters") == NULL && definition_find(root, "variants") == NULL)
        definition_complain(reader, NULL, "parameters",
                            "required: what varies, such as {optim.lr: {values: [1e-4, 1e-3]}}");
    if (reader->definition->method == QCTX_SWEEP_BAYES && definition_find(root, "metric") == NULL)
        definition_complain(reader, NULL, "metric", "required by bayes: {name: top1, goal: maximize}");
    if (reader->report.code == QCTX_OK && reader->definition->space.count == 0)
        definition_complain(reader, NULL, "parameters", "nothing varies: give a key values, or min and max");
    if (reader->report.code == QCTX_OK)
        count_trials(reader, root);
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
static void check_early(definition_reader *reader, const qctx_config *config)
{
    const qctx_halving *halving = &reader->definition->halving;

    for (int64_t i = 0; i < reader->target_count; i++) {
        const definition_target *target = &reader->targets[i];
        const qctx_yaml place = {.line = target->line, .column = target->column};

        if (!target->varies)
            continue;
        if (strcmp(target->path, "batch.epochs") == 0 || strcmp(target->path, "batch.steps") == 0 ||
            strcmp(target->path, "eval.every") == 0)
            definition_complain(reader, &place, target->path, "cannot vary with early_terminate, which counts epochs");
    }
    if (qctx_config_is_left(config, "batch.epochs"))
        definition_complain(reader, reader->early, "early_terminate",
                            "counts epochs, which run.recipe leaves to the data; set batch.epochs in %s",
                            reader->definition->config_path);
    else if (halving->first >= config->batch.epochs)
        definition_complain(reader, reader->early, "early_terminate.min_iter",
                            "expected less than batch.epochs of the configuration, %lld, found %lld",
                            (long long)config->batch.epochs, (long long)halving->first);
    else if (reader->definition->trials < least_trials(halving))
        definition_complain(
            reader, reader->early, "early_terminate",
            "no trial would come to its end: of each rung one in %lld goes on, so %lld rungs need %lld trials, "
            "and there are %lld; raise run_cap, min_iter or leave early_terminate out",
            (long long)halving->eta, (long long)qctx_halving_rungs(halving), (long long)least_trials(halving),
            (long long)reader->definition->trials);
    if (config->batch.steps > 0)
        definition_complain(reader, reader->early, "early_terminate", "counts epochs; leave batch.steps of %s out",
                            reader->definition->config_path);
    if (config->eval.every == 0 || halving->first % config->eval.every != 0)
        definition_complain(reader, reader->early, "early_terminate",
                            "judges after min_iter · eta^k epochs, but eval.every of %s is %lld; set it to 1",
                            reader->definition->config_path, (long long)config->eval.every);
}

void definition_check(definition_reader *reader, const qctx_config *config)
{
    const bool chosen = config->eval.tune != 0 || config->eval.tune_split[0] != '\0' || config->data.eval.count > 0;

    reader->definition->halving.last = config->batch.epochs;
    if (reader->definition->halves)
        check_early(reader, config);
    if ((reader->definition->halves || reader->definition->method == QCTX_SWEEP_BAYES) && !chosen)
        definition_complain(reader, NULL, "metric", "there are no questions to choose by: set eval.tune in %s",
                            reader->definition->config_path);
}
