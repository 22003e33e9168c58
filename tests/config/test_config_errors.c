/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/config/config.h"

static const char data[] = "data: {train: [{corpus: c}]}\n";

/* Expects the text with the overrides to be refused and returns the message. */
static const char *refuse(const char *text, const char *const *overrides, int64_t count)
{
    static qctx_error error;
    qctx_config config;

    memset(&error, 0, sizeof error);
    assert_status(qctx_config_parse(text, strlen(text), "a.yaml", overrides, count, &config, &error), QCTX_ERR_CONFIG,
                  &error);
    assert_contains(error.hint, "docs/configuration.md");
    assert_null(config.run.name);
    return error.message;
}

static const char *refuse_override(const char *override)
{
    return refuse(data, &override, 1);
}

static const char *refuse_two(const char *first, const char *second)
{
    const char *overrides[] = {first, second};

    return refuse(data, overrides, 2);
}

static void accept(const char *override)
{
    static qctx_error error;
    qctx_config config;

    assert_status(qctx_config_parse(data, strlen(data), "a.yaml", &override, 1, &config, &error), QCTX_OK, &error);
    qctx_config_free(&config);
}

static void reports_all_mistakes_at_once(void **state)
{
    static const char *const overrides[] = {"optim.lr=fast", "batch.size", "lr=1", "eval.pool=[1"};
    static const char text[] = "run: {name: a/b}\n"
                               "data:\n"
                               "  train: [{corpus: c, store: s}, {corpsu: c}]\n"
                               "model:\n"
                               "  form: residul\n"
                               "  layers: two\n"
                               "  hiden: 7\n"
                               "loss: {normalize: yes}\n"
                               "lr: 1e-3\n"
                               "eval: {tune: 0.6, tune: 0.1}\n"
                               "checkpoint: [1]\n";

    (void)state;
    assert_string_equal(
        refuse(text, overrides, 4),
        "a.yaml:10:19: duplicate key tune, given in line 10 already\n"
        "a.yaml:1:7: run.name: expected a name without '/', found 'a/b'\n"
        "a.yaml:3:11: data.train[0]: expected exactly one of corpus and store, found both\n"
        "a.yaml:3:35: data.train[1].corpsu: unknown key; did you mean corpus?\n"
        "a.yaml:5:3: model.form: expected one of plain, residual, found 'residul'; did you mean residual?\n"
        "a.yaml:6:3: model.layers: expected a whole number in [1, 64], found 'two'\n"
        "a.yaml:7:3: model.hiden: unknown key; did you mean model.hidden?\n"
        "a.yaml:8:8: loss.normalize: expected true or false, found 'yes'\n"
        "a.yaml:9:1: lr: unknown key; did you mean optim.lr?\n"
        "a.yaml:10:8: eval.tune: expected a number in [0, 0.5] or auto, found '0.6'\n"
        "a.yaml:11:1: checkpoint: expected keys with values, such as {key: value}, found a list\n"
        "command line: optim.lr: expected a number > 0, found 'fast'\n"
        "command line: batch.size: expected key.path=value, such as optim.lr=5e-4\n"
        "command line: lr: unknown key; did you mean optim.lr?\n"
        "command line: eval.pool: value:2:1: did not find expected ',' or ']' while parsing a flow sequence that "
        "begins in line 1\n    [1");
}

static void a_broken_file_still_shows_bad_overrides(void **state)
{
    static const char *const overrides[] = {"batch.size=1"};

    (void)state;
    assert_string_equal(refuse("data: {train: [\n", overrides, 1),
                        "a.yaml:2:1: did not find expected node content while parsing a flow node\n"
                        "command line: batch.size: expected a whole number in [2, 16777216] or auto, found '1'");
    assert_contains(refuse("- a\n", NULL, 0), "a.yaml:1:1: the file: expected keys with values, such as {run: {name");
    assert_contains(refuse("just words\n", NULL, 0), "found a single value");
    assert_string_equal(refuse("", NULL, 0), "a.yaml: data.train: required: what to train on, such as [{corpus: "
                                             "corpora/squad, split: train}]");
}

