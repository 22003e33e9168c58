/*
 * What the files of the training step share: stepper.c (a step from end to end), stepper_create.c (memory),
 * stepper_extras.c (contexts beside the batch's), stepper_distill.c (what a teacher says of the questions),
 * stepper_recovery.c (what keeps rows near the encoder's), stepper_pass.c (this rank's rows through the head and back),
 * stepper_update.c (sums over the ranks, and the optimiser).
 */
#ifndef QCTX_TRAINING_STEPPER_INTERNAL_H
#define QCTX_TRAINING_STEPPER_INTERNAL_H

#include "qctx/base/tree_sum.h"
#include "qctx/model/contrastive.h"
#include "qctx/model/distill.h"
#include "qctx/training/stepper.h"

enum {
    /* Floats of a bucket: long enough for the bandwidth, short enough that little is left to wait for at the end. */
    STEPPER_BUCKET = 1 << 19,
    /* Most buckets: larger heads have longer ones. */
    STEPPER_BUCKETS = 128,
    /* Rows that are gathered in float32 at a time where they are then rounded. */
    STEPPER_STAGE = 256,
};

/* What this rank has of a step: the questions of its rows, their contexts, its extras, and what a teacher scored for
 * its questions. */
enum { STEPPER_QUESTIONS, STEPPER_CONTEXTS, STEPPER_EXTRAS, STEPPER_SCORED, STEPPER_PARTS };

typedef struct {
    qctx_side side;
    int64_t all;       /* of all ranks in the step at hand */
    int64_t first;     /* this rank's first among them */
    int64_t rows;      /* this rank's */
    int64_t unit_rows; /* most of a unit */
    int64_t units;     /* that they go through the head in, at least 1; 0 of a part that no step has */
    int64_t tape_at;   /* where their first stands in the tape, if all are kept */
    int64_t *row_ids;  /* [rows] places in the step, by which dropout differs */
    void *encoded;     /* [unit_rows, input] float or bfloat16: the rows of one unit; NULL without an MLP */
    int64_t loaded;    /* that unit, or −1 */
    float *recovered;  /* [rows, output]: the gradient of the recovery by the projected rows; NULL without one */
    float *projected;  /* [rows, output]; after the loss the gradient by them. Extras' stand behind the contexts' */
} stepper_part;

/* The gradient is summed in buckets, numbered from the end of the flat buffer as the backward pass fills it. */
typedef struct {
    int64_t *parts;            /* [ranks]: what of a full bucket falls to each rank */
    int64_t *last_parts;       /* [ranks]: what of the last bucket falls to each rank */
    qctx_exchange **under_way; /* [sizes.buckets] */
    int64_t started;
} stepper_buckets;

/*
 * A teacher's lists for this rank's questions. Questions are taken in groups, the leaves of a reproducible run or all
 * at once: within one, each scored context stands there once, so that nothing depends on the questions of others.
 */
typedef struct {
    int64_t groups;
    int64_t *starts;     /* of each group's contexts among the part's, and the end [groups + 1] */
    int64_t *slots;      /* where each of the teacher's contexts was last put [sizes.lists.distinct] */
    int64_t *places;     /* of the part's rows among the teacher's contexts [sizes.scored] */
    qctx_negative *rows; /* the same as stores have them */
    int64_t *offsets;    /* [rows + 1] into the next three */
    int64_t *contexts;   /* rows of the group's contexts [rows · sizes.lists.longest] */
    float *scores;
    uint8_t *roles;
    float *gradient; /* by the questions [rows, output] */
    double *sums;    /* [groups, 2]: loss and slope */
    qctx_distill *distill;
} stepper_distill;

/* A range of the flat buffer. */
typedef struct {
    int64_t first;
    int64_t count;
} stepper_range;

/* What the memory of a step follows from. */
typedef struct {
    int ranks;
    int64_t rows;       /* of this rank in every batch */
    int64_t extras;     /* of this rank at most */
    int64_t all_extras; /* of all ranks at most */
    int64_t scored;     /* contexts of the lists of this rank's questions at most */
    qctx_plan_lists lists;
    int64_t head_count;   /* parameters of the head; the scalars come after */
    int64_t scalar_count; /* 1 or 2 */
    int64_t positives;    /* right contexts of the rows, at most */
    int64_t listed;       /* contexts that all questions of a batch list, at most */
    int64_t paired;       /* contexts of a whole batch, to be told apart from extras */
    bool keeps;           /* activations of all units are kept until the backward pass */
    int64_t unit_rows;
    int64_t extra_unit_rows;
    int64_t scored_unit_rows;
    int64_t tape_rows;
    int tape_sides;
    int64_t leaves;        /* of this rank at most, of a reproducible run */
    int64_t bucket_length; /* floats; the last bucket, at the flat buffer's start, may be shorter */
    int64_t buckets;
} stepper_sizes;

