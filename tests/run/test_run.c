/* ranks: 1 2 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "made_checkpoint.h"
#include "qctx/base/fileio.h"
#include "qctx/run/checkpoints.h"
#include "qctx/run/run.h"

static qctx_error error;

/* A folder, the same on all ranks; with a config.yaml if `is_run`, and a best.h5 of `config` if that is given. */
static const char *make_folder(const char *name, bool is_run, const char *config)
{
    const char *folder = test_path(name);
    qctx_checkpoint best = made_checkpoint();
    char *path = NULL;

    if (qctx_comm_rank(test_comm) == 0) {
        assert_int_equal(qctx_folder_make(folder, NULL), QCTX_OK);
        path = qctx_path_join(folder, "checkpoints", NULL);
        assert_int_equal(qctx_folder_make(path, NULL), QCTX_OK);
        free(path);
    }
    qctx_comm_barrier(test_comm);
    if (is_run) {
        path = qctx_path_join(folder, "config.yaml", NULL);
        test_write(path, "run: {seed: 1}\n");
        free(path);
    }
    if (config != NULL) {
        best.config = (char *)config;
        path = qctx_checkpoints_best_path(folder, NULL);
        write_checkpoint(path, &best);
        free(path);
    }
    return folder;
}

static void expect_refusal(const char *path, qctx_status code, const char *message, const char *hint)
{
    qctx_run run;

    error = (qctx_error){0};
    assert_status(qctx_run_open(test_comm, path, &run, &error), code, &error);
    assert_contains(error.message, path);
    assert_contains(error.message, message);
    assert_contains(error.hint, hint);
}

static void a_run_is_a_folder_with_a_configuration(void **state)
{
    const char *run = make_folder("run", true, NULL), *none = make_folder("none", false, NULL);

    (void)state;
    assert_true(qctx_run_is(run));
    assert_false(qctx_run_is(none));
    assert_false(qctx_run_is(test_path("absent")));
    test_write(test_path("file"), "no folder\n");
    assert_false(qctx_run_is(test_path("file")));
}

/* It has the configuration that its trials share. */
static void a_sweep_is_no_run(void **state)
{
    static const char *const files[] = {"sweep.yaml", "ledger.jsonl"};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *sweep = make_folder(files[i], true, NULL);
        char *file = qctx_path_join(sweep, files[i], NULL);

        test_write(file, "");
        free(file);
        assert_false(qctx_run_is(sweep));
        expect_refusal(sweep, QCTX_ERR_FORMAT, "is a sweep, not a run", "/trials; qctx-dist sweep best");
    }
}

