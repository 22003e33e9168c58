/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "made_pretrained.h"
#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/encoder/encoder.h"

static qctx_error error;
static const made_options plain = {0};

typedef struct {
    char *settings, *fingerprint;
    float row[MADE_D];
} kept_encoder;

/* Saves an encoder and a row of it, and ends it. */
static kept_encoder keep(qctx_encoder *encoder)
{
    const char *text = "a bad cab";
    kept_encoder kept = {NULL, qctx_encoder_fingerprint(encoder, &error), {0}};
    void *table;
    size_t bytes;

    assert_non_null(kept.fingerprint);
    assert_int_equal(qctx_encoder_dim(encoder), MADE_D);
    assert_status(qctx_encoder_encode(encoder, QCTX_QUESTION, &text, 1, kept.row, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_save(encoder, &kept.settings, &table, &bytes, &error), QCTX_OK, &error);
    assert_int_equal(bytes, 0);
    free(table);
    qctx_encoder_destroy(encoder);
    return kept;
}

static void drop(kept_encoder *kept)
{
    free(kept->settings);
    free(kept->fingerprint);
}

static qctx_encoder *created(const char *settings)
{
    qctx_encoder *encoder = NULL;

    assert_status(qctx_encoder_create("pretrained", settings, &encoder, &error), QCTX_OK, &error);
    return encoder;
}

static qctx_encoder *opened(const char *model, const char *rest)
{
    char *settings = qctx_format(&error, "{\"model\":\"%s\"%s}", model, rest);
    qctx_encoder *encoder = created(settings);

    free(settings);
    return encoder;
}

/* Restored from these settings, it gives the same row under the same fingerprint. */
static void expect_restored(const kept_encoder *before)
{
    qctx_encoder *encoder = NULL;
    kept_encoder after;

    assert_status(qctx_encoder_restore("pretrained", before->settings, "", 0, &encoder, &error), QCTX_OK, &error);
    after = keep(encoder);
    assert_string_equal(after.settings, before->settings);
    assert_string_equal(after.fingerprint, before->fingerprint);
    assert_memory_equal(after.row, before->row, sizeof after.row);
    drop(&after);
}

static void test_settings_are_kept_in_order_with_what_was_resolved(void **state)
{
    made_options with = {.prompts = "{\"query\":\"dig: \"}"};
    const char *model = made_folder_write("with_prompts", &with);
    kept_encoder first = keep(opened(model, ""));
    char *expected = qctx_format(&error,
                                 "{\"model\":\"%s\",\"context_model\":\"\",\"precision\":\"float32\",\"dim\":24,"
                                 "\"pooling\":\"\",\"question_prompt\":\"dig: \",\"context_prompt\":\"\",\"hash\":\"",
                                 model);

    (void)state;
    assert_memory_equal(first.settings, expected, strlen(expected));
    assert_int_equal(strlen(first.settings), strlen(expected) + strlen("0123456789abcdef\"}"));
    assert_int_equal(strlen(first.fingerprint), strlen("pretrained-0123456789abcdef"));
    expect_restored(&first);
    free(expected);
    drop(&first);
}

/* The fingerprint follows from what decides rows, and from nothing else. */
static void test_fingerprints_tell_encoders_apart(void **state)
{
    static const char *const others[] = {",\"dim\":23", ",\"precision\":\"bfloat16\"", ",\"pooling\":\"cls\"",
                                         ",\"question_prompt\":\"a\"", ",\"context_prompt\":\"a\""};
    float bias[MADE_D] = {0.25f};
    made_options changed = {.last_bias = bias};
    char *model = qctx_strdup(made_folder_write("model", &plain), &error), *fingerprint;
    kept_encoder first = keep(opened(model, "")), second = keep(opened(made_folder_write("copy", &plain), ""));
    kept_encoder third = keep(opened(made_folder_write("changed", &changed), ""));

    (void)state;
    assert_string_equal(first.fingerprint, second.fingerprint);
    assert_string_not_equal(first.fingerprint, third.fingerprint);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        qctx_encoder *other = opened(model, others[i]);

        fingerprint = qctx_encoder_fingerprint(other, &error);
        assert_string_not_equal(fingerprint, first.fingerprint);
        free(fingerprint);
        qctx_encoder_destroy(other);
    }
    free(model);
    drop(&first);
    drop(&second);
    drop(&third);
}

