/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "made_pretrained.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"
#include "qctx/encoder/encoder.h"
#include "transformer_reference.h"

static qctx_error error;

enum { COUNT = 150 };

static const made_options plain = {0};

static char *settings_of(const char *model, const char *rest)
{
    return qctx_format(&error, "{\"model\":\"%s\"%s%s}", model, rest[0] != '\0' ? "," : "", rest);
}

/* An encoder of this folder, with more settings. */
static qctx_encoder *opened(const char *model, const char *rest)
{
    char *settings = settings_of(model, rest);
    qctx_encoder *encoder = NULL;

    assert_status(qctx_encoder_create("pretrained", settings, &encoder, &error), QCTX_OK, &error);
    free(settings);
    return encoder;
}

static void expect_refused(const char *model, const char *rest, qctx_status status, const char *message)
{
    char *settings = settings_of(model, rest);
    qctx_encoder *encoder = NULL;

    assert_status(qctx_encoder_create("pretrained", settings, &encoder, &error), status, &error);
    assert_contains(error.message, message);
    free(settings);
}

static float *encoded(qctx_encoder *encoder, qctx_side side, const char *const *texts, int64_t count)
{
    float *rows = malloc((size_t)(count * qctx_encoder_dim(encoder)) * sizeof *rows);

    assert_status(qctx_encoder_encode(encoder, side, texts, count, rows, &error), QCTX_OK, &error);
    return rows;
}

/* Sentences of made-up words, a few of them longer than the model takes. */
static char **make_texts(void)
{
    char **texts = malloc(COUNT * sizeof *texts);

    for (int i = 0; i < COUNT; i++) {
        int length = i % 29 + (i % 7 == 0 ? 60 : 0);

        texts[i] = calloc((size_t)length + 1, 1);
        for (int c = 0; c < length; c++)
            texts[i][c] = (c * 5 + i) % 6 == 5 ? ' ' : (char)('a' + (c * c * 7 + i * 13) % 22);
    }
    return texts;
}

static void free_texts(char **texts)
{
    for (int i = 0; i < COUNT; i++)
        free(texts[i]);
    free(texts);
}

static double distance(const float *a, const float *b, int64_t dim)
{
    double sum = 0.0;

    for (int64_t j = 0; j < dim; j++)
        sum += ((double)a[j] - b[j]) * ((double)a[j] - b[j]);
    return sqrt(sum);
}

static void test_rows_are_the_reference_of_the_tokens(void **state)
{
    const char *model = made_folder_write("model", &plain);
    /* By hand: [CLS] a ##b c [SEP], and [CLS] [UNK] ? [SEP]: there is no z. */
    const char *const texts[] = {"Ab c", "z ?"};
    const int32_t ids[] = {2, 5, 28, 7, 3, 2, 1, 51, 3};
    const int64_t offsets[] = {0, 5, 9};
    qctx_token_batch batch = {2, offsets, ids};
    qctx_model_folder folder = made_folder(QCTX_BERT);
    qctx_encoder *encoder = opened(model, "");
    float *rows = encoded(encoder, QCTX_QUESTION, texts, 2);
    double expected[2 * MADE_D];
    char path[1024];

    (void)state;
    assert_int_equal(qctx_encoder_dim(encoder), MADE_D);
    folder.prefix = "";
    snprintf(path, sizeof path, "%s/model.safetensors", model);
    assert_status(qctx_safetensors_open(path, &folder.tensors, &error), QCTX_OK, &error);
    assert_status(transformer_reference(&folder, 0, &batch, expected, &error), QCTX_OK, &error);
    for (int i = 0; i < 2; i++) {
        double norm = 0.0, length = 0.0;

        for (int j = 0; j < MADE_D; j++) {
            norm += expected[i * MADE_D + j] * expected[i * MADE_D + j];
            length += (double)rows[i * MADE_D + j] * rows[i * MADE_D + j];
        }
        assert_close(length, 1.0, 1e-6);
        for (int j = 0; j < MADE_D; j++)
            assert_close(rows[i * MADE_D + j], expected[i * MADE_D + j] / sqrt(norm), 1e-5);
    }
    free(rows);
    qctx_safetensors_close(folder.tensors);
    qctx_encoder_destroy(encoder);
}

