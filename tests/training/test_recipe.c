/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "qctx/training/recipe.h"

static const char data[] = "data: {train: [{store: s.h5}]}\nrun: {recipe: auto}\n";

static qctx_config config_of(const char *const *overrides, int64_t count)
{
    static qctx_error error;
    qctx_config config;

    assert_status(qctx_config_parse(data, strlen(data), "test", overrides, count, &config, &error), QCTX_OK, &error);
    return config;
}

/* What the table says, by the figures of docs/results.md. */
static void the_head_follows_from_the_number_of_questions(void **state)
{
    static const struct {
        int64_t questions;
        qctx_head_sides sides;
        int64_t layers, hidden;
        double dropout, lr, weight_decay;
        int64_t epochs;
    } cases[] = {
        {1, QCTX_SIDES_BOTH, 2, 512, 0.3, 1e-3, 1.0, 20},
        {10000000, QCTX_SIDES_BOTH, 2, 512, 0.3, 1e-3, 1.0, 20},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_config config = config_of(NULL, 0);
        qctx_recipe_account account;

        qctx_recipe_settle(&config, &(qctx_recipe_facts){cases[i].questions, 1, 1, 384}, &account);
        assert_int_equal(config.model.form, QCTX_HEAD_RESIDUAL);
        assert_int_equal(config.model.sides, cases[i].sides);
        assert_int_equal(config.model.layers, cases[i].layers);
        assert_int_equal(config.model.hidden, cases[i].hidden);
        assert_true(config.model.dropout == cases[i].dropout);
        assert_true(config.optim.lr == cases[i].lr);
        assert_true(config.optim.weight_decay == cases[i].weight_decay);
        assert_int_equal(config.batch.epochs, cases[i].epochs);
        assert_true(config.eval.caution == 1.0);
        qctx_config_free(&config);
    }
}

