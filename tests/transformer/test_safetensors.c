/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "made_safetensors.h"
#include "qctx/base/bfloat16.h"
#include "qctx/base/fileio.h"
#include "qctx/transformer/safetensors.h"

static qctx_error error;

static qctx_safetensors *opened(const char *path)
{
    qctx_safetensors *tensors = NULL;

    assert_status(qctx_safetensors_open(path, &tensors, &error), QCTX_OK, &error);
    return tensors;
}

/* Refused with FORMAT and a message that names the file and contains `part`. */
static void refuses(const char *path, const char *part)
{
    qctx_safetensors *tensors = (qctx_safetensors *)&error;

    assert_status(qctx_safetensors_open(path, &tensors, &error), QCTX_ERR_FORMAT, &error);
    assert_null(tensors);
    assert_contains(error.message, qctx_path_base(path));
    assert_contains(error.message, part);
}

/* The same for a file of this header, followed by `bytes` bytes. */
static void refuses_header(const char *header, size_t bytes, const char *part)
{
    const char *path = test_path("broken.safetensors");
    static const unsigned char data[256];

    made_raw(path, header, -1, data, bytes);
    refuses(path, part);
}

static void test_values_are_those_of_the_file(void **state)
{
    /* Exact in all three types. */
    const float a[] = {1.0f, -2.5f, 0.0f, 0.125f, 96.0f, -0.0625f}, b[] = {7.0f};
    const char *const types[] = {"F32", "F16", "BF16"};
    const int64_t shape[] = {2, 3}, other[] = {3, 2};

    (void)state;
    for (int t = 0; t < 3; t++) {
        const char *path = test_path("values.safetensors");
        made_tensors made = {0};
        qctx_safetensors *tensors;
        const qctx_tensor *found;
        float values[6] = {0};

        made_add(&made, "b.scalar", 0, 0, b);
        made_add(&made, "a.weight", 2, 3, a);
        made_write(path, &made, types[t]);
        tensors = opened(path);
        assert_string_equal(qctx_safetensors_path(tensors), path);
        assert_int_equal(made_tensor_count(tensors), 2);
        assert_string_equal(made_tensor_at(tensors, 0)->name, "a.weight");
        assert_string_equal(made_tensor_at(tensors, 1)->name, "b.scalar");
        assert_int_equal(made_tensor_at(tensors, 1)->rank, 0);
        assert_int_equal(made_tensor_at(tensors, 1)->count, 1);
        assert_null(qctx_safetensors_find(tensors, "a.weigh"));

        assert_status(qctx_safetensors_get(tensors, "a.weight", 2, shape, &found, &error), QCTX_OK, &error);
        assert_string_equal(found->file, path);
        assert_int_equal(found->type, t);
        assert_int_equal(found->bytes, t == 0 ? 24 : 12);
        qctx_tensor_read(found, 0, 6, values);
        assert_memory_equal(values, a, sizeof a);
        qctx_tensor_read(found, 2, 3, values);
        assert_memory_equal(values, a + 2, 3 * sizeof *a);

        assert_status(qctx_safetensors_get(tensors, "a.weight", 2, other, &found, &error), QCTX_ERR_FORMAT, &error);
        assert_contains(error.message,
                        "values.safetensors: tensor 'a.weight': found the shape [2, 3], expected [3, 2]");
        assert_status(qctx_safetensors_get(tensors, "a.weihgt", 2, shape, &found, &error), QCTX_ERR_FORMAT, &error);
        assert_null(found);
        assert_contains(error.message, "values.safetensors: tensor 'a.weihgt' is missing among 2 tensors");
        assert_contains(error.hint, "'a.weight'");
        qctx_safetensors_close(tensors);
    }
    qctx_safetensors_close(NULL);
}

