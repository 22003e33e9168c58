#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/plural.h"
#include "qctx/platform/topology.h"
#include "qctx/run/checkpoint.h"
#include "trainer_internal.h"

/* A configuration that was written and read again is the same but for its last digits. */
static const double same_number = 1e-9;

/* The run's configuration then is in its checkpoint, with what it had left to the data. */
static qctx_status compare_configs(trainer *run, const char *path, const qctx_checkpoint *from, qctx_error *error)
{
    qctx_config then;
    qctx_status status = qctx_config_parse_kept(from->config, strlen(from->config), path, &then, error);

    if (status != QCTX_OK)
        return status;
    qctx_config_adopt_auto(&run->settled, &then);
    status = qctx_config_check_resume(&then, run->config, error);
    qctx_config_free(&then);
    return status;
}

static qctx_status refuse_nothing(const trainer *run, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_IO, "%s: there is no checkpoint to resume from", run->folder);
    return qctx_hint(error, qctx_path_exists(run->folder) ? "begin it anew with --force in the place of --resume"
                                                          : "start the run without --resume");
}

/* Another number of ranks or threads adds in another order: allowed, but not without a word. */
static void compare_layouts(const trainer *run, const qctx_checkpoint *from)
{
    int ranks = qctx_comm_size(run->comm), threads = qctx_topology_threads();

    if (run->config->run.reproducible || (from->ranks == ranks && from->threads == threads))
        return;
    qctx_info(
        "the run had %lld rank%s of %lld thread%s and now has %d of %d: its last bits may differ from those of an "
        "unbroken run (run.reproducible: true keeps them)",
        (long long)from->ranks, qctx_plural(from->ranks), (long long)from->threads, qctx_plural(from->threads), ranks,
        threads);
}

/* What a new beginning would remove: results are refused, the best epoch of an unfinished run is named. Rank 0. */
static qctx_status check_what_is_lost(const trainer *run, qctx_error *error)
{
    if (qctx_folder_has(run->folder, "summary.json")) {
        qctx_fail(error, QCTX_ERR_EXISTS, "%s: holds results, but no checkpoint to resume from", run->folder);
        return qctx_hint(error, "replace them with --force, or choose another run.name");
    }
    if (qctx_folder_has(run->folder, "checkpoints/best.h5"))
        qctx_warn("%s: holds checkpoints/best.h5, but no checkpoint to resume from; the run begins anew", run->folder);
    return QCTX_OK;
}

/* A run that was to go on where it can, and cannot, begins; what is damaged was named already. Collective. */
static qctx_status begin_instead(trainer *run, qctx_status status, qctx_error *error)
{
    if (status == QCTX_ERR_DATA && qctx_comm_rank(run->comm) == 0)
        qctx_warn("%-s; the run begins anew", error->message);
    return qctx_agree(run->comm, qctx_comm_rank(run->comm) == 0 ? check_what_is_lost(run, error) : QCTX_OK, error);
}

/* The file is whole, so none before it is to be taken in its place. */
static qctx_status refuse_retired_scheme(const trainer *run, const char *path, qctx_error *error)
{
    if (run->last.similarity != QCTX_SIMILARITY_AUTO)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_MISMATCH,
              "%s: attribute similarity is '" QCTX_CHECKPOINT_RETIRED_SCHEME
              "', a scheme of earlier versions; expected "
              "full, rows or ring",
              path);
    return qctx_hint(error, "go on with the version that began the run, or begin a new one with loss.similarity: auto; "
                            "eval, search and info take this one as it is");
}

