/* ranks: 1 2 3 */
#include "harness.h"

#include "h5_edit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "made_checkpoint.h"
#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"
#include "qctx/platform/h5.h"
#include "qctx/run/checkpoint.h"

static void everything_comes_back_on_every_rank(void **state)
{
    qctx_checkpoint written = made_checkpoint(), read;
    int64_t count = written.optimizer.count;
    const char *path = test_path("whole.h5");
    qctx_error error;

    (void)state;
    write_checkpoint(path, &written);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), QCTX_OK, &error);
    assert_true(qctx_checkpoint_is(path));
    assert_int_equal(read.progress.epoch, 3);
    assert_int_equal(read.progress.step, 120);
    assert_int_equal(read.progress.evaluated, 80);
    assert_int_equal(read.progress.best_epoch, 2);
    assert_int_equal(read.progress.best_step, 79);
    assert_int_equal(read.progress.summed, 41);
    assert_int_equal(read.ranks, 4);
    assert_int_equal(read.threads, 2);
    assert_true(read.progress.best_strength == 0.3 && read.progress.seconds == 12.125);
    assert_true(read.progress.loss_sum == 1.0 / 3.0 && read.progress.accuracy_sum == 2.0 / 3.0);
    assert_true(read.progress.loss_start == 7.1 && read.progress.loss_now == 0.1);
    assert_int_equal(read.similarity, QCTX_SIMILARITY_RING);
    assert_int_equal(read.precision, QCTX_PRECISION_BFLOAT16);
    assert_int_equal(read.scalar_count, 1);
    assert_true(read.strength == 0.7 && read.progress.best_metric == 0.625);
    assert_true(read.progress.best_mrr == 0.75 && read.widened == 1);
    assert_true(read.progress.unguarded_metric == 0.6875 && read.progress.unguarded_mrr == 0.8);
    assert_true(read.progress.unguarded_strength == 0.9);
    assert_int_equal(read.progress.unguarded_epoch, 1);
    assert_int_equal(read.progress.limited_by, 1);
    assert_string_equal(read.config, written.config);
    assert_string_equal(read.encoder_fingerprint, written.encoder_fingerprint);
    assert_string_equal(read.sources, written.sources);
    assert_int_equal(read.head.form, QCTX_HEAD_RESIDUAL);
    assert_int_equal(read.head.activation, QCTX_ACTIVATION_GELU);
    assert_int_equal(read.head.hidden, 5);
    assert_true(read.head.dropout == 0.1 && read.head.seed == 9);
    assert_memory_equal(read.parameters, written.parameters, (size_t)count * sizeof(float));
    assert_memory_equal(read.best, written.best, (size_t)count * sizeof(float));
    assert_memory_equal(read.mined, written.mined, (size_t)count * sizeof(float));
    assert_int_equal(read.optimizer.count, count);
    assert_int_equal(read.optimizer.steps, 120);
    assert_memory_equal(read.optimizer.first, written.optimizer.first, (size_t)count * sizeof(float));
    assert_memory_equal(read.optimizer.second, written.optimizer.second, (size_t)count * sizeof(float));
    qctx_checkpoint_free(&read);
}

static void a_head_without_optimiser_comes_back_too(void **state)
{
    qctx_checkpoint written = made_checkpoint(), read;
    const char *path = test_path("serving.h5");
    qctx_error error;

    (void)state;
    written.optimizer = (qctx_optimizer_state){0};
    written.best = written.mined = NULL;
    write_checkpoint(path, &written);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), QCTX_OK, &error);
    assert_int_equal(read.optimizer.count, 0);
    assert_null(read.best);
    assert_null(read.mined);
    qctx_checkpoint_free(&read);
}

/* As a run that is stopped in the evaluation of its untrained start leaves it. */
static void a_run_before_its_first_evaluation_comes_back(void **state)
{
    qctx_checkpoint written = made_checkpoint(), read;
    const char *path = test_path("untrained.h5");
    qctx_error error;

    (void)state;
    written.progress = qctx_progress_start();
    written.optimizer.steps = 0;
    written.best = NULL;
    write_checkpoint(path, &written);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), QCTX_OK, &error);
    assert_int_equal(read.progress.step, 0);
    assert_int_equal(read.progress.evaluated, -1);
    assert_int_equal(read.progress.best_step, -1);
    assert_true(read.progress.best_metric == -1);
    assert_null(read.best);
    qctx_checkpoint_free(&read);
}