static void numbers_are_written_one_way(void **state)
{
    static const char *const good[] = {"optim.lr=1e-3",
                                       "optim.lr=.5",
                                       "optim.lr=+1.",
                                       "optim.lr=3E-4",
                                       "run.seed=0",
                                       "run.seed=+12",
                                       "run.seed=9223372036854775807"};
    static const char *const bad[] = {
        "optim.lr=0x10",  "optim.lr=1_000",    "optim.lr=nan",  "optim.lr=.inf",   "optim.lr=inf",
        "optim.lr=1e",    "optim.lr=1e999",    "optim.lr=e1",   "optim.lr=--1",    "optim.lr='1'",
        "optim.lr=0",     "optim.lr=-1",       "optim.lr=1:30", "optim.lr=1,5",    "run.seed=010",
        "run.seed=1.0",   "run.seed=1e3",      "run.seed=-1",   "run.seed=0o7",    "run.seed=9223372036854775808",
        "run.seed=\"1\"", "run.seed={}",       "run.seed=",     "run.seed=~",      "run.seed=Null",
        "run.seed=0x1",   "model.dropout=1",   "optim.beta1=1", "optim.lr_last=2", "eval.tune=0.51",
        "eval.pool=1",    "checkpoint.keep=0", "batch.size=1",  "optim.warmup=-1", "batch.epochs=0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        accept(good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char prefix[64];

        snprintf(prefix, sizeof prefix, "command line: %.*s: expected a ", (int)strcspn(bad[i], "="), bad[i]);
        assert_ptr_equal(strstr(refuse_override(bad[i]), prefix), refuse_override(bad[i]));
    }
    assert_contains(refuse_override("run.seed="), "found no value; leave the key out for its default");
    assert_contains(refuse_override("run.seed='1'"), "found the quoted text '1'");
    assert_contains(refuse_override("model.dropout=1"), "a number in [0, 1), found '1'");
}

static void sizes_have_a_unit(void **state)
{
    static const char *const bad[] = {"500",  "1e9B", "-1MB", "MB",   "1,5GB",      "500 MB", "500mb",
                                      "0.1B", "0MB",  "0x1B", "1.GB", "99999999TB", "1MBB",   "1MB 1kB",
                                      "auto", "[]",   "00",   ".5GB", "500Mbit",    "''"};

    (void)state;
    accept("run.memory=0");
    accept("run.memory=500MB");
    accept("run.memory='1.25GiB'");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char override[64];

        snprintf(override, sizeof override, "run.memory=%s", bad[i]);
        assert_contains(refuse_override(override), "command line: run.memory: expected 0 or a size with its unit, such "
                                                   "as 500MB or 2GiB, found ");
    }
    /* What other trainers call a key leads to ours, wherever it stands. */
    assert_contains(refuse_override("learning_rate=1e-3"), "did you mean optim.lr?");
    assert_contains(refuse_override("optim.learning-rate=1e-3"), "did you mean optim.lr?");
    assert_contains(refuse_override("train.batch_size=64"), "did you mean batch.size?");
    assert_contains(refuse_override("num_train_epochs=3"), "did you mean batch.epochs?");
    assert_contains(refuse_override("temperature=0.05"),
                    "did you mean loss.logit_scale.init or loss.distill.temperature?");
    assert_contains(refuse_override("epochs=3"), "did you mean batch.epochs?");
    assert_contains(refuse_override("run.memory=500"), "found '500'; did you mean 500MB?");
    assert_contains(refuse_override("run.memory=500mb"), "did you mean 500MB?");
    assert_null(strstr(refuse_override("run.memory=99999999TB"), "did you mean"));
    assert_contains(refuse_override("run.memory=500 MB"), "did you mean 500MB?");
    assert_contains(refuse_override("run.memory=2Gib"), "did you mean 2GiB?");
    assert_contains(refuse_override("run.memory=2.5G"), "did you mean 2.5GB?");
    assert_null(strstr(refuse_override("run.memory=much"), "did you mean"));
}

static void flags_are_true_or_false(void **state)
{
    static const char *const bad[] = {"yes", "no", "on", "off", "1", "0", "y", "'true'", "[]"};

    (void)state;
    accept("loss.normalize=true");
    accept("loss.normalize=False");
    accept("loss.normalize=TRUE");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char override[64];

        snprintf(override, sizeof override, "loss.normalize=%s", bad[i]);
        assert_contains(refuse_override(override), "command line: loss.normalize: expected true or false, found ");
    }
}

static void texts_are_one_line(void **state)
{
    (void)state;
    accept("run.name='a b'");
    accept("run.name=5");
    assert_contains(refuse_override("run.name=''"), "expected a name without '/', found ''");
    assert_contains(refuse_override("run.name=.."), "expected a name without '/'");
    assert_contains(refuse_override("run.out=\"a\\nb\""), "expected a text, found 'a\\nb'");
    assert_contains(refuse_override("run.out=\"a\\u2028b\""), "expected a text");
    assert_contains(refuse_override("run.out=\"a\\x85\""), "expected a text");
    assert_contains(refuse_override("run.out=\"\\uFEFFa\""), "expected a text");
    assert_contains(refuse_override("run.out=\"\\uFFFEa\""), "expected a text");
    assert_contains(refuse_override("run.out=\"a\\0b\""), "a NUL character in a text");
    assert_contains(refuse_override("eval.tune_split=a/b"), "expected a name without '/'");
}

