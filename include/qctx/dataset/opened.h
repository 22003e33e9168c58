/*
 * The sources of a run as they are used: splits of opened stores. dataset/sources opens them.
 */
#ifndef QCTX_DATASET_OPENED_H
#define QCTX_DATASET_OPENED_H

#include <stdint.h>

#include "qctx/evaluation/evaluate.h"
#include "qctx/store/store.h"

/* An opened source. */
typedef struct {
    qctx_store *store;       /* shared by the sources that name the same file; owned by qctx_opened */
    const qctx_split *split; /* borrowed from the store */
    const int64_t *own;      /* as qctx_eval_set has it, borrowed from the store; NULL: nothing is left out */
    const char *name;        /* what tables call it; borrowed from the config */
    int64_t limit;
    const char *corpus;    /* the folder that its store was made of, or NULL; borrowed likewise */
    const char *negatives; /* the file of its questions' negatives that the config names, or NULL; borrowed likewise */
} qctx_opened_source;

typedef struct {
    int64_t train_count;
    qctx_opened_source *train;
    int64_t eval_count;
    qctx_opened_source *eval;
    int64_t guard_count;
    qctx_opened_source *guard;
    int64_t store_count; /* distinct */
    qctx_store **stores;
} qctx_opened;

/* Closes the stores and frees the lists. Local. */
void qctx_opened_close(qctx_opened *opened);

/* What has a table: the evaluation sources, then the guards. Local. */
int64_t qctx_opened_reported_count(const qctx_opened *opened);
const qctx_opened_source *qctx_opened_reported(const qctx_opened *opened, int64_t index);

/* The questions of an opened source, up to its limit, for evaluation. Borrows from the source. Local. */
qctx_eval_set qctx_source_questions(const qctx_opened_source *source);

/*
 * Refuses a guard that is trained on: a source of the same corpus or store and the same split. Local. Errors: DATA.
 */
qctx_status qctx_opened_check_guards(const qctx_opened *opened, qctx_error *error);

/*
 * Warns of questions of evaluation sources and guards that are trained on as well, by their rows or, in another store,
 * by their texts: they measure what was learnt by heart. Refuses a guard of which that is most. For rank 0, where a
 * head is trained. Local. Errors: DATA, IO, MEMORY, MISMATCH.
 */
qctx_status qctx_opened_check_trained(const qctx_opened *opened, qctx_error *error);

#endif
