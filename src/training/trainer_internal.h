/*
 * What the files of the trainer share: trainer.c (from the opening to the end), trainer_order.c (which questions meet),
 * trainer_loop.c (the steps and what comes between them), trainer_mine.c (hard negatives), trainer_evaluate.c,
 * trainer_predictions.c, trainer_folder.c, trainer_keep.c (checkpoints), trainer_resume.c (going on from one),
 * trainer_start.c (from another run's head), trainer_report.c (log and curve), trainer_results.c (summary and tables).
 */
#ifndef QCTX_TRAINING_TRAINER_INTERNAL_H
#define QCTX_TRAINING_TRAINER_INTERNAL_H

#include "qctx/base/lockfile.h"
#include "qctx/data/sampler.h"
#include "qctx/dataset/examples.h"
#include "qctx/dataset/negatives.h"
#include "qctx/dataset/sources.h"
#include "qctx/dataset/teacher.h"
#include "qctx/evaluation/evaluator.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/evaluation/novelty.h"
#include "qctx/mining/mine.h"
#include "qctx/model/schedule.h"
#include "qctx/run/checkpoint.h"
#include "qctx/run/checkpoints.h"
#include "qctx/run/metrics_log.h"
#include "qctx/run/progress.h"
#include "qctx/run/run.h"
#include "qctx/run/run_log.h"
#include "qctx/text/json.h"
#include "qctx/training/course.h"
#include "qctx/training/loader.h"
#include "qctx/training/planner.h"
#include "qctx/training/recipe.h"
#include "qctx/training/stepper.h"
#include "qctx/training/timers.h"
#include "qctx/training/trainer.h"

/* What the kept head reaches on an evaluation source. */
typedef struct {
    qctx_comparison comparison;
    qctx_novelty novelty;
} trainer_final;

/* What the choice would have been without guards. */
typedef struct {
    int64_t guard; /* the source that did not allow it; -1: none did */
    int64_t epoch;
    double value; /* of eval.metric */
    double strength;
} trainer_limit;

typedef struct {
    qctx_comm *comm;
    const qctx_config *config;  /* that is `settled` */
    qctx_config settled;        /* the caller's, whose lists it borrows, with what is left to the data settled */
    bool batch_by_data;         /* batch.size was left to the data */
    qctx_recipe_account recipe; /* of a run that begins, what run.recipe set */
    const qctx_train_options *options;
    char *config_text; /* as resolved */
    char *tuned;       /* the weights that encoder.tune chose, in words; NULL: none were */
    char *sources;     /* what the run is trained with, by which it finds that again (dataset/origin) */
    char *folder;      /* the run's */
    double started;    /* when the run would have begun without interruptions */

    qctx_lockfile *lock; /* rank 0 */
    bool resumed;
    bool widened;         /* the run that goes on chose among all contexts of the corpus */
    qctx_checkpoint last; /* of a resumed run, until it goes on from there */
    qctx_run start;       /* the run that model.start names, until its head is taken */
    int64_t trained_on;   /* qctx_examples_fingerprint, and with a teacher its own */
    qctx_opened own_sources;
    const qctx_opened *opened; /* those, or the caller's */
    qctx_training_set training;
    qctx_negatives negatives;    /* empty with loss.candidates batch */
    qctx_miner *miner;           /* NULL without negatives.count, and where files give negatives */
    qctx_listed_negatives mined; /* by the head with these parameters, or taken of those that are given: */
    float *mined_with;           /* [parameter_count]; NULL without a miner */
    qctx_listed_negatives given; /* by files, with negatives.from: file */
    qctx_teacher teacher;        /* without scores where no source has one */
    qctx_head_config head;
    qctx_plan plan;
    qctx_loader loader;
    qctx_loader held_out_loader;
    double *weights; /* [training sources] */
    qctx_sampler sampler;
    qctx_schedule schedule;
    qctx_timers timers;
    qctx_stepper *stepper;
    qctx_evaluator *evaluator;
    qctx_metrics_log *metrics_log;
    qctx_run_log *log; /* rank 0, where it is kept */
    qctx_checkpoints *checkpoints;

    qctx_course course;
    qctx_progress progress;  /* its seconds are those of the last checkpoint: trainer_seconds tells them now */
    qctx_progress kept;      /* the progress that the last checkpoint holds; its step is −1 where there is none */
    double kept_at;          /* when that was, or when training began */
    int64_t parameter_count; /* learned numbers: the head's and the scalars behind them */
    float *best;             /* [parameter_count] of the best epoch so far */
    unsigned char *classes;  /* of the questions of all evaluation sources and guards: a qctx_novelty_class each */
    trainer_final *final;    /* [evaluation sources and guards] */
    trainer_limit limited;   /* at the end of the run */
} trainer;

