/*
 * A teacher's scores, from the files that data.teacher or sources of data.train name, as lists of the training
 * examples: what model/distill is given of them.
 *
 * Ids are those of the source's corpus or store (row numbers, counted from 0, where a store has no ids). Lines of
 * questions that are not trained on, and of ids that are not there, are left out and counted. Of two lines of one
 * question and one content the later one counts. A question with a single scored context has no list; with margin_mse
 * neither has one without a right context among them, or without a wrong one.
 */
#ifndef QCTX_DATASET_TEACHER_H
#define QCTX_DATASET_TEACHER_H

#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/dataset/examples.h"
#include "qctx/dataset/negatives.h"
#include "qctx/dataset/opened.h"
#include "qctx/platform/comm.h"

typedef struct {
    qctx_listed_negatives lists; /* the scored contexts of each example, ascending by content, or none of them */
    float *scores;               /* of each listed context: the teacher's; NULL: there is no teacher */
    uint8_t *roles;              /* of each listed context: a qctx_scored_role */
    int64_t longest;             /* list */
} qctx_teacher;

/*
 * Reads the teacher of the examples of a config's opened sources; all zeros where no source has one. Rank 0 says what
 * was found and what was left out. Collective. The caller frees it, also after a failure. Errors: IO, FORMAT and DATA
 * (with file and line: a score that is not finite; no list for any example), MISMATCH (the ranks read different files),
 * MEMORY.
 */
qctx_status qctx_teacher_read(qctx_comm *comm, const qctx_config *config, const qctx_opened *opened,
                              const qctx_examples *examples, qctx_teacher *teacher, qctx_error *error);
void qctx_teacher_free(qctx_teacher *teacher);

/* A hash of the lists and of what they stand for. Local. Cannot fail. */
uint64_t qctx_teacher_fingerprint(const qctx_teacher *teacher);

#endif
