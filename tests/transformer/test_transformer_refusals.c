/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "made_model.h"

static qctx_error error;

/* Every tensor is needed, and in its shape. */
static void test_a_missing_tensor_and_a_wrong_shape_are_refused(void **state)
{
    static made_tensors whole, other;

    (void)state;
    for (qctx_architecture a = QCTX_BERT; a <= MADE_LAST_ARCHITECTURE; a++) {
        qctx_model_folder folder = made_folder(a);
        qctx_transformer *transformer;

        made_model_tensors(&folder, &whole);
        for (int64_t i = 0; i < whole.count; i++)
            for (int wrong = 0; wrong < 2; wrong++) {
                char name[MADE_NAME_MAX];

                other = whole;
                snprintf(name, sizeof name, "%s", whole.items[i].name);
                if (wrong)
                    other.items[i].shape[0]++;
                else
                    other.items[i] = other.items[--other.count];
                made_open(&folder, &other, "F32");
                assert_status(qctx_transformer_create(&folder, QCTX_PRECISION_FLOAT32, 0, &transformer, &error),
                              QCTX_ERR_FORMAT, &error);
                assert_null(transformer);
                assert_contains(error.message, "model.safetensors");
                assert_contains(error.message, name);
                assert_int_equal(qctx_transformer_check(&folder, 0, &(int64_t){0}, &error), QCTX_ERR_FORMAT);
                assert_contains(error.message, name);
                qctx_safetensors_close(folder.tensors);
            }
    }
}

static void expect_refused(const qctx_model_folder *folder, unsigned pooling, const char *message)
{
    qctx_transformer *transformer;

    assert_status(qctx_transformer_create(folder, QCTX_PRECISION_FLOAT32, pooling, &transformer, &error),
                  QCTX_ERR_CONFIG, &error);
    assert_contains(error.message, "made/model");
    assert_contains(error.message, message);
    assert_int_equal(qctx_transformer_check(folder, pooling, &(int64_t){0}, &error), QCTX_ERR_CONFIG);
    assert_contains(error.message, message);
}

static void test_what_does_not_fit_together_is_refused(void **state)
{
    qctx_model_folder folder = made_model(QCTX_MPNET, "F32"), broken = folder;

    (void)state;
    expect_refused(&folder, QCTX_POOL_END_OF_TEXT, "the model is a mpnet, not CLIP");
    broken.buckets = 31;
    expect_refused(&broken, 0, "31 buckets");
    broken = folder;
    broken.max_tokens++;
    expect_refused(&broken, 0, "texts of 151 tokens, expected 1 to 150");
    broken = folder;
    broken.pooling = 0;
    expect_refused(&broken, 0, "no pooling");
    /* A configuration that claims more than the file has fails at the file, before any memory is taken. */
    broken = folder;
    broken.layers = INT64_MAX / 2;
    assert_int_equal(qctx_transformer_create(&broken, QCTX_PRECISION_FLOAT32, 0, &(qctx_transformer *){NULL}, &error),
                     QCTX_ERR_FORMAT);
    assert_contains(error.message, "encoder.layer.2.");
    qctx_safetensors_close(folder.tensors);
    folder = made_model(QCTX_CLIP_TEXT, "F32");
    expect_refused(&folder, QCTX_POOL_CLS | QCTX_POOL_MEAN, "pooled vectors have 48 values");
    qctx_safetensors_close(folder.tensors);
}

static void expect_batch_refused(const qctx_transformer *transformer, qctx_token_batch batch, const char *message)
{
    qctx_transformer_workspace *workspace;
    float rows[4 * MADE_D];

    assert_status(qctx_transformer_workspace_create(transformer, &workspace, &error), QCTX_OK, &error);
    assert_status(qctx_transformer_forward(transformer, workspace, &batch, rows, &error), QCTX_ERR_DATA, &error);
    assert_contains(error.message, message);
    qctx_transformer_workspace_destroy(workspace);
}

static void test_tokens_that_the_model_lacks_are_refused(void **state)
{
    qctx_model_folder folder = made_model(QCTX_BERT, "F32");
    qctx_transformer *transformer;
    int32_t ids[MADE_MOST + 1] = {0};

    (void)state;
    assert_status(qctx_transformer_create(&folder, QCTX_PRECISION_FLOAT32, 0, &transformer, &error), QCTX_OK, &error);
    expect_batch_refused(transformer, (qctx_token_batch){1, (int64_t[]){0, MADE_MOST + 1}, ids},
                         "a text of 151 tokens");
    expect_batch_refused(transformer, (qctx_token_batch){2, (int64_t[]){0, 1, 1}, ids}, "a text of 0 tokens");
    ids[1] = MADE_VOCABULARY;
    expect_batch_refused(transformer, (qctx_token_batch){1, (int64_t[]){0, 2}, ids}, "token id 53, expected 0 to 52");
    ids[1] = -1;
    expect_batch_refused(transformer, (qctx_token_batch){1, (int64_t[]){0, 2}, ids}, "token id -1");
    qctx_transformer_destroy(transformer);
    qctx_safetensors_close(folder.tensors);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_a_missing_tensor_and_a_wrong_shape_are_refused),
    cmocka_unit_test(test_what_does_not_fit_together_is_refused),
    cmocka_unit_test(test_tokens_that_the_model_lacks_are_refused),
};
TEST_MAIN(tests)
