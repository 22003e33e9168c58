/*
 * What the tests of the training step share: whole training runs of a few steps over made-up rows, carried out in any
 * way, and what they leave.
 */
#ifndef QCTX_TESTS_STEPPER_PROBE_H
#define QCTX_TESTS_STEPPER_PROBE_H

#include "harness.h"

#include "made_up_loader.h"
#include "qctx/config/config.h"
#include "qctx/model/head.h"
#include "qctx/training/plan.h"

enum { BATCH = 90, DIM = 24, HIDDEN = 36 };

/* Of the last call that failed, and the rows of all runs. */
extern qctx_error probe_error;
extern made_up probe_rows;

/* One run, and what it left. */
typedef struct {
    qctx_config config;
    qctx_head_config head;
    qctx_plan plan;
    int64_t steps;
    double rate;
    int64_t count;
    float *parameters, *moments;
    double loss, grad_norm; /* of the last step */
    qctx_status status;
} training;

/* A run of three steps with a head of two layers, in the scheme full. */
training probe_usual(void);

/* The batch of a step: every question once in a while, and some contexts twice in a batch. */
void probe_fill_batch(int64_t step, int64_t size, int64_t *batch);

/*
 * Runs on `comm` and keeps in `run` what it left, which probe_forget frees. `start` [parameters] replaces the first
 * parameters where it is not NULL. Collective.
 */
void probe_train(qctx_comm *comm, training *run, const float *start);
void probe_forget(training *run);

/* Asserts that two runs left the same, within `bound` of the largest parameter and ten times that of moments. */
void probe_assert_alike(const training *a, const training *b, double bound);

/* Asserts that the run leaves the same on all ranks and on each rank alone. Collective. */
void probe_assert_as_on_one_rank(training run, double bound);

/* Asserts that two runs left the same bits. */
void probe_assert_same_bits(const training *a, const training *b);

/* The setup of each test: the rows as they are made. */
int probe_open_rows(void **state);

#endif
