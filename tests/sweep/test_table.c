/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/evaluation/metrics.h"
#include "qctx/sweep/table.h"
#include "qctx/text/text.h"

static qctx_error error;

static char *sources[] = {"[{corpus: corpora/squad/, split: train}]",
                          "[{corpus: corpora/squad}, {store: quac.h5, name: \"my quac\"}]"};
static char *forms[] = {"residual", "plain"};
static char *sizes[] = {"512"};
static char *names[] = {"\"no: 1\"", "two"};
static char *first_items[] = {"optim.lr=0.1"}, *second_items[] = {"optim.lr=0.2", "eval={pool: 100}"};
static qctx_space_settings settings[] = {{1, first_items}, {2, second_items}};

static qctx_space_parameter parameters[] = {
    {.path = "data.train", .kind = QCTX_SPACE_CATEGORICAL, .count = 2, .values = sources},
    {.path = "model.form", .kind = QCTX_SPACE_CATEGORICAL, .count = 2, .values = forms},
    {.path = "batch.size", .kind = QCTX_SPACE_CATEGORICAL, .count = 1, .values = sizes},
    {.path = "loss.logit_scale.init", .kind = QCTX_SPACE_LOG_UNIFORM_VALUES, .low = 1, .high = 100},
};

/* A variant, which decides about no head by a setting of one of its names. */
static qctx_space_parameter variant[] = {
    {.path = "my way", .kind = QCTX_SPACE_CATEGORICAL, .count = 2, .values = names, .settings = settings},
};

/* A sweep of six of eight trials, in a folder of its own. */
static qctx_sweep_definition made_definition(const char *name)
{
    return (qctx_sweep_definition){
        .name = (char *)name,
        .out = (char *)test_folder(),
        .config_path = "config.yaml",
        .config_text = "data: {train: [{corpus: c}]}\nbatch: {epochs: 20}\n",
        .method = QCTX_SWEEP_RANDOM,
        .metric = QCTX_METRIC_MRR,
        .space = {4, parameters},
        .trials = 8,
        .text = "",
    };
}

#define BEGUN(trial, source, form, scale)                                                                              \
    "{\"event\": \"begun\", \"trial\": " #trial                                                                        \
    ", \"units\": [0.1, 0.2, 0.3, 0.4], \"overrides\": [\"data.train=" source "\", \"model.form=" form                 \
    "\", \"batch.size=512\", \"loss.logit_scale.init=" scale                                                           \
    "\"], \"host\": \"n1\", \"time\": \"2026-01-31T12:00:00Z\"}\n"
#define SQUAD "[{corpus: corpora/squad/, split: train}]"
#define BOTH  "[{corpus: corpora/squad}, {store: quac.h5, name: \\\"my quac\\\"}]"

static const char ledger_lines[] = BEGUN(0, SQUAD, "plain", "20") BEGUN(
    1, SQUAD, "residual", "12.345678901234567") BEGUN(2, BOTH, "plain", "50") BEGUN(3, BOTH, "residual",
                                                                                    "3.1622776601683795")
    BEGUN(4, SQUAD, "residual", "99") BEGUN(5, SQUAD, "plain", "1") BEGUN(
        6, BOTH, "plain",
        "7") "{\"event\": \"finished\", \"trial\": 0, \"epoch\": 20, \"metric\": 0.51, \"no_head\": 0.62, "
             "\"strength\": 1.0, "
             "\"seconds\": 90.0}\n"
             "{\"event\": \"failed\", \"trial\": 2, \"code\": 10, \"message\": \"step 3: the loss is not finite, "
             "\\\"nan\\\"\\n"
             "the last good checkpoint is epoch-0001.h5 | sigh\"}\n"
             "{\"event\": \"finished\", \"trial\": 1, \"epoch\": 20, \"metric\": 0.64, \"no_head\": 0.62, "
             "\"strength\": 0.5, "
             "\"seconds\": 125.0}\n"
             "{\"event\": \"finished\", \"trial\": 4, \"epoch\": 20, \"metric\": 0.63, \"no_head\": 0.62, "
             "\"strength\": 0.5, "
             "\"seconds\": 125.0}\n"
             "{\"event\": \"paused\", \"trial\": 5, \"rung\": 0, \"epoch\": 2, \"metric\": 0.333, \"seconds\": 30.0}\n"
             "{\"event\": \"finished\", \"trial\": 6, \"epoch\": 20, \"metric\": 0.6, \"no_head\": 0.61, \"strength\": "
             "1.0, "
             "\"seconds\": 60.0}\n";