static void expect_not_restored(const char *settings, qctx_status status, const char *message, const char *hint)
{
    qctx_encoder *encoder;

    assert_status(qctx_encoder_restore("pretrained", settings, "", 0, &encoder, &error), status, &error);
    assert_contains(error.message, message);
    assert_contains(error.hint, hint);
}

static void test_a_folder_is_found_again_by_its_name(void **state)
{
    float bias[MADE_D] = {0.25f};
    made_options changed = {.last_bias = bias};
    char *model = qctx_strdup(made_folder_write("here/model", &plain), &error), *list;
    char *there = qctx_strdup(test_path("there"), &error);
    kept_encoder first = keep(opened(model, ""));

    (void)state;
    unsetenv("QCTX_MODELS");
    assert_int_equal(qctx_folder_make(there, &error), QCTX_OK);
    assert_int_equal(rename(model, test_path("there/model")), 0);
    expect_not_restored(first.settings, QCTX_ERR_IO, "here/model: there is no such model folder", "QCTX_MODELS");
    list = qctx_format(&error, "/nowhere::%s", there);
    setenv("QCTX_MODELS", list, 1);
    expect_restored(&first);
    setenv("QCTX_MODELS", "/nowhere:/else", 1);
    expect_not_restored(first.settings, QCTX_ERR_IO, "nor one of its name in /nowhere:/else", "QCTX_MODELS");
    /* Another model in its place. */
    made_folder_write("here/model", &changed);
    expect_not_restored(first.settings, QCTX_ERR_MISMATCH, "here/model: found a model with the hash ", "QCTX_MODELS");
    assert_contains(error.message, strstr(first.settings, "\"hash\":\"") != NULL ? ", expected the one with " : "");
    unsetenv("QCTX_MODELS");
    free(list);
    free(there);
    free(model);
    drop(&first);
}

static void test_a_table_is_refused(void **state)
{
    kept_encoder first = keep(opened(made_folder_write("model", &plain), ""));
    qctx_encoder *encoder;

    (void)state;
    assert_status(qctx_encoder_restore("pretrained", first.settings, "x", 1, &encoder, &error), QCTX_ERR_FORMAT,
                  &error);
    assert_contains(error.message, "found 1 bytes, expected none");
    drop(&first);
}

static void expect_settings_refused(const char *settings, const char *message, const char *hint)
{
    qctx_encoder *encoder;

    error.hint[0] = '\0';
    assert_status(qctx_encoder_create("pretrained", settings, &encoder, &error), QCTX_ERR_CONFIG, &error);
    assert_contains(error.message, "settings of the encoder 'pretrained'");
    assert_contains(error.message, message);
    assert_contains(error.hint, hint);
}

static void test_bad_settings_are_refused(void **state)
{
    (void)state;
    expect_settings_refused(NULL, "model: found nothing, expected the folder of a model", "path/to/model");
    expect_settings_refused("{\"model\":\"\"}", "model: found nothing", "");
    expect_settings_refused("{\"model\":3}", "model: found an integer, expected a string", "");
    expect_settings_refused("{\"modell\":\"x\"}", "unknown setting 'modell'", "'model'");
    expect_settings_refused("{\"colour\":\"x\"}", "unknown setting 'colour'", "question_prompt");
    expect_settings_refused("{\"dim\":-1}", "dim: found -1", "");
    expect_settings_refused("{\"dim\":1.5}", "dim: found a number, expected a whole number", "");
    expect_settings_refused("{\"precision\":\"int8\"}", "found 'int8', expected float32, bfloat16 or auto", "");
    expect_settings_refused("{\"precision\":null}", "precision: found null, expected a string", "");
    expect_settings_refused("{\"hash\":\"0123\"}", "hash: found '0123', expected 16 hexadecimal digits", "");
    expect_settings_refused("{\"hash\":\"0123456789abcdefa\"}", "expected 16 hexadecimal digits", "");
    expect_settings_refused("[]", "found an array, expected an object", "");
    expect_settings_refused("{", "", "");
}

