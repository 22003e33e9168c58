/* ranks: 1 3 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/config/config.h"

static const char minimal[] = "data: {train: [{corpus: corpora/squad}]}\n";

/* Another value than the default for every key. */
static const char everything[] =
    "run: {name: all, out: here, seed: 7, memory: 1.5GiB, precision: bfloat16, reproducible: true}\n"
    "data:\n"
    "  train: [{corpus: a/b, split: t1, name: one, limit: 5, weight: 0.1}, {store: c.h5}]\n"
    "  eval: [{store: d/e.h5, split: test}, {corpus: f/}]\n"
    "  encoder: enc.h5\n"
    "  cache: \"a cache: \\\"x\\\" \\\\ #1\"\n"
    "  dtype: float16\n"
    "model: {form: plain, layers: 3, hidden: 77, output: 99, activation: gelu, dropout: 0.1, sides: shared}\n"
    "loss: {kind: clip, direction: context, similarity: rows, normalize: FALSE,\n"
    "       logit_scale: {init: 14.285714285714286, learn: false, max: 1e300}, logit_bias: {init: 2.5, learn: false}}\n"
    "optim: {kind: sgd, lr: .1, lr_last: 0.25, weight_decay: 1e-5, beta1: 0.8, beta2: 0.98, epsilon: 1e-6,\n"
    "        momentum: 0.5, schedule: linear, warmup: 3, clip_norm: 0.1}\n"
    "batch: {size: 4096, epochs: 3, steps: 9, run: 32, one_source: true}\n"
    "eval: {every: 2, pool: 50, order: shuffled, candidates: corpus, metric: ndcg, tune: 0.5, tune_split: \"no\",\n"
    "       bootstrap: 99}\n"
    "checkpoint: {every: 4, keep: 5}\n";

static qctx_config parse(const char *text, const char *const *overrides, int64_t count)
{
    static qctx_error error;
    qctx_config config;

    assert_status(qctx_config_parse(text, strlen(text), "dir/a.b.yaml", overrides, count, &config, &error), QCTX_OK,
                  &error);
    return config;
}

static void every_key_has_a_default(void **state)
{
    qctx_config c = parse(minimal, NULL, 0);

    (void)state;
    assert_string_equal(c.run.name, "a.b");
    assert_string_equal(c.run.out, "runs");
    assert_int_equal(c.run.seed, 1);
    assert_int_equal(c.run.memory, 0);
    assert_int_equal(c.run.precision, QCTX_PRECISION_FLOAT32);
    assert_false(c.run.reproducible);
    assert_int_equal(c.data.train.count, 1);
    assert_string_equal(c.data.train.items[0].corpus, "corpora/squad");
    assert_null(c.data.train.items[0].store);
    assert_string_equal(c.data.train.items[0].split, "train");
    assert_string_equal(c.data.train.items[0].name, "squad/train");
    assert_int_equal(c.data.train.items[0].limit, 0);
    assert_true(c.data.train.items[0].weight == 1);
    assert_int_equal(c.data.eval.count, 0);
    assert_string_equal(c.data.encoder.items[0].model, "hashing");
    assert_string_equal(c.data.cache, "stores");
    assert_int_equal(c.data.dtype, QCTX_FLOAT32);
    assert_int_equal(c.model.form, QCTX_HEAD_RESIDUAL);
    assert_int_equal(c.model.layers, 2);
    assert_int_equal(c.model.hidden, 1024);
    assert_int_equal(c.model.output, 0);
    assert_int_equal(c.model.activation, QCTX_ACTIVATION_RELU);
    assert_true(c.model.dropout == 0);
    assert_int_equal(c.model.sides, QCTX_SIDES_BOTH);
    assert_int_equal(c.loss.kind, QCTX_LOSS_CLIP);
    assert_int_equal(c.loss.direction, QCTX_DIRECTION_BOTH);
    assert_int_equal(c.loss.similarity, QCTX_SIMILARITY_AUTO);
    assert_true(c.loss.normalize);
    assert_true(c.loss.logit_scale.init == 20 && c.loss.logit_scale.learn && c.loss.logit_scale.max == 100);
    assert_true(c.loss.logit_bias.init == -10 && c.loss.logit_bias.learn);
    assert_int_equal(c.optim.kind, QCTX_OPTIMIZER_ADAMW);
    assert_true(c.optim.lr == 3e-4 && c.optim.lr_last == 0 && c.optim.weight_decay == 0.1);
    assert_true(c.optim.beta1 == 0.9 && c.optim.beta2 == 0.999 && c.optim.epsilon == 1e-8 && c.optim.momentum == 0.9);
    assert_int_equal(c.optim.schedule, QCTX_DECAY_COSINE);
    assert_int_equal(c.optim.warmup, QCTX_CONFIG_AUTO);
    assert_true(c.optim.clip_norm == 1.0);
    assert_true(c.batch.size == QCTX_CONFIG_AUTO && c.batch.epochs == 20 && c.batch.steps == 0);
    assert_true(c.batch.run == 1 && !c.batch.one_source);
    assert_true(c.eval.every == 1 && c.eval.pool == 500 && c.eval.tune == QCTX_CONFIG_AUTO && c.eval.bootstrap == 1000);
    assert_int_equal(c.eval.order, QCTX_POOLS_CONSECUTIVE);
    assert_int_equal(c.eval.candidates, QCTX_CANDIDATES_POOLS);
    assert_int_equal(c.eval.metric, QCTX_METRIC_TOP1);
    assert_string_equal(c.eval.tune_split, "");
    assert_true(c.checkpoint.every == 1 && c.checkpoint.keep == 2);
    qctx_config_free(&c);
    assert_null(c.run.name);
    qctx_config_free(&c);
}

