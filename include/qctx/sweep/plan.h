/*
 * What a sweep is to do, from a YAML file with the keys of W&B's sweeps:
 *
 *   name: lr                          # of the sweep; by default the file's name
 *   out: sweeps                       # folder of sweeps; this one stands in <out>/<name>
 *   config: configs/squad.yaml        # what the trials share ("program" in W&B); relative to where train is started
 *   method: grid | random | bayes
 *   metric: {name: top1, goal: maximize}
 *   parameters: {optim.lr: {min: 1e-4, max: 1e-2, distribution: log_uniform_values}, model: {parameters: {hidden: …}}}
 *   run_cap: 32
 *   early_terminate: {type: hyperband, min_iter: 1, eta: 3}
 *   ranks_per_trial: 1
 *   seed: 1
 *
 * The metric is that of eval.metric on the questions held out for choosing (never on the evaluation sources, if there
 * are others to choose by), and becomes eval.metric of every trial. Unknown keys are refused, all errors at once, with
 * their places and the nearest known key.
 */
#ifndef QCTX_SWEEP_PLAN_H
#define QCTX_SWEEP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/engine/config.h"
#include "qctx/platform/comm.h"
#include "qctx/sweep/halving.h"
#include "qctx/sweep/space.h"

typedef enum { QCTX_SWEEP_GRID, QCTX_SWEEP_RANDOM, QCTX_SWEEP_BAYES } qctx_sweep_method;

typedef struct {
    char *name;
    char *out;
    char *config_path;
    char *config_text; /* of the file, as it was when the sweep began */
    qctx_sweep_method method;
    qctx_metric metric;
    qctx_space space;
    int64_t trials; /* run_cap, or the whole grid */
    bool halves;    /* early_terminate is there */
    qctx_halving halving;
    int64_t ranks_per_trial;
    int64_t seed;
    char *text; /* the sweep file as it was read, kept in the sweep's folder */
} qctx_sweep_plan;

/*
 * Reads the sweep file and the configuration that it names (rank 0 reads, all parse the same bytes). `overrides`
 * [count], "key=value", replace keys of the sweep file ("run_cap=8"). Collective. The caller frees. Errors: IO, MEMORY,
 * CONFIG.
 */
qctx_status qctx_sweep_plan_load(qctx_comm *comm, const char *path, const char *const *overrides, int64_t count,
                                 qctx_sweep_plan *plan, qctx_error *error);
void qctx_sweep_plan_free(qctx_sweep_plan *plan);

/*
 * The configuration of trial `index` with units [space.count]: the shared one with the trial's overrides, run.name
 * "0007", run.out "<out>/<name>/trials", eval.metric the sweep's. Local. The caller frees. Errors: CONFIG, MEMORY.
 */
qctx_status qctx_sweep_plan_config(const qctx_sweep_plan *plan, int64_t index, const double *units, qctx_config *config,
                                   qctx_error *error);

/* "<out>/<name>", freshly allocated. Local. */
char *qctx_sweep_plan_folder(const qctx_sweep_plan *plan, qctx_error *error);

#endif
