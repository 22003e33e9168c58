/* ranks: 1 */
#include "harness.h"

#include "qctx/training/course.h"

/* Three epochs of four steps. */
static qctx_config config_of(int64_t evaluate, int64_t keep_epochs, int64_t keep_steps)
{
    qctx_config config = {0};

    config.batch.epochs = 3;
    config.eval.every = evaluate;
    config.checkpoint.every = keep_epochs;
    config.checkpoint.steps = keep_steps;
    return config;
}

static void a_run_ends_with_its_epochs_or_its_steps(void **state)
{
    static const struct {
        int64_t steps, total;
    } cases[] = {{0, 12}, {1, 1}, {11, 11}, {12, 12}, {13, 12}};
    qctx_config config = config_of(1, 1, 0);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_course course;
        qctx_progress progress = qctx_progress_start();

        config.batch.steps = cases[i].steps;
        course = qctx_course_of(&config, 4);
        assert_int_equal(course.steps_per_epoch, 4);
        assert_int_equal(course.total_steps, cases[i].total);
        progress.step = cases[i].total - 1;
        assert_false(qctx_course_is_over(&course, &progress));
        progress.step = cases[i].total;
        assert_true(qctx_course_is_over(&course, &progress));
    }
}

/*
 * What is due at the start and behind each step, as letters: k a checkpoint at once, e an evaluation, K a checkpoint
 * behind it, - nothing.
 */
static void write_course(const qctx_config *config, char *due)
{
    qctx_course course = qctx_course_of(config, 4);
    qctx_progress progress = qctx_progress_start();

    for (int64_t step = 0; step <= course.total_steps; step++) {
        const char *begin = due;

        if (step > 0)
            qctx_progress_add_step(&progress, (step - 1) / 4, (step - 1) % 4 == 0, 1.0, 0.5);
        /* Nothing is kept before the first step. */
        if (step > 0 && qctx_course_keeps(&course, &progress))
            *due++ = 'k';
        if (qctx_course_evaluates(&course, &progress)) {
            *due++ = 'e';
            progress.evaluated = step;
            assert_false(qctx_course_evaluates(&course, &progress));
            if (qctx_course_keeps_evaluation(&course, &progress))
                *due++ = 'K';
        }
        if (due == begin)
            *due++ = '-';
        *due++ = ' ';
    }
    assert_true(qctx_course_is_over(&course, &progress));
    due[-1] = '\0';
}

static void what_is_due_is_as_the_table_says(void **state)
{
    static const struct {
        int64_t evaluate, keep_epochs, keep_steps, steps;
        const char *due;
    } cases[] = {
        {1, 1, 0, 0, "e - - - eK - - - eK - - - eK"},    {0, 0, 0, 0, "e - - - - - - - - - - - eK"},
        {1, 0, 0, 0, "e - - - e - - - e - - - eK"},      {0, 1, 0, 0, "e - - - k - - - k - - - eK"},
        {2, 1, 0, 0, "e - - - k - - - eK - - - eK"},     {2, 3, 5, 0, "e - - - - k - - e - k - eK"},
        {1, 1, 4, 0, "e - - - keK - - - keK - - - keK"}, {2, 3, 5, 10, "e - - - - k - - e - keK"},
        {2, 3, 5, 11, "e - - - - k - - e - k eK"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_config config = config_of(cases[i].evaluate, cases[i].keep_epochs, cases[i].keep_steps);
        char due[64];

        config.batch.steps = cases[i].steps;
        write_course(&config, due);
        assert_string_equal(due, cases[i].due);
    }
}

/* A run that was stopped within an evaluation takes it again; one whose evaluation is in the checkpoint does not. */
static void a_resumed_run_owes_what_was_not_complete(void **state)
{
    qctx_config config = config_of(2, 1, 0);
    qctx_course course = qctx_course_of(&config, 4);
    qctx_progress progress = {.epoch = 2, .step = 8, .evaluated = 0};

    (void)state;
    assert_true(qctx_course_evaluates(&course, &progress));
    assert_false(qctx_course_keeps(&course, &progress));
    progress.evaluated = 8;
    assert_false(qctx_course_evaluates(&course, &progress));
    assert_true(qctx_course_keeps(&course, &progress));
}

static void epochs_end_and_pauses_come_where_they_should(void **state)
{
    static const struct {
        int64_t step, pause;
        bool ends, pauses;
    } cases[] = {
        {4, 0, true, false},  {5, 0, false, false}, {7, 2, false, false}, {8, 2, true, true},  {9, 2, false, true},
        {10, 2, true, false}, {8, 1, true, true},   {3, 1, false, false}, {8, 3, true, false},
    };
    qctx_config config = config_of(1, 1, 0);
    qctx_course course;

    (void)state;
    config.batch.steps = 10;
    course = qctx_course_of(&config, 4);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_progress progress = {.step = cases[i].step};

        assert_int_equal(qctx_course_ends_epoch(&course, &progress), cases[i].ends);
        assert_int_equal(qctx_course_pauses(&course, &progress, cases[i].pause), cases[i].pauses);
    }
}

