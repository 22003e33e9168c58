#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/base/names.h"
#include "qctx/cli/commands.h"
#include "qctx/config/config.h"
#include "qctx/training/trainer.h"

static struct {
    const char *resume; /* NULL: not given; "": given without a word; or "auto" */
    bool force;
    qctx_option_choice recipe;
} options = {.recipe = {qctx_recipe_names, -1}};

static const qctx_option table[] = {
    {"resume", QCTX_OPTION_WORD, &options.resume, "auto",
     "go on from the last checkpoint of the run; with auto, begin where there is none", 0, 0},
    {"recipe", QCTX_OPTION_CHOICE, &options.recipe, NULL,
     "auto: what is not set of head, loss, rate and epochs follows from the data", 0, 0},
    {"force", QCTX_OPTION_FLAG, &options.force, NULL, "replace a run of the same name", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "train",
    .brief = "train a projection head",
    .arguments = "CONFIG [KEY.PATH=VALUE ...] [--recipe auto] [--resume [auto] | --force]",
    .summary = "Trains a projection head by a YAML configuration and measures it beside no head.",
    .details = "Any key of the configuration can be set on the command line:\n"
               "  qctx-dist train configs/squad.yaml optim.lr=5e-4 batch.size=4096\n"
               "  qctx-dist info --config-reference      lists all keys\n"
               "\n"
               "A configuration without keys of model, loss, optim and batch is trained by the\n"
               "recipe as it is; beside others, --recipe auto asks for it. A key that is set,\n"
               "in the file or here, wins; the log says what the recipe set, and why.\n"
               "\n"
               "The run is left in <run.out>/<run.name>: config.yaml as resolved, metrics.jsonl,\n"
               "summary.json and checkpoints/best.h5, which eval and search use.\n"
               "\n"
               "A signal to stop (TERM, INT, USR1, USR2) or the end of a SLURM job's time coming\n"
               "near leaves a checkpoint and the exit code 75: the same command with --resume\n"
               "goes on from there. With --resume auto one command serves both.\n",
    .options = table,
    .positional_min = 1,
    .positional_max = -1,
};

static qctx_status check_arguments(const char *const *positional, int64_t count, qctx_error *error)
{
    if (options.resume != NULL && options.force)
        return qctx_fail(error, QCTX_ERR_USAGE, "train: --resume and --force exclude each other");
    for (int64_t i = 1; i < count; i++)
        if (strchr(positional[i], '=') == NULL) {
            qctx_fail(error, QCTX_ERR_USAGE, "train: '%s' is not an override of the form key.path=value",
                      positional[i]);
            if (options.resume != NULL && options.resume[0] == '\0')
                return qctx_hint(error, "--resume takes only the word auto; overrides are such as optim.lr=5e-4");
            return qctx_hint(error, "one configuration, then overrides such as optim.lr=5e-4");
        }
    return QCTX_OK;
}

static qctx_resume resume_of(const char *word)
{
    if (word == NULL)
        return QCTX_RESUME_NEVER;
    return word[0] == '\0' ? QCTX_RESUME_MUST : QCTX_RESUME_AUTO;
}

/* The configuration with its overrides, of which --recipe is the last. Collective. */
static qctx_status load(qctx_comm *comm, const char *const *positional, int64_t count, qctx_config *config,
                        qctx_error *error)
{
    const int recipe = options.recipe.value;
    const char **overrides = qctx_alloc(count, sizeof *overrides, "the arguments", error);
    char *last = recipe < 0 ? NULL : qctx_format(error, "run.recipe=%s", qctx_recipe_names[recipe]);
    qctx_status status = overrides == NULL || (recipe >= 0 && last == NULL) ? QCTX_ERR_MEMORY : QCTX_OK;

    for (int64_t i = 1; i < count && status == QCTX_OK; i++)
        overrides[i - 1] = positional[i];
    if (last != NULL && status == QCTX_OK)
        overrides[count - 1] = last;
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = qctx_config_load(comm, qctx_options_input(positional[0]), overrides, last != NULL ? count : count - 1,
                                  config, error);
    free(last);
    free(overrides);
    return status;
}

static qctx_status train(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    qctx_config config = {0};
    qctx_status status;

    status = qctx_agree(comm, check_arguments(positional, count, error), error);

    if (status == QCTX_OK)
        status = load(comm, positional, count, &config, error);
    if (status == QCTX_OK)
        status = qctx_train(
            comm, &config,
            &(qctx_train_options){
                .resume = resume_of(options.resume), .keeps_log = true, .force = options.force, .results = stdout},
            NULL, error);
    qctx_config_free(&config);
    return status;
}

const qctx_command qctx_cmd_train = {.usage = &usage, .run = train, .stops = true, .writes = true};
