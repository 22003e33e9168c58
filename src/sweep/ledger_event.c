/* What a line of the ledger means: each event is checked against what is known of its trial before it counts. */
#include <stdlib.h>
#include <string.h>

#include "ledger_internal.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"

/* More trials, rungs and takes than any sweep has: a line with more was not written by one. */
enum { MOST_TRIALS = 100000000, MOST_RUNGS = 64, MOST_TAKES = 1 << 30 };

/* One event as it is read. */
typedef struct {
    qctx_ledger *ledger;
    const json_t *event;
    const char *place;
    int64_t index;
    qctx_trial *trial; /* NULL: it has not begun */
} reading;

static void free_trial(const qctx_ledger *ledger, qctx_trial *trial)
{
    for (int64_t p = 0; trial->overrides != NULL && p < ledger->parameters; p++)
        free(trial->overrides[p]);
    free(trial->overrides);
    free(trial->units);
    free(trial->metrics);
    free(trial->message);
}

void ledger_free_trials(qctx_ledger *ledger)
{
    for (int64_t t = 0; t < ledger->count; t++)
        free_trial(ledger, &ledger->trials[t]);
    free(ledger->trials);
}

/* A trial sought in a ledger. */
typedef struct {
    const qctx_ledger *ledger;
    int64_t index;
} sought_trial;

static bool is_before(const void *sought, int64_t at)
{
    const sought_trial *wanted = sought;

    return wanted->ledger->trials[at].index < wanted->index;
}

/* The place of a trial among the others, which are in the order of their indices; it need not have begun. */
static int64_t place_of(const qctx_ledger *ledger, int64_t index)
{
    return qctx_first_not_before(0, ledger->count, is_before, &(sought_trial){ledger, index});
}

static qctx_status get_integer(const reading *r, const char *key, int64_t least, int64_t most, int64_t *value,
                               qctx_error *error)
{
    if (json_object_get(r->event, key) == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is missing", r->place, key);
    return qctx_json_get_integer(r->event, key, least, least, most, r->place, value, error);
}

/* Finite, since jansson reads no other numbers. */
static qctx_status read_number(const reading *r, const char *key, double *value, qctx_error *error)
{
    return qctx_json_get_number(r->event, key, r->place, value, error);
}

static qctx_status wrong_order(const reading *r, const char *event, qctx_error *error)
{
    static const char *const states[] = {"is running", "is paused", "has finished", "has failed"};

    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' of trial %lld, which %s", r->place, event, (long long)r->index,
                     r->trial == NULL ? "has not begun" : states[r->trial->state]);
}

static qctx_status read_units(const reading *r, qctx_trial *trial, qctx_error *error)
{
    json_t *units = NULL, *overrides = NULL;
    const int64_t parameters = r->ledger->parameters;
    qctx_status status = qctx_json_get_array(r->event, "units", r->place, &units, error);

    if (status == QCTX_OK)
        status = qctx_json_get_array(r->event, "overrides", r->place, &overrides, error);
    if (status != QCTX_OK)
        return status;
    if ((int64_t)json_array_size(units) != parameters || (int64_t)json_array_size(overrides) != parameters) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: %zu units and %zu overrides, but the sweep has %lld parameters",
                  r->place, json_array_size(units), json_array_size(overrides), (long long)parameters);
        return qctx_hint(error, "the ledger is that of another sweep, or was damaged");
    }
    trial->units = qctx_alloc(parameters, sizeof *trial->units, "a trial", error);
    trial->overrides = qctx_alloc(parameters, sizeof *trial->overrides, "a trial", error);
    if (trial->units == NULL || trial->overrides == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t p = 0; p < parameters; p++) {
        const json_t *unit = json_array_get(units, (size_t)p), *text = json_array_get(overrides, (size_t)p);

        trial->units[p] = json_number_value(unit);
        if (!json_is_number(unit) || !(trial->units[p] >= 0.0 && trial->units[p] <= 1.0) || !json_is_string(text))
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: parameter %lld is no unit from 0 to 1 with an override",
                             r->place, (long long)p);
        trial->overrides[p] = qctx_strdup(json_string_value(text), error);
        if (trial->overrides[p] == NULL)
            return QCTX_ERR_MEMORY;
    }
    return QCTX_OK;
}

static qctx_status begun(reading *r, qctx_error *error)
{
    qctx_ledger *ledger = r->ledger;
    qctx_trial trial = {.index = r->index, .takes = 1, .rung = -1};
    int64_t at = place_of(ledger, r->index);
    qctx_status status;

    if (r->trial != NULL)
        return wrong_order(r, "begun", error);
    status = read_units(r, &trial, error);
    if (status == QCTX_OK)
        status = qctx_grow((void **)&ledger->trials, &ledger->capacity, ledger->count + 1, sizeof *ledger->trials,
                           "the trials", error);
    if (status != QCTX_OK) {
        free_trial(ledger, &trial);
        return status;
    }
    memmove(ledger->trials + at + 1, ledger->trials + at, (size_t)(ledger->count - at) * sizeof *ledger->trials);
    ledger->trials[at] = trial;
    ledger->count++;
    return QCTX_OK;
}

