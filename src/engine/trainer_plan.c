#include "trainer_internal.h"

qctx_status trainer_make_plan(trainer *run, bool resume, qctx_error *error)
{
    const qctx_config *config = run->config;
    qctx_plan_request request = {
        .head = run->head,
        .kind = config->loss.kind,
        .direction = config->loss.direction,
        .normalize = config->loss.normalize,
        .batch = config->batch.size,
        .similarity = config->loss.similarity,
        .precision = config->run.precision,
        .reproducible = config->run.reproducible,
        .memory = config->run.memory,
    };

    /* What was left to choose was chosen when the run began: another machine must not choose anew. */
    if (resume) {
        request.similarity = run->last.similarity;
        request.precision = run->last.precision;
    }
    return qctx_plan_make(run->comm, &request, &run->plan, error);
}
