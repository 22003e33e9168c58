/*
 * What a sweep is to do, from a YAML file with the keys of W&B's sweeps (docs/sweeps.md lists them all):
 *
 *   name: lr                          # of the sweep; by default the file's name
 *   out: sweeps                       # folder of sweeps; this one stands in <out>/<name>
 *   config: configs/squad.yaml        # what the trials share ("program" in W&B); relative to where the program starts
 *   method: grid | random | bayes
 *   metric: {name: top1, goal: maximize}
 *   parameters: {optim.lr: {min: 1e-4, max: 1e-2, distribution: log_uniform_values}, model: {parameters: {hidden: …}}}
 *   run_cap: 32
 *   early_terminate: {type: hyperband, min_iter: 1, eta: 3}
 *   ranks_per_trial: 1
 *   seed: 1
 *
 * Keys that change together are variants: named settings, of which a trial has one. Each name below `variants` is a
 * parameter of its own, categorical, before those of `parameters`:
 *
 *   variants:
 *     head:
 *       no layers:  {}                                              # the shared configuration as it is
 *       plain:      {model: {form: plain, sides: question}, optim: {kind: adam, lr: 1e-3}}
 *       residual:   {model: {form: residual}}
 *     trained on:
 *       SQuAD:      {data: {train: [{corpus: corpora/squad}]}}
 *       both:       {data: {train: [{corpus: corpora/squad}, {corpus: corpora/quac}]}}
 *
 * A parameter with a single `value` is no parameter of the space: it becomes part of what the trials share.
 *
 * The metric is that of eval.metric on the questions held out for choosing (never on the evaluation sources, if there
 * are others to choose by), and becomes eval.metric of every trial. Unknown keys are refused, all errors at once, with
 * their places and the nearest known key.
 */
#ifndef QCTX_SWEEP_DEFINITION_H
#define QCTX_SWEEP_DEFINITION_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/platform/comm.h"
#include "qctx/sweep/halving.h"
#include "qctx/sweep/space.h"

typedef enum { QCTX_SWEEP_GRID, QCTX_SWEEP_RANDOM, QCTX_SWEEP_BAYES } qctx_sweep_method;
extern const char *const qctx_sweep_method_names[];

typedef struct {
    char *name;
    char *out;
    char *config_path;
    char *config_text; /* the shared configuration, resolved, overrides of it included; kept in the sweep's folder */
    qctx_sweep_method method;
    qctx_metric metric;
    qctx_space space;
    int64_t trials; /* run_cap, or the whole grid */
    bool halves;    /* early_terminate is there */
    qctx_halving halving;
    int64_t ranks_per_trial;
    int64_t seed;
    char *text; /* the sweep as it was understood, overrides included, without comments: one top-level key or parameter
                   a line, in a fixed order; kept in the sweep's folder. Reading it gives the same definition */
} qctx_sweep_definition;

/*
 * Reads the sweep file and the configuration that it names (rank 0 reads, all parse the same bytes). `overrides`
 * [count], "key=value", replace keys of the sweep file ("run_cap=8", "metric.name=mrr") or, if they begin with a
 * section of the configuration, keys of the shared one ("batch.epochs=2"). The configurations of the trials are made
 * once (those of the first 1000), so that keys that do not fit together are found before anything runs. Collective. The
 * caller frees. Errors: IO, MEMORY, CONFIG.
 */
qctx_status qctx_sweep_definition_load(qctx_comm *comm, const char *path, const char *const *overrides, int64_t count,
                                       qctx_sweep_definition *definition, qctx_error *error);

/*
 * The definition of a sweep that stands in `folder`, from its sweep.yaml and config.yaml. Collective. The caller frees.
 * Errors: IO, MEMORY, CONFIG.
 */
qctx_status qctx_sweep_definition_load_folder(qctx_comm *comm, const char *folder, qctx_sweep_definition *definition,
                                              qctx_error *error);

/* Frees what the definition holds and zeroes it; a zeroed one stays as it is. Local. */
void qctx_sweep_definition_free(qctx_sweep_definition *definition);

/*
 * Whether a sweep that was begun with `then` can go on with `now`: only name, folders, run_cap and ranks_per_trial may
 * differ. Local. Errors: MISMATCH with the lines that differ, MEMORY.
 */
qctx_status qctx_sweep_definition_check_resume(const qctx_sweep_definition *then, const qctx_sweep_definition *now,
                                               qctx_error *error);

/*
 * The point of trial `index` as far as it follows from the definition alone: units [space.count], of a grid its place
 * in it, else a random one, in whose stead a bayes search may propose another. Local. Cannot fail.
 */
void qctx_sweep_definition_point(const qctx_sweep_definition *definition, int64_t index, double *units);

/*
 * The configuration of trial `index` with units [space.count]: the shared one with the trial's overrides, run.name
 * "0007", run.out "<out>/<name>/trials", eval.metric the sweep's. Local. The caller frees. Errors: CONFIG, MEMORY.
 */
qctx_status qctx_sweep_definition_config(const qctx_sweep_definition *definition, int64_t index, const double *units,
                                         qctx_config *config, qctx_error *error);

/*
 * The same numbers as a run of its own, named "<sweep>-0007" among the runs of the shared configuration. Local. The
 * caller frees. Errors: CONFIG, MEMORY.
 */
qctx_status qctx_sweep_definition_config_alone(const qctx_sweep_definition *definition, int64_t index,
                                               const double *units, qctx_config *config, qctx_error *error);

/* "<out>/<name>" and "<out>/<name>/trials/0007/<file>", freshly allocated. Local. NULL: no memory. */
char *qctx_sweep_definition_folder(const qctx_sweep_definition *definition, qctx_error *error);
char *qctx_sweep_definition_trial_path(const qctx_sweep_definition *definition, int64_t index, const char *file,
                                       qctx_error *error);

#endif
