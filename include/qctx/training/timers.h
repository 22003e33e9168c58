/* Where the time of a run goes: seconds by phase on this rank, for the summary. */
#ifndef QCTX_TRAINING_TIMERS_H
#define QCTX_TRAINING_TIMERS_H

typedef enum {
    QCTX_TIMER_OPEN,     /* stores opened, or made */
    QCTX_TIMER_MINE,     /* hard negatives */
    QCTX_TIMER_LOAD,     /* rows of a batch gathered */
    QCTX_TIMER_FORWARD,  /* head */
    QCTX_TIMER_LOSS,     /* gather of embeddings, similarities, their gradient */
    QCTX_TIMER_BACKWARD, /* head */
    QCTX_TIMER_REDUCE,   /* all-reduce of the gradient, waiting for slower ranks included */
    QCTX_TIMER_OPTIMIZE,
    QCTX_TIMER_EVALUATE,
    QCTX_TIMER_CHECKPOINT,
    QCTX_TIMER_COUNT
} qctx_timer;
extern const char *const qctx_timer_names[];

typedef struct {
    double seconds[QCTX_TIMER_COUNT];
    double mark; /* when the running phase began */
} qctx_timers;

/* Begins to measure: the next call of qctx_timers_end counts from here. Local. */
void qctx_timers_begin(qctx_timers *timers);

/* Adds the time since the last begin or end to a phase. Local. */
void qctx_timers_end(qctx_timers *timers, qctx_timer phase);

#endif