static void expect_model_refused(const char *model, const char *rest, qctx_status status, const char *message)
{
    char *settings = qctx_format(&error, "{\"model\":\"%s\"%s}", model, rest);
    qctx_encoder *encoder;

    assert_status(qctx_encoder_create("pretrained", settings, &encoder, &error), status, &error);
    assert_contains(error.message, message);
    free(settings);
}

static void test_models_that_do_not_fit_are_refused(void **state)
{
    made_options longer = {.extra_tokens = 3};
    made_options cls = {.pooling_mode = "cls"};
    const char *model = made_folder_write("longer", &longer);
    char *other, *empty;

    (void)state;
    expect_model_refused(model, "", QCTX_ERR_MISMATCH, "the tokenizer gives ids up to 55, but ");
    assert_contains(error.message, "model.safetensors has embeddings for 53 tokens, ids up to 52");
    model = made_folder_write("model", &plain);
    expect_model_refused(model, ",\"pooling\":\"end_of_text\"", QCTX_ERR_CONFIG, "");
    expect_model_refused(model, ",\"pooling\":\"median\"", QCTX_ERR_CONFIG, "median");
    other = qctx_format(&error, ",\"context_model\":\"%s/none\"", made_folder_write("cls", &cls));
    expect_model_refused(model, other, QCTX_ERR_IO, "cls/none: there is no such model folder");
    empty = qctx_strdup(test_path("empty"), &error);
    assert_int_equal(qctx_folder_make(empty, &error), QCTX_OK);
    expect_model_refused(empty, "", error.code, "empty");
    free(other);
    free(empty);
}

/* As BertTokenizer adds its [MASK] to a vocabulary without one: such a model has always been usable. */
static void test_an_added_token_without_embedding_is_refused_in_texts_alone(void **state)
{
    static const char *const texts[] = {"a b c", "a [M] c"};
    const char *model = made_folder_write("masked", &plain);
    char *settings = qctx_format(&error, "{\"model\":\"%s\"}", model);
    char *config = qctx_path_join(model, "tokenizer_config.json", &error);
    qctx_encoder *encoder;
    float *row;

    (void)state;
    test_write(config, "{\"tokenizer_class\":\"BertTokenizer\",\"mask_token\":\"[M]\"}");
    assert_status(qctx_encoder_create("pretrained", settings, &encoder, &error), QCTX_OK, &error);
    row = test_calloc((size_t)qctx_encoder_dim(encoder), sizeof *row);
    assert_status(qctx_encoder_encode(encoder, QCTX_QUESTION, &texts[0], 1, row, &error), QCTX_OK, &error);
    assert_status(qctx_encoder_encode(encoder, QCTX_QUESTION, &texts[1], 1, row, &error), QCTX_ERR_MISMATCH, &error);
    assert_contains(error.message, "a text holds the added token with id 53, but ");
    qctx_encoder_destroy(encoder);
    test_free(row);
    free(config);
    free(settings);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_settings_are_kept_in_order_with_what_was_resolved),
    cmocka_unit_test(test_fingerprints_tell_encoders_apart),
    cmocka_unit_test(test_a_folder_is_found_again_by_its_name),
    cmocka_unit_test(test_a_table_is_refused),
    cmocka_unit_test(test_bad_settings_are_refused),
    cmocka_unit_test(test_models_that_do_not_fit_are_refused),
    cmocka_unit_test(test_an_added_token_without_embedding_is_refused_in_texts_alone),
};
TEST_MAIN(tests)
