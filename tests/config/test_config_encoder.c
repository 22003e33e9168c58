/* ranks: 1 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/config/config.h"
#include "qctx/dataset/encoders.h"

static qctx_error error;

static const char minimal[] = "data: {train: [{corpus: c}]}\n";

/* Another value than the default for every key of data.encoder and encoder. */
static const char everything[] = "data: {train: [{corpus: c}], encoder: [hashing, \"a, b\", models/m]}\n"
                                 "encoder: {precision: auto, dim: 64, pooling: cls+max, question_prompt: \"query: \",\n"
                                 "          context_prompt: \"\", context_model: models/c, weights: [1, 0.25, 1e-3]}\n";

static qctx_config parse(const char *text, const char *const *overrides, int64_t count)
{
    qctx_config config;

    assert_status(qctx_config_parse(text, strlen(text), "a.yaml", overrides, count, &config, &error), QCTX_OK, &error);
    return config;
}

static const char *refuse(const char *override, const char *more)
{
    const char *const overrides[] = {override, more};
    qctx_config config;

    assert_status(
        qctx_config_parse(minimal, strlen(minimal), "a.yaml", overrides, more != NULL ? 2 : 1, &config, &error),
        QCTX_ERR_CONFIG, &error);
    return error.message;
}

static void check_everything(const qctx_config *c)
{
    assert_int_equal(c->data.encoder.count, 3);
    assert_string_equal(c->data.encoder.items[0].model, "hashing");
    assert_string_equal(c->data.encoder.items[1].model, "a, b");
    assert_string_equal(c->data.encoder.items[2].model, "models/m");
    assert_int_equal(c->encoder.precision, QCTX_PRECISION_AUTO);
    assert_int_equal(c->encoder.dim, 64);
    assert_string_equal(c->encoder.pooling, "cls+max");
    assert_string_equal(c->encoder.question_prompt, "query: ");
    assert_string_equal(c->encoder.context_prompt, "");
    assert_string_equal(c->encoder.context_model, "models/c");
    assert_int_equal(c->encoder.weights.count, 3);
    assert_true(c->encoder.weights.items[1] == 0.25 && c->encoder.weights.items[2] == 1e-3);
    assert_false(c->encoder.tune);
}

static void defaults_are_the_models_own(void **state)
{
    qctx_config c = parse(minimal, NULL, 0);
    const qctx_encoder_spec spec = qctx_config_encoder_spec(&c);

    (void)state;
    assert_int_equal(c.data.encoder.count, 1);
    assert_string_equal(c.data.encoder.items[0].model, "hashing");
    assert_int_equal(c.encoder.precision, QCTX_PRECISION_FLOAT32);
    assert_string_equal(c.encoder.question_prompt, QCTX_PROMPT_OF_MODEL);
    assert_int_equal(c.encoder.weights.count, 0);
    assert_null(qctx_encoder_spec_model_setting(&spec));
    qctx_config_free(&c);
}