static void unknown_keys_name_what_was_meant(void **state)
{
    (void)state;
    assert_string_equal(refuse_override("optm.lr=1"), "command line: optm.lr: unknown key; did you mean optim.lr?");
    assert_contains(refuse_override("optm={lr: 1}"), "optm: unknown key; did you mean optim?");
    assert_contains(refuse_override("modle.layer=1"), "did you mean model.layers?");
    assert_contains(refuse_override("kind=clip"), "did you mean loss.kind or loss.distill.kind or optim.kind?");
    assert_contains(refuse_override("loss.init=1"), "did you mean loss.logit_scale.init or loss.logit_bias.init?");
    assert_contains(refuse_override("loss.logit_scal=1"), "did you mean loss.logit_scale?");
    assert_contains(refuse_override("batch.zebra=1"), "unknown key; known here: size, epochs, steps");
    assert_contains(
        refuse_override("zebra=1"),
        "unknown key; known here: run, data, encoder, model, loss, optim, batch, negatives, eval, checkpoint");
    assert_contains(refuse_override("loss.zebra=1"),
                    "known here: kind, direction, candidates, similarity, normalize, recovery, logit_scale, "
                    "logit_bias");
    assert_contains(refuse_override("=1"), "expected key.path=value");
    assert_contains(refuse_override("optim.lr.x=1"), "optim.lr.x: unknown key");
    assert_contains(refuse_override("data.train[0].corpus=x"), "unknown key");
    assert_contains(refuse("optim.lr: 1\n", NULL, 0), "a.yaml:1:1: optim.lr: keys with dots are for the command line");
}

static void sources_are_checked(void **state)
{
    (void)state;
    assert_contains(refuse_override("data.eval=x"), "data.eval: expected a list of sources, such as [{corpus:");
    assert_contains(refuse_override("data.eval=[x]"), "data.eval[0]: expected a source, such as {corpus:");
    assert_contains(refuse_override("data.eval=[{split: dev}]"), "data.eval[0]: expected exactly one of corpus and "
                                                                 "store, found neither");
    assert_contains(refuse_override("data.eval=[{corpus: a, zebra: 1}]"),
                    "data.eval[0].zebra: unknown key; a source has corpus or store, split, name, limit");
    assert_contains(refuse_override("data.eval=[{corpus: a, limit: -1}]"),
                    "data.eval[0].limit: expected a whole number ≥ 0, found '-1'");
    assert_contains(refuse_override("data.train=[{corpus: a, weight: 0}]"),
                    "data.train[0].weight: expected a number in (0, 1000], found '0'");
    assert_contains(refuse_override("data.eval=[{corpus: a, weight: 2}]"),
                    "data.eval: weight is for data.train, and 'a/dev' has one");
    assert_contains(refuse_override("data.eval=[{corpus: a}, {corpus: b/a}]"),
                    "data.eval: sources 0 and 1 are both called 'a/dev'; give one of them a name");
    assert_contains(refuse_override("data.train=[]"), "command line: data.train: required: what to train on");
    accept("data.eval=[{corpus: a}, {corpus: b/a, name: other}]");
}

static void keys_are_checked_together(void **state)
{
    (void)state;
    assert_contains(refuse_override("loss={kind: soft, direction: question}"),
                    "command line: loss.direction: only clip has one direction");
    assert_contains(refuse_override("loss.logit_scale.max=10"),
                    "a.yaml: loss.logit_scale.init: expected at most loss.logit_scale.max, 10, found 20");
    accept("loss.kind=soft");
    assert_contains(refuse_override("loss={kind: soft, candidates: corpus}"),
                    "command line: loss.kind: soft has no contexts beside those of the batch's questions");
    assert_contains(refuse_override("loss={direction: context, candidates: corpus}"),
                    "command line: loss.direction: contexts that answer no question of the batch count from question "
                    "to context alone: take question or both");
    accept("loss={kind: sigmoid, candidates: corpus}");
    assert_contains(refuse_two("negatives.count=4", "loss.candidates=corpus"),
                    "command line: negatives.count: is for loss.candidates: batch; with corpus every question meets");
    assert_contains(refuse_two("negatives.count=4", "loss.kind=soft"),
                    "command line: loss.kind: soft has no contexts beside those of the batch's questions");
    assert_contains(refuse_two("negatives.count=4", "loss.direction=context"),
                    "command line: loss.direction: contexts that answer no question of the batch");
    assert_contains(refuse_override("negatives={count: -1, depth: 0, margin: 1.5, every: 0}"), "negatives.margin: ");
    assert_contains(refuse_override("negatives={count: 4, depth: 3}"),
                    "command line: negatives.depth: expected at least negatives.count, 4, found 3");
    accept("negatives={count: 4, depth: 4, margin: 1, every: 3}");
    accept("negatives={count: 0, depth: 3}");
}

