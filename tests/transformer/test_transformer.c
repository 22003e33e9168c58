/* ranks: 1 */
#include "harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/transformer/transformer_internal.h"
#include "made_model.h"
#include "transformer_reference.h"

static qctx_error error;

enum { TEXTS = 9, LONGEST_ALL = 512 };

/* Ids of a few texts, short and long, the same in each run; a padding token and an end-of-text stand among them. */
typedef struct {
    int64_t offsets[TEXTS + 1];
    int32_t ids[LONGEST_ALL];
} made_texts;

static qctx_token_batch texts_of(made_texts *texts)
{
    static const int64_t lengths[TEXTS] = {3, 12, 1, MADE_MOST, 2, 31, 3, 17, 64};

    for (int i = 0; i < TEXTS; i++) {
        texts->offsets[i + 1] = texts->offsets[i] + lengths[i];
        for (int64_t t = texts->offsets[i]; t < texts->offsets[i + 1]; t++)
            texts->ids[t] = (int32_t)((t * 7919 + i * 104729) % MADE_VOCABULARY);
    }
    assert_true(texts->offsets[TEXTS] <= LONGEST_ALL);
    texts->ids[texts->offsets[1] + 4] = 1;
    texts->ids[texts->offsets[5] + 9] = 17;
    return (qctx_token_batch){TEXTS, texts->offsets, texts->ids};
}

/* Rows of the fast path; the caller frees them. */
static float *forward(const qctx_model_folder *folder, qctx_precision precision, unsigned pooling,
                      const qctx_token_batch *batch, int64_t *dim)
{
    qctx_transformer *transformer;
    qctx_transformer_workspace *workspace;
    float *rows;

    assert_status(qctx_transformer_create(folder, precision, pooling, &transformer, &error), QCTX_OK, &error);
    assert_status(qctx_transformer_workspace_create(transformer, &workspace, &error), QCTX_OK, &error);
    *dim = qctx_transformer_dim(transformer);
    rows = malloc((size_t)(batch->texts * *dim) * sizeof *rows);
    assert_status(qctx_transformer_forward(transformer, workspace, batch, rows, &error), QCTX_OK, &error);
    qctx_transformer_workspace_destroy(workspace);
    qctx_transformer_destroy(transformer);
    return rows;
}

/* The worst distance of a row to the reference's, relative to its norm, and the worst cosine. */
static void compare(int64_t dim, int64_t count, const float *rows, const double *expected, double *distance,
                    double *cosine)
{
    *distance = 0.0;
    *cosine = 1.0;
    for (int64_t i = 0; i < count; i++) {
        double off = 0.0, norm = 0.0, other = 0.0, dot = 0.0;

        for (int64_t j = i * dim; j < (i + 1) * dim; j++) {
            off += (rows[j] - expected[j]) * (rows[j] - expected[j]);
            norm += expected[j] * expected[j];
            other += (double)rows[j] * rows[j];
            dot += rows[j] * expected[j];
        }
        assert_true(norm > 0.0);
        *distance = fmax(*distance, sqrt(off / norm));
        *cosine = fmin(*cosine, dot / sqrt(norm * other));
    }
}

static void expect_reference(const qctx_model_folder *folder, qctx_precision precision, unsigned pooling)
{
    made_texts texts = {{0}, {0}};
    qctx_token_batch batch = texts_of(&texts);
    int64_t dim;
    float *rows = forward(folder, precision, pooling, &batch, &dim);
    double *expected = malloc((size_t)(batch.texts * dim) * sizeof *expected);
    double distance, cosine;

    assert_status(transformer_reference(folder, pooling, &batch, expected, &error), QCTX_OK, &error);
    compare(dim, batch.texts, rows, expected, &distance, &cosine);
    if (precision == QCTX_PRECISION_FLOAT32)
        assert_close(distance, 0.0, 1e-5);
    else
        assert_close(cosine, 1.0, 1e-3);
    free(rows);
    free(expected);
}