static json_t *figures(double top1, double top10, double half)
{
    json_t *object = json_object();

    for (int f = 0; f < QCTX_METRIC_COUNT; f++) {
        double value = f == QCTX_METRIC_TOP10 ? top10 : top1;

        json_object_set_new(object, qctx_metric_names[f],
                            json_pack("{s:f, s:f, s:f}", "value", value, "low", value - half, "high", value + half));
    }
    return object;
}

/* Shares of no head, the head and what it gains, each ± 0.01. */
static json_t *result(const char *source, double no_head, double head)
{
    return json_pack("{s:s, s:i, s:s, s:i, s:s, s:i, s:o, s:o, s:o}", "source", source, "questions", 10535,
                     "candidates", "pools", "pool", 500, "order", "consecutive", "resamples", 1000, "no_head",
                     figures(no_head, no_head + 0.2, 0.01), "head", figures(head, head + 0.2, 0.01), "difference",
                     figures(head - no_head, 0.0, 0.01));
}

static void write_trial(const qctx_sweep_definition *definition, int trial, const char *file, const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s/trials/%04d/%s", definition->out, definition->name, trial, file);
    assert_int_equal(qctx_folder_make_parent(path, &error), QCTX_OK);
    test_write(path, text);
}

static void write_summary(const qctx_sweep_definition *definition, int trial, int epoch, double value, double strength,
                          double seconds, json_t *results)
{
    json_t *root = json_pack("{s:f, s:i, s:{s:i, s:s, s:f, s:f, s:f}, s:o}", "seconds", seconds, "epochs", 20, "best",
                             "epoch", epoch, "metric", "mrr", "value", value, "no_head", trial == 4 ? 0.63 : 0.62,
                             "strength", strength, "results", results);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

    write_trial(definition, trial, "summary.json", text);
    free(text);
    json_decref(root);
}

/* Writes the folder of a sweep that is half done, and opens its ledger. */
static qctx_ledger *half_done(const qctx_sweep_definition *definition)
{
    char path[512];
    qctx_ledger *ledger;

    snprintf(path, sizeof path, "%s/%s", definition->out, definition->name);
    assert_status(qctx_folder_make(path, &error), QCTX_OK, &error);
    strcat(path, "/ledger.jsonl");
    test_write(path, ledger_lines);
    write_summary(definition, 0, 12, 0.51, 1.0, 90.0,
                  json_pack("[o, o]", result("squad/dev", 0.65, 0.55), result("quac|dev", 0.21875, 0.22)));
    write_summary(definition, 1, 7, 0.64, 0.5, 125.0,
                  json_pack("[o, o]", result("squad/dev", 0.65, 0.7), result("quac|dev", 0.21875, 0.22)));
    write_summary(definition, 4, 7, 0.63, 0.5, 125.0, json_pack("[o]", result("squad/dev", 0.65, 0.7)));
    write_trial(definition, 6, "summary.json", "{\"seconds\": 60.0, \"epochs\": 20, \"best\": {\"epoch\": 3");
    write_trial(definition, 3, "metrics.jsonl",
                "{\"event\":\"step\",\"step\":1,\"epoch\":1,\"seconds\":0.5}\n"
                "{\"event\":\"step\",\"step\":90,\"epoch\":3,\"seconds\":123.4}\n"
                "{\"event\":\"other\"}\n{\"event\":\"step\",\"step\":91,\"epoch\":4,\"seco");
    snprintf(path, sizeof path, "%s/%s", definition->out, definition->name);
    assert_status(qctx_ledger_open(path, definition->space.count, false, &ledger, &error), QCTX_OK, &error);
    assert_status(qctx_ledger_refresh(ledger, &error), QCTX_OK, &error);
    return ledger;
}