/* All contexts are negatives where a step can hold them and the loss looks for them. */
static void the_negatives_follow_from_the_contexts_and_the_loss(void **state)
{
    static const struct {
        const char *override;
        int64_t contexts;
        qctx_loss_candidates candidates;
        const char *why;
    } cases[] = {
        {"loss.kind=clip", 20000, QCTX_LOSS_CANDIDATES_CORPUS, "(a step can hold all contexts)"},
        {"loss.kind=clip", 20001, QCTX_LOSS_CANDIDATES_BATCH, "(the contexts are many)"},
        {"loss.direction=question", 100, QCTX_LOSS_CANDIDATES_CORPUS, "(a step can hold all contexts)"},
        {"loss.direction=context", 100, QCTX_LOSS_CANDIDATES_BATCH, "(the loss has no use for further contexts)"},
        {"loss.kind=soft", 100, QCTX_LOSS_CANDIDATES_BATCH, "(the loss has no use for further contexts)"},
        {"negatives.count=4", 100, QCTX_LOSS_CANDIDATES_BATCH, "(negatives are mined)"},
        {"negatives={from: file, count: 4}", 100, QCTX_LOSS_CANDIDATES_BATCH, "(negatives are given)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qctx_config config = config_of(&cases[i].override, 1);
        qctx_recipe_account account;

        qctx_recipe_settle(&config, &(qctx_recipe_facts){30000, cases[i].contexts, 1, 384}, &account);
        assert_int_equal(config.loss.candidates, cases[i].candidates);
        assert_contains(account.lines[2], cases[i].why);
        qctx_config_free(&config);
    }
}

/* Each key by itself, to another value than the recipe's: it stays, the others do not, and the log leaves it out. */
static void a_key_that_is_set_wins(void **state)
{
    static const char *const keys[] = {"model.sides=context",   "model.layers=3", "model.hidden=77",
                                       "model.dropout=0.7",     "optim.lr=0.5",   "optim.weight_decay=0.25",
                                       "loss.candidates=batch", "batch.epochs=3", "eval.caution=2"};
    enum { KEYS = sizeof keys / sizeof keys[0] };

    (void)state;
    for (int k = 0; k < KEYS; k++) {
        qctx_config alone = config_of(&keys[k], 1), all = config_of(keys, KEYS), none = config_of(NULL, 0);
        const char *path[] = {NULL, NULL};
        char name[32];
        qctx_recipe_account account;

        snprintf(name, sizeof name, "%.*s", (int)strcspn(keys[k], "="), keys[k]);
        path[0] = name;
        qctx_recipe_settle(&none, &(qctx_recipe_facts){50, 50, 1, 384}, &account);
        qctx_recipe_settle(&alone, &(qctx_recipe_facts){50, 50, 1, 384}, &account);
        assert_null(qctx_config_first_difference(&alone, &all, path));
        assert_string_equal(qctx_config_first_difference(&alone, &none, path), name);
        for (int l = 0; l < account.count; l++)
            assert_null(strstr(account.lines[l], name));
        for (int other = 0; other < KEYS; other++)
            if (other != k) {
                snprintf(name, sizeof name, "%.*s", (int)strcspn(keys[other], "="), keys[other]);
                assert_null(qctx_config_first_difference(&alone, &none, path));
            }
        qctx_config_free(&alone);
        qctx_config_free(&all);
        qctx_config_free(&none);
    }
}

/* By hand: the facts, then what was set, in the order of the configuration, with the reason. */
static void the_log_says_what_was_set_and_why(void **state)
{
    static const char *const some[] = {"model.hidden=77", "optim.lr=0.5"};
    static const char *const all[] = {"model.sides=both",      "model.layers=2", "model.hidden=77",
                                      "model.dropout=0",       "optim.lr=0.5",   "optim.weight_decay=0",
                                      "loss.candidates=batch", "batch.epochs=3", "eval.caution=2"};
    static const char *const guarded[] = {"eval.guard=[{store: other.h5}]"};
    qctx_config config = config_of(some, 2);
    qctx_recipe_account account;

    (void)state;
    qctx_recipe_settle(&config, &(qctx_recipe_facts){796, 668, 2, 384}, &account);
    assert_int_equal(account.count, 5);
    assert_string_equal(account.lines[0], "recipe: auto, by 796 training questions that ask for 668 contexts, of 2 "
                                          "sources, vectors of 384");
    assert_string_equal(account.lines[1], "recipe: model.sides both, model.layers 2, model.dropout 0.3, "
                                          "optim.weight_decay 1, batch.epochs 20 (a small head for each side)");
    assert_string_equal(account.lines[2], "recipe: loss.candidates corpus (a step can hold all contexts)");
    assert_string_equal(account.lines[3],
                        "recipe: eval.caution 1 (a gain on the held-out questions counts less its standard error)");
    assert_string_equal(account.lines[4], "recipe: eval.guard none (all that is at hand is trained on: where other "
                                          "texts are searched as well, name some of them)");
    qctx_config_free(&config);

    config = config_of(guarded, 1);
    qctx_recipe_settle(&config, &(qctx_recipe_facts){796, 668, 2, 384}, &account);
    assert_int_equal(account.count, 4);
    qctx_config_free(&config);

    config = config_of(all, sizeof all / sizeof all[0]);
    qctx_recipe_settle(&config, &(qctx_recipe_facts){796, 668, 2, 384}, &account);
    assert_int_equal(account.count, 0);
    assert_int_equal(config.model.hidden, 77);
    qctx_config_free(&config);
}

/* Nothing was measured of plain heads: they have the defaults. */
static void a_plain_head_is_left_as_it_is_without_a_recipe(void **state)
{
    static const char *const keys[] = {"model", "loss", "optim", "batch", NULL};
    static const char *const plain[] = {"model.form=plain", "loss.candidates=batch", "eval.caution=0",
                                        "run.recipe=none"};
    qctx_config by_recipe = config_of(plain, 3), without = config_of(plain, 4);
    qctx_recipe_account account;

    (void)state;
    qctx_recipe_settle(&by_recipe, &(qctx_recipe_facts){796, 668, 1, 384}, &account);
    assert_null(qctx_config_first_difference(&by_recipe, &without, keys));
    qctx_config_free(&by_recipe);
    qctx_config_free(&without);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_head_follows_from_the_number_of_questions),
    cmocka_unit_test(the_negatives_follow_from_the_contexts_and_the_loss),
    cmocka_unit_test(a_key_that_is_set_wins),
    cmocka_unit_test(the_log_says_what_was_set_and_why),
    cmocka_unit_test(a_plain_head_is_left_as_it_is_without_a_recipe),
};
TEST_MAIN(tests)