static qctx_status taken(reading *r, qctx_error *error)
{
    qctx_trial *trial = r->trial;
    int64_t step = 0;
    qctx_status status = qctx_json_get_integer(r->event, "step", 0, 0, INT64_MAX, r->place, &step, error);

    if (status != QCTX_OK)
        return status;
    if (trial->state != QCTX_TRIAL_RUNNING && trial->state != QCTX_TRIAL_PAUSED)
        return wrong_order(r, "taken", error);
    if (step > trial->step)
        trial->takes = 0;
    trial->step = step;
    trial->state = QCTX_TRIAL_RUNNING;
    trial->takes += trial->takes < MOST_TAKES;
    return QCTX_OK;
}

static qctx_status stopped(reading *r, qctx_error *error)
{
    if (r->trial->state != QCTX_TRIAL_RUNNING)
        return wrong_order(r, "stopped", error);
    r->trial->takes = 0;
    return QCTX_OK;
}

static qctx_status paused(reading *r, qctx_error *error)
{
    qctx_trial *trial = r->trial;
    int64_t rung = 0, epoch = 0;
    double metric = 0.0, seconds = 0.0;
    double *metrics;
    qctx_status status = get_integer(r, "rung", 0, MOST_RUNGS, &rung, error);

    if (status == QCTX_OK)
        status = get_integer(r, "epoch", 0, INT64_MAX, &epoch, error);
    if (status == QCTX_OK)
        status = read_number(r, "metric", &metric, error);
    if (status == QCTX_OK)
        status = read_number(r, "seconds", &seconds, error);
    if (status != QCTX_OK)
        return status;
    if (trial->state != QCTX_TRIAL_RUNNING)
        return wrong_order(r, "paused", error);
    if (rung != trial->rung + 1)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: trial %lld reached rung %lld, but its last was %lld", r->place,
                         (long long)r->index, (long long)rung, (long long)trial->rung);
    metrics = qctx_alloc(rung + 1, sizeof *metrics, "the rungs of a trial", error);
    if (metrics == NULL)
        return QCTX_ERR_MEMORY;
    if (rung > 0)
        memcpy(metrics, trial->metrics, (size_t)rung * sizeof *metrics);
    metrics[rung] = metric;
    free(trial->metrics);
    trial->metrics = metrics;
    trial->rung = rung;
    trial->epoch = epoch;
    trial->metric = metric;
    trial->seconds = seconds;
    trial->takes = 0;
    trial->state = QCTX_TRIAL_PAUSED;
    return QCTX_OK;
}

static qctx_status finished(reading *r, qctx_error *error)
{
    qctx_trial *trial = r->trial;
    int64_t epoch = 0;
    double metric = 0.0, no_head = 0.0, strength = 0.0, seconds = 0.0;
    qctx_status status = get_integer(r, "epoch", 0, INT64_MAX, &epoch, error);

    if (status == QCTX_OK)
        status = read_number(r, "metric", &metric, error);
    if (status == QCTX_OK)
        status = read_number(r, "no_head", &no_head, error);
    if (status == QCTX_OK)
        status = read_number(r, "strength", &strength, error);
    if (status == QCTX_OK)
        status = read_number(r, "seconds", &seconds, error);
    if (status != QCTX_OK)
        return status;
    if (trial->state != QCTX_TRIAL_RUNNING)
        return wrong_order(r, "finished", error);
    trial->epoch = epoch;
    trial->metric = metric;
    trial->no_head = no_head;
    trial->strength = strength;
    trial->seconds = seconds;
    trial->state = QCTX_TRIAL_FINISHED;
    return QCTX_OK;
}

static qctx_status failed(reading *r, qctx_error *error)
{
    qctx_trial *trial = r->trial;
    const char *message = NULL;
    int64_t code = 0;
    qctx_status status = get_integer(r, "code", 1, 255, &code, error);

    if (status == QCTX_OK)
        status = qctx_json_get_string(r->event, "message", NULL, r->place, &message, error);
    if (status != QCTX_OK)
        return status;
    if (trial->state != QCTX_TRIAL_RUNNING)
        return wrong_order(r, "failed", error);
    trial->message = qctx_strdup(message, error);
    if (trial->message == NULL)
        return QCTX_ERR_MEMORY;
    trial->code = (int)code;
    trial->state = QCTX_TRIAL_FAILED;
    return QCTX_OK;
}

typedef struct {
    const char *name;
    qctx_status (*take)(reading *r, qctx_error *error);
} event_row;

static const event_row events[] = {
    {"begun", begun},   {"taken", taken},       {"stopped", stopped},
    {"paused", paused}, {"finished", finished}, {"failed", failed},
};
enum { EVENT_COUNT = sizeof events / sizeof events[0] };

qctx_status ledger_apply(qctx_ledger *ledger, const json_t *event, const char *place, qctx_error *error)
{
    reading r = {.ledger = ledger, .event = event, .place = place};
    const char *name = NULL;
    int64_t at;
    qctx_status status;

    if (!json_is_object(event))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s, expected an object", place, qctx_json_type(event));
    status = qctx_json_get_string(event, "event", NULL, place, &name, error);
    if (status == QCTX_OK)
        status = get_integer(&r, "trial", 0, MOST_TRIALS, &r.index, error);
    if (status != QCTX_OK)
        return status;
    at = place_of(ledger, r.index);
    if (at < ledger->count && ledger->trials[at].index == r.index)
        r.trial = &ledger->trials[at];
    for (int e = 0; e < EVENT_COUNT; e++)
        if (strcmp(events[e].name, name) == 0)
            return r.trial == NULL && events[e].take != begun ? wrong_order(&r, name, error)
                                                              : events[e].take(&r, error);
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is no event of a ledger", place, name);
}
