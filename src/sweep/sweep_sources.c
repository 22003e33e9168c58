/*
 * The sources of trials, opened by all ranks together before the trials begin: so a corpus is embedded once and by all
 * ranks, and a store is verified once and not for every trial.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/platform/stop.h"
#include "sweep_internal.h"

static const struct timespec pause_between_tries = {.tv_nsec = 200000000};

/* The section of a resolved configuration that begins with the line `head`, "data:\n"; `*bytes` is its length. */
static const char *section(const char *dump, const char *head, size_t *bytes)
{
    const char *first = dump, *end;

    while (first != NULL && strncmp(first, head, strlen(head)) != 0) {
        first = strchr(first, '\n');
        first = first == NULL ? NULL : first + 1;
    }
    *bytes = 0;
    if (first == NULL)
        return "";
    end = first + strlen(head);
    while (*end == ' ' || *end == '\n')
        end += strcspn(end, "\n") + (end[strcspn(end, "\n")] == '\n');
    *bytes = (size_t)(end - first);
    return first;
}

/*
 * The sections of a configuration that decide about its sources. Tuned weights depend on how questions are measured,
 * and that section names guards.
 */
static char *key_of(const qctx_config *config, qctx_error *error)
{
    char *dump = qctx_config_dump(config, error);
    size_t data_bytes, encoder_bytes, eval_bytes = 0;
    const char *data, *encoder, *eval = "";
    char *key;

    if (dump == NULL)
        return NULL;
    data = section(dump, "data:\n", &data_bytes);
    encoder = section(dump, "encoder:\n", &encoder_bytes);
    if (config->encoder.tune || config->eval.guard.count > 0)
        eval = section(dump, "eval:\n", &eval_bytes);
    key = qctx_format(error, "%.*s%.*s%.*s%lld", (int)data_bytes, data, (int)encoder_bytes, encoder, (int)eval_bytes,
                      eval, config->encoder.tune ? (long long)config->run.seed : 0);
    free(dump);
    return key;
}

static sweep_sources *find(sweep *s, const char *key)
{
    for (int64_t i = 0; i < s->source_count; i++)
        if (strcmp(s->sources[i].key, key) == 0)
            return &s->sources[i];
    return NULL;
}

qctx_opened *sweep_find_sources(sweep *s, const qctx_config *config)
{
    char *key = key_of(config, NULL);
    sweep_sources *found = key == NULL ? NULL : find(s, key);

    free(key);
    return found == NULL || found->opened.train_count == 0 ? NULL : &found->opened;
}

/*
 * How many points may name different sources: as many as there are trials or, where a search proposes them, as there
 * are combinations of the categorical parameters.
 */
static int64_t count_points(const sweep *s)
{
    const qctx_space *space = &s->definition->space;
    int64_t points = 1;

    if (s->definition->method != QCTX_SWEEP_BAYES)
        return s->definition->trials;
    for (int64_t p = 0; p < space->count; p++)
        if (space->parameters[p].kind == QCTX_SPACE_CATEGORICAL) {
            if (points > s->definition->trials * SWEEP_SOURCES_MOST / space->parameters[p].count)
                return points;
            points *= space->parameters[p].count;
        }
    return points;
}

static void set_point(sweep *s, int64_t index)
{
    const qctx_space *space = &s->definition->space;

    if (s->definition->method != QCTX_SWEEP_BAYES)
        qctx_sweep_definition_point(s->definition, index, s->units);
    else
        for (int64_t p = 0; p < space->count; p++) {
            const qctx_space_parameter *parameter = &space->parameters[p];

            s->units[p] = 0.5;
            if (parameter->kind != QCTX_SPACE_CATEGORICAL)
                continue;
            s->units[p] = qctx_space_choice_unit(parameter, index % parameter->count);
            index /= parameter->count;
        }
}

/* Which points are still to be worked on, by rank 0's ledger: left [points]. Collective. */
static void find_left(sweep *s, char *left, int64_t points)
{
    int64_t count = 0;
    const qctx_trial *trials = s->ledger == NULL ? NULL : qctx_ledger_trials(s->ledger, &count);
    bool by_index = s->definition->method != QCTX_SWEEP_BAYES;

    for (int64_t k = 0; k < points; k++)
        left[k] = !by_index || sweep_is_own(s, k);
    for (int64_t t = 0; by_index && t < count; t++)
        if (trials[t].index < points &&
            (trials[t].state == QCTX_TRIAL_FINISHED || trials[t].state == QCTX_TRIAL_FAILED))
            left[trials[t].index] = 0;
    qctx_comm_broadcast(s->world, left, points, 0);
}

