/* Where the time of a run goes: seconds by phase on this rank, for the summary. */
#ifndef QCTX_ENGINE_PHASES_H
#define QCTX_ENGINE_PHASES_H

typedef enum {
    QCTX_PHASE_OPEN,     /* stores opened, or made */
    QCTX_PHASE_FEED,     /* rows of a batch gathered */
    QCTX_PHASE_FORWARD,  /* head */
    QCTX_PHASE_LOSS,     /* gather of embeddings, similarities, their gradient */
    QCTX_PHASE_BACKWARD, /* head */
    QCTX_PHASE_REDUCE,   /* all-reduce of the gradient, waiting for slower ranks included */
    QCTX_PHASE_OPTIMIZE,
    QCTX_PHASE_EVALUATE,
    QCTX_PHASE_CHECKPOINT,
    QCTX_PHASE_COUNT
} qctx_phase;

typedef struct {
    double seconds[QCTX_PHASE_COUNT];
    double mark; /* when the running phase began */
} qctx_phases;

/* Begins to measure: the next call of qctx_phases_end counts from here. Local. */
void qctx_phases_begin(qctx_phases *phases);

/* Adds the time since the last begin or end to a phase. Local. */
void qctx_phases_end(qctx_phases *phases, qctx_phase phase);

/* "feed", "forward", … Local. */
const char *qctx_phase_name(qctx_phase phase);

#endif
