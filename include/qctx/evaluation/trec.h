/*
 * Result lists as a TREC run, for any standard evaluator:
 *
 *   question-id Q0 context-id position score tag
 *
 * Evaluators order a run by its scores and break ties in ways of their own (trec_eval reads single precision and takes
 * the greater id first). So the printed scores of a question strictly decrease: one that equals the score before it,
 * or a score that was lowered for this reason, is printed as the next lower float.
 */
#ifndef QCTX_EVALUATION_TREC_H
#define QCTX_EVALUATION_TREC_H

#include <stdint.h>
#include <stdio.h>

#include "qctx/base/status.h"
#include "qctx/evaluation/evaluate.h"
#include "qctx/retrieval/topk.h"

/* How a run is written: the tag of its lines, by which evaluators tell runs apart, and contexts a question. */
typedef struct {
    const char *tag;
    int64_t depth;
} qctx_trec_run;

/*
 * A name as a tag, which has no white space and no control characters: '-' stands for each. Freshly allocated, or NULL
 * with `error` filled. Local.
 */
char *qctx_trec_tag(const char *name, qctx_error *error);

/*
 * Writes the lines of one question: hits [k], those with candidate −1 left out, named by `ids` of the candidates.
 * Local. Write errors stay with the stream.
 */
void qctx_trec_lines(FILE *out, const char *tag, const char *question, const qctx_hit *hits, int64_t k,
                     char *const *ids);

/*
 * Refuses an id that a run cannot hold: empty, or with white space in it. `kind` is "question" or "context". Local.
 * Errors: DATA.
 */
qctx_status qctx_trec_check_id(const char *kind, const char *id, qctx_error *error);

/*
 * Refuses what qctx_trec_write would refuse of the ids, for use before anything is measured. Collective. Errors: DATA,
 * IO, MEMORY.
 */
qctx_status qctx_trec_check(qctx_comm *comm, const qctx_eval_set *set, const qctx_protocol *protocol,
                            qctx_error *error);

/*
 * Writes the `run->depth` best candidates of every question of the set to `out`, which is rank 0's (other ranks: NULL);
 * write errors stay with the stream. The candidates are those of the protocol, `split` or `corpus`. Collective. Errors:
 * DATA (ids), IO, MEMORY.
 */
qctx_status qctx_trec_write(qctx_comm *comm, FILE *out, const qctx_eval_set *set, const qctx_projector *projector,
                            const qctx_protocol *protocol, const qctx_trec_run *run, qctx_error *error);

#endif