static void the_bias_of_a_sigmoid_loss_comes_back(void **state)
{
    qctx_checkpoint written = made_checkpoint(), read;
    int64_t count = ++written.optimizer.count;
    const char *path = test_path("sigmoid.h5");
    qctx_error error;

    (void)state;
    written.scalar_count = 2;
    written.parameters[count - 1] = -10.5f;
    write_checkpoint(path, &written);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), QCTX_OK, &error);
    assert_int_equal(read.scalar_count, 2);
    assert_int_equal(read.optimizer.count, count);
    assert_memory_equal(read.parameters, written.parameters, (size_t)count * sizeof(float));
    qctx_checkpoint_free(&read);
}

/* Gives the file at `path` a header that fits what it holds now. */
static void seal(const char *path)
{
    qctx_h5_image image = {.front = 512};
    size_t bytes = 0;
    qctx_error error;

    assert_status(qctx_file_read(path, &image.bytes, &bytes, &error), QCTX_OK, &error);
    image.count = (int64_t)bytes;
    qctx_checkpoint_seal(&image);
    assert_status(qctx_file_write(path, image.bytes, bytes, &error), QCTX_OK, &error);
    free(image.bytes);
}

/* Writes a good checkpoint, changes one thing of it on rank 0 and seals it, as a forger would. Collective. */
static void forge(const char *path, qctx_status (*change)(qctx_h5 *, qctx_error *))
{
    qctx_checkpoint written = made_checkpoint();
    qctx_error error;
    qctx_h5 *file;

    write_checkpoint(path, &written);
    if (qctx_comm_rank(test_comm) == 0) {
        assert_status(test_h5_reopen(path, &file, &error), QCTX_OK, &error);
        assert_status(change(file, &error), QCTX_OK, &error);
        assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
        seal(path);
    }
    qctx_comm_barrier(test_comm);
}

/* As the first builds of this version wrote them: by the values of their enums. */
static qctx_status number_the_head(qctx_h5 *file, qctx_error *error)
{
    static const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"head_form", 1}, {"head_sides", 2}, {"head_activation", 1}};
    qctx_status status = QCTX_OK;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && status == QCTX_OK; i++)
        status = qctx_h5_set_int(file, "/", numbers[i].name, numbers[i].value, error);
    return status;
}

static void names_are_written_and_numbers_read_as_well(void **state)
{
    static const char *const names[][2] = {{"head_form", "residual"},
                                           {"head_sides", "both"},
                                           {"head_activation", "gelu"},
                                           {"similarity", "ring"},
                                           {"precision", "bfloat16"}};
    qctx_checkpoint written = made_checkpoint(), read;
    const char *path = test_path("names.h5");
    qctx_error error;
    qctx_h5 *file;

    (void)state;
    write_checkpoint(path, &written);
    assert_status(qctx_h5_open(path, &file, &error), QCTX_OK, &error);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *text = NULL;

        assert_status(qctx_h5_get_text(file, "/", names[i][0], &text, &error), QCTX_OK, &error);
        assert_string_equal(text, names[i][1]);
        free(text);
    }
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
    path = test_path("numbers.h5");
    forge(path, number_the_head);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), QCTX_OK, &error);
    assert_int_equal(read.head.form, QCTX_HEAD_RESIDUAL);
    assert_int_equal(read.head.sides, QCTX_SIDES_BOTH);
    assert_int_equal(read.head.activation, QCTX_ACTIVATION_GELU);
    assert_int_equal(qctx_checkpoint_checksum(&read), qctx_checkpoint_checksum(&written));
    qctx_checkpoint_free(&read);
}

static qctx_status remove_what_came_later(qctx_h5 *file, qctx_error *error)
{
    qctx_status status = test_h5_remove(file, "best_mrr", error);

    if (status == QCTX_OK)
        status = test_h5_remove(file, "widened", error);
    return status == QCTX_OK ? test_h5_remove(file, "limited_by", error) : status;
}