static void assert_is_everything(const qctx_config *c)
{
    assert_string_equal(c->run.name, "all");
    assert_string_equal(c->run.out, "here");
    assert_int_equal(c->run.seed, 7);
    assert_int_equal(c->run.memory, 1610612736);
    assert_int_equal(c->run.precision, QCTX_PRECISION_BFLOAT16);
    assert_true(c->run.reproducible);
    assert_int_equal(c->data.train.count, 2);
    assert_string_equal(c->data.train.items[0].split, "t1");
    assert_string_equal(c->data.train.items[0].name, "one");
    assert_int_equal(c->data.train.items[0].limit, 5);
    assert_true(c->data.train.items[0].weight == 0.1 && c->data.train.items[1].weight == 1);
    assert_null(c->data.train.items[1].corpus);
    assert_string_equal(c->data.train.items[1].store, "c.h5");
    assert_string_equal(c->data.train.items[1].name, "c/train");
    assert_int_equal(c->data.eval.count, 2);
    assert_string_equal(c->data.eval.items[0].name, "e/test");
    assert_string_equal(c->data.eval.items[1].name, "f/dev");
    assert_string_equal(c->data.encoder.items[0].model, "enc.h5");
    assert_string_equal(c->data.cache, "a cache: \"x\" \\ #1");
    assert_int_equal(c->data.dtype, QCTX_FLOAT16);
    assert_int_equal(c->model.form, QCTX_HEAD_PLAIN);
    assert_true(c->model.layers == 3 && c->model.hidden == 77 && c->model.output == 99 && c->model.dropout == 0.1);
    assert_int_equal(c->model.activation, QCTX_ACTIVATION_GELU);
    assert_int_equal(c->model.sides, QCTX_SIDES_SHARED);
    assert_int_equal(c->loss.direction, QCTX_DIRECTION_CONTEXT);
    assert_int_equal(c->loss.similarity, QCTX_SIMILARITY_ROWS);
    assert_false(c->loss.normalize);
    assert_true(c->loss.logit_scale.init == 14.285714285714286 && c->loss.logit_scale.max == 1e300);
    assert_false(c->loss.logit_scale.learn);
    assert_true(c->loss.logit_bias.init == 2.5 && !c->loss.logit_bias.learn);
    assert_int_equal(c->optim.kind, QCTX_OPTIMIZER_SGD);
    assert_true(c->optim.lr == 0.1 && c->optim.lr_last == 0.25 && c->optim.weight_decay == 1e-5);
    assert_true(c->optim.beta1 == 0.8 && c->optim.beta2 == 0.98 && c->optim.epsilon == 1e-6);
    assert_true(c->optim.momentum == 0.5 && c->optim.warmup == 3 && c->optim.clip_norm == 0.1);
    assert_int_equal(c->optim.schedule, QCTX_DECAY_LINEAR);
    assert_true(c->batch.size == 4096 && c->batch.epochs == 3 && c->batch.steps == 9);
    assert_true(c->batch.run == 32 && c->batch.one_source);
    assert_true(c->eval.every == 2 && c->eval.pool == 50 && c->eval.tune == 0.5 && c->eval.bootstrap == 99);
    assert_int_equal(c->eval.order, QCTX_POOLS_SHUFFLED);
    assert_int_equal(c->eval.candidates, QCTX_CANDIDATES_CORPUS);
    assert_int_equal(c->eval.metric, QCTX_METRIC_NDCG);
    assert_string_equal(c->eval.tune_split, "no");
    assert_true(c->checkpoint.every == 4 && c->checkpoint.keep == 5);
}