static void test_all_architectures_and_types_follow_the_reference(void **state)
{
    static const char *const types[] = {"F32", "F16", "BF16"};

    (void)state;
    for (qctx_architecture a = QCTX_BERT; a <= MADE_LAST_ARCHITECTURE; a++)
        for (int t = 0; t < 3; t++) {
            qctx_model_folder folder = made_model(a, types[t]);

            expect_reference(&folder, QCTX_PRECISION_FLOAT32, 0);
            expect_reference(&folder, QCTX_PRECISION_BFLOAT16, 0);
            qctx_safetensors_close(folder.tensors);
        }
}

static void test_all_poolings_and_functions_follow_the_reference(void **state)
{
    static const unsigned poolings[] = {
        QCTX_POOL_CLS,
        QCTX_POOL_MAX,
        QCTX_POOL_MEAN,
        QCTX_POOL_LAST,
        QCTX_POOL_MEAN_SQRT_LEN,
        QCTX_POOL_WEIGHTED_MEAN,
        QCTX_POOL_CLS | QCTX_POOL_LAST,
        QCTX_POOL_MEAN | QCTX_POOL_MEAN_SQRT_LEN | QCTX_POOL_LAST,
        QCTX_POOL_CLS | QCTX_POOL_MAX | QCTX_POOL_MEAN | QCTX_POOL_LAST,
    };
    static const qctx_linear_function functions[] = {QCTX_LINEAR_RELU, QCTX_LINEAR_GELU, QCTX_LINEAR_GELU_TANH,
                                                     QCTX_LINEAR_QUICK_GELU};

    (void)state;
    for (qctx_architecture a = QCTX_BERT; a <= MADE_LAST_ARCHITECTURE; a++) {
        qctx_model_folder folder = made_model(a, "F32");

        folder.projection = 0;
        for (size_t p = 0; p < sizeof poolings / sizeof poolings[0]; p++)
            expect_reference(&folder, QCTX_PRECISION_FLOAT32, poolings[p]);
        for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
            folder.function = functions[f];
            expect_reference(&folder, QCTX_PRECISION_FLOAT32, QCTX_POOL_CLS);
        }
        qctx_safetensors_close(folder.tensors);
    }
}

static qctx_safetensors *made_dense(const char *name, int64_t output, int64_t input, bool bias)
{
    static made_tensors tensors;
    qctx_safetensors *opened;

    tensors.count = 0;
    made_add(&tensors, "linear.weight", output, input, NULL);
    if (bias)
        made_add(&tensors, "linear.bias", output, 0, NULL);
    made_write(test_path(name), &tensors, "F32");
    assert_status(qctx_safetensors_open(test_path(name), &opened, &error), QCTX_OK, &error);
    return opened;
}

static void test_dense_layers_stand_behind_the_pooling(void **state)
{
    qctx_model_folder folder = made_model(QCTX_BERT, "F32");
    qctx_dense dense[] = {{2 * MADE_D, 77, true, QCTX_LINEAR_TANH, NULL}, {77, 9, false, QCTX_LINEAR_IDENTITY, NULL}};
    qctx_transformer *transformer;
    int64_t dim;

    (void)state;
    dense[0].tensors = made_dense("first.safetensors", 77, 2 * MADE_D, true);
    dense[1].tensors = made_dense("second.safetensors", 9, 77, false);
    folder.dense = dense;
    folder.dense_count = 2;
    folder.pooling = QCTX_POOL_CLS | QCTX_POOL_MEAN;
    expect_reference(&folder, QCTX_PRECISION_FLOAT32, 0);
    assert_status(qctx_transformer_check(&folder, 0, &dim, &error), QCTX_OK, &error);
    assert_int_equal(dim, 9);
    assert_status(qctx_transformer_create(&folder, QCTX_PRECISION_FLOAT32, QCTX_POOL_MEAN, &transformer, &error),
                  QCTX_ERR_CONFIG, &error);
    assert_contains(error.message, "vectors of 24 values come to dense layer 1, which takes 48");
    dense[1].output = 10;
    assert_status(qctx_transformer_create(&folder, QCTX_PRECISION_FLOAT32, 0, &transformer, &error), QCTX_ERR_FORMAT,
                  &error);
    assert_contains(error.message, "second.safetensors");
    assert_contains(error.message, "linear.weight");
    assert_int_equal(qctx_transformer_check(&folder, 0, &dim, &error), QCTX_ERR_FORMAT);
    qctx_safetensors_close(dense[0].tensors);
    qctx_safetensors_close(dense[1].tensors);
    qctx_safetensors_close(folder.tensors);
}