static void minutes_are_counted_where_they_are_asked_for(void **state)
{
    qctx_config config = config_of(1, 1, 0);
    qctx_course course = qctx_course_of(&config, 4);

    (void)state;
    assert_false(qctx_course_keeps_after(&course, 1e9));
    config.checkpoint.minutes = 0.5;
    assert_false(qctx_course_keeps_after(&course, 29.9));
    assert_true(qctx_course_keeps_after(&course, 30.0));
}

static void the_batch_follows_from_the_data(void **state)
{
    static const struct {
        int64_t examples, epochs, size;
    } cases[] = {
        /* 100 steps, by hand: 20 epochs of ⌊13125 / 2048⌋ = 6 are 120, of ⌊10239 / 1024⌋ = 9 are 180. */
        {87599, 20, 2048},
        {13125, 20, 2048},
        {10239, 20, 1024},
        {2200, 20, 256},
        {720, 20, 128},
        {192, 20, 32},
        /* More epochs allow for more. */
        {2200, 100, 2048},
        {2200, 1, 16},
        /* Too few for 100 steps: never fewer than 16 questions, or as many as there are. */
        {40, 20, 16},
        {16, 20, 16},
        {15, 20, 8},
        {3, 20, 2},
        {2, 20, 2},
        {1, 20, 2},
    };
    qctx_config config = config_of(1, 1, 0);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        config.batch.epochs = cases[i].epochs;
        config.batch.size = QCTX_CONFIG_AUTO;
        assert_int_equal(qctx_course_batch(&config, cases[i].examples), cases[i].size);
        config.batch.size = 4096;
        assert_int_equal(qctx_course_batch(&config, cases[i].examples), 4096);
    }
}

static void the_warm_up_follows_from_the_steps(void **state)
{
    static const struct {
        int64_t asked, steps, warmup;
    } cases[] = {{QCTX_CONFIG_AUTO, 100, 10},
                 {QCTX_CONFIG_AUTO, 9, 0},
                 {QCTX_CONFIG_AUTO, 800, 50},
                 {50, 800, 50},
                 {50, 40, 20},
                 {0, 40, 0}};
    qctx_config config = config_of(1, 1, 0);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        config.optim.warmup = cases[i].asked;
        assert_int_equal(qctx_course_warmup(&config, cases[i].steps), cases[i].warmup);
    }
}

/* Four steps an epoch, so that two epochs begin behind steps 0, 8 and 16. */
static void negatives_are_mined_where_epochs_begin(void **state)
{
    qctx_config config = config_of(1, 1, 0);
    const qctx_course course = qctx_course_of(&config, 4);

    (void)state;
    for (int64_t every = 1; every <= 2; every++)
        for (int64_t step = 0; step < 20; step++) {
            const qctx_progress progress = {.step = step};

            config.negatives.every = every;
            assert_int_equal(qctx_course_mines(&course, &progress), step % (4 * every) == 0);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(negatives_are_mined_where_epochs_begin),
    cmocka_unit_test(the_batch_follows_from_the_data),
    cmocka_unit_test(the_warm_up_follows_from_the_steps),
    cmocka_unit_test(a_run_ends_with_its_epochs_or_its_steps),
    cmocka_unit_test(what_is_due_is_as_the_table_says),
    cmocka_unit_test(a_resumed_run_owes_what_was_not_complete),
    cmocka_unit_test(epochs_end_and_pauses_come_where_they_should),
    cmocka_unit_test(minutes_are_counted_where_they_are_asked_for),
};
TEST_MAIN(tests)