struct qctx_stepper {
    qctx_comm *comm;
    const qctx_config *config;
    const qctx_plan *plan;
    const qctx_loader *loader;
    const qctx_head_config *head;
    qctx_timers *timers;

    stepper_sizes sizes;
    float *parameters; /* [sizes.head_count + sizes.scalar_count], as gradient, decays and the arrays of state */
    float *gradient;
    uint8_t *decays;
    qctx_optimizer_state state;
    qctx_optimizer_config optimizer;

    int64_t first_row; /* in the global batch */
    int64_t first_leaf;
    stepper_part parts[STEPPER_PARTS];
    float *stage; /* [STEPPER_STAGE, input]; NULL in float32 */
    qctx_head_tape *tape;
    qctx_tree_sum *leaf_sum; /* of gradients; NULL without leaves */
    bool invariant;          /* sums follow the leaves' tree across the ranks, too */
    stepper_buckets buckets;

    const int64_t *examples; /* [rows] of the step's batch; borrowed during the step */
    int64_t *chosen;         /* [rows] the context's place in examples->contexts */
    uint64_t *content;       /* [rows + extras] */
    int64_t *positive_offsets;
    uint64_t *positives;
    int64_t *prefetched; /* [rows] `chosen` of the batch to come */
    uint64_t *paired;    /* contents of the whole batch, sorted; NULL without extras */
    int64_t *joining;    /* places in the negatives of all extras of the step */
    qctx_negative *own;  /* this rank's [extras] */
    stepper_distill lists;
    qctx_loss *loss;
};

/* stepper_pass.c: Local but for the exchanges that the backward pass starts (Collective). */
/* Chooses one right context for each of this rank's questions and notes what else would be right. */
void stepper_choose(qctx_stepper *stepper, const int64_t *batch, int64_t epoch);
/* Which of an example's contexts an epoch takes, as a place in examples->contexts. */
int64_t stepper_choice(const qctx_stepper *stepper, int64_t example, int64_t epoch);
/* All units of a part, gathered and through the head. */
void stepper_project(qctx_stepper *stepper, stepper_part *part, int64_t step);
/* The gradient of this rank's rows, whose sums over the ranks are started. */
void stepper_back_propagate(qctx_stepper *stepper, int64_t step);

/* stepper_extras.c: Local. */
/* Lists the negatives that join the step of a batch, and this rank's of them. */
void stepper_choose_extras(qctx_stepper *stepper, const int64_t *batch, int64_t epoch);

/* stepper_distill.c: Local but for the sums. */
/* What the teacher's lists of a loader can come to; zeros without one. */
qctx_plan_lists stepper_lists_of(const qctx_loader *loader);
/* Memory for them; nothing without a teacher. Errors: MEMORY. */
qctx_status stepper_distill_create(qctx_stepper *stepper, qctx_error *error);
void stepper_distill_free(qctx_stepper *stepper);
int64_t stepper_distill_memory(const qctx_stepper *stepper);
/* Lists what the teacher scored for the questions of a batch. */
void stepper_choose_scored(qctx_stepper *stepper);
/*
 * The loss by the teacher's scores, a mean over the batch, and loss.distill.weight times its slope by t. The gradient
 * by the scored contexts replaces them; that by the questions waits for stepper_add_distilled, which adds it to theirs,
 * and the slope to the outcome. The first is Collective.
 */
qctx_distill_sums stepper_distil(qctx_stepper *stepper, qctx_loss_scale scale);
void stepper_add_distilled(qctx_stepper *stepper, const qctx_distill_sums *distilled, qctx_loss_result *outcome);

/* stepper_recovery.c: Local. */
/*
 * The gradient of the recovery by `count` rows of a part from `first` on, which went through the head just now, waits
 * until stepper_add_recovered adds it to that of the loss. Nothing without a recovery.
 */
void stepper_recover(qctx_stepper *stepper, const stepper_part *part, int64_t first, int64_t count);
void stepper_add_recovered(qctx_stepper *stepper);

/* stepper_update.c: Collective, but for stepper_bucket, which is Local. */
/* The bucket's place in the flat buffer. */
stepper_range stepper_bucket(const qctx_stepper *stepper, int64_t bucket);
/* Starts to sum the buckets that lie in the flat buffer from `from` on and have not been started. */
void stepper_start_buckets(qctx_stepper *stepper, int64_t from);
/* Waits for the sums; returns Σ gradient² over the head's parameters of all ranks. */
double stepper_finish_gradient(qctx_stepper *stepper);
/* Steps the parameters; `scale` is the clipping factor. */
void stepper_update(qctx_stepper *stepper, double rate, double scale);

#endif