typedef qctx_status print_function(FILE *out, const qctx_sweep_definition *definition, const qctx_ledger *ledger,
                                   qctx_error *error);

static char *printed(print_function *print, const qctx_sweep_definition *definition, const qctx_ledger *ledger)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);

    assert_status(print(stream, definition, ledger, &error), QCTX_OK, &error);
    fclose(stream);
    return text;
}

static void assert_no_line_is_wider_than_a_page(const char *text)
{
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");

        assert_true(qctx_text_codepoints(line, length) <= 80);
        line += length + (line[length] == '\n');
    }
}

static void status_tells_what_runs_what_is_best_and_what_failed(void **state)
{
    const qctx_sweep_definition definition = made_definition("status");
    qctx_ledger *ledger = half_done(&definition);
    char *text = printed(qctx_sweep_print_status, &definition, ledger);

    (void)state;
    assert_int_equal(qctx_sweep_best(ledger), 1);
    assert_string_equal(text, "sweep status\n"
                              "random of 8 trials: 1 running, 1 paused, 4 finished, 1 failed, 1 to begin\n"
                              "\n"
                              "running\n"
                              "     3  epoch 3 of 20, 2:03, nobody at work  trained on squad + my quac, form…\n"
                              "\n"
                              "best so far\n"
                              "     1  mrr@10 64.00 (no head 62.00), strength 0.5, finished in 2:05\n"
                              "        data.train=[{corpus: corpora/squad/, split: train}]\n"
                              "        model.form=residual\n"
                              "        loss.logit_scale.init=12.345678901234567\n"
                              "\n"
                              "failed\n"
                              "     2  numeric: step 3: the loss is not finite, \"nan\"\n");
    assert_no_line_is_wider_than_a_page(text);
    free(text);
    qctx_ledger_close(ledger);
}

static void markdown_has_no_head_beside_the_heads_and_names_losses(void **state)
{
    const qctx_sweep_definition definition = made_definition("markdown");
    qctx_ledger *ledger = half_done(&definition);
    char *text = printed(qctx_sweep_print_markdown, &definition, ledger);

    (void)state;
    assert_contains(text, "# Sweep markdown\n\nrandom of 8 trials: 1 running, 1 paused, 4 finished, 1 failed, "
                          "1 to begin\n\n"
                          "| trial   | trained on | form     | logit_scale.init | squad/dev top-1         "
                          "| squad/dev top-10  | quac\\|dev top-1   | quac\\|dev top-10  | held out MRR@10 | strength "
                          "| epoch    | minutes |\n|---------|------------|");
    /* The residual head gains; the plain one loses in top-1, and in top-10 zero lies within the interval. */
    assert_contains(
        text, "| no head | squad      |          |                  | 65.0 [64.0, 66.0]       | 85.0 [84.0, 86.0] "
              "| 21.9 [20.9, 22.9] | 41.9 [40.9, 42.9] | 62.0            |          |          |         |\n"
              "| 1       | squad      | residual | 12.35            | 70.0 [69.0, 71.0]       | 90.0 [89.0, 91.0] "
              "| 22.0 [21.0, 23.0] | 42.0 [41.0, 43.0] | 64.0            | 0.5      | 7 of 20  | 2.1     |\n"
              "| 0       | squad      | plain    | 20               | 55.0 [54.0, 56.0] loses | 75.0 [74.0, 76.0] "
              "| 22.0 [21.0, 23.0] | 42.0 [41.0, 43.0] | 51.0            | 1        | 12 of 20 | 1.5     |\n");
    /* A trial that was evaluated on other sources has a row of no head of its own. */
    assert_contains(
        text, "| no head | squad      |          |                  | 65.0 [64.0, 66.0]       | 85.0 [84.0, 86.0] "
              "|                   |                   | 63.0            |          |          |         |\n"
              "| 4       | squad      | residual | 99               | 70.0 [69.0, 71.0]       | 90.0 [89.0, 91.0] "
              "|                   |                   | 63.0            | 0.5      | 7 of 20  | 2.1     |\n");
    assert_contains(text, "- squad/dev: 10,535 questions, pools of 500, the last of 35 (consecutive)\n");
    assert_contains(text, "| trial | trained on | form  | logit_scale.init | held out MRR@10 | epochs | minutes |\n");
    assert_contains(text, "| 5     | squad      | plain | 1                | 33.3            | 2      | 0.5     |\n");
    assert_contains(text,
                    "- 2 (trained on squad + my quac, form plain, logit_scale.init 50): numeric: step 3: the loss "
                    "is not finite, \"nan\"\\nthe last good checkpoint is epoch-0001.h5 \\| sigh\n");
    assert_contains(text, "- 6 (trained on squad + my quac, form plain, logit_scale.init 7): no results: ");
    assert_contains(text, "0006/summary.json:1:");
    free(text);
    qctx_ledger_close(ledger);
}

