/*
 * The course of a training run: how long it is, and what is due on the way. All of it follows from the progress and the
 * configuration, the same on every rank and after every resume; only checkpoint.minutes asks the clock.
 *
 * The questions are asked between two steps; before the first one the run is at the end of epoch 0. All Local.
 */
#ifndef QCTX_TRAINING_COURSE_H
#define QCTX_TRAINING_COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/config/config.h"
#include "qctx/run/progress.h"

typedef struct {
    const qctx_config *config; /* of which batch, negatives, eval.every and checkpoint are read; borrowed */
    int64_t steps_per_epoch;
    int64_t total_steps; /* batch.epochs epochs, or batch.steps where these are fewer */
} qctx_course;

/*
 * The batch of a run on so many examples: batch.size or, with AUTO, the largest power of two from 16 to 2048 that
 * leaves the run 100 steps; fewer where the examples are fewer than 16. Ranks and memory have no part in it.
 */
int64_t qctx_course_batch(const qctx_config *config, int64_t examples);

/* The steps in which the rate rises: optim.warmup or, with AUTO, a tenth of all, at most 50. */
int64_t qctx_course_warmup(const qctx_config *config, int64_t total_steps);

qctx_course qctx_course_of(const qctx_config *config, int64_t steps_per_epoch);

/* Whether all steps are taken. */
bool qctx_course_is_over(const qctx_course *course, const qctx_progress *progress);

/* Whether an epoch has just ended, or the run. */
bool qctx_course_ends_epoch(const qctx_course *course, const qctx_progress *progress);

/* Whether epoch `pause` has ended and steps are left; 0 pauses nowhere. */
bool qctx_course_pauses(const qctx_course *course, const qctx_progress *progress, int64_t pause);

/* Whether negatives are mined anew before the next step: before the first one, and every negatives.every epochs. */
bool qctx_course_mines(const qctx_course *course, const qctx_progress *progress);

/* Whether an evaluation is due and not taken yet: of the untrained start, after eval.every epochs, at the end. */
bool qctx_course_evaluates(const qctx_course *course, const qctx_progress *progress);

/*
 * Whether a checkpoint is due now: after checkpoint.steps steps, and after checkpoint.every epochs where no evaluation
 * is due, behind which it would come.
 */
bool qctx_course_keeps(const qctx_course *course, const qctx_progress *progress);

/* Whether a checkpoint is due behind the evaluation that was just taken: after checkpoint.every epochs, at the end. */
bool qctx_course_keeps_evaluation(const qctx_course *course, const qctx_progress *progress);

/* Whether a checkpoint is due by checkpoint.minutes, `seconds` after the last one. */
bool qctx_course_keeps_after(const qctx_course *course, double seconds);

#endif
