/*
 * What the files of the trainer share: trainer.c (from the opening to the end), trainer_loop.c (steps and when what is
 * due), trainer_evaluate.c, trainer_folder.c, trainer_keep.c (checkpoints), trainer_resume.c, trainer_plan.c,
 * trainer_report.c (words).
 */
#ifndef QCTX_TRAINING_TRAINER_INTERNAL_H
#define QCTX_TRAINING_TRAINER_INTERNAL_H

#include "qctx/base/lockfile.h"
#include "qctx/data/sampler.h"
#include "qctx/dataset/examples.h"
#include "qctx/dataset/sources.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/model/schedule.h"
#include "qctx/training/checkpoint.h"
#include "qctx/training/checkpoints.h"
#include "qctx/training/loader.h"
#include "qctx/training/metrics_log.h"
#include "qctx/training/planner.h"
#include "qctx/training/stepper.h"
#include "qctx/training/timers.h"
#include "qctx/training/trainer.h"

/* The best epoch so far by the choosing questions. */
typedef struct {
    int64_t epoch;
    int64_t step;
    double metric; /* −1 before the first evaluation */
    double strength;
    float *parameters; /* as those of the stepper */
} trainer_best;

/* Sums of the running epoch, for its means. */
typedef struct {
    double loss;
    double accuracy;
    int64_t steps;
} trainer_sums;

typedef struct {
    qctx_comm *comm;
    const qctx_config *config;
    const qctx_train_options *options;
    char *config_text; /* as resolved */
    char *folder;      /* the run's */
    double started;
    double seconds_before; /* that the run took before it was resumed */

    qctx_lockfile *lock; /* rank 0 */
    bool resumed;
    qctx_checkpoint last; /* of a resumed run, until it goes on from there */
    qctx_opened own_sources;
    const qctx_opened *opened; /* those, or the caller's */
    qctx_training_set training;
    qctx_head_config head;
    qctx_plan plan;
    qctx_loader loader;
    qctx_sampler sampler;
    qctx_schedule schedule;
    qctx_timers timers;
    qctx_stepper *stepper;
    qctx_evaluator *evaluator;
    qctx_metrics_log *metrics_log;
    qctx_checkpoints *checkpoints;

    int64_t epoch;     /* running or just finished, from 1; 0 before the first */
    int64_t step;      /* taken */
    int64_t evaluated; /* the step whose evaluation is complete; −1 before the first */
    int64_t steps_per_epoch;
    int64_t total_steps;
    trainer_sums sums;
    double loss_start; /* of the first step, before anything was learned */
    double loss_now;   /* running mean */
    double kept_at;    /* when the last checkpoint was kept, or training began */
    int64_t kept_step; /* of the last checkpoint, with the next; −1: none */
    int64_t kept_evaluated;
    trainer_best best;
    qctx_comparison *final; /* [evaluation sources] */
} trainer;

/* Learned numbers: the head's and the scalars behind them. Local. */
int64_t trainer_parameter_count(const trainer *run);

/* Seconds that the run has taken, interruptions apart. Local. */
double trainer_seconds(const trainer *run);

/* trainer_folder.c: all Collective. */
/*
 * Locks a run folder that is there, and refuses what options.resume and options.force do not allow, before anything
 * costs time.
 */
qctx_status trainer_check_folder(trainer *run, qctx_error *error);
/* Makes the folder and opens metrics and checkpoints, when nothing but the training itself can fail any more. */
qctx_status trainer_open_folder(trainer *run, qctx_error *error);

/* trainer_keep.c: all Collective. */
/* Begins to keep a checkpoint of the run as it is now. */
qctx_status trainer_keep(trainer *run, qctx_error *error);
/* Keeps the run as it is now, unless the last checkpoint does already, and waits until it is on the disk. */
qctx_status trainer_keep_all(trainer *run, qctx_error *error);
/* best.h5 from run->best. */
qctx_status trainer_keep_best(trainer *run, qctx_error *error);
/*
 * What a request to stop leaves: a checkpoint of the last step, on the disk, and its path in the error's message.
 * Returns STOPPED, or the failure that prevented it.
 */
qctx_status trainer_keep_stopped(trainer *run, qctx_error *error);
/* Adds the newest checkpoint to the message of a run that failed. */
void trainer_name_last(trainer *run, qctx_error *error);

/* trainer_resume.c: Collective. */
/* Reads the newest whole checkpoint, if there is one and this configuration can go on from it; sets run->resumed. */
qctx_status trainer_read_last(trainer *run, qctx_error *error);
/* Goes on from there. */
qctx_status trainer_go_on(trainer *run, qctx_error *error);

/* trainer_plan.c: how the steps are taken; a resumed run takes them as it began. Collective. */
qctx_status trainer_make_plan(trainer *run, qctx_error *error);

/* trainer_loop.c: all steps that are left, with evaluations and checkpoints where they are due. Collective. */
qctx_status trainer_take_steps(trainer *run, qctx_error *error);

/* trainer_evaluate.c: Collective. */
/* The head on the inputs of this run; no head where `parameters` is NULL. Local. */
qctx_projector trainer_projector(const trainer *run, const float *parameters, double strength);
/* Searches the choosing questions with the head as it is, keeps a new best, and measures the evaluation sources. */
qctx_status trainer_evaluate(trainer *run, qctx_error *error);
/* Chooses the strength of the best epoch's head, keeps it, and measures what will be used. */
qctx_status trainer_finish(trainer *run, qctx_error *error);

/* trainer_report.c: all Local but for the summary, which is Collective. */
void trainer_say_start(const trainer *run);
void trainer_show_progress(const trainer *run, const qctx_step_result *result, double rate);
void trainer_record_step(trainer *run, const qctx_step_result *result, double rate);
void trainer_say_epoch(const trainer *run, double metric, double strength);
void trainer_record_choice(trainer *run, double metric, double strength);
qctx_status trainer_record_eval(trainer *run, int64_t source, const qctx_comparison *comparison, double strength,
                                qctx_error *error);
qctx_status trainer_write_summary(trainer *run, qctx_error *error);
void trainer_print_results(const trainer *run);

#endif
