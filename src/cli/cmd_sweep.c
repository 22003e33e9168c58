#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/cli/commands.h"
#include "qctx/linalg/threads.h"
#include "qctx/sweep/sweep.h"
#include "qctx/sweep/table.h"

enum { MARKDOWN, CSV };
static const char *const formats[] = {[MARKDOWN] = "markdown", [CSV] = "csv", NULL};

static struct {
    int64_t index, of;
    bool force;
    qctx_option_choice format;
} options = {.index = -1, .of = 0, .format = {formats, MARKDOWN}};

static const qctx_option table[] = {
    {"index", QCTX_OPTION_INT, &options.index, "I", "take only the trials I, I + M, I + 2M, ...: a job of an array", 0,
     1e6},
    {"of", QCTX_OPTION_INT, &options.of, "M", "of so many jobs, which share the sweep's folder", 1, 1e6},
    {"force", QCTX_OPTION_FLAG, &options.force, NULL, "replace a sweep of the same name", 0, 0},
    {"format", QCTX_OPTION_CHOICE, &options.format, NULL, "how `table` prints", 0, 0},
    {0},
};

static const qctx_usage usage = {
    .command = "sweep",
    .brief = "train many heads that differ in some keys",
    .arguments = "[status | best | table] SWEEP [KEY=VALUE ...] [options]",
    .summary = "Trains many heads that differ in some keys, by a YAML sweep file, on groups of ranks.",
    .details = "  qctx-dist sweep configs/sweep.yaml           begins it, or goes on\n"
               "  qctx-dist sweep configs/sweep.yaml run_cap=8 batch.epochs=2\n"
               "  qctx-dist sweep status configs/sweep.yaml    what runs, the best so far\n"
               "  qctx-dist sweep best configs/sweep.yaml      the best trial's configuration,\n"
               "                                               ready for train\n"
               "  qctx-dist sweep table configs/sweep.yaml     results of what has finished\n"
               "\n"
               "SWEEP is the sweep file, or (for status, best, table) the folder of a sweep;\n"
               "these three work at any time. docs/sweeps.md lists the keys of a sweep file.\n",
    .options = table,
    .positional_min = 1,
    .positional_max = -1,
};

static qctx_status check_overrides(const char *const *overrides, int64_t count, qctx_error *error)
{
    for (int64_t i = 0; i < count; i++)
        if (strchr(overrides[i], '=') == NULL) {
            qctx_fail(error, QCTX_ERR_USAGE, "sweep: '%s' is not an override of the form key=value", overrides[i]);
            return qctx_hint(error, "one sweep file, then overrides such as run_cap=8 or batch.epochs=2");
        }
    return QCTX_OK;
}

static qctx_status check_share(qctx_error *error)
{
    if ((options.index >= 0) != (options.of > 0))
        return qctx_fail(error, QCTX_ERR_USAGE, "sweep: --index and --of come together: --index 0 --of 4");
    if (options.of > 0 && options.index >= options.of)
        return qctx_fail(error, QCTX_ERR_USAGE, "sweep: --index %lld, expected 0 to %lld with --of %lld",
                         (long long)options.index, (long long)options.of - 1, (long long)options.of);
    if (options.of > 0 && options.force) {
        qctx_fail(error, QCTX_ERR_USAGE, "sweep: --force would remove what other jobs of the array have begun");
        return qctx_hint(error, "remove the sweep's folder before the array begins");
    }
    return QCTX_OK;
}

static qctx_status run(qctx_comm *comm, const char *const *arguments, int64_t count, qctx_error *error)
{
    qctx_sweep_options how = {.shares = 1, .force = options.force};
    qctx_sweep_definition definition = {0};
    qctx_status status = check_overrides(arguments + 1, count - 1, error);

    if (status == QCTX_OK)
        status = check_share(error);
    status = qctx_agree(comm, status, error);
    if (status != QCTX_OK)
        return status;
    if (options.of > 0) {
        how.share = options.index;
        how.shares = options.of;
    }
    status = qctx_sweep_definition_load(comm, qctx_options_input(arguments[0]), arguments + 1, count - 1, &definition,
                                        error);
    if (status == QCTX_OK)
        status = qctx_threads_log(comm, error);
    if (status == QCTX_OK)
        status = qctx_sweep_run(comm, &definition, &how, error);
    qctx_sweep_definition_free(&definition);
    return status;
}

/* Gives a sweep the folder that was named: it may lie elsewhere, seen from here, than where the sweep was begun. */
static qctx_status place_definition(qctx_sweep_definition *definition, const char *folder, qctx_error *error)
{
    const char *base = qctx_path_base(folder);
    char *name = qctx_strdup(base, error);
    char *out = base == folder ? qctx_strdup(".", error)
                               : qctx_format(error, "%.*s", (int)(base - folder > 1 ? base - folder - 1 : 1), folder);

    if (name == NULL || out == NULL) {
        free(name);
        free(out);
        return QCTX_ERR_MEMORY;
    }
    free(definition->name);
    free(definition->out);
    definition->name = name;
    definition->out = out;
    return QCTX_OK;
}