/* A text by itself and among others, in another order and in a workspace that has seen longer ones. */
static void test_packing_changes_nothing(void **state)
{
    (void)state;
    for (qctx_architecture a = QCTX_BERT; a <= MADE_LAST_ARCHITECTURE; a++) {
        qctx_model_folder folder = made_model(a, "F32");
        made_texts texts = {{0}, {0}};
        qctx_token_batch batch = texts_of(&texts);
        qctx_transformer *transformer;
        qctx_transformer_workspace *workspace;
        int64_t dim;
        float *together = forward(&folder, QCTX_PRECISION_FLOAT32, 0, &batch, &dim), *again, *alone;

        again = malloc((size_t)(TEXTS * dim) * sizeof *again);
        alone = malloc((size_t)dim * sizeof *alone);
        assert_status(qctx_transformer_create(&folder, QCTX_PRECISION_FLOAT32, 0, &transformer, &error), QCTX_OK,
                      &error);
        assert_status(qctx_transformer_workspace_create(transformer, &workspace, &error), QCTX_OK, &error);
        for (int i = 0; i < TEXTS; i++) {
            const int64_t offsets[] = {0, texts.offsets[i + 1] - texts.offsets[i]};
            qctx_token_batch one = {1, offsets, texts.ids + texts.offsets[i]};
            double expected[2 * MADE_D], distance, cosine;

            assert_status(qctx_transformer_forward(transformer, workspace, &one, alone, &error), QCTX_OK, &error);
            for (int64_t j = 0; j < dim; j++)
                expected[j] = together[i * dim + j];
            compare(dim, 1, alone, expected, &distance, &cosine);
            assert_close(distance, 0.0, 1e-6);
        }
        assert_status(qctx_transformer_forward(transformer, workspace, &batch, again, &error), QCTX_OK, &error);
        assert_memory_equal(together, again, (size_t)(TEXTS * dim) * sizeof *again);
        free(together);
        free(again);
        free(alone);
        qctx_transformer_workspace_destroy(workspace);
        qctx_transformer_destroy(transformer);
        qctx_safetensors_close(folder.tensors);
    }
}

static void test_end_of_text_is_the_first_of_its_id_or_the_highest(void **state)
{
    const int32_t texts[][6] = {{5, 17, 40, 17, 3, 2}, {5, 9, 40, 40, 3, 2}};
    const int64_t offsets[] = {0, 6};
    /* OpenCLIP looks for the highest id; CLIP for 17, and takes the first token where there is none. */
    const int64_t highest[] = {2, 2}, seventeen[] = {1, 0};

    (void)state;
    for (qctx_architecture a = QCTX_CLIP_TEXT; a <= QCTX_OPEN_CLIP; a++) {
        qctx_model_folder folder = made_model(a, "F32");

        folder.projection = 0;
        for (int i = 0; i < 2; i++) {
            int64_t end = folder.end_of_text < 0 ? highest[i] : seventeen[i];
            int64_t cut[] = {0, end + 1}, dim;
            qctx_token_batch batch = {1, offsets, texts[i]}, shorter = {1, cut, texts[i]};
            float *rows = forward(&folder, QCTX_PRECISION_FLOAT32, 0, &batch, &dim);
            /* A causal mask: what follows the token changes nothing. */
            float *last = forward(&folder, QCTX_PRECISION_FLOAT32, QCTX_POOL_LAST, &shorter, &dim);

            for (int64_t j = 0; j < dim; j++)
                assert_close(rows[j], last[j], 1e-5);
            free(rows);
            free(last);
        }
        qctx_safetensors_close(folder.tensors);
    }
}

