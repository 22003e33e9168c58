/* ranks: 1 2 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/config/config.h"

/* All keys of a recipe, each with another value than its default. */
static const char *const keys[] = {"model.sides",        "model.layers",    "model.hidden", "model.dropout", "optim.lr",
                                   "optim.weight_decay", "loss.candidates", "batch.epochs", "eval.caution"};
static const char *const values[] = {"shared", "3", "77", "0.7", "0.5", "0.25", "corpus", "3", "1.5"};
enum { KEYS = sizeof keys / sizeof keys[0] };

/* The configuration of a file with such a text, and one override or NULL. */
static qctx_config load(const char *text, const char *override)
{
    static qctx_error error;
    const char *path = test_path("some.yaml");
    qctx_config config;

    test_write(path, text);
    assert_status(qctx_config_load(test_comm, path, &override, override != NULL, &config, &error), QCTX_OK, &error);
    return config;
}

static int left(const qctx_config *config)
{
    int count = 0;

    for (int k = 0; k < KEYS; k++)
        count += qctx_config_is_left(config, keys[k]);
    return count;
}

static void a_file_that_names_only_data_leaves_the_rest_to_the_recipe(void **state)
{
    static const struct {
        const char *text;
        const char *override;
        int left;
    } cases[] = {
        {"data: {train: [{store: s.h5}], titles: false}\nrun: {seed: 3}\neval: {pool: 50}\ncheckpoint: {keep: 1}\n",
         NULL, KEYS},
        {"data: {train: [{store: s.h5}]}\nmodel:\n  # nothing\n", NULL, KEYS},
        {"data: {train: [{store: s.h5}]}\nmodel: {activation: gelu}\n", NULL, 0},
        {"data: {train: [{store: s.h5}]}\nloss: {normalize: true}\n", NULL, 0},
        {"data: {train: [{store: s.h5}]}\noptim: {warmup: 3}\n", NULL, 0},
        {"data: {train: [{store: s.h5}]}\nbatch: {size: 64}\n", NULL, 0},
        /* A key on the command line is one key. */
        {"data: {train: [{store: s.h5}]}\n", "optim.lr=0.5", KEYS - 1},
        {"data: {train: [{store: s.h5}]}\n", "model={hidden: 9, layers: 2}", KEYS - 2},
        {"data: {train: [{store: s.h5}]}\n", "batch.size=64", KEYS},
        /* What is asked for is done. */
        {"data: {train: [{store: s.h5}]}\n", "run.recipe=none", 0},
        {"data: {train: [{store: s.h5}]}\nrun: {recipe: none}\n", NULL, 0},
        {"data: {train: [{store: s.h5}]}\nrun: {recipe: none}\n", "run.recipe=auto", KEYS},
        {"data: {train: [{store: s.h5}]}\nrun: {recipe: auto}\noptim: {lr: 0.5}\nmodel: {sides: both}\n", NULL,
         KEYS - 2},
        {"data: {train: [{store: s.h5}]}\noptim: {lr: 0.5}\n", "run.recipe=auto", KEYS - 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_config config = load(cases[i].text, cases[i].override);

        assert_int_equal(left(&config), cases[i].left);
        assert_int_equal(config.run.recipe, cases[i].left > 0 ? QCTX_RECIPE_AUTO : QCTX_RECIPE_NONE);
        qctx_config_free(&config);
    }
}

/* Trials of a sweep, and what runs of older programs kept, have the defaults unless they ask for more. */
static void only_a_users_file_is_taken_for_one_that_names_only_data(void **state)
{
    static const char text[] = "data: {train: [{store: s.h5}]}\n";
    static const char *const ask = "run.recipe=auto";
    qctx_config config;
    qctx_error error;

    (void)state;
    assert_status(qctx_config_parse(text, strlen(text), "a trial", NULL, 0, &config, &error), QCTX_OK, &error);
    assert_int_equal(left(&config), 0);
    assert_int_equal(config.model.hidden, 1024);
    qctx_config_free(&config);
    assert_status(qctx_config_parse(text, strlen(text), "a trial", &ask, 1, &config, &error), QCTX_OK, &error);
    assert_int_equal(left(&config), KEYS);
    qctx_config_free(&config);
    assert_status(qctx_config_parse_kept(text, strlen(text), "a run", &config, &error), QCTX_OK, &error);
    assert_int_equal(left(&config), 0);
    qctx_config_free(&config);
}

/* What is left is not written, and is left again by whoever reads that; what is set stays set. */
static void what_is_left_survives_the_dump(void **state)
{
    qctx_config config = load("data: {train: [{store: s.h5}]}\n", "model.hidden=77"), again;
    qctx_error error;
    char *dump = qctx_config_dump(&config, &error);

    (void)state;
    assert_contains(dump, "  recipe: auto\n");
    assert_contains(dump, "  hidden: 77\n");
    assert_null(strstr(dump, "layers:"));
    assert_null(strstr(dump, ": -1\n"));
    assert_status(qctx_config_parse_kept(dump, strlen(dump), "dump", &again, &error), QCTX_OK, &error);
    assert_int_equal(left(&again), KEYS - 1);
    assert_int_equal(again.model.hidden, 77);
    qctx_config_free(&config);
    qctx_config_free(&again);
    free(dump);
}

/* A sweep compares what it was begun with and is now before any trial has data: keys that are left are values, too. */
static void keys_that_are_left_are_compared(void **state)
{
    static const char text[] = "data: {train: [{store: s.h5}]}\nrun: {recipe: auto}\n";
    const char *set[] = {"model.sides=both", "optim.lr=0.5", "batch.epochs=3"};
    qctx_config then, now;
    qctx_error error;

    (void)state;
    assert_status(qctx_config_parse(text, strlen(text), "then", NULL, 0, &then, &error), QCTX_OK, &error);
    assert_status(qctx_config_parse(text, strlen(text), "now", NULL, 0, &now, &error), QCTX_OK, &error);
    assert_status(qctx_config_check_resume(&then, &now, &error), QCTX_OK, &error);
    qctx_config_free(&now);

    assert_status(qctx_config_parse(text, strlen(text), "now", set, 3, &now, &error), QCTX_OK, &error);
    assert_status(qctx_config_check_resume(&then, &now, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, "model.sides: was auto, now it is both");
    assert_contains(error.message, "optim.lr: was auto, now it is 0.5");
    qctx_config_free(&now);
    qctx_config_free(&then);
}

/* A run that goes on has what it was begun with, of each kind of value; what is set now must be the same. */
static void a_run_that_goes_on_has_what_its_recipe_set(void **state)
{
    static const char text[] = "data: {train: [{store: s.h5}]}\nrun: {recipe: auto}\n";
    char overrides[KEYS][48];
    const char *list[KEYS];
    qctx_config then, now;
    qctx_error error;

    (void)state;
    for (int k = 0; k < KEYS; k++) {
        snprintf(overrides[k], sizeof overrides[k], "%s=%s", keys[k], values[k]);
        list[k] = overrides[k];
    }
    assert_status(qctx_config_parse(text, strlen(text), "then", list, KEYS, &then, &error), QCTX_OK, &error);
    assert_status(qctx_config_parse(text, strlen(text), "now", NULL, 0, &now, &error), QCTX_OK, &error);
    assert_int_equal(left(&now), KEYS);
    qctx_config_adopt_auto(&now, &then);
    assert_int_equal(left(&now), 0);
    assert_status(qctx_config_check_resume(&then, &now, &error), QCTX_OK, &error);
    assert_int_equal(now.model.sides, QCTX_SIDES_SHARED);
    assert_int_equal(now.loss.candidates, QCTX_LOSS_CANDIDATES_CORPUS);
    assert_true(now.model.layers == 3 && now.model.hidden == 77 && now.batch.epochs == 3);
    assert_true(now.model.dropout == 0.7 && now.optim.lr == 0.5 && now.optim.weight_decay == 0.25);
    qctx_config_free(&now);

    list[0] = "model.sides=both";
    assert_status(qctx_config_parse(text, strlen(text), "now", list, 1, &now, &error), QCTX_OK, &error);
    qctx_config_adopt_auto(&now, &then);
    assert_status(qctx_config_check_resume(&then, &now, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, "model.sides: was shared, now it is both");
    qctx_config_free(&now);
    qctx_config_free(&then);
}

/* A run of a program that knew no recipes goes on with the same file that would have one now. */
static void a_run_from_before_there_were_recipes_goes_on(void **state)
{
    static const char kept[] = "run: {name: some}\ndata: {train: [{store: s.h5}]}\n";
    qctx_config now = load("data: {train: [{store: s.h5}]}\n", NULL), then;
    qctx_error error;

    (void)state;
    assert_status(qctx_config_parse_kept(kept, strlen(kept), "then", &then, &error), QCTX_OK, &error);
    then.data.titles = true;
    qctx_config_adopt_auto(&now, &then);
    assert_int_equal(now.model.hidden, 1024);
    assert_int_equal(now.model.sides, QCTX_SIDES_BOTH);
    assert_status(qctx_config_check_resume(&then, &now, &error), QCTX_OK, &error);
    qctx_config_free(&now);
    qctx_config_free(&then);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_file_that_names_only_data_leaves_the_rest_to_the_recipe),
    cmocka_unit_test(only_a_users_file_is_taken_for_one_that_names_only_data),
    cmocka_unit_test(what_is_left_survives_the_dump),
    cmocka_unit_test(keys_that_are_left_are_compared),
    cmocka_unit_test(a_run_that_goes_on_has_what_its_recipe_set),
    cmocka_unit_test(a_run_from_before_there_were_recipes_goes_on),
};
TEST_MAIN(tests)