/* Longer than the block in which narrow types are widened, and beginning at an odd byte. */
static void test_long_narrow_tensors_are_widened_in_parts(void **state)
{
    enum { COUNT = 1500 };
    char *data = malloc(1 + 2 * COUNT);
    const char *path = test_path("long.safetensors");
    float *values = malloc(COUNT * sizeof *values);
    qctx_safetensors *tensors;

    (void)state;
    data[0] = 5;
    for (int i = 0; i < COUNT; i++) {
        qctx_bfloat16 narrow = qctx_to_bfloat16((float)(i % 200) - 100.0f);

        memcpy(data + 1 + 2 * i, &narrow, 2);
    }
    made_raw(path,
             "{\"pad\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
             "\"w\":{\"dtype\":\"BF16\",\"shape\":[1500],\"data_offsets\":[1,3001]}}  ",
             -1, data, 1 + 2 * COUNT);
    tensors = opened(path);
    assert_int_equal(qctx_safetensors_find(tensors, "pad")->type, QCTX_TENSOR_OTHER);
    qctx_tensor_read(qctx_safetensors_find(tensors, "w"), 1, COUNT - 1, values);
    for (int i = 1; i < COUNT; i++)
        assert_true(values[i - 1] == (float)(i % 200) - 100.0f);
    qctx_safetensors_close(tensors);
    free(values);
    free(data);
}

static void test_types_that_are_not_read_are_known(void **state)
{
    const char *const names[] = {"F64",  "I64", "I32", "I16",     "I8",      "U64",     "U32",     "U16",    "U8",
                                 "BOOL", "C64", "F4",  "F8_E4M3", "F8_E5M2", "F8_E8M0", "F6_E2M3", "F6_E3M2"};
    const int bits[] = {64, 64, 32, 16, 8, 64, 32, 16, 8, 8, 64, 4, 8, 8, 8, 6, 6};
    const int64_t shape[] = {4};
    const char *path = test_path("other.safetensors");
    static const unsigned char data[64];
    char header[256];

    (void)state;
    for (size_t t = 0; t < sizeof bits / sizeof bits[0]; t++) {
        qctx_safetensors *tensors;
        const qctx_tensor *found;

        snprintf(header, sizeof header, "{\"x\":{\"dtype\":\"%s\",\"shape\":[4],\"data_offsets\":[0,%d]}}", names[t],
                 bits[t] / 2);
        made_raw(path, header, -1, data, (size_t)bits[t] / 2);
        tensors = opened(path);
        assert_status(qctx_safetensors_get(tensors, "x", 1, shape, &found, &error), QCTX_ERR_FORMAT, &error);
        assert_contains(error.message, "other.safetensors: tensor 'x'");
        assert_contains(error.message, "expected F32, F16 or BF16");
        qctx_safetensors_close(tensors);
    }
    refuses_header("{\"x\":{\"dtype\":\"F128\",\"shape\":[1],\"data_offsets\":[0,16]}}", 16, "unknown dtype 'F128'");
    assert_contains(error.message, "expected one of F32, F16, BF16");
}

static void test_headers_are_not_believed(void **state)
{
    const char *path = test_path("broken.safetensors");
    char many[2048] = "{\"x\":{\"dtype\":\"F32\",\"shape\":[";

    (void)state;
    test_write(path, "short");
    refuses(path, "has 5 bytes, expected at least 8");
    made_raw(path, "{}", 3, NULL, 0);
    refuses(path, "header's length is 3");
    made_raw(path, "{}", 100000001, NULL, 0);
    refuses(path, "expected at most 100000000");
    made_raw(path, "{}", INT64_MAX, NULL, 0);
    refuses(path, "header's length is");
    made_raw(path, "", -1, NULL, 0);
    refuses(path, "expected a JSON object");
    test_write(path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n");
    refuses(path, "header's length is");
    assert_contains(error.hint, "git lfs pull");

    refuses_header("[]", 0, "expected a JSON object");
    refuses_header(" {}", 0, "expected a JSON object");
    refuses_header("{\"x\":}", 0, "not valid JSON");
    refuses_header("{} {}", 0, "not valid JSON");
    refuses_header("{\"x\\u0000y\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "not valid JSON");
    refuses_header("{\"\xff\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "not valid JSON");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                   "\"x\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
                   4, "duplicate");
    refuses_header("{\"__metadata__\":[]}", 0, "'__metadata__' is an array");
    refuses_header("{\"__metadata__\":{\"a\":1}}", 0, "'a' in '__metadata__' is an integer, expected a string");

    refuses_header("{\"x\":3}", 0, "tensor 'x': found an integer, expected an object");
    refuses_header("{\"x\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4, "tensor 'x': 'dtype' is nothing");
    refuses_header("{\"x\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,4]}}", 4, "tensor 'x': 'dtype' is an integer");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "tensor 'x': 'shape' is nothing");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "shape[0] is a number");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[1,-1],\"data_offsets\":[0,4]}}", 4, "shape[1] is negative");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", 4,
                   "not valid JSON");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,0],\"data_offsets\":[0,0]}}", 0,
                   "tensor 'x': its shape overflows");
    refuses_header("{\"x\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904],\"data_offsets\":[0,8]}}", 8,
                   "tensor 'x': its size in bits overflows");
    for (int i = 0; i <= QCTX_TENSOR_RANK_MAX; i++)
        strcat(many, i == 0 ? "1" : ",1");
    strcat(many, "],\"data_offsets\":[0,4]}}");
    refuses_header(many, 4, "tensor 'x': found 9 dimensions, expected at most 8");
}