/* No equal of its best epoch takes that place: the greatest MRR there is stands there. It chose as it was told to. */
static void a_run_that_knew_no_ties_goes_on_as_it_was(void **state)
{
    qctx_checkpoint read;
    const char *path = test_path("no_ties.h5");
    qctx_error error;

    (void)state;
    forge(path, remove_what_came_later);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), QCTX_OK, &error);
    assert_true(read.progress.best_metric == 0.625 && read.progress.best_mrr == 1.0);
    assert_int_equal(read.widened, 0);
    assert_int_equal(read.progress.limited_by, -1);
    qctx_checkpoint_free(&read);
}

/* Asks for the refusal of a forged file on all ranks. */
static void expect_refusal(const char *name, qctx_status (*change)(qctx_h5 *, qctx_error *), qctx_status code,
                           const char *part)
{
    const char *path = test_path(name);
    qctx_checkpoint read;
    qctx_error error;

    forge(path, change);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), code, &error);
    assert_contains(error.message, name);
    assert_contains(error.message, part);
}

static qctx_status write_a_nan(qctx_h5 *file, qctx_error *error)
{
    const float other = NAN;

    return qctx_h5_write(file, "parameters/context/1/bias", QCTX_H5_FLOAT32, 0, 1, &other, error);
}

static qctx_status raise_the_version(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_int(file, "/", "version", 99, error);
}

static qctx_status widen_the_head(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_int(file, "/", "head_hidden", 6, error);
}

static qctx_status overflow_the_head(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_int(file, "/", "head_hidden", INT64_MAX / 2, error);
}

static qctx_status name_another_scheme(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_text(file, "/", "similarity", "spiral", error);
}

static qctx_status name_a_retired_scheme(qctx_h5 *file, qctx_error *error)
{
    qctx_status status = qctx_h5_set_text(file, "/", "similarity", "rows_columns", error);

    if (status != QCTX_OK)
        return status;
    return qctx_h5_set_text(file, "/", "config",
                            "run: {seed: 1}\nloss:\n  similarity: rows_columns\n  normalize: true\n", error);
}

static qctx_status number_no_form(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_int(file, "/", "head_form", 2, error);
}

static qctx_status name_no_activation(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_text(file, "/", "head_activation", "swish", error);
}

/* A choice of the configuration that no run is carried out with. */
static qctx_status leave_the_precision_open(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_text(file, "/", "precision", "auto", error);
}

static qctx_status claim_a_huge_head(qctx_h5 *file, qctx_error *error)
{
    qctx_status status = qctx_h5_set_int(file, "/", "head_hidden", 1 << 20, error);

    if (status == QCTX_OK)
        status = qctx_h5_set_int(file, "/", "head_layers", 64, error);
    return status;
}

static qctx_status take_a_layer_away(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_int(file, "/", "head_layers", 1, error);
}

static qctx_status lose_a_number(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_text(file, "/", "evaluated", "soon", error);
}

static qctx_status step_below_zero(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_int(file, "/", "step", -5, error);
}

/* Tensors of a plain head on one side may have this shape, but what the head is held against keeps its 4 columns. */
static qctx_status leave_a_side_bare(qctx_h5 *file, qctx_error *error)
{
    qctx_status status = qctx_h5_set_text(file, "/", "head_form", "plain", error);

    if (status == QCTX_OK)
        status = qctx_h5_set_text(file, "/", "head_sides", "question", error);
    return status == QCTX_OK ? qctx_h5_set_int(file, "/", "head_output", 6, error) : status;
}

static qctx_status widen_a_residual_head(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_int(file, "/", "head_output", 6, error);
}

static qctx_status count_beyond_all_steps(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_int(file, "/", "optimizer_steps", INT64_MAX, error);
}

static qctx_status overstretch_the_strength(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_double(file, "/", "strength", 1.5, error);
}

static qctx_status spoil_the_best_strength(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_double(file, "/", "best_strength", NAN, error);
}

static qctx_status spoil_a_sum(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_double(file, "/", "loss_sum", INFINITY, error);
}

static qctx_status spoil_the_optimiser(qctx_h5 *file, qctx_error *error)
{
    const float other = -INFINITY;

    return qctx_h5_write(file, "optimizer/second", QCTX_H5_FLOAT32, 3, 1, &other, error);
}

static qctx_status spoil_the_best(qctx_h5 *file, qctx_error *error)
{
    const float other = NAN;

    return qctx_h5_write(file, "best", QCTX_H5_FLOAT32, 0, 1, &other, error);
}