qctx_status trainer_read_last(trainer *run, qctx_error *error)
{
    bool must = run->options->resume == QCTX_RESUME_MUST;
    char *path = NULL;
    qctx_status status = qctx_checkpoints_read_newest(run->comm, run->folder, &run->last, &path, error);

    if (!must && (status == QCTX_ERR_DATA || (status == QCTX_OK && path == NULL)))
        return begin_instead(run, status, error);
    if (status == QCTX_OK && path == NULL)
        status = refuse_nothing(run, error);
    if (status == QCTX_OK)
        status = refuse_retired_scheme(run, path, error);
    if (status == QCTX_OK)
        status = qctx_agree(run->comm, compare_configs(run, path, &run->last, error), error);
    if (status == QCTX_OK) {
        run->resumed = true;
        qctx_info("resuming from %s (epoch %lld, step %lld)", path, (long long)run->last.progress.epoch,
                  (long long)run->last.progress.step);
        compare_layouts(run, &run->last);
    }
    free(path);
    return status;
}

static qctx_status refuse_attribute(const trainer *run, const char *name, const char *found, const char *expected,
                                    qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_MISMATCH,
              "%s: attribute %s of the last checkpoint is %s, expected %s by this run's configuration and stores",
              run->folder, name, found, expected);
    return qctx_hint(error, "the checkpoint was changed: begin the run anew with --force");
}

static qctx_status refuse_number(const trainer *run, const char *name, double found, double expected, qctx_error *error)
{
    char digits[2][32];

    snprintf(digits[0], sizeof digits[0], "%.15g", found);
    snprintf(digits[1], sizeof digits[1], "%.15g", expected);
    return refuse_attribute(run, name, digits[0], digits[1], error);
}

/* Whether the attributes of the head say what the configuration beside them says. */
static qctx_status check_head(const trainer *run, const qctx_head_config *then, qctx_error *error)
{
    const qctx_head_config *now = &run->head;
    const struct {
        const char *name, *then, *now;
    } names[] = {
        {"head_form", qctx_head_form_names[then->form], qctx_head_form_names[now->form]},
        {"head_sides", qctx_head_sides_names[then->sides], qctx_head_sides_names[now->sides]},
        {"head_activation", qctx_activation_names[then->activation], qctx_activation_names[now->activation]},
    };
    const struct {
        const char *name;
        double then, now;
    } numbers[] = {
        {"head_layers", (double)then->layers, (double)now->layers},
        {"head_input", (double)then->input, (double)now->input},
        {"head_hidden", (double)then->hidden, (double)now->hidden},
        {"head_output", (double)then->output, (double)now->output},
        {"head_dropout", then->dropout, now->dropout},
        {"seed", (double)then->seed, (double)now->seed},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].then, names[i].now) != 0)
            return refuse_attribute(run, names[i].name, names[i].then, names[i].now, error);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (fabs(numbers[i].then - numbers[i].now) > same_number)
            return refuse_number(run, numbers[i].name, numbers[i].then, numbers[i].now, error);
    return QCTX_OK;
}

/* The epoch that step `step` is of, from 1. */
static int64_t epoch_of(const trainer *run, int64_t step)
{
    return step <= 0 ? 0 : (step - 1) / run->course.steps_per_epoch + 1;
}

static qctx_status check_count(const trainer *run, const char *name, int64_t found, int64_t expected, int64_t step,
                               qctx_error *error)
{
    if (found == expected)
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_MISMATCH,
              "%s: attribute %s of the last checkpoint is %lld, expected %lld at step %lld with %lld steps an epoch",
              run->folder, name, (long long)found, (long long)expected, (long long)step,
              (long long)run->course.steps_per_epoch);
    return qctx_hint(error, "the checkpoint was changed: begin the run anew with --force");
}

/* The steps of the run say in which epoch they are. */
static qctx_status check_epochs(const trainer *run, const qctx_progress *then, qctx_error *error)
{
    int64_t epoch = epoch_of(run, then->step), best = epoch_of(run, then->best_step);
    int64_t begun = epoch == 0 ? 0 : (epoch - 1) * run->course.steps_per_epoch;
    qctx_status status = check_count(run, "epoch", then->epoch, epoch, then->step, error);

    if (status == QCTX_OK)
        status = check_count(run, "summed", then->summed, then->step - begun, then->step, error);
    return status == QCTX_OK ? check_count(run, "best_epoch", then->best_epoch, best, then->best_step, error) : status;
}