static void lists_survive_the_dump(void **state)
{
    qctx_config c = parse(everything, NULL, 0), copy;
    char *dump = qctx_config_dump(&c, &error);

    (void)state;
    check_everything(&c);
    assert_contains(dump, "\n  encoder: [hashing, \"a, b\", models/m]\n");
    assert_contains(dump, "\n  weights: [1, 0.25, 0.001]\n");
    copy = parse(dump, NULL, 0);
    check_everything(&copy);
    assert_status(qctx_config_check_resume(&c, &copy, &error), QCTX_OK, &error);
    qctx_config_free(&copy);
    copy = parse(dump, (const char *const[]){"encoder.weights=[1, 1, 1]"}, 1);
    assert_status(qctx_config_check_resume(&c, &copy, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, "encoder.weights: was [1, 0.25, 0.001], now it is [1, 1, 1]");
    qctx_config_free(&copy);
    qctx_config_free(&c);
    free(dump);
}

/* Nothing is written of an encoder that was left to a store: the default would be taken for what was asked. */
static void an_encoder_left_to_a_store_is_not_dumped(void **state)
{
    qctx_config c = parse("data: {train: [{store: s.h5}]}\n", NULL, 0);
    char *dump = qctx_config_dump(&c, &error);

    (void)state;
    assert_null(strstr(dump, "\n  encoder:"));
    qctx_config_free(&c);
    free(dump);
    c = parse("data: {train: [{store: s.h5}], encoder: hashing}\n", NULL, 0);
    dump = qctx_config_dump(&c, &error);
    assert_contains(dump, "\n  encoder: hashing\n");
    qctx_config_free(&c);
    free(dump);
}

static void overrides_replace_lists(void **state)
{
    qctx_config c =
        parse(everything, (const char *const[]){"data.encoder=models/one", "encoder.weights=[]", "encoder.dim=0"}, 3);

    (void)state;
    assert_int_equal(c.data.encoder.count, 1);
    assert_string_equal(c.data.encoder.items[0].model, "models/one");
    assert_int_equal(c.encoder.weights.count, 0);
    qctx_config_free(&c);
    c = parse(minimal, (const char *const[]){"data.encoder=[hashing, m]", "encoder.tune=true"}, 2);
    assert_true(c.encoder.tune);
    qctx_config_free(&c);
}

static void lists_are_checked(void **state)
{
    (void)state;
    assert_contains(refuse("data.encoder=[]", NULL),
                    "data.encoder: expected an encoder or a list of encoders, found an empty");
    assert_contains(refuse("data.encoder={a: b}", NULL),
                    "data.encoder.a: unknown key; an encoder has model, field, weight");
    assert_contains(refuse("data.encoder=", NULL), "data.encoder: expected a text, found no value");
    assert_contains(refuse("data.encoder=[hashing, [m]]", NULL), "data.encoder[1]: expected a text, found a list");
    assert_contains(refuse("data.encoder=[m, hashing, m]", NULL), "data.encoder: names m twice");
    assert_contains(refuse("data.encoder=[a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]", NULL), "expected at most 16");
    assert_contains(refuse("data.encoder=[hashing, m]", "encoder.weights=1"),
                    "encoder.weights: expected a list of numbers ≥ 0, found a single value");
    assert_contains(refuse("data.encoder=[hashing, m]", "encoder.weights=[1, -1]"), "encoder.weights[1]: expected");
    assert_contains(refuse("data.encoder=[hashing, m]", "encoder.weights=[1, x]"), "encoder.weights[1]: expected");
    assert_contains(refuse("data.encoder=[hashing, m]", "encoder.weights=[1]"), "expected 2 numbers");
    assert_contains(refuse("data.encoder=[hashing, m]", "encoder.weights=[0, 0]"), "a sum above 0");
    assert_contains(refuse("data.encoder=[hashing, m]", "encoder.weights=[1, 1e7]"), "at most 1e6");
    assert_contains(refuse("encoder.dim=-1", NULL), "encoder.dim: expected a whole number in [0, 65536]");
}

/* An entry with a field or a weight is a mapping, and is written as one; a plain name stays one. */
static void fields_survive_the_dump(void **state)
{
    static const char text[] = "data:\n  train: [{corpus: c}]\n"
                               "  encoder: [hashing, {model: m}, {model: m, field: \"a: b\", weight: 0.25},\n"
                               "            {field: title, model: hashing, weight: 0}]\n";
    qctx_config c = parse(text, NULL, 0), copy;
    char *dump = qctx_config_dump(&c, &error);

    (void)state;
    assert_contains(dump, "\n  encoder: [hashing, m, {model: m, field: \"a: b\", weight: 0.25}, "
                          "{model: hashing, field: title, weight: 0}]\n");
    copy = parse(dump, NULL, 0);
    assert_int_equal(copy.data.encoder.count, 4);
    assert_null(copy.data.encoder.items[1].field);
    assert_true(copy.data.encoder.items[1].weight == 1.0);
    assert_string_equal(copy.data.encoder.items[2].field, "a: b");
    assert_true(copy.data.encoder.items[2].weight == 0.25 && copy.data.encoder.items[3].weight == 0.0);
    assert_status(qctx_config_check_resume(&c, &copy, &error), QCTX_OK, &error);
    qctx_config_free(&copy);
    qctx_config_free(&c);
    free(dump);
    c = parse(minimal, (const char *const[]){"data.encoder={model: m, field: paragraph}"}, 1);
    assert_int_equal(c.data.encoder.count, 1);
    assert_string_equal(c.data.encoder.items[0].field, "paragraph");
    qctx_config_free(&c);
}

static void entries_are_checked(void **state)
{
    (void)state;
    assert_contains(refuse("data.encoder=[hashing, {field: title}]", NULL), "data.encoder[1]: expected a model");
    assert_contains(refuse("data.encoder=[{model: hashing, feild: title}]", NULL),
                    "data.encoder[0].feild: unknown key; did you mean field?");
    assert_contains(refuse("data.encoder={model: m, field: \"\"}", NULL), "data.encoder.field: expected a text");
    assert_contains(refuse("data.encoder=[{model: m, field: [a]}]", NULL), "data.encoder[0].field: expected a text");
    assert_contains(refuse("data.encoder=[{model: m, weight: -0.5}]", NULL),
                    "data.encoder[0].weight: expected a number ≥ 0, found '-0.5'");
    assert_contains(refuse("data.encoder=[{model: m, weight: 0}, {model: h, weight: 0}]", NULL),
                    "data.encoder: expected weights whose sum is above 0");
    assert_contains(refuse("data.encoder=[{model: m, weight: 1e7}, h]", NULL), "at most 1e6");
    assert_contains(refuse("data.encoder=[{model: m, field: title}, {model: m, field: title}]", NULL),
                    "data.encoder: names m twice with the field 'title'");
    /* Titles stand in front of contexts without a field, unless data.titles says otherwise. */
    assert_contains(refuse("data.encoder=[m, {model: m, field: title+text}]", NULL),
                    "data.encoder: names m twice with the field 'title+text'");
    assert_contains(refuse("data.encoder=[m, {model: m, field: text}]", "data.titles=false"),
                    "data.encoder: names m twice with the field 'text'");
    assert_contains(refuse("data.encoder=[m, {model: m, field: title}]", "encoder.weights=[1, 1]"),
                    "encoder.weights: is for plain names in data.encoder");
    assert_contains(refuse("data.encoder=[m, {model: m, field: title, weight: 0.5}]", "encoder.tune=true"),
                    "encoder.tune: chooses the weights");
}

/* What would be passed over is refused. */
static void keys_have_to_apply(void **state)
{
    (void)state;
    assert_contains(refuse("encoder.precision=auto", NULL), "encoder.precision: is for model folders");
    assert_contains(refuse("encoder.dim=3", NULL), "encoder.dim: is for model folders");
    assert_contains(refuse("encoder.pooling=cls", NULL), "encoder.pooling: is for model folders");
    assert_contains(refuse("encoder.question_prompt=\"\"", NULL), "encoder.question_prompt: is for model folders");
    assert_contains(refuse("encoder.context_prompt=\"p: \"", NULL), "encoder.context_prompt: is for model folders");
    assert_contains(refuse("encoder.context_model=m", NULL), "encoder.context_model: is for model folders");
    assert_contains(refuse("data.encoder=m", "encoder.weights=[1]"), "encoder.weights: is for several encoders");
    assert_contains(refuse("data.encoder=m", "encoder.tune=true"), "encoder.tune: chooses the weights of several");
    assert_contains(refuse("data.encoder=[hashing, m]", "encoder={tune: true, weights: [1, 1]}"),
                    "leave encoder.weights out");
}

static void tuning_needs_held_out_questions(void **state)
{
    const char *const overrides[] = {"data.encoder=[hashing, m]", "encoder.tune=true", "eval.tune=0"};
    qctx_config config;

    (void)state;
    assert_status(qctx_config_parse(minimal, strlen(minimal), "a.yaml", overrides, 3, &config, &error), QCTX_ERR_CONFIG,
                  &error);
    assert_contains(error.message, "encoder.tune: needs held-out questions");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(defaults_are_the_models_own),
    cmocka_unit_test(lists_survive_the_dump),
    cmocka_unit_test(an_encoder_left_to_a_store_is_not_dumped),
    cmocka_unit_test(overrides_replace_lists),
    cmocka_unit_test(lists_are_checked),
    cmocka_unit_test(fields_survive_the_dump),
    cmocka_unit_test(entries_are_checked),
    cmocka_unit_test(keys_have_to_apply),
    cmocka_unit_test(tuning_needs_held_out_questions),
};
TEST_MAIN(tests)