/* Opens what the configuration names, unless it is known already. Collective. `*config` is taken over or freed. */
static qctx_status open_for(sweep *s, qctx_config *config, qctx_error *error)
{
    sweep_sources *sources = &s->sources[s->source_count];
    char *key = key_of(config, error);
    bool known = key != NULL && find(s, key) != NULL;
    qctx_status status = qctx_agree(s->world, key == NULL ? QCTX_ERR_MEMORY : QCTX_OK, error);

    if (status != QCTX_OK || known) {
        qctx_config_free(config);
        free(key);
        return status;
    }
    *sources = (sweep_sources){.key = key, .config = *config};
    s->source_count++;
    qctx_comm_set_hang_timeout((double)sources->config.run.hang_timeout);
    status = qctx_sources_open(s->world, &sources->config, NULL, &sources->opened, error);
    if (status != QCTX_OK)
        return status;
    return qctx_agree(
        s->world, qctx_comm_rank(s->world) == 0 ? qctx_opened_check_trained(&sources->opened, error) : QCTX_OK, error);
}

/* Whether a failure ends the sweep, and not only the trials that name these sources. */
static bool ends_all(qctx_status status)
{
    return status == QCTX_STOPPED || status == QCTX_ERR_SPACE || status == QCTX_ERR_MEMORY;
}

static qctx_status open_all(sweep *s, const char *left, int64_t points, qctx_error *error)
{
    qctx_status failure = QCTX_OK;
    bool any = false;

    for (int64_t k = 0; k < points && s->source_count < SWEEP_SOURCES_MOST; k++) {
        qctx_config config = {0};
        qctx_error problem = {0};
        qctx_status status;

        if (!left[k])
            continue;
        set_point(s, k);
        status =
            qctx_agree(s->world, qctx_sweep_definition_config(s->definition, k, s->units, &config, &problem), &problem);
        if (status == QCTX_OK)
            status = open_for(s, &config, &problem);
        any = any || status == QCTX_OK;
        if (status == QCTX_OK)
            continue;
        failure = status;
        *error = problem;
        if (ends_all(status))
            return status;
        qctx_info("trials will fail: %-s", problem.message);
    }
    /* Where nothing can be opened, the sweep fails at once, instead of every trial by itself. */
    return any ? QCTX_OK : failure;
}

/* The jobs of an array begin together: one of them embeds, while the others wait here for its stores. Rank 0. */
static qctx_status take_turn(sweep *s, qctx_lockfile **turn, qctx_error *error)
{
    char *path = qctx_path_join(s->folder, "sources.lock", error);
    qctx_status status = path == NULL ? QCTX_ERR_MEMORY : QCTX_ERR_EXISTS;

    while (status == QCTX_ERR_EXISTS) {
        status = qctx_stop_check(error);
        if (status == QCTX_OK)
            status = qctx_lockfile_take(path, turn, error);
        qctx_comm_tell_alive();
        if (status == QCTX_ERR_EXISTS)
            nanosleep(&pause_between_tries, NULL);
    }
    free(path);
    return status;
}

qctx_status sweep_open_sources(sweep *s, qctx_error *error)
{
    int64_t points = count_points(s);
    char *left = qctx_alloc(points, 1, "the trials", error);
    qctx_lockfile *turn = NULL;
    qctx_status status = left == NULL ? QCTX_ERR_MEMORY : QCTX_OK;

    if (status == QCTX_OK && qctx_comm_rank(s->world) == 0)
        status = take_turn(s, &turn, error);
    status = qctx_agree(s->world, status, error);
    if (status == QCTX_OK) {
        find_left(s, left, points);
        status = open_all(s, left, points, error);
    }
    qctx_lockfile_release(turn);
    free(left);
    return status;
}

void sweep_close_sources(sweep *s)
{
    for (int64_t i = 0; i < s->source_count; i++) {
        qctx_opened_close(&s->sources[i].opened);
        qctx_config_free(&s->sources[i].config);
        free(s->sources[i].key);
    }
}