/* The field `column` of a line of CSV: what stands between commas that are not quoted. */
static void csv_field(const char *line, int column, char field[256])
{
    bool quoted = false;
    int used = 0;

    for (const char *c = line; *c != '\0' && (quoted || *c != '\n') && used < 255; c++) {
        if (*c == '"')
            quoted = !quoted;
        else if (*c == ',' && !quoted)
            column--;
        else if (column == 0)
            field[used++] = *c;
    }
    assert_true(column <= 0);
    field[used] = '\0';
}

static int csv_columns(const char *line)
{
    bool quoted = false;
    int columns = 1;

    for (; *line != '\0' && (quoted || *line != '\n'); line++) {
        quoted ^= *line == '"';
        columns += *line == ',' && !quoted;
    }
    return columns;
}

static const char *line_beginning(const char *text, const char *beginning)
{
    const char *line = text;

    while (line != NULL && strncmp(line, beginning, strlen(beginning)) != 0) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    assert_non_null(line);
    return line;
}

static void assert_field(const char *text, const char *beginning, const char *column, const char *expected)
{
    char field[256];
    int index = 0;

    do
        csv_field(text, index, field);
    while (strcmp(field, column) != 0 && ++index < csv_columns(text));
    assert_string_equal(field, column);
    csv_field(line_beginning(text, beginning), index, field);
    assert_string_equal(field, expected);
}