static qctx_status spoil_the_miner(qctx_h5 *file, qctx_error *error)
{
    const float other = NAN;

    return qctx_h5_write(file, "mined", QCTX_H5_FLOAT32, 0, 1, &other, error);
}

/* Parameters of a side that the head does not have. */
static qctx_status leave_the_contexts_away(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_text(file, "/", "head_sides", "question", error);
}

/* One attribute of the progress that no run can have, all else as it was. */
typedef struct {
    const char *name;
    bool is_whole;
    double value;
    const char *expected;
} change_of_one;

static change_of_one impossible;

static qctx_status set_the_impossible(qctx_h5 *file, qctx_error *error)
{
    if (impossible.is_whole)
        return qctx_h5_set_int(file, "/", impossible.name, (int64_t)impossible.value, error);
    return qctx_h5_set_double(file, "/", impossible.name, impossible.value, error);
}

/* The made checkpoint is of step 120 in epoch 3, evaluated at 80; its best is of step 79. */
static void progress_that_no_run_makes_is_refused(void **state)
{
    const change_of_one all[] = {
        {"evaluated", true, 99999, "evaluated is 99999, expected -1 to 120 by attribute step"},
        {"evaluated", true, 78, "best_step is 79, expected -1 to 78 by attribute evaluated"},
        {"epoch", true, 0, "epoch is 0, expected 1 to 120 by attribute step"},
        {"epoch", true, 1e9, "epoch is 1000000000, expected 1 to 120"},
        {"summed", true, 0, "summed is 0, expected 1 to 120"},
        {"summed", true, 1e9, "summed is 1000000000, expected 1 to 120"},
        {"optimizer_steps", true, 119, "optimizer_steps is 119, expected 120 to 120"},
        {"best_step", true, 121, "best_step is 121, expected -1 to 120"},
        {"best_step", true, -1, "best_step is -1, and the dataset best is there"},
        {"best_epoch", true, 0, "best_epoch is 0, expected 1 to 3"},
        {"best_epoch", true, 1e9, "best_epoch is 1000000000, expected 1 to 3"},
        {"best_metric", false, 1e308, "best_metric is 1e+308, expected a number from -1 to 1"},
        {"best_metric", false, -0.5, "best_metric is -0.5, expected -1 or a number in [0, 1]"},
        {"best_mrr", false, 1e308, "best_mrr is 1e+308"},
        {"unguarded_epoch", true, 4, "unguarded_epoch is 4, expected 0 to 3"},
        {"unguarded_metric", false, 1e308, "unguarded_metric is 1e+308"},
        {"limited_by", true, -2, "limited_by is -2"},
        {"best_mrr", false, -0.5, "best_mrr is -0.5, expected -1 or"},
        {"seconds", false, -1e308, "seconds is -1e+308, expected a number from 0"},
        {"seconds", false, 1e308, "seconds is 1e+308"},
        {"loss_sum", false, -1e308, "loss_sum is -1e+308"},
        {"loss_sum", false, -2, "loss_sum is -2"},
        {"accuracy_sum", false, 41.5, "accuracy_sum is 41.5, expected 0 to 41 by attribute summed"},
        {"loss_start", false, 1e308, "loss_start is 1e+308"},
        {"loss_now", false, 1e308, "loss_now is 1e+308"},
        {"loss_now", false, 14.3, "loss_now is 14.3 and loss_start 7.1, expected those of a run that does not diverge"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        impossible = all[i];
        expect_refusal("progress.h5", set_the_impossible, QCTX_ERR_FORMAT, all[i].expected);
    }
}

static qctx_status drop_everything(qctx_h5 *file, qctx_error *error)
{
    return qctx_h5_set_double(file, "/", "head_dropout", 1.5, error);
}

static void a_forged_file_is_refused_with_what_is_wrong(void **state)
{
    (void)state;
    expect_refusal("nan.h5", write_a_nan, QCTX_ERR_DATA, "is not finite");
    expect_refusal("best.h5", spoil_the_best, QCTX_ERR_DATA, "best parameter 0 is not finite");
    expect_refusal("mined.h5", spoil_the_miner, QCTX_ERR_DATA, "mining parameter 0 is not finite");
    expect_refusal("moment.h5", spoil_the_optimiser, QCTX_ERR_DATA, "second moment 3 is not finite");
    expect_refusal("sum.h5", spoil_a_sum, QCTX_ERR_DATA, "loss_sum is not finite");
    expect_refusal("version.h5", raise_the_version, QCTX_ERR_FORMAT, "version 99, expected 2");
    expect_refusal("step.h5", step_below_zero, QCTX_ERR_FORMAT, "step is -5");
    expect_refusal("number.h5", lose_a_number, QCTX_ERR_FORMAT, "'evaluated'");
    expect_refusal("dropout.h5", drop_everything, QCTX_ERR_FORMAT, "head_dropout is 1.5");
    expect_refusal("huge.h5", claim_a_huge_head, QCTX_ERR_FORMAT, "parameters is claimed");
    expect_refusal("layers.h5", take_a_layer_away, QCTX_ERR_FORMAT, "expected [4, 4]");
    expect_refusal("width.h5", widen_the_head, QCTX_ERR_FORMAT, "expected [6");
    expect_refusal("bare.h5", leave_a_side_bare, QCTX_ERR_FORMAT, "same of a plain head on one side only");
    expect_refusal("residual.h5", widen_a_residual_head, QCTX_ERR_FORMAT, "same of a residual head on both sides");
    expect_refusal("steps.h5", count_beyond_all_steps, QCTX_ERR_FORMAT, "expected 0 to 1000000000");
    expect_refusal("strength.h5", overstretch_the_strength, QCTX_ERR_FORMAT, "strength is 1.5");
    expect_refusal("best_strength.h5", spoil_the_best_strength, QCTX_ERR_FORMAT, "best_strength is nan");
    expect_refusal("surplus.h5", leave_the_contexts_away, QCTX_ERR_FORMAT, "holds parameters/context");
    expect_refusal("scheme.h5", name_another_scheme, QCTX_ERR_FORMAT, "similarity is 'spiral'");
    expect_refusal("form.h5", number_no_form, QCTX_ERR_FORMAT, "head_form is 2, which no head has");
    expect_refusal("activation.h5", name_no_activation, QCTX_ERR_FORMAT, "head_activation is 'swish'");
    expect_refusal("precision.h5", leave_the_precision_open, QCTX_ERR_FORMAT, "precision is 'auto'");
    expect_refusal("overflow.h5", overflow_the_head, QCTX_ERR_FORMAT, "head_hidden");
}

/* A run that took a scheme of earlier versions is measured and searched as any other; only resuming asks how. */
static void a_head_of_a_retired_scheme_is_read(void **state)
{
    qctx_checkpoint read;
    qctx_error error;

    (void)state;
    forge(test_path("retired.h5"), name_a_retired_scheme);
    assert_status(qctx_checkpoint_read(test_comm, test_path("retired.h5"), &read, &error), QCTX_OK, &error);
    assert_int_equal(read.similarity, QCTX_SIMILARITY_AUTO);
    assert_string_equal(read.config, "run: {seed: 1}\nloss:\n  similarity: auto\n  normalize: true\n");
    qctx_checkpoint_free(&read);
}

static void what_is_no_checkpoint_is_refused(void **state)
{
    qctx_checkpoint read;
    qctx_error error;

    (void)state;
    test_write(test_path("text.h5"), "this is no HDF5 file\n");
    assert_status(qctx_checkpoint_read(test_comm, test_path("absent.h5"), &read, &error), QCTX_ERR_IO, &error);
    assert_status(qctx_checkpoint_read(test_comm, test_path("text.h5"), &read, &error), QCTX_ERR_FORMAT, &error);
    assert_false(qctx_checkpoint_is(test_path("text.h5")));
    assert_false(qctx_checkpoint_is(test_path("absent.h5")));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(everything_comes_back_on_every_rank),
    cmocka_unit_test(a_head_without_optimiser_comes_back_too),
    cmocka_unit_test(a_run_before_its_first_evaluation_comes_back),
    cmocka_unit_test(the_bias_of_a_sigmoid_loss_comes_back),
    cmocka_unit_test(names_are_written_and_numbers_read_as_well),
    cmocka_unit_test(a_run_that_knew_no_ties_goes_on_as_it_was),
    cmocka_unit_test(a_forged_file_is_refused_with_what_is_wrong),
    cmocka_unit_test(progress_that_no_run_makes_is_refused),
    cmocka_unit_test(a_head_of_a_retired_scheme_is_read),
    cmocka_unit_test(what_is_no_checkpoint_is_refused),
};
TEST_MAIN(tests)