static void test_places_of_tensors_are_not_believed(void **state)
{
    (void)state;
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "'data_offsets'");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "'data_offsets'");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,\"4\"]}}", 4, "'data_offsets'");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "data_offsets are [4, 0]");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "data_offsets are [-4, 0]");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4,
                   "tensor 'x': ends at byte 8 of the data, but the file has 4");
    assert_contains(error.hint, "cut short");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
                   "tensor 'x': data_offsets span 4 bytes, expected 8 for [2] of 32 bits");
    refuses_header("{\"x\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", 1, "span 1 bytes, expected 2");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                   "\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                   12, "tensor 'y': begins at byte 4 of the data, within tensor 'x', which ends at 8");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                   "\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
                   12, "tensor 'y': begins at byte 8 of the data, expected 4");
    refuses_header("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5,
                   "end at byte 4 of the data, but the file has 5: 1 bytes belong to none");
    /* Empty tensors take no place. */
    {
        const char *path = test_path("empty.safetensors");
        qctx_safetensors *tensors;

        made_raw(path,
                 "{\"x\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[0,0]},"
                 "\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                 "\"z\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[4,4]}}",
                 -1, "abcd", 4);
        tensors = opened(path);
        assert_int_equal(made_tensor_count(tensors), 3);
        qctx_safetensors_close(tensors);
        made_raw(path, "{}", -1, NULL, 0);
        tensors = opened(path);
        assert_int_equal(made_tensor_count(tensors), 0);
        assert_null(qctx_safetensors_find(tensors, "x"));
        qctx_safetensors_close(tensors);
    }
}