static void csv_has_a_row_a_trial_and_source_with_all_digits(void **state)
{
    const qctx_sweep_definition definition = made_definition("csv");
    qctx_ledger *ledger = half_done(&definition);
    char *text = printed(qctx_sweep_print_csv, &definition, ledger);

    (void)state;
    assert_int_equal(strncmp(text,
                             "trial,state,data.train,model.form,batch.size,loss.logit_scale.init,metric,held_out,"
                             "held_out_no_head,strength,best_epoch,epochs,seconds,source,questions,candidates,pool,"
                             "order,resamples,top1_no_head,top1_no_head_low,top1_no_head_high,top1_head,",
                             200),
                     0);
    assert_contains(text,
                    "\n0,finished,\"[{corpus: corpora/squad/, split: train}]\",plain,512,20,mrr@10,0.51,0.62,1,12,"
                    "20,90,squad/dev,10535,pools,500,consecutive,1000,0.65,0.64,0.66,0.55,0.54,0.56,-0.1,-0.11,");
    assert_contains(text,
                    "plain,512,20,mrr@10,0.51,0.62,1,12,20,90,quac|dev,10535,pools,500,consecutive,1000,0.21875,");
    assert_field(text, "1,finished", "loss.logit_scale.init", "12.345678901234567");
    assert_field(text, "1,finished", "top10_head_high", "0.91");
    /* The summary, as earlier versions wrote it, counts from 0. */
    assert_field(text, "0,finished", "mean_position_no_head", "1.65");
    assert_field(text, "0,finished", "mean_position_difference", "-0.1");
    assert_field(text, "2,failed", "data.train", "[{corpus: corpora/squad}, {store: quac.h5, name: my quac}]");
    assert_field(text, "2,failed", "message",
                 "step 3: the loss is not finite, nan\nthe last good checkpoint is epoch-0001.h5 | sigh");
    assert_contains(text, "{store: quac.h5, name: \"\"my quac\"\"}]\",plain");
    assert_field(text, "3,running", "held_out", "");
    assert_field(text, "5,paused", "held_out", "0.333");
    assert_field(text, "5,paused", "epochs", "2");
    assert_field(text, "6,finished", "top1_head", "");
    for (int t = 0; t < 7; t++) {
        char beginning[8];

        snprintf(beginning, sizeof beginning, "%d,", t);
        assert_int_equal(csv_columns(line_beginning(text, beginning)), csv_columns(text));
    }
    free(text);
    qctx_ledger_close(ledger);
}

static void a_sweep_that_has_not_begun_says_so(void **state)
{
    const qctx_sweep_definition definition = made_definition("empty");
    qctx_ledger *ledger;
    char path[512], *text;

    (void)state;
    snprintf(path, sizeof path, "%s/empty/ledger.jsonl", definition.out);
    assert_status(qctx_folder_make_parent(path, &error), QCTX_OK, &error);
    test_write(path, "");
    *strrchr(path, '/') = '\0';
    assert_status(qctx_ledger_open(path, definition.space.count, false, &ledger, &error), QCTX_OK, &error);
    assert_status(qctx_ledger_refresh(ledger, &error), QCTX_OK, &error);
    assert_int_equal(qctx_sweep_best(ledger), -1);
    text = printed(qctx_sweep_print_status, &definition, ledger);
    assert_string_equal(text, "sweep empty\nrandom of 8 trials: 8 to begin\n");
    free(text);
    text = printed(qctx_sweep_print_markdown, &definition, ledger);
    assert_string_equal(text, "# Sweep empty\n\nrandom of 8 trials: 8 to begin\n\nNo trial has finished.\n");
    free(text);
    qctx_ledger_close(ledger);
}

/* Each of these in the place of a summary leaves its trial out, and says why. */
static void damaged_summaries_are_named(void **state)
{
    static const char *const damaged[][2] = {
        {"", "the file is empty, expected JSON"},
        {"[]", "found an array, expected an object"},
        {"{\"epochs\": 1, \"best\": {}, \"results\": []}", "the key 'seconds' is missing, expected a number"},
        {"{\"epochs\": 1, \"seconds\": 1, \"results\": []}", "'best' is nothing, expected an object"},
        {"{\"epochs\": 1, \"seconds\": 1, \"best\": {\"epoch\": 1, \"value\": \"x\"}, \"results\": []}",
         "'value' is a string, expected a number"},
        {"{\"epochs\": 1, \"seconds\": 1, \"best\": {\"epoch\": 1, \"value\": 1, \"no_head\": 1, \"strength\": 1}}",
         "the key 'results' is missing"},
        {"{\"epochs\": 1, \"seconds\": 1, \"best\": {\"epoch\": 1, \"value\": 1, \"no_head\": 1, \"strength\": 1}, "
         "\"results\": [{\"source\": \"a\", \"questions\": 3, \"resamples\": 10, \"candidates\": \"all\"}]}",
         "expected pools, split or corpus"},
        {"{\"epochs\": 1, \"seconds\": 1, \"best\": {\"epoch\": 1, \"value\": 1, \"no_head\": 1, \"strength\": 1}, "
         "\"results\": [{\"source\": \"a\", \"questions\": 3, \"resamples\": 10, \"candidates\": \"split\", "
         "\"no_head\": {\"top1\": {\"value\": 1e300, \"low\": 0, \"high\": 0}}}]}",
         "'value' is 1e+300, expected at most 1"},
        {"{\"epochs\": 1, \"seconds\": 1, \"best\": {\"epoch\": 1, \"value\": 1, \"no_head\": 1, \"strength\": 1}, "
         "\"results\": [{\"source\": \"a\", \"questions\": 3, \"resamples\": 10, \"candidates\": \"split\"}]}",
         "'top1' of 'no_head' is nothing, expected an object"},
    };
    const qctx_sweep_definition definition = made_definition("damaged");
    qctx_ledger *ledger = half_done(&definition);

    (void)state;
    for (size_t d = 0; d < sizeof damaged / sizeof damaged[0]; d++) {
        char *text;

        write_trial(&definition, 1, "summary.json", damaged[d][0]);
        text = printed(qctx_sweep_print_markdown, &definition, ledger);
        assert_contains(text, "- 1 (trained on squad, form residual, logit_scale.init 12.35): no results: ");
        assert_contains(text, damaged[d][1]);
        assert_contains(text, "| 0       | squad ");
        free(text);
    }
    qctx_ledger_close(ledger);
}

