#include "qctx/training/course.h"

#include "qctx/base/order.h"

/* A head wants some hundred steps; each of them more wrong contexts than a handful, and fewer than are worth their
 * time. */
enum { STEPS_WANTED = 100, BATCH_LEAST = 16, BATCH_MOST = 2048, WARMUP_MOST = 50, WARMUP_PART = 10 };

int64_t qctx_course_batch(const qctx_config *config, int64_t examples)
{
    int64_t size = config->batch.size, wanted = examples * config->batch.epochs / STEPS_WANTED;

    if (size != QCTX_CONFIG_AUTO)
        return size;
    for (size = BATCH_LEAST; size < BATCH_MOST && 2 * size <= wanted;)
        size *= 2;
    while (size > 2 && size > examples)
        size /= 2;
    return size;
}

int64_t qctx_course_warmup(const qctx_config *config, int64_t total_steps)
{
    int64_t steps = config->optim.warmup;

    if (steps == QCTX_CONFIG_AUTO)
        return qctx_smaller(WARMUP_MOST, total_steps / WARMUP_PART);
    /* A short run still reaches its peak. */
    return steps < total_steps ? steps : total_steps / 2;
}

qctx_course qctx_course_of(const qctx_config *config, int64_t steps_per_epoch)
{
    int64_t all = steps_per_epoch * config->batch.epochs, steps = config->batch.steps;

    return (qctx_course){config, steps_per_epoch, steps > 0 && steps < all ? steps : all};
}

bool qctx_course_is_over(const qctx_course *course, const qctx_progress *progress)
{
    return progress->step == course->total_steps;
}

bool qctx_course_ends_epoch(const qctx_course *course, const qctx_progress *progress)
{
    return progress->step % course->steps_per_epoch == 0 || qctx_course_is_over(course, progress);
}

bool qctx_course_pauses(const qctx_course *course, const qctx_progress *progress, int64_t pause)
{
    return pause > 0 && progress->step >= pause * course->steps_per_epoch && !qctx_course_is_over(course, progress);
}

bool qctx_course_mines(const qctx_course *course, const qctx_progress *progress)
{
    return progress->step % (course->steps_per_epoch * course->config->negatives.every) == 0;
}

/* At the end of the run, or of every `every`-th epoch; the untrained start counts as the end of epoch 0. */
static bool is_due_by_epochs(const qctx_course *course, const qctx_progress *progress, int64_t every)
{
    if (progress->step == 0 || qctx_course_is_over(course, progress))
        return true;
    return every > 0 && progress->step % course->steps_per_epoch == 0 && progress->epoch % every == 0;
}

bool qctx_course_evaluates(const qctx_course *course, const qctx_progress *progress)
{
    return progress->evaluated < progress->step && is_due_by_epochs(course, progress, course->config->eval.every);
}

bool qctx_course_keeps(const qctx_course *course, const qctx_progress *progress)
{
    int64_t every = course->config->checkpoint.steps;

    return (every > 0 && progress->step % every == 0) ||
           (is_due_by_epochs(course, progress, course->config->checkpoint.every) &&
            !qctx_course_evaluates(course, progress));
}

bool qctx_course_keeps_evaluation(const qctx_course *course, const qctx_progress *progress)
{
    return progress->step > 0 && is_due_by_epochs(course, progress, course->config->checkpoint.every);
}

bool qctx_course_keeps_after(const qctx_course *course, double seconds)
{
    double asked = 60.0 * course->config->checkpoint.minutes;

    return asked > 0.0 && seconds >= asked;
}