static void test_threads_change_no_bit_and_company_next_to_none(void **state)
{
    char **texts = make_texts();
    const char *const *read = (const char *const *)texts;
    int before = omp_get_max_threads();
    qctx_encoder *encoder = opened(made_folder_write("model", &plain), "");
    float *one, *three;

    (void)state;
    omp_set_num_threads(1);
    one = encoded(encoder, QCTX_CONTEXT, read, COUNT);
    omp_set_num_threads(3);
    three = encoded(encoder, QCTX_CONTEXT, read, COUNT);
    omp_set_num_threads(before);
    assert_memory_equal(one, three, COUNT * MADE_D * sizeof *one);
    for (int i = 0; i < COUNT; i++) {
        float *alone = encoded(encoder, QCTX_CONTEXT, read + i, 1);

        assert_true(distance(alone, one + i * MADE_D, MADE_D) < 1e-6);
        free(alone);
    }
    free(one);
    free(three);
    free_texts(texts);
    qctx_encoder_destroy(encoder);
}

static void test_a_smaller_dim_keeps_the_first_coordinates(void **state)
{
    const char *model = made_folder_write("model", &plain);
    const char *const texts[] = {"a bad cab"};
    qctx_encoder *whole = opened(model, ""), *cut = opened(model, "\"dim\":7");
    float *long_row = encoded(whole, QCTX_QUESTION, texts, 1), *row = encoded(cut, QCTX_QUESTION, texts, 1);
    double norm = 0.0;

    (void)state;
    assert_int_equal(qctx_encoder_dim(cut), 7);
    for (int j = 0; j < 7; j++)
        norm += (double)long_row[j] * long_row[j];
    for (int j = 0; j < 7; j++)
        assert_close(row[j], long_row[j] / sqrt(norm), 1e-6);
    expect_refused(model, "\"dim\":25", QCTX_ERR_CONFIG, "dim: found 25, expected at most 24");
    free(long_row);
    free(row);
    qctx_encoder_destroy(whole);
    qctx_encoder_destroy(cut);
}

static void expect_same(qctx_encoder *left, qctx_side side, const char *a, qctx_encoder *right, const char *b)
{
    float *x = encoded(left, side, &a, 1), *y = encoded(right, QCTX_QUESTION, &b, 1);

    assert_memory_equal(x, y, MADE_D * sizeof *x);
    free(x);
    free(y);
}

static void test_prompts_stand_before_the_texts_of_their_side(void **state)
{
    made_options with = {.prompts = "{\"query\":\"dig: \",\"document\":\"hold \"}"};
    const char *model = made_folder_write("with_prompts", &with);
    qctx_encoder *bare = opened(made_folder_write("model", &plain), ""), *own = opened(model, "");
    qctx_encoder *told = opened(model, "\"question_prompt\":\"\",\"context_prompt\":\"fed \"");

    (void)state;
    expect_same(own, QCTX_QUESTION, "a cat", bare, "dig: a cat");
    expect_same(own, QCTX_CONTEXT, "a cat", bare, "hold a cat");
    expect_same(told, QCTX_QUESTION, "a cat", bare, "a cat");
    expect_same(told, QCTX_CONTEXT, "a cat", bare, "fed a cat");
    qctx_encoder_destroy(bare);
    qctx_encoder_destroy(own);
    qctx_encoder_destroy(told);
}

static void test_the_sides_may_have_models_of_their_own(void **state)
{
    float bias[MADE_D] = {3.0f, -1.0f};
    made_options other = {.last_bias = bias};
    char *first = qctx_strdup(made_folder_write("model", &plain), &error);
    char *second = qctx_strdup(made_folder_write("other", &other), &error);
    char *rest = qctx_format(&error, "\"context_model\":\"%s\"", second);
    qctx_encoder *both = opened(first, rest), *one = opened(first, ""), *two = opened(second, "");

    (void)state;
    expect_same(both, QCTX_QUESTION, "a cat", one, "a cat");
    expect_same(both, QCTX_CONTEXT, "a cat", two, "a cat");
    qctx_encoder_destroy(both);
    qctx_encoder_destroy(one);
    qctx_encoder_destroy(two);
    free(rest);
    free(first);
    free(second);
}

static void test_pooling_and_precision_are_the_callers_choice(void **state)
{
    made_options cls = {.pooling_mode = "cls"};
    const char *model = made_folder_write("model", &plain);
    char **texts = make_texts();
    qctx_encoder *wide = opened(model, ""), *narrow = opened(model, "\"precision\":\"bfloat16\"");
    qctx_encoder *joined = opened(model, "\"pooling\":\"cls+max\""), *told = opened(model, "\"pooling\":\"cls\"");
    qctx_encoder *own = opened(made_folder_write("cls", &cls), "");
    float *rows = encoded(wide, QCTX_CONTEXT, (const char *const *)texts, COUNT);
    float *others = encoded(narrow, QCTX_CONTEXT, (const char *const *)texts, COUNT);

    (void)state;
    /* |x − y|² = 2 − 2·cosine. */
    for (int i = 0; i < COUNT; i++)
        assert_true(distance(rows + i * MADE_D, others + i * MADE_D, MADE_D) <= sqrt(2 * 1e-3));
    assert_int_equal(qctx_encoder_dim(joined), 2 * MADE_D);
    expect_same(told, QCTX_QUESTION, "a cat", own, "a cat");
    free(rows);
    free(others);
    free_texts(texts);
    qctx_encoder_destroy(wide);
    qctx_encoder_destroy(narrow);
    qctx_encoder_destroy(joined);
    qctx_encoder_destroy(told);
    qctx_encoder_destroy(own);
}

