#include "use.h"

#include <math.h>
#include <stdlib.h>

#include "harness.h"
#include "qctx/run/run.h"

/* What no configuration makes would be computed with all the same. */
static void check_checkpoint(const qctx_checkpoint *checkpoint)
{
    const qctx_progress *progress = &checkpoint->progress;
    const qctx_head_config *head = &checkpoint->head;
    int64_t count = qctx_head_parameter_count(head) + checkpoint->scalar_count;

    fuzz_holds(progress->epoch >= 0 && progress->step >= 0 && progress->evaluated >= -1 && progress->summed >= 0);
    fuzz_holds(progress->step < INT64_MAX / 2 && progress->epoch < INT64_MAX / 2 && progress->summed < INT64_MAX / 2);
    fuzz_holds(checkpoint->strength >= 0 && checkpoint->strength <= 1);
    fuzz_holds(progress->best_strength >= 0 && progress->best_strength <= 1);
    fuzz_holds(checkpoint->ranks >= 0 && checkpoint->threads >= 0);
    fuzz_holds(qctx_head_fits(head) && head->input > 0 && head->output > 0 && head->layers > 0);
    fuzz_holds(head->dropout >= 0 && head->dropout < 1);
    fuzz_holds(checkpoint->scalar_count == 1 || checkpoint->scalar_count == 2);
    fuzz_holds(checkpoint->optimizer.count == 0 || checkpoint->optimizer.count == count);
    for (int64_t i = 0; i < count; i++)
        fuzz_holds(isfinite(checkpoint->parameters[i]));
}

static void project(const qctx_run *run)
{
    enum { ROWS = 3 };
    const int64_t input = run->head.input, output = qctx_projector_output(&run->head);
    float *x = malloc((size_t)(ROWS * input) * sizeof *x), *y = malloc((size_t)(ROWS * output) * sizeof *y);

    assert_true(x != NULL && y != NULL);
    for (int64_t i = 0; i < ROWS * input; i++)
        x[i] = 0.25f * (float)(i % 5);
    for (qctx_side side = QCTX_QUESTION; side <= QCTX_CONTEXT; side++)
        fuzz_opened(qctx_projector_apply(&run->head, side, x, ROWS, y, &fuzz_error));
    free(x);
    free(y);
}

bool fuzz_use_checkpoint(const fuzz_target *target, uint64_t draw)
{
    qctx_run run;

    (void)draw;
    if (!fuzz_opened(qctx_run_open(fuzz_alone, target->path, &run, &fuzz_error)))
        return false;
    check_checkpoint(&run.checkpoint);
    qctx_checkpoint_checksum(&run.checkpoint);
    project(&run);
    qctx_run_close(&run);
    return true;
}