/* trainer_folder.c: all Collective. */
/*
 * Locks a run folder that is there, and refuses what options.resume and options.force do not allow, before anything
 * costs time.
 */
qctx_status trainer_check_folder(trainer *run, qctx_error *error);
/* Makes the folder and opens metrics and checkpoints, when nothing but the training itself can fail any more. */
qctx_status trainer_open_folder(trainer *run, qctx_error *error);

/* trainer_order.c: all Local. */
/* Settles the batch, and makes the sampler. Errors: DATA (a batch larger than its data), MEMORY. */
qctx_status trainer_make_order(trainer *run, qctx_error *error);
/* What is special about the order of the questions, in the log. */
void trainer_say_order(const trainer *run);

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

/* trainer_start.c: all Collective. */
/*
 * Opens the run that model.start names and refuses a head of another shape, before anything costs time. Errors: those
 * of qctx_run_open, MISMATCH.
 */
qctx_status trainer_open_start(trainer *run, qctx_error *error);
/* Takes the weights of its head and closes it. Errors: MISMATCH (of another encoder), MEMORY. */
qctx_status trainer_start_warm(trainer *run, qctx_error *error);

/* trainer_mine.c: all Collective but for trainer_say_mining, which is Local. */
/* Makes the miner, or reads the negatives that files give, where negatives.count asks for them. */
qctx_status trainer_open_negatives(trainer *run, qctx_error *error);
/* What mining is, and costs, in the log. */
void trainer_say_mining(const trainer *run);
/* Mines before the next step, if that is due. */
qctx_status trainer_mine(trainer *run, qctx_error *error);
/* Mines what the next step of a resumed run takes, where that is not due anew. */
qctx_status trainer_mine_again(trainer *run, qctx_error *error);

/* trainer_loop.c: all steps that are left, with evaluations and checkpoints where they are due. Collective. */
qctx_status trainer_take_steps(trainer *run, qctx_error *error);

/* trainer_evaluate.c: all Collective. */
/* Makes the evaluator, which measures the frozen encoder that every head is compared with. */
qctx_status trainer_measure_no_head(trainer *run, qctx_error *error);
/* Searches the choosing questions with the head as it is, keeps a new best, and measures the evaluation sources. */
qctx_status trainer_evaluate(trainer *run, qctx_error *error);
/* Chooses the strength of the best epoch's head, keeps it, and measures what will be used. */
qctx_status trainer_finish(trainer *run, qctx_error *error);

/* trainer_predictions.c: the questions that eval.predictions asks for, in the log and metrics.jsonl. Collective. */
qctx_status trainer_show_predictions(trainer *run, const qctx_projector *head, qctx_error *error);

/* trainer_report.c: all Local but for trainer_record_eval, which is Collective. */
/* Whether this rank writes log, curve and results. */
bool trainer_speaks(const trainer *run);
/* Seconds that the run has taken, interruptions apart. */
double trainer_seconds(const trainer *run);
/* What no head reaches in eval.metric on the choosing questions. */
double trainer_no_head(const trainer *run);
/* Whether eval.caution leaves the head at strength 0, since there is nothing that could show a gain. */
bool trainer_is_without_proof(const trainer *run);
void trainer_say_start(const trainer *run);
void trainer_show_progress(const trainer *run, const qctx_step_result *result, double rate);
void trainer_record_step(trainer *run, const qctx_step_result *result, double rate);
/* The head of the table of epochs, and what no head reaches. */
void trainer_say_columns(const trainer *run);
/* Its line of the epoch that has just ended; the choice is NULL where there are no questions to choose by, and the
 * held-out loss NaN where there is none. */
void trainer_say_epoch(const trainer *run, const qctx_choice *choice, const qctx_limit *limit, double held_out_loss);
void trainer_record_choice(trainer *run, const qctx_choice *choice, const qctx_limit *limit, double held_out_loss);
qctx_status trainer_record_eval(trainer *run, int64_t source, const qctx_comparison *comparison, double strength,
                                qctx_error *error);
/* The JSON of a comparison on a source, with its novelty or NULL, the caller's; NULL with `error` filled (MEMORY). */
json_t *trainer_comparison_table(const trainer *run, int64_t source, const qctx_comparison *comparison,
                                 const qctx_novelty *novelty, qctx_error *error);

/* trainer_results.c: the summary is Collective, the tables Local. */
qctx_status trainer_write_summary(trainer *run, qctx_error *error);
void trainer_print_results(const trainer *run);

#endif