/* Parses what the dump says and dumps that: both texts must be the same. */
static qctx_config round_trip(const qctx_config *config)
{
    char *dump = qctx_config_dump(config, NULL), *again;
    qctx_config copy;

    assert_non_null(dump);
    copy = parse(dump, NULL, 0);
    again = qctx_config_dump(&copy, NULL);
    assert_string_equal(dump, again);
    free(dump);
    free(again);
    return copy;
}

static void every_key_survives_the_dump(void **state)
{
    qctx_config config = parse(everything, NULL, 0), copy = round_trip(&config);

    (void)state;
    assert_is_everything(&config);
    assert_is_everything(&copy);
    qctx_config_free(&config);
    qctx_config_free(&copy);
}

/* The table and the head name the same things in the same order. */
static void choices_are_called_as_the_head_calls_them(void **state)
{
    qctx_config c = parse(minimal, NULL, 0);
    char expected[128];

    (void)state;
    for (int i = 0; i < 4; i++) {
        char *dump;

        c.model.form = (qctx_head_form)(i % 2);
        c.model.activation = (qctx_activation)(i % 3);
        c.model.sides = (qctx_head_sides)i;
        dump = qctx_config_dump(&c, NULL);
        snprintf(expected, sizeof expected, "\n  form: %s\n", qctx_head_form_names[c.model.form]);
        assert_contains(dump, expected);
        snprintf(expected, sizeof expected, "\n  activation: %s\n", qctx_activation_names[c.model.activation]);
        assert_contains(dump, expected);
        snprintf(expected, sizeof expected, "\n  sides: %s\n", qctx_head_sides_names[c.model.sides]);
        assert_contains(dump, expected);
        free(dump);
    }
    qctx_config_free(&c);
}

static void numbers_are_numbers_to_other_readers(void **state)
{
    qctx_config c = parse(minimal, NULL, 0);
    char *dump = qctx_config_dump(&c, NULL);

    (void)state;
    assert_contains(dump, "\n  lr: 0.0003\n");
    assert_contains(dump, "\n  epsilon: 1.0e-08\n");
    free(dump);
    qctx_config_free(&c);
}

/* What the dump says of a size is the shortest that is exactly it. */
static void sizes_are_written_with_the_unit_that_fits(void **state)
{
    static const struct {
        const char *text, *shown;
        int64_t bytes;
    } sizes[] = {
        {"0", " 0\n", 0},
        {"500MB", " 500MB\n", 500000000},
        {"\"2GiB\"", " 2GiB\n", 2147483648},
        {"0.5TB", " 500GB\n", 500000000000},
        {"1.5GiB", " 1536MiB\n", 1610612736},
        {"1024kB", " 1000KiB\n", 1024000},
        {"2048KiB", " 2MiB\n", 2097152},
        {"1234567B", " 1234567B\n", 1234567},
    };

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char override[64], expected[64], *dump;
        const char *const overrides[] = {override};
        qctx_config c;

        snprintf(override, sizeof override, "run.memory=%s", sizes[i].text);
        c = parse(minimal, overrides, 1);
        assert_int_equal(c.run.memory, sizes[i].bytes);
        dump = qctx_config_dump(&c, NULL);
        snprintf(expected, sizeof expected, "\n  memory:%s", sizes[i].shown);
        assert_contains(dump, expected);
        free(dump);
        qctx_config_free(&c);
    }
}

static void awkward_texts_survive_the_dump(void **state)
{
    static const char *const names[] = {"no",           "NULL", "1",     "1e3", "a: b", "- x",  "caf\xC3\xA9",
                                        "\xE2\x86\x92", "#x",   "x #y",  "'",   "{a}",  "a, b", "~x",
                                        "0x1F",         "a\\b", "\"q\"", "%",   "a=b",  " x "};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        qctx_config config = parse(minimal, NULL, 0), copy;

        free(config.run.name);
        config.run.name = strdup(names[i]);
        copy = round_trip(&config);
        assert_string_equal(copy.run.name, names[i]);
        qctx_config_free(&config);
        qctx_config_free(&copy);
    }
}