/* What the schemes of the loss cannot do with the rest of a configuration: told with the key that has to change, and
 * what would work.
 */
static void schemes_are_checked_together(void **state)
{
    (void)state;
    assert_contains(refuse_override("loss={kind: soft, similarity: ring}"),
                    "command line: loss.similarity: only full knows the loss soft: leave it at auto");
    assert_contains(refuse("loss: {kind: soft}\nrun: {precision: bfloat16}\ndata: {train: [{corpus: c}]}\n", NULL, 0),
                    "a.yaml:2:7: run.precision: the loss soft is computed in float32 only");
    assert_contains(refuse("loss: {kind: soft}\nrun: {reproducible: true}\ndata: {train: [{corpus: c}]}\n", NULL, 0),
                    "a.yaml:2:7: run.reproducible: the loss soft has no such mode");
    assert_contains(
        refuse("loss: {similarity: full}\nrun: {precision: bfloat16}\ndata: {train: [{corpus: c}]}\n", NULL, 0),
        "run.precision: loss.similarity full is the plain reference in float32: take rows, ");
    assert_contains(
        refuse("loss: {similarity: ring}\nrun: {reproducible: true}\ndata: {train: [{corpus: c}]}\n", NULL, 0),
        "run.reproducible: of loss.similarity, rows is the same bits on any number of ranks");
    accept("loss={kind: sigmoid, similarity: ring}");
    accept("run={reproducible: true, precision: auto}");
    accept("loss={kind: soft, similarity: full}");
}

/* 200 unknown keys do not fit into a message: what fits is whole lines, and the last one says that there is more. */
static void a_flood_of_errors_is_cut_between_lines(void **state)
{
    char *text = qctx_alloc(200 * 16 + 1, 1, "a text", NULL), *end = text;
    const char *message;

    (void)state;
    for (int i = 0; i < 200; i++)
        end += sprintf(end, "zebra%03d: 1\n", i);
    message = refuse(text, NULL, 0);
    assert_string_equal(message + strlen(message) - strlen("checkpoint\n…"), "checkpoint\n…");
    free(text);
}

static void a_huge_value_gives_a_short_message(void **state)
{
    char *text = qctx_alloc(5000100, 1, "a text", NULL);

    (void)state;
    strcpy(text, "optim: {lr: ");
    memset(text + strlen(text), '1', 5000000);
    strcat(text, "}\n");
    assert_true(strlen(refuse(text, NULL, 0)) < 400);
    memset(text, 'k', 5000000);
    assert_true(strlen(refuse(text, NULL, 0)) < 800);
    free(text);
}

/* Every prefix of a config is parsed or refused, and leaks nothing (the sanitizers watch). */
static void survives_every_truncation(void **state)
{
    static const char text[] =
        "run: {name: x, out: \"y\"}\ndata:\n  train:\n    - {corpus: a, split: b}\n    - {store: c}\n"
        "  eval: [{corpus: d}]\nloss: {logit_scale: {init: 3}}\noptim: {kind: sgd}\n";
    static qctx_error error;

    (void)state;
    for (size_t bytes = 0; bytes < sizeof text; bytes++) {
        qctx_config config;
        qctx_status status = qctx_config_parse(text, bytes, "a.yaml", NULL, 0, &config, &error);

        assert_true(status == QCTX_OK || status == QCTX_ERR_CONFIG);
        if (status == QCTX_OK)
            qctx_config_free(&config);
    }
}

static void the_reference_names_every_key(void **state)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    (void)state;
    qctx_config_reference(out);
    fclose(out);
    assert_contains(text, "| `optim.lr` | a number > 0 | `3e-4` | learning rate");
    assert_contains(text, "| `data.dtype` | one of float32, float16 | `float32` |");
    assert_contains(text, "| `data.train` | a list of sources |  | ");
    assert_contains(text, "| `limit` | a whole number ≥ 0 | `0` |");
    free(text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(reports_all_mistakes_at_once),
    cmocka_unit_test(a_broken_file_still_shows_bad_overrides),
    cmocka_unit_test(numbers_are_written_one_way),
    cmocka_unit_test(sizes_have_a_unit),
    cmocka_unit_test(flags_are_true_or_false),
    cmocka_unit_test(texts_are_one_line),
    cmocka_unit_test(unknown_keys_name_what_was_meant),
    cmocka_unit_test(sources_are_checked),
    cmocka_unit_test(keys_are_checked_together),
    cmocka_unit_test(schemes_are_checked_together),
    cmocka_unit_test(a_flood_of_errors_is_cut_between_lines),
    cmocka_unit_test(a_huge_value_gives_a_short_message),
    cmocka_unit_test(survives_every_truncation),
    cmocka_unit_test(the_reference_names_every_key),
};
TEST_MAIN(tests)