/* The definition of a sweep as it was begun, by its folder or its file. Collective. */
static qctx_status find_definition(qctx_comm *comm, const char *const *arguments, int64_t count,
                                   qctx_sweep_definition *definition, qctx_error *error)
{
    qctx_sweep_definition now = {0};
    char *folder = NULL;
    bool is_folder = qctx_comm_any(comm, qctx_path_is_folder(arguments[0]));
    qctx_status status = QCTX_OK;

    if (is_folder)
        folder = qctx_path_trim(arguments[0], error);
    else
        status =
            qctx_sweep_definition_load(comm, qctx_options_input(arguments[0]), arguments + 1, count - 1, &now, error);
    if (status == QCTX_OK && !is_folder)
        folder = qctx_sweep_definition_folder(&now, error);
    status = qctx_agree(comm, status == QCTX_OK && folder == NULL ? QCTX_ERR_MEMORY : status, error);
    if (status == QCTX_OK && qctx_comm_any(comm, qctx_sweep_is(folder)) == 0) {
        status = qctx_fail(error, QCTX_ERR_IO, "%s: no sweep has begun there", folder);
        qctx_hint(error, "qctx-dist sweep SWEEP begins one");
    }
    if (status == QCTX_OK)
        status = qctx_agree(comm, qctx_comm_rank(comm) == 0 ? qctx_sweep_refuse_links(folder, error) : QCTX_OK, error);
    if (status == QCTX_OK)
        status = qctx_sweep_definition_load_folder(comm, folder, definition, error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, place_definition(definition, folder, error), error);
    qctx_sweep_definition_free(&now);
    free(folder);
    return status;
}

static qctx_status print_best(const qctx_sweep_definition *definition, const qctx_ledger *ledger, qctx_error *error)
{
    int64_t count, best = qctx_sweep_best(ledger);
    const qctx_trial *trials = qctx_ledger_trials(ledger, &count);
    qctx_config config = {0};
    char *text = NULL;
    qctx_status status = QCTX_OK;

    if (best < 0)
        return qctx_fail(error, QCTX_ERR_DATA, "sweep %s: no trial has a result yet", definition->name);
    for (int64_t t = 0; t < count && status == QCTX_OK; t++)
        if (trials[t].index == best)
            status = qctx_sweep_definition_config_alone(definition, trials[t].index, trials[t].units, &config, error);
    if (status == QCTX_OK) {
        text = qctx_config_dump(&config, error);
        status = text == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    if (status == QCTX_OK)
        fputs(text, stdout);
    free(text);
    qctx_config_free(&config);
    return status;
}

typedef qctx_status printer(const qctx_sweep_definition *definition, const qctx_ledger *ledger, qctx_error *error);

static qctx_status print_status(const qctx_sweep_definition *definition, const qctx_ledger *ledger, qctx_error *error)
{
    return qctx_sweep_print_status(stdout, definition, ledger, error);
}

static qctx_status print_table(const qctx_sweep_definition *definition, const qctx_ledger *ledger, qctx_error *error)
{
    if (options.format.value == CSV)
        return qctx_sweep_print_csv(stdout, definition, ledger, error);
    return qctx_sweep_print_markdown(stdout, definition, ledger, error);
}

/* Rank 0 reads the ledger and prints. */
static qctx_status read_and_print(const qctx_sweep_definition *definition, printer *print, qctx_error *error)
{
    char *folder = qctx_sweep_definition_folder(definition, error);
    qctx_ledger *ledger = NULL;
    qctx_status status =
        folder == NULL ? QCTX_ERR_MEMORY : qctx_ledger_open(folder, definition->space.count, false, &ledger, error);

    if (status == QCTX_OK)
        status = qctx_ledger_refresh(ledger, error);
    if (status == QCTX_OK)
        status = print(definition, ledger, error);
    qctx_ledger_close(ledger);
    free(folder);
    return status;
}

static qctx_status look(qctx_comm *comm, printer *print, const char *const *arguments, int64_t count, qctx_error *error)
{
    qctx_sweep_definition definition = {0};
    qctx_status status =
        count < 1 ? qctx_fail(error, QCTX_ERR_USAGE, "sweep: which sweep? Expected its file or its folder") : QCTX_OK;

    if (status == QCTX_OK)
        status = check_overrides(arguments + 1, count - 1, error);
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = find_definition(comm, arguments, count, &definition, error);
    if (status == QCTX_OK)
        status =
            qctx_agree(comm, qctx_comm_rank(comm) == 0 ? read_and_print(&definition, print, error) : QCTX_OK, error);
    qctx_sweep_definition_free(&definition);
    return status;
}

static qctx_status sweep(qctx_comm *comm, const char *const *positional, int64_t count, qctx_error *error)
{
    static const struct {
        const char *name;
        printer *print;
    } looks[] = {{"status", print_status}, {"best", print_best}, {"table", print_table}};

    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        if (strcmp(positional[0], looks[i].name) == 0)
            return look(comm, looks[i].print, positional + 1, count - 1, error);
    return run(comm, positional, count, error);
}

const qctx_command qctx_cmd_sweep = {.usage = &usage, .run = sweep, .stops = true, .writes = true};
