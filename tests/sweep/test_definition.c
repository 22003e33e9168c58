/* ranks: 1 2 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/sweep/definition.h"

static const char shared[] = "data: {train: [{corpus: corpora/squad}]}\n"
                             "model: {hidden: 64}\n"
                             "batch: {epochs: 9}\n";

static qctx_status load(const char *text, const char *const *overrides, int64_t count,
                        qctx_sweep_definition *definition, qctx_error *error)
{
    char *whole = malloc(strlen(text) + 4096);
    const char *config = test_path("shared.yaml"), *sweep = test_path("lr.sweep.yaml");
    qctx_status status;

    assert_non_null(whole);
    sprintf(whole, "%sconfig: \"%s\"\n", text, config);
    test_write(config, shared);
    test_write(sweep, strncmp(text, "raw:", 4) == 0 ? text + 4 : whole);
    status = qctx_sweep_definition_load(test_comm, sweep, overrides, count, definition, error);
    free(whole);
    return status;
}

static qctx_sweep_definition read_definition(const char *text)
{
    static qctx_error error;
    qctx_sweep_definition definition;

    assert_status(load(text, NULL, 0, &definition, &error), QCTX_OK, &error);
    return definition;
}

static qctx_config trial(const qctx_sweep_definition *definition, int64_t index)
{
    static qctx_error error;
    double units[8];
    qctx_config config;

    assert_true(definition->space.count <= 8);
    qctx_sweep_definition_point(definition, index, units);
    assert_status(qctx_sweep_definition_config(definition, index, units, &config, &error), QCTX_OK, &error);
    return config;
}

static void a_grid_is_all_combinations_last_fastest(void **state)
{
    qctx_sweep_definition definition =
        read_definition("method: grid\n"
                        "parameters:\n"
                        "  optim.lr: {values: [1e-3, 0.0100]}\n"
                        "  model: {parameters: {form: {value: plain}, hidden: {values: [8, 16, 32]}}}\n");
    const double rates[] = {1e-3, 1e-3, 1e-3, 1e-2, 1e-2, 1e-2};
    const int64_t widths[] = {8, 16, 32, 8, 16, 32};

    (void)state;
    assert_string_equal(definition.name, "lr.sweep");
    assert_string_equal(definition.out, "sweeps");
    assert_int_equal(definition.space.count, 2);
    assert_string_equal(definition.space.parameters[1].path, "model.hidden");
    assert_int_equal(definition.trials, 6);
    assert_int_equal(definition.metric, QCTX_METRIC_TOP1);
    assert_int_equal(definition.seed, 1);
    assert_int_equal(definition.ranks_per_trial, 1);
    assert_false(definition.halves);
    for (int i = 0; i < 6; i++) {
        qctx_config config = trial(&definition, i);
        char name[16];

        snprintf(name, sizeof name, "%04d", i);
        assert_string_equal(config.run.name, name);
        assert_string_equal(config.run.out, "sweeps/lr.sweep/trials");
        assert_true(config.optim.lr == rates[i]);
        assert_int_equal(config.model.hidden, widths[i]);
        assert_int_equal(config.model.form, QCTX_HEAD_PLAIN);
        assert_int_equal(config.batch.epochs, 9);
        qctx_config_free(&config);
    }
    qctx_sweep_definition_free(&definition);
    qctx_sweep_definition_free(&definition);
}

static void a_cap_takes_the_first_points_of_a_grid(void **state)
{
    static qctx_error error;
    const char *const overrides[] = {"run_cap=4", "name=other", "metric.name=mrr", "batch.epochs=2",
                                     "parameters.optim.lr={values: [1e-5, 1e-6, 1e-7]}"};
    qctx_sweep_definition definition;
    qctx_config config;

    (void)state;
    assert_status(load("method: grid\nparameters: {optim.lr: {values: [1e-3]}, run.seed: {values: [1, 2]}}\n",
                       overrides, 5, &definition, &error),
                  QCTX_OK, &error);
    assert_int_equal(definition.trials, 4);
    assert_string_equal(definition.name, "other");
    assert_int_equal(definition.metric, QCTX_METRIC_MRR);
    config = trial(&definition, 3);
    assert_true(config.optim.lr == 1e-6 && config.run.seed == 2 && config.batch.epochs == 2);
    assert_int_equal(config.eval.metric, QCTX_METRIC_MRR);
    qctx_config_free(&config);
    qctx_sweep_definition_free(&definition);
}

static void sources_and_variants_are_values_like_others(void **state)
{
    qctx_sweep_definition definition =
        read_definition("method: grid\n"
                        "variants:\n"
                        "  head:\n"
                        "    none:\n"
                        "    QuestionContext's: {model: {form: plain, sides: question}, optim.lr: 1e-3}\n"
                        "parameters:\n"
                        "  data.train:\n"
                        "    values:\n"
                        "      - [{corpus: a, split: \"1\"}]\n"
                        "      - [{corpus: a}, {corpus: \"b c\", limit: 7}]\n");
    qctx_config config;
    char *override;

    (void)state;
    assert_int_equal(definition.trials, 4);
    assert_string_equal(definition.space.parameters[0].path, "head");
    override = qctx_space_override(&definition.space.parameters[0], 0.75, NULL);
    assert_string_equal(override, "head=\"QuestionContext's\"");
    free(override);
    override = qctx_space_override(&definition.space.parameters[1], 0.75, NULL);
    assert_string_equal(override, "data.train=[{corpus: a}, {corpus: \"b c\", limit: 7}]");
    free(override);
    config = trial(&definition, 0);
    assert_int_equal(config.model.form, QCTX_HEAD_RESIDUAL);
    assert_int_equal(config.data.train.count, 1);
    assert_string_equal(config.data.train.items[0].split, "1");
    qctx_config_free(&config);
    config = trial(&definition, 3);
    assert_int_equal(config.model.form, QCTX_HEAD_PLAIN);
    assert_int_equal(config.model.sides, QCTX_SIDES_QUESTION);
    assert_true(config.optim.lr == 1e-3);
    assert_string_equal(config.data.train.items[1].corpus, "b c");
    assert_int_equal(config.data.train.items[1].limit, 7);
    qctx_config_free(&config);
    qctx_sweep_definition_free(&definition);
}

static void distributions_and_halving_are_read(void **state)
{
    qctx_sweep_definition definition =
        read_definition("description: of all\n"
                        "method: bayes\n"
                        "metric: {name: top10, goal: maximize}\n"
                        "run_cap: 20\n"
                        "seed: 5\n"
                        "ranks_per_trial: 2\n"
                        "early_terminate: {type: hyperband, min_iter: 2, eta: 4}\n"
                        "parameters:\n"
                        "  optim.lr: {min: 1e-5, max: 1e-2, distribution: log_uniform_values}\n"
                        "  batch.size: {min: 64, max: 256, q: 64, distribution: q_log_uniform_values}\n"
                        "  model.layers: {min: 1, max: 3}\n"
                        "  model.dropout: {min: 0.0, max: 0.5}\n"
                        "  loss.logit_bias.init: {distribution: normal, mu: -10, sigma: 2}\n"
                        "  optim.kind: {values: [adam, sgd], probabilities: [0.9, 0.1]}\n");
    const qctx_space_parameter *p = definition.space.parameters;

    (void)state;
    assert_int_equal(definition.method, QCTX_SWEEP_BAYES);
    assert_int_equal(definition.metric, QCTX_METRIC_TOP10);
    assert_int_equal(definition.trials, 20);
    assert_int_equal(definition.seed, 5);
    assert_int_equal(definition.ranks_per_trial, 2);
    assert_true(definition.halves && definition.halving.first == 2 && definition.halving.eta == 4 &&
                definition.halving.last == 9);
    assert_int_equal(p[0].kind, QCTX_SPACE_LOG_UNIFORM_VALUES);
    assert_true(p[0].low == 1e-5 && p[0].high == 1e-2);
    assert_int_equal(p[1].kind, QCTX_SPACE_Q_LOG_UNIFORM_VALUES);
    assert_true(p[1].step == 64);
    assert_int_equal(p[2].kind, QCTX_SPACE_INT_UNIFORM);
    assert_int_equal(p[3].kind, QCTX_SPACE_UNIFORM);
    assert_true(p[4].kind == QCTX_SPACE_NORMAL && p[4].low == -10 && p[4].high == 2);
    assert_true(p[5].kind == QCTX_SPACE_CATEGORICAL && p[5].probabilities[0] == 0.9);
    qctx_sweep_definition_free(&definition);
}

/* What is kept in the sweep's folder gives the definition again, to the bit. */
static void the_texts_of_a_definition_give_the_definition(void **state)
{
    static qctx_error error;
    static const char text[] =
        "out: somewhere\nname: \"a #b\"\n"
        "method: random # of two\nrun_cap: 3\n"
        "variants: {on: {\"y\": {optim: {kind: sgd}}, 'it''s \"b\"': }}\n"
        "parameters: {model: {parameters: {hidden: {min: 1, max: 9}, layers: {value: 3}}}, optim.lr: {value: 1e-5}}\n";
    const char *folder = test_path("again \"x\" \\ #1");
    const char *const more[] = {"run_cap=7"}, *const other[] = {"seed=2"}, *const changed[] = {"optim.lr=0.5"};
    char command[4096];
    qctx_sweep_definition definition = read_definition(text), again, third;
    qctx_config one, two;

    (void)state;
    if (qctx_comm_rank(test_comm) == 0) {
        snprintf(command, sizeof command, "mkdir -p '%s'", folder);
        assert_int_equal(system(command), 0);
    }
    snprintf(command, sizeof command, "%s/sweep.yaml", folder);
    test_write(command, definition.text);
    snprintf(command, sizeof command, "%s/config.yaml", folder);
    test_write(command, definition.config_text);
    assert_status(qctx_sweep_definition_load_folder(test_comm, folder, &again, &error), QCTX_OK, &error);
    assert_string_equal(again.name, "a #b");
    assert_string_equal(again.out, "somewhere");
    assert_string_equal(again.config_text, definition.config_text);
    assert_status(qctx_sweep_definition_check_resume(&definition, &again, &error), QCTX_OK, &error);
    for (int i = 0; i < 3; i++) {
        char *dump, *same;

        one = trial(&definition, i);
        two = trial(&again, i);
        dump = qctx_config_dump(&one, NULL);
        same = qctx_config_dump(&two, NULL);
        assert_string_equal(dump, same);
        free(dump);
        free(same);
        qctx_config_free(&one);
        qctx_config_free(&two);
    }
    assert_status(load(text, more, 1, &third, &error), QCTX_OK, &error);
    assert_status(qctx_sweep_definition_check_resume(&definition, &third, &error), QCTX_OK, &error);
    qctx_sweep_definition_free(&third);
    assert_status(load(text, other, 1, &third, &error), QCTX_OK, &error);
    assert_status(qctx_sweep_definition_check_resume(&definition, &third, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, "now: seed: 2");
    qctx_sweep_definition_free(&third);
    assert_status(load(text, changed, 1, &third, &error), QCTX_OK, &error);
    assert_status(qctx_sweep_definition_check_resume(&definition, &third, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, "optim.lr: was 1.0e-05, now it is 0.5");
    qctx_sweep_definition_free(&third);
    qctx_sweep_definition_free(&definition);
    qctx_sweep_definition_free(&again);
}

/* Each text and what its refusal says; all of these are found in one reading of a file. */
static void mistakes_are_named_with_their_places(void **state)
{
    static const struct {
        const char *text, *found;
    } cases[] = {
        {"method: gird\nparameters: {optim.lr: {values: [1]}}\n", ":1:1: method: found 'gird'; did you mean grid?"},
        {"parameters: {optim.lr: {values: [1]}}\n", ": method: required"},
        {"method: grid\n", ": parameters: required"},
        {"method: grid\nparameters: {}\n", "nothing varies"},
        {"method: grid\nparameters:\n  optim.rate: {value: 1}\n",
         ":3:3: optim.rate: unknown key; known here: kind, lr"},
        {"method: grid\nparameters:\n  optim.lrr: {value: 1}\n",
         ":3:3: optim.lrr: unknown key; did you mean optim.lr?"},
        {"method: grid\nparameters:\n  optim.lr: {values: [1, -2]}\n",
         ":3:26: optim.lr: expected a number > 0, found '-2'"},
        {"method: grid\nparameters:\n  optim.lr: {values: [1, 1]}\n", ":3:26: optim.lr: has 1 twice"},
        {"method: grid\nparameters:\n  optim.lr: 3\n", ":3:3: optim.lr: expected keys with values"},
        {"method: grid\nparameters:\n  optim.lr: {valus: [3]}\n",
         ":3:14: optim.lr.valus: unknown key; did you mean value"},
        {"method: grid\nparameters:\n  optim.lr: {values: []}\n", "expected a list of values"},
        {"method: grid\nparameters:\n  optim.lr: {min: 1, max: 2}\n", "a grid takes value or values; int_uniform"},
        {"method: random\nparameters:\n  optim.lr: {min: 0.1, max: 2}\n", ": run_cap: required"},
        {"method: random\nrun_cap: 0\nparameters:\n  optim.lr: {min: 0.1, max: 2}\n",
         ":2:1: run_cap: expected a whole"},
        {"method: random\nrun_cap: 1\nparameters:\n  optim.lr: {min: 2, max: 1}\n",
         ":4:22: optim.lr: expected a max above"},
        {"method: random\nrun_cap: 1\nparameters:\n  optim.lr: {min: 2}\n", "expected value, values, or min and max"},
        {"method: random\nrun_cap: 1\nparameters:\n  optim.lr: {min: 0.0, max: 1.0}\n",
         ":4:14: optim.lr: expected a number > 0, found '0'"},
        {"method: random\nrun_cap: 1\nparameters:\n  model.hidden: {min: 1.5, max: 9.5}\n",
         "expected a whole number in"},
        {"method: random\nrun_cap: 1\nparameters:\n  optim.lr: {min: 1, max: 2, q: 3}\n", "int_uniform has no q"},
        {"method: random\nrun_cap: 1\nparameters:\n  optim.lr: {min: 1, max: 2, q: 3, distribution: q_uniform}\n",
         "has no multiple of q, 3, between"},
        {"method: random\nrun_cap: 1\nparameters:\n  optim.lr: {min: 0, max: 2, distribution: log_uniform_values}\n",
         "expected a min above 0"},
        {"method: random\nrun_cap: 1\nparameters:\n  optim.lr: {min: -3, max: 2, distribution: log_uniform}\n",
         "the distribution log_uniform is not supported; use log_uniform_values"},
        {"method: random\nrun_cap: 1\nparameters:\n  optim.lr: {min: nan, max: 2, distribution: uniform}\n",
         "expected a number for min"},
        {"method: random\nrun_cap: 1\nparameters:\n  encoder.dim: {min: 1, max: 2}\n", "takes value or values, since"},
        {"method: random\nrun_cap: 1\nparameters:\n  optim.lr: {values: [1, 2], probabilities: [0.5, 0.6]}\n",
         "expected probabilities"},
        {"method: bayes\nrun_cap: 1\nparameters:\n  optim.lr: {min: 1, max: 2}\n", ": metric: required by bayes"},
        {"method: grid\nmetric: {name: acc}\nparameters: {optim.lr: {values: [1]}}\n",
         ":2:10: eval.metric: expected one of"},
        {"method: grid\nmetric: {name: mrr, goal: minimize}\nparameters: {optim.lr: {values: [1]}}\n", "use maximize"},
        {"method: grid\nparameters: {run.name: {value: a}}\n", "run.name: is given by the sweep"},
        {"method: grid\nparameters: {run: {value: {out: a}}}\n", "run.out: is given by the sweep"},
        {"method: grid\nparameters: {eval.metric: {values: [mrr, top1]}}\n", "it is metric.name"},
        {"method: grid\nvariants: {a: {b: {optim: {lr: 1}}}}\nparameters: {optim.lr: {values: [1]}}\n",
         ":3:34: optim.lr: is set in line 2 already"},
        {"method: grid\nvariants: {optim: {b: {optim: {lr: 1}}}}\n", "optim: expected a name of your own"},
        {"method: grid\nvariants: {a: {b: {optm: {lr: 1}}}}\n", ":2:20: optm: unknown key; did you mean optim?"},
        {"method: grid\nvariants: {a: {b: {optim: {lr: x}}}}\n", ":2:28: optim.lr: expected a number > 0"},
        {"method: grid\nvariants: {a: {}}\n", "expected named settings, found none"},
        {"method: grid\nparameters: {optim.lr: {values: [1]}}\nprogram: train.py\n", "name it with `config: FILE`"},
        {"method: grid\nparameters: {optim.lr: {values: [1]}}\nentity: me\n", "leave it out"},
        {"method: grid\nparameters: {optim.lr: {values: [1]}}\nearly_terminat: me\n", "did you mean early_terminate?"},
        {"method: grid\nparameters: {optim.lr: {values: [1]}}\noptim: {lr: 1}\n", "is for the shared configuration"},
        {"method: grid\nparameters: {optim.lr: {values: [1]}}\nearly_terminate: {min_iter: 1}\n", "expected a type"},
        {"method: grid\nparameters: {optim.lr: {values: [1]}}\nearly_terminate: {type: hyperband, s: 2, max_iter: "
         "27}\n",
         "use min_iter"},
        {"method: grid\nparameters: {optim.lr: {values: [1]}}\nearly_terminate: {type: hyperband, min_iter: 9}\n",
         "expected less than batch.epochs of the configuration, 9"},
        {"method: grid\nparameters: {batch.epochs: {values: [1, 2]}}\nearly_terminate: {type: hyperband}\n",
         ":2:38: batch.epochs: cannot vary with early_terminate"},
        {"method: grid\nparameters: {loss.kind: {values: [clip, soft]}, loss.direction: {values: [both, question]}}\n",
         "trial 3 (loss.kind=soft, loss.direction=question)"},
        {"method: random\nrun_cap: 8\nparameters: {run.seed: {values: [1, 2]}}\nearly_terminate: {type: hyperband}\n",
         "2 rungs need 9 trials, and there are 8"},
        {"method: grid\nname: a/b\nparameters: {optim.lr: {values: [1]}}\n", "expected a name without '/'"},
        {"raw:method: grid\nparameters: {optim.lr: {values: [1]}}\n", ": config: required"},
        {"raw:- method\n", "the file: expected keys"},
        {"raw:{", "did not find"},
        {"method: grid\nparameters: {optim.lr: {values: [1]}}\nseed: &a 1\n", "anchors are not supported"},
        {"method: grid\nparameters: {run.seed: {values: [1]}, run.seed: {values: [2]}}\n", "duplicate key"},
        {"method: grid\nparameters: {run.seed: {values: [1]}, run: {parameters: {seed: {values: [2]}}}}\n",
         "run.seed: is set in line 2 already"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static qctx_error error;
        qctx_sweep_definition definition;

        assert_status(load(cases[i].text, NULL, 0, &definition, &error), QCTX_ERR_CONFIG, &error);
        assert_contains(error.message, cases[i].found);
        assert_null(definition.name);
    }
}

static void all_mistakes_are_reported_at_once(void **state)
{
    static qctx_error error;
    qctx_sweep_definition definition;
    const char *const overrides[] = {"run_cap=-1", "nothing", "metric=3", "runs=2", "run.out=x", "optim.beta1=0.5"};

    (void)state;
    assert_status(
        load(
            "method: random\nparameters: {a.b: {value: 1}, optim.lr: {min: x, max: 1}, optim.beta1: {values: [0.1]}}\n",
            overrides, 6, &definition, &error),
        QCTX_ERR_CONFIG, &error);
    assert_contains(error.message, "command line: run_cap: expected a whole number");
    assert_contains(error.message, "command line: nothing: expected key=value");
    assert_contains(error.message, "command line: metric: expected keys");
    assert_contains(error.message, "command line: runs: unknown key");
    assert_contains(error.message, "command line: run.out: is given by the sweep");
    assert_contains(error.message, "command line: optim.beta1: varies in this sweep, by line 2");
    assert_contains(error.message, ":2:14: a.b: unknown key");
    assert_contains(error.message, "optim.lr: expected a number for min");
    assert_contains(error.hint, "docs/sweeps.md");
}

static void files_that_are_not_there_are_named(void **state)
{
    static qctx_error error;
    qctx_sweep_definition definition;

    (void)state;
    assert_status(qctx_sweep_definition_load(test_comm, test_path("none.yaml"), NULL, 0, &definition, &error),
                  QCTX_ERR_IO, &error);
    assert_contains(error.message, "none.yaml");
    assert_status(load("method: grid\nparameters: {optim.lr: {values: [1]}}\n",
                       (const char *const[]){"config=/nowhere/c.yaml"}, 1, &definition, &error),
                  QCTX_ERR_IO, &error);
    assert_contains(error.message, "/nowhere/c.yaml");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_grid_is_all_combinations_last_fastest),
    cmocka_unit_test(a_cap_takes_the_first_points_of_a_grid),
    cmocka_unit_test(sources_and_variants_are_values_like_others),
    cmocka_unit_test(distributions_and_halving_are_read),
    cmocka_unit_test(the_texts_of_a_definition_give_the_definition),
    cmocka_unit_test(mistakes_are_named_with_their_places),
    cmocka_unit_test(all_mistakes_are_reported_at_once),
    cmocka_unit_test(files_that_are_not_there_are_named),
};

TEST_MAIN(tests)
