/* What the files of the trainer share: trainer.c (the loop), trainer_keep.c (files), trainer_resume.c, trainer_plan.c,
 * trainer_report.c (words). */
#ifndef QCTX_ENGINE_TRAINER_INTERNAL_H
#define QCTX_ENGINE_TRAINER_INTERNAL_H

#include "qctx/data/sampler.h"
#include "qctx/engine/checkpoint.h"
#include "qctx/engine/examples.h"
#include "qctx/engine/feed.h"
#include "qctx/engine/judge.h"
#include "qctx/engine/metrics.h"
#include "qctx/engine/phases.h"
#include "qctx/engine/plan.h"
#include "qctx/engine/sources.h"
#include "qctx/engine/stepper.h"
#include "qctx/engine/tracker.h"
#include "qctx/engine/trainer.h"
#include "qctx/model/schedule.h"

/* The best epoch so far by the tuning questions. */
typedef struct {
    int64_t epoch;
    double metric; /* −1 before the first evaluation */
    double strength;
} trainer_best;

typedef struct {
    qctx_comm *comm;
    const qctx_config *config;
    char *config_text; /* as resolved */
    char *folder;      /* the run's */
    double started;

    qctx_opened opened;
    qctx_training_set training;
    qctx_checkpoint last; /* of a resumed run, until it goes on from there */
    qctx_head_config head;
    qctx_plan plan;
    qctx_feed feed;
    qctx_sampler sampler;
    qctx_schedule schedule;
    qctx_phases phases;
    qctx_stepper *stepper;
    qctx_judge *judge;
    qctx_tracker *tracker;

    int64_t epoch; /* running or just finished, from 1; 0 before the first */
    int64_t step;  /* taken */
    int64_t steps_per_epoch;
    int64_t total_steps;
    double loss_sum; /* of the running epoch, for its mean */
    double accuracy_sum;
    int64_t summed;
    trainer_best best;
    qctx_comparison *final; /* [evaluation sources] */
} trainer;

/* trainer_keep.c: all Collective. */
/* Refuses a run that exists, before anything costs time. */
qctx_status trainer_check_folder(trainer *run, const qctx_train_options *options, qctx_error *error);
/* Makes the folder and opens the metrics, when nothing but the training itself can fail any more. */
qctx_status trainer_open_folder(trainer *run, bool resume, qctx_error *error);
qctx_status trainer_keep_last(trainer *run, qctx_error *error);
/* best.h5 from the given head parameters, those of the best epoch, which ended with step `step`. */
qctx_status trainer_keep_best(trainer *run, const float *parameters, int64_t step, double strength, qctx_error *error);
/* Reads best.h5 back; the caller frees `best`. */
qctx_status trainer_read_best(trainer *run, qctx_checkpoint *best, qctx_error *error);
/* Path of the newest last checkpoint, "" if there is none; freshly allocated. */
char *trainer_last_checkpoint(const trainer *run, qctx_error *error);

/* trainer_resume.c: Collective. */
/* Reads the newest last checkpoint, if this configuration can go on from it. */
qctx_status trainer_read_last(trainer *run, qctx_error *error);
/* Goes on from there. */
qctx_status trainer_go_on(trainer *run, qctx_error *error);

/* trainer_plan.c: how the steps are taken; a resumed run takes them as it began. Collective. */
qctx_status trainer_make_plan(trainer *run, bool resume, qctx_error *error);

/* trainer_report.c: all Local but for the summary, which is Collective. */
void trainer_say_start(const trainer *run);
void trainer_show_progress(const trainer *run, const qctx_step_result *result, double rate);
void trainer_record_step(trainer *run, const qctx_step_result *result, double rate);
void trainer_say_epoch(const trainer *run, double metric, double strength);
qctx_status trainer_record_eval(trainer *run, int64_t source, const qctx_comparison *comparison, double strength,
                                qctx_error *error);
qctx_status trainer_write_summary(trainer *run, qctx_error *error);
void trainer_print_results(const trainer *run);

#endif