static void variants_have_the_names_that_were_given(void **state)
{
    qctx_sweep_definition definition = made_definition("variants");
    qctx_ledger *ledger;
    char path[512], *text;

    (void)state;
    definition.space = (qctx_space){1, variant};
    snprintf(path, sizeof path, "%s/variants/ledger.jsonl", definition.out);
    assert_status(qctx_folder_make_parent(path, &error), QCTX_OK, &error);
    test_write(path,
               "{\"event\": \"begun\", \"trial\": 0, \"units\": [0.25], \"overrides\": [\"my way=\\\"no: 1\\\"\"], "
               "\"host\": \"n1\", \"time\": \"2026-01-31T12:00:00Z\"}\n"
               "{\"event\": \"finished\", \"trial\": 0, \"epoch\": 20, \"metric\": 0.51, \"no_head\": 0.62, "
               "\"strength\": 1.0, \"seconds\": 90.0}\n");
    write_summary(&definition, 0, 12, 0.51, 1.0, 90.0, json_pack("[o]", result("dev", 0.65, 0.55)));
    *strrchr(path, '/') = '\0';
    assert_status(qctx_ledger_open(path, 1, false, &ledger, &error), QCTX_OK, &error);
    assert_status(qctx_ledger_refresh(ledger, &error), QCTX_OK, &error);
    text = printed(qctx_sweep_print_markdown, &definition, ledger);
    assert_contains(text, "| trial   | my way | dev top-1 ");
    assert_contains(text, "| no head | no: 1  | 65.0 ");
    assert_contains(text, "| 0       | no: 1  | 55.0 ");
    free(text);
    qctx_ledger_close(ledger);
}

static void a_full_disk_is_reported(void **state)
{
    const qctx_sweep_definition definition = made_definition("full");
    qctx_ledger *ledger = half_done(&definition);
    FILE *full = fopen("/dev/full", "w");

    (void)state;
    assert_status(qctx_sweep_print_csv(full, &definition, ledger, &error), QCTX_ERR_IO, &error);
    fclose(full);
    qctx_ledger_close(ledger);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(status_tells_what_runs_what_is_best_and_what_failed),
    cmocka_unit_test(markdown_has_no_head_beside_the_heads_and_names_losses),
    cmocka_unit_test(csv_has_a_row_a_trial_and_source_with_all_digits),
    cmocka_unit_test(a_sweep_that_has_not_begun_says_so),
    cmocka_unit_test(damaged_summaries_are_named),
    cmocka_unit_test(variants_have_the_names_that_were_given),
    cmocka_unit_test(a_full_disk_is_reported),
};
TEST_MAIN(tests)