/* Programs that did not know data.titles embedded texts alone; later ones always write the key. */
static void a_run_of_an_earlier_program_has_no_titles(void **state)
{
    static const struct {
        const char *name, *config;
        bool titles;
    } runs[] = {
        {"early", "data: {train: [{corpus: c, split: train}]}\n", false},
        {"late", "data: {train: [{corpus: c, split: train}], titles: true}\n", true},
        {"without", "data: {train: [{corpus: c, split: train}], titles: false}\n", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const char *folder = make_folder(runs[i].name, true, runs[i].config);
        qctx_run run;

        assert_status(qctx_run_open(test_comm, folder, &run, &error), QCTX_OK, &error);
        assert_int_equal(run.config.data.titles, runs[i].titles);
        qctx_run_close(&run);
    }
}

static void a_run_opens_with_its_best_head(void **state)
{
    const char *config = "run: {seed: 1}\nloss: {normalize: false}\ndata: {train: [{corpus: c, split: train}]}\n";
    const char *folder = make_folder("whole", true, config);
    char *best = qctx_checkpoints_best_path(folder, NULL);
    qctx_run run;

    (void)state;
    for (int direct = 0; direct < 2; direct++) {
        assert_status(qctx_run_open(test_comm, direct ? best : folder, &run, &error), QCTX_OK, &error);
        assert_int_equal(run.config.run.seed, 1);
        assert_string_equal(run.checkpoint.config, config);
        assert_ptr_equal(run.head.head, &run.checkpoint.head);
        assert_ptr_equal(run.head.parameters, run.checkpoint.parameters);
        assert_true(run.head.strength == 0.7);
        assert_null(run.no_head.head);
        assert_int_equal(run.head.input, 4);
        assert_int_equal(run.no_head.input, 4);
        assert_false(run.head.normalize || run.no_head.normalize);
        qctx_run_close(&run);
        assert_null(run.checkpoint.parameters);
    }
    free(best);
}

static void what_is_no_run_is_refused(void **state)
{
    (void)state;
    expect_refusal(test_path("nowhere"), QCTX_ERR_IO, "there is no such run or checkpoint", "qctx-dist train made");
    expect_refusal(make_folder("begun", true, NULL), QCTX_ERR_FORMAT, "checkpoints/best.h5 is missing",
                   "train it first");
    expect_refusal(make_folder("empty", false, NULL), QCTX_ERR_FORMAT, "is not a finished run", "train it first");
    test_write(test_path("text"), "no checkpoint\n");
    expect_refusal(test_path("text"), QCTX_ERR_FORMAT, "is not a checkpoint", "");
}

/* What people name in the place of a run: the message says what it is, and which run is meant. */
static void what_is_something_else_is_named(void **state)
{
    char text[1024], hint[1024];

    (void)state;
    snprintf(text, sizeof text, "run: {out: %s}\ndata: {train: [{corpus: none}]}\n", test_folder());
    test_write(test_path("mine.yaml"), text);
    snprintf(hint, sizeof hint, "train it first, qctx-dist train %s, and name its run, ", test_path("mine.yaml"));
    expect_refusal(test_path("mine.yaml"), QCTX_ERR_FORMAT, "is a configuration, not a run", hint);
    make_folder("mine", true, NULL);
    snprintf(hint, sizeof hint, "name its run: %s", test_path("mine"));
    expect_refusal(test_path("mine.yaml"), QCTX_ERR_FORMAT, "is a configuration, not a run", hint);
    test_write(test_path("bad.yml"), "run: {telepathy: true}\n");
    expect_refusal(test_path("bad.yml"), QCTX_ERR_FORMAT, "is a configuration, not a run", "that qctx-dist train made");
    make_folder("corpus", false, NULL);
    test_write(test_path("corpus/corpus.jsonl"), "");
    expect_refusal(test_path("corpus"), QCTX_ERR_FORMAT, "is a corpus, not a run", "--encoder ENCODER CORPUS");
}

static void a_folder_of_runs_names_them(void **state)
{
    char hint[1024];

    (void)state;
    make_folder("many", false, NULL);
    make_folder("many/b", true, NULL);
    make_folder("many/a", true, NULL);
    make_folder("many/none", false, NULL);
    snprintf(hint, sizeof hint, "such as %s/a; it holds a, b", test_path("many"));
    expect_refusal(test_path("many"), QCTX_ERR_FORMAT, "is a folder of runs, not a run", hint);
}

/* As another version of the program may have written it. */
static void a_configuration_of_another_schema_is_refused(void **state)
{
    (void)state;
    expect_refusal(make_folder("newer", true, "run: {seed: 1, telepathy: true}\n"), QCTX_ERR_CONFIG, "telepathy", "");
    expect_refusal(make_folder("typed", true, "run: {seed: soon}\n"), QCTX_ERR_CONFIG, "seed", "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_folder_of_runs_names_them),
    cmocka_unit_test(what_is_something_else_is_named),
    cmocka_unit_test(a_sweep_is_no_run),
    cmocka_unit_test(a_run_is_a_folder_with_a_configuration),
    cmocka_unit_test(a_run_of_an_earlier_program_has_no_titles),
    cmocka_unit_test(a_run_opens_with_its_best_head),
    cmocka_unit_test(what_is_no_run_is_refused),
    cmocka_unit_test(a_configuration_of_another_schema_is_refused),
};
TEST_MAIN(tests)