static void test_every_text_has_a_row_of_unit_length(void **state)
{
    made_options bare = {.no_special = true};
    const char *const texts[] = {"", "a cat", " \t", "\xff\xfe"};
    qctx_encoder *special = opened(made_folder_write("model", &plain), "");
    qctx_encoder *none = opened(made_folder_write("bare", &bare), "");
    float *rows = encoded(special, QCTX_QUESTION, texts, 4), *others = encoded(none, QCTX_QUESTION, texts, 4);

    (void)state;
    for (int i = 0; i < 4; i++) {
        double length = 0.0, other = 0.0;

        for (int j = 0; j < MADE_D; j++) {
            length += (double)rows[i * MADE_D + j] * rows[i * MADE_D + j];
            other += (double)others[i * MADE_D + j] * others[i * MADE_D + j];
        }
        assert_close(length, 1.0, 1e-6);
        assert_close(other, 1.0, 1e-6);
    }
    /* No token at all: the first unit vector. */
    assert_true(others[0] == 1.0f && others[2 * MADE_D] == 1.0f);
    assert_true(distance(rows, rows + 2 * MADE_D, MADE_D) == 0.0 && rows[0] != 1.0f);
    free(rows);
    free(others);
    assert_status(qctx_encoder_encode(special, QCTX_QUESTION, NULL, 0, NULL, &error), QCTX_OK, &error);
    qctx_encoder_destroy(special);
    qctx_encoder_destroy(none);
}

static void test_a_vector_that_is_not_finite_is_refused(void **state)
{
    float bias[MADE_D] = {NAN};
    made_options broken = {.last_bias = bias};
    qctx_encoder *encoder = opened(made_folder_write("broken", &broken), "");
    char **texts = make_texts();
    float *rows = malloc(COUNT * MADE_D * sizeof *rows);
    int before = omp_get_max_threads();

    (void)state;
    omp_set_num_threads(3);
    assert_status(qctx_encoder_encode(encoder, QCTX_QUESTION, (const char *const *)texts, COUNT, rows, &error),
                  QCTX_ERR_DATA, &error);
    omp_set_num_threads(before);
    assert_contains(error.message, "no finite vector for the text '");
    free(rows);
    free_texts(texts);
    qctx_encoder_destroy(encoder);
}

static void test_work_is_counted(void **state)
{
    /* 3 + 2 tokens, and 30 letters in words of one: cut to 20. */
    const char *const texts[] = {"a b c", "a b c d e f g h i j a b c d e f g h i j a b c d e f g h i j"};
    qctx_encoder *encoder = opened(made_folder_write("model", &plain), "");
    qctx_encoder_work work;
    float *rows = encoded(encoder, QCTX_QUESTION, texts, 2);
    double layer = 25.0 * (4 * MADE_D * MADE_D + 2 * MADE_D * MADE_F) + (25.0 + 400.0) * 2 * MADE_D;

    (void)state;
    free(rows);
    rows = encoded(encoder, QCTX_CONTEXT, texts, 1);
    work = qctx_encoder_work_of(encoder);
    assert_int_equal(work.texts, 3);
    assert_int_equal(work.tokens, 30);
    assert_int_equal(work.truncated, 1);
    assert_true(work.flops > 2.0 * MADE_LAYERS * layer && work.flops < 2.5 * MADE_LAYERS * layer);
    free(rows);
    qctx_encoder_destroy(encoder);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_rows_are_the_reference_of_the_tokens),
    cmocka_unit_test(test_threads_change_no_bit_and_company_next_to_none),
    cmocka_unit_test(test_a_smaller_dim_keeps_the_first_coordinates),
    cmocka_unit_test(test_prompts_stand_before_the_texts_of_their_side),
    cmocka_unit_test(test_the_sides_may_have_models_of_their_own),
    cmocka_unit_test(test_pooling_and_precision_are_the_callers_choice),
    cmocka_unit_test(test_every_text_has_a_row_of_unit_length),
    cmocka_unit_test(test_a_vector_that_is_not_finite_is_refused),
    cmocka_unit_test(test_work_is_counted),
};
TEST_MAIN(tests)