/* Negatives that were mined before the checkpoint are mined again. */
static qctx_status check_mined(const trainer *run, const qctx_checkpoint *from, qctx_error *error)
{
    if (run->mined_with == NULL || from->mined != NULL || qctx_course_mines(&run->course, &from->progress))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_MISMATCH,
              "%s: the last checkpoint lacks mined, the parameters that the negatives of step %lld are mined with",
              run->folder, (long long)from->progress.step + 1);
    return qctx_hint(error, "the checkpoint was changed: begin the run anew with --force");
}

static qctx_status check_shapes(const trainer *run, const qctx_checkpoint *from, qctx_error *error)
{
    const char *fingerprint = qctx_store_encoder_fingerprint(run->opened->train[0].store);
    int64_t count = run->parameter_count;
    qctx_status status;

    if (strcmp(fingerprint, from->encoder_fingerprint) != 0)
        return qctx_fail(error, QCTX_ERR_MISMATCH, "%s: was trained on vectors of the encoder %s, the stores hold %s",
                         run->folder, from->encoder_fingerprint, fingerprint);
    if (from->trained_on != 0 && from->trained_on != run->trained_on) {
        qctx_fail(error, QCTX_ERR_MISMATCH,
                  "%s: was trained on other vectors or answers than data.train has now, or on other negatives or a "
                  "teacher's other scores, under the same names",
                  run->folder);
        return qctx_hint(error, "put the files back with which the run began, or begin it anew with --force");
    }
    status = check_head(run, &from->head, error);
    if (status != QCTX_OK)
        return status;
    if (from->optimizer.count != count || qctx_head_parameter_count(&from->head) + from->scalar_count != count)
        return qctx_fail(error, QCTX_ERR_MISMATCH,
                         "%s: the last checkpoint holds %lld optimiser values, this head has %lld parameters",
                         run->folder, (long long)from->optimizer.count, (long long)count);
    if (from->progress.step > run->course.total_steps) {
        qctx_fail(error, QCTX_ERR_MISMATCH, "%s: the last checkpoint has %lld step%s, this configuration asks for %lld",
                  run->folder, (long long)from->progress.step, qctx_plural(from->progress.step),
                  (long long)run->course.total_steps);
        return qctx_hint(error, "raise batch.epochs or batch.steps, or begin it anew with --force");
    }
    if (from->progress.limited_by >= run->opened->guard_count)
        return refuse_number(run, "limited_by", (double)from->progress.limited_by,
                             (double)run->opened->guard_count - 1.0, error);
    status = check_mined(run, from, error);
    if (status != QCTX_OK)
        return status;
    return check_epochs(run, &from->progress, error);
}

static void adopt(trainer *run, const qctx_checkpoint *from)
{
    qctx_optimizer_state *state = qctx_stepper_optimizer(run->stepper);
    size_t bytes = (size_t)run->parameter_count * sizeof(float);

    memcpy(qctx_stepper_parameters(run->stepper), from->parameters, bytes);
    memcpy(state->first, from->optimizer.first, bytes);
    memcpy(state->second, from->optimizer.second, bytes);
    state->steps = from->optimizer.steps;
    if (from->best != NULL)
        memcpy(run->best, from->best, bytes);
    if (run->mined_with != NULL && from->mined != NULL)
        memcpy(run->mined_with, from->mined, bytes);
    run->progress = run->kept = from->progress;
    run->started -= from->progress.seconds;
    run->widened = from->widened != 0;
}

qctx_status trainer_go_on(trainer *run, qctx_error *error)
{
    qctx_status status = qctx_agree(run->comm, check_shapes(run, &run->last, error), error);

    if (status == QCTX_OK)
        adopt(run, &run->last);
    qctx_checkpoint_free(&run->last);
    return status;
}
