#include "trainer_internal.h"

qctx_status trainer_make_plan(trainer *run, qctx_error *error)
{
    qctx_plan_request request = qctx_plan_request_of(run->config, &run->head);

    /* What was left to choose was chosen when the run began: another machine must not choose anew. */
    if (run->resumed) {
        request.similarity = run->last.similarity;
        request.precision = run->last.precision;
        request.resumed = true;
    }
    return qctx_plan_make(run->comm, &request, &run->plan, error);
}