static void overrides_win_over_the_file(void **state)
{
    static const char *const overrides[] = {
        "optim.lr=5e-4",
        "batch.size=4096",
        "batch.size=1000",
        "data.eval=[{corpus: x}, {store: y.h5, split: test}]",
        "loss.logit_scale.learn=false",
        "optim={kind: sgd, momentum: 0.5}",
        "loss={logit_scale: {init: 3}}",
        "run.name=a b",
        "eval.tune_split=\"\"",
    };
    qctx_config c = parse(everything, overrides, 9);

    (void)state;
    assert_true(c.optim.lr == 5e-4 && c.optim.momentum == 0.5 && c.optim.warmup == 3);
    assert_int_equal(c.batch.size, 1000);
    assert_int_equal(c.data.eval.count, 2);
    assert_string_equal(c.data.eval.items[0].name, "x/dev");
    assert_string_equal(c.data.eval.items[1].name, "y/test");
    assert_int_equal(c.data.train.count, 2);
    assert_true(c.loss.logit_scale.init == 3 && !c.loss.logit_scale.learn);
    assert_string_equal(c.run.name, "a b");
    assert_string_equal(c.eval.tune_split, "");
    qctx_config_free(&c);
}

static void a_resumed_run_may_change_how_long_it_is_but_not_what_it_learns(void **state)
{
    const char *const longer[] = {"batch.epochs=50", "run.out=elsewhere", "checkpoint.keep=9", "run.memory=2GiB"};
    const char *const other[] = {"optim.lr=0.5", "batch.epochs=50", "data.train=[{corpus: corpora/quac}]"};
    qctx_config then = parse(minimal, NULL, 0), now = parse(minimal, longer, 4), changed = parse(minimal, other, 3);
    qctx_error error;

    (void)state;
    assert_status(qctx_config_check_resume(&then, &now, &error), QCTX_OK, &error);
    assert_status(qctx_config_check_resume(&then, &changed, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, "\noptim.lr: was 0.0003, now it is 0.5");
    assert_contains(error.message, "\ndata.train: was");
    assert_null(strstr(error.message, "epochs"));
    assert_contains(error.hint, "give these keys the values of the run");
    qctx_config_free(&then);
    qctx_config_free(&now);
    qctx_config_free(&changed);
}

static void comments_and_empty_sections_are_fine(void **state)
{
    qctx_config c = parse("# all of it\nmodel:\n#  layers: 3\noptim:\n  # lr: 1\ndata:\n  train: [{store: s.h5}]\n"
                          "loss: {logit_scale: {}}\n",
                          NULL, 0);

    (void)state;
    assert_int_equal(c.model.layers, 2);
    qctx_config_free(&c);
}

static void names_the_run_folder(void **state)
{
    qctx_config c = parse(minimal, NULL, 0);
    char *folder = qctx_config_run_folder(&c, NULL);

    (void)state;
    assert_string_equal(folder, "runs/a.b");
    free(folder);
    qctx_config_free(&c);
}

/* Tests run in the project's folder. */
static void the_shipped_configs_are_right(void **state)
{
    static const char *const paths[] = {"configs/demo.yaml",          "configs/squad.yaml",
                                        "configs/squad_quac.yaml",    "configs/questioncontext.yaml",
                                        "configs/large_batch.yaml",   "configs/minilm.yaml",
                                        "configs/minilm_joined.yaml", "configs/fairytaleqa.yaml",
                                        "configs/open_clip.yaml",     "configs/fixed_corpus.yaml"};
    static const char *const names[] = {"demo",   "squad",         "squad_quac",  "questioncontext", "large_batch",
                                        "minilm", "minilm_joined", "fairytaleqa", "open_clip",       "fixed_corpus"};
    static qctx_error error;

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        qctx_config config, copy;

        assert_status(qctx_config_load(test_comm, paths[i], NULL, 0, &config, &error), QCTX_OK, &error);
        assert_string_equal(config.run.name, names[i]);
        copy = round_trip(&config);
        assert_int_equal(copy.batch.size, config.batch.size);
        qctx_config_free(&config);
        qctx_config_free(&copy);
    }
}