static void test_the_first_bert_models_call_norms_by_gamma_and_beta(void **state)
{
    static made_tensors tensors;
    qctx_model_folder folder = made_folder(QCTX_BERT);

    (void)state;
    made_model_tensors(&folder, &tensors);
    for (int64_t i = 0; i < tensors.count; i++) {
        char *end = strstr(tensors.items[i].name, "LayerNorm.");

        if (end != NULL)
            strcpy(end, strcmp(end, "LayerNorm.weight") == 0 ? "LayerNorm.gamma" : "LayerNorm.beta");
    }
    made_open(&folder, &tensors, "F32");
    expect_reference(&folder, QCTX_PRECISION_FLOAT32, 0);
    qctx_safetensors_close(folder.tensors);
}

static void test_operations_are_counted(void **state)
{
    qctx_model_folder folder = made_model(QCTX_BERT, "F32");
    const int64_t lengths[] = {3, 5};
    double layer = 8.0 * 4 * MADE_D * MADE_D + 8.0 * 2 * MADE_D * MADE_F + (9.0 + 25.0) * 2 * MADE_D;
    qctx_transformer *transformer;

    (void)state;
    assert_status(qctx_transformer_create(&folder, QCTX_PRECISION_FLOAT32, 0, &transformer, &error), QCTX_OK, &error);
    assert_close(qctx_transformer_flops(transformer, lengths, 2), 2.0 * MADE_LAYERS * layer, 1e-12);
    qctx_transformer_destroy(transformer);
    /* The class token alone: the last layer's output and feed-forward part work for one token of each text. */
    assert_status(qctx_transformer_create(&folder, QCTX_PRECISION_FLOAT32, QCTX_POOL_CLS, &transformer, &error),
                  QCTX_OK, &error);
    assert_close(qctx_transformer_flops(transformer, lengths, 2),
                 2.0 * (MADE_LAYERS * layer - 6.0 * (MADE_D * MADE_D + 2 * MADE_D * MADE_F)), 1e-12);
    qctx_transformer_destroy(transformer);
    qctx_transformer_destroy(NULL);
    qctx_transformer_workspace_destroy(NULL);
    qctx_safetensors_close(folder.tensors);
}

/* First distance of each bucket, to keys before the query and behind it, as transformers 5.23 gives them. */
static void test_distances_fall_into_the_buckets_of_mpnet(void **state)
{
    static const int64_t before[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91, 600};

    (void)state;
    for (int64_t bucket = 0; bucket < 16; bucket++)
        for (int64_t distance = before[bucket]; distance < before[bucket + 1]; distance++) {
            assert_int_equal(transformer_bucket(-distance), bucket);
            assert_int_equal(transformer_bucket(distance), distance == 0 ? 0 : 16 + bucket);
        }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_all_architectures_and_types_follow_the_reference),
    cmocka_unit_test(test_all_poolings_and_functions_follow_the_reference),
    cmocka_unit_test(test_dense_layers_stand_behind_the_pooling),
    cmocka_unit_test(test_packing_changes_nothing),
    cmocka_unit_test(test_end_of_text_is_the_first_of_its_id_or_the_highest),
    cmocka_unit_test(test_the_first_bert_models_call_norms_by_gamma_and_beta),
    cmocka_unit_test(test_operations_are_counted),
    cmocka_unit_test(test_distances_fall_into_the_buckets_of_mpnet),
};
TEST_MAIN(tests)