static void test_files_that_are_none_are_refused(void **state)
{
    qctx_safetensors *tensors;

    (void)state;
    assert_status(qctx_safetensors_open(test_path("nowhere.safetensors"), &tensors, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "nowhere.safetensors");
    assert_status(qctx_safetensors_open(test_folder(), &tensors, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "no regular file");
}

static const char *write_index(const char *weight_map)
{
    const char *path = test_path("model.safetensors.index.json");
    char text[1024];

    snprintf(text, sizeof text, "{\"metadata\":{\"total_size\":8},\"weight_map\":%s}", weight_map);
    test_write(path, text);
    return path;
}

static void write_one(const char *file, const char *tensor, const float *values)
{
    made_tensors made = {0};

    made_add(&made, tensor, 2, 0, values);
    made_write(test_path(file), &made, "F32");
}

static void test_an_index_joins_its_files(void **state)
{
    const float one[] = {1, 2}, two[] = {3, 4};
    made_tensors both = {0};
    qctx_safetensors *tensors, *whole;
    float values[2];

    (void)state;
    write_one("m-1.safetensors", "b", one);
    write_one("m-2.safetensors", "a", two);
    tensors = opened(write_index("{\"b\":\"m-1.safetensors\",\"a\":\"m-2.safetensors\"}"));
    assert_int_equal(made_tensor_count(tensors), 2);
    assert_string_equal(made_tensor_at(tensors, 0)->name, "a");
    assert_contains(made_tensor_at(tensors, 0)->file, "m-2.safetensors");
    qctx_tensor_read(qctx_safetensors_find(tensors, "b"), 0, 2, values);
    assert_memory_equal(values, one, sizeof one);

    /* The hash is that of the tensors, however they are dealt out. */
    made_add(&both, "a", 2, 0, two);
    made_add(&both, "b", 2, 0, one);
    made_write(test_path("whole.safetensors"), &both, "F32");
    whole = opened(test_path("whole.safetensors"));
    assert_true(qctx_safetensors_hash(whole, NULL, 7) == qctx_safetensors_hash(tensors, NULL, 7));
    assert_true(qctx_safetensors_hash(whole, NULL, 7) != qctx_safetensors_hash(whole, NULL, 8));
    assert_true(qctx_safetensors_hash(whole, NULL, 7) != qctx_safetensors_hash(whole, "a", 7));
    qctx_safetensors_close(whole);
    both.items[1].values = two;
    made_write(test_path("whole.safetensors"), &both, "F32");
    whole = opened(test_path("whole.safetensors"));
    assert_true(qctx_safetensors_hash(whole, "b", 7) == qctx_safetensors_hash(tensors, "b", 7));
    assert_true(qctx_safetensors_hash(whole, NULL, 7) != qctx_safetensors_hash(tensors, NULL, 7));
    qctx_safetensors_close(whole);
    qctx_safetensors_close(tensors);
}

static void test_an_index_is_not_believed(void **state)
{
    const float one[] = {1, 2};
    qctx_safetensors *tensors;

    (void)state;
    write_one("m-1.safetensors", "b", one);
    write_one("m-2.safetensors", "b", one);
    write_one("m-3.safetensors", "c", one);
    refuses(write_index("[]"), "'weight_map' is an array");
    refuses(write_index("{\"a\":1}"), "tensor 'a': found an integer, expected the name of a file");
    refuses(write_index("{\"a\":\"\"}"), "expected the name of a file in the same folder");
    refuses(write_index("{\"a\":\"..\"}"), "expected the name of a file in the same folder");
    refuses(write_index("{\"a\":\"../m-1.safetensors\"}"), "tensor 'a' is in '../m-1.safetensors', expected");
    refuses(write_index("{\"a\":\"/m-1.safetensors\"}"), "expected the name of a file in the same folder");
    refuses(write_index("{\"a\":\"m-1.safetensors\",\"a\":\"m-1.safetensors\"}"), "duplicate");
    refuses(write_index("{\"b\":\"m-1.safetensors\",\"a\":\"m-1.safetensors\"}"),
            "tensor 'a': expected in m-1.safetensors, found in none of the files");
    refuses(write_index("{\"b\":\"m-3.safetensors\",\"c\":\"m-1.safetensors\"}"),
            "tensor 'b': expected in m-3.safetensors, found ");
    assert_status(
        qctx_safetensors_open(write_index("{\"b\":\"m-1.safetensors\",\"a\":\"m-2.safetensors\"}"), &tensors, &error),
        QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "tensor 'b' is in ");
    assert_status(qctx_safetensors_open(write_index("{\"b\":\"m-9.safetensors\"}"), &tensors, &error), QCTX_ERR_IO,
                  &error);
    assert_contains(error.message, "m-9.safetensors");
    test_write(test_path("model.safetensors.index.json"), "");
    refuses(test_path("model.safetensors.index.json"), "not valid JSON");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_values_are_those_of_the_file),
    cmocka_unit_test(test_long_narrow_tensors_are_widened_in_parts),
    cmocka_unit_test(test_types_that_are_not_read_are_known),
    cmocka_unit_test(test_headers_are_not_believed),
    cmocka_unit_test(test_places_of_tensors_are_not_believed),
    cmocka_unit_test(test_files_that_are_none_are_refused),
    cmocka_unit_test(test_an_index_joins_its_files),
    cmocka_unit_test(test_an_index_is_not_believed),
};
TEST_MAIN(tests)