static void all_ranks_read_what_rank_0_reads(void **state)
{
    static const char *const overrides[] = {"batch.size=64"};
    static qctx_error error;
    const char *path = test_path("only_rank_0.yaml");
    qctx_config config;

    (void)state;
    /* The other ranks look under a name that does not exist. */
    test_write(path, everything);
    assert_status(qctx_config_load(test_comm, qctx_comm_rank(test_comm) == 0 ? path : "/nowhere/only_rank_0.yaml",
                                   overrides, 1, &config, &error),
                  QCTX_OK, &error);
    assert_string_equal(config.run.name, "all");
    assert_int_equal(config.batch.size, 64);
    qctx_config_free(&config);
}

static void a_missing_file_fails_everywhere(void **state)
{
    static qctx_error error;
    qctx_config config;

    (void)state;
    assert_status(qctx_config_load(test_comm, test_path("missing.yaml"), NULL, 0, &config, &error), QCTX_ERR_IO,
                  &error);
    assert_contains(error.message, "missing.yaml");
    assert_contains(error.hint, "configs/demo.yaml");
    assert_null(config.run.name);
    assert_status(qctx_config_load(test_comm, test_folder(), NULL, 0, &config, &error), QCTX_ERR_IO, &error);
}

static void a_bad_file_fails_everywhere(void **state)
{
    static const char *const overrides[] = {"batch.sise=64"};
    static qctx_error error;
    char expected[4096];
    qctx_config config;
    const char *path = test_path("bad.yaml");

    (void)state;
    test_write(path, "data: {train: []}\nmodel: {layers: 0}\n");
    assert_status(qctx_config_load(test_comm, path, overrides, 1, &config, &error), QCTX_ERR_CONFIG, &error);
    snprintf(expected, sizeof expected,
             "%s:2:9: model.layers: expected a whole number in [1, 64], found '0'\n"
             "command line: batch.sise: unknown key; did you mean batch.size?\n"
             "%s:1:8: data.train: required: what to train on, such as [{corpus: corpora/squad, split: train}]",
             path, path);
    assert_string_equal(error.message, expected);
    assert_null(config.run.name);
    assert_int_equal(config.data.train.count, 0);
}

/* What is left to the data is written as it is read, and becomes what a run that goes on had. */
static void what_is_left_to_the_data_is_taken_from_the_run(void **state)
{
    const char text[] = "data: {train: [{store: s.h5}]}\n";
    static const char *const was[] = {"batch.size=64", "optim.warmup=0", "eval.tune=0.05"}, *const is[] = {
                                                                                                "batch.size=auto",
                                                                                                "eval.tune=0.1"};
    qctx_config then, now, again;
    qctx_error error;
    char *dump;

    (void)state;
    assert_status(qctx_config_parse(text, strlen(text), "then", was, 3, &then, &error), QCTX_OK, &error);
    assert_status(qctx_config_parse(text, strlen(text), "now", is, 2, &now, &error), QCTX_OK, &error);
    dump = qctx_config_dump(&now, &error);
    assert_contains(dump, "  warmup: auto\n");
    assert_contains(dump, "  size: auto\n");
    assert_status(qctx_config_parse(dump, strlen(dump), "dump", NULL, 0, &again, &error), QCTX_OK, &error);
    assert_int_equal(again.batch.size, QCTX_CONFIG_AUTO);
    assert_true(again.eval.tune == 0.1);
    qctx_config_adopt_auto(&now, &then);
    assert_int_equal(now.batch.size, 64);
    assert_int_equal(now.optim.warmup, 0);
    assert_true(now.eval.tune == 0.1);
    free(dump);
    qctx_config_free(&then);
    qctx_config_free(&now);
    qctx_config_free(&again);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_left_to_the_data_is_taken_from_the_run),
    cmocka_unit_test(every_key_has_a_default),
    cmocka_unit_test(every_key_survives_the_dump),
    cmocka_unit_test(choices_are_called_as_the_head_calls_them),
    cmocka_unit_test(numbers_are_numbers_to_other_readers),
    cmocka_unit_test(sizes_are_written_with_the_unit_that_fits),
    cmocka_unit_test(awkward_texts_survive_the_dump),
    cmocka_unit_test(overrides_win_over_the_file),
    cmocka_unit_test(a_resumed_run_may_change_how_long_it_is_but_not_what_it_learns),
    cmocka_unit_test(comments_and_empty_sections_are_fine),
    cmocka_unit_test(names_the_run_folder),
    cmocka_unit_test(the_shipped_configs_are_right),
    cmocka_unit_test(all_ranks_read_what_rank_0_reads),
    cmocka_unit_test(a_missing_file_fails_everywhere),
    cmocka_unit_test(a_bad_file_fails_everywhere),
};
TEST_MAIN(tests)
