/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"
#include "qctx/text/json.h"

static void load_fails(const char *text, size_t bytes, const char *expected)
{
    const char *path = test_path("bad.json");
    json_t *root = NULL;
    qctx_error error;

    assert_status(qctx_file_write(path, text, bytes, &error), QCTX_OK, &error);
    assert_status(qctx_json_load_file(path, &root, &error), QCTX_ERR_FORMAT, &error);
    assert_null(root);
    assert_contains(error.message, "bad.json:");
    assert_contains(error.message, expected);
    if (bytes > 0)
        assert_contains(error.hint, "UTF-8");
}

static void loads_a_file(void **state)
{
    const char *path = test_path("good.json");
    const char *text = "\xEF\xBB\xBF{\"b\": \"caf\xC3\xA9\",\r\n \"a\": [1, 2.5, null]}\n";
    json_t *root = NULL, *array;
    const char *value;
    qctx_error error;
    char *dumped;

    (void)state;
    test_write(path, text);
    assert_status(qctx_json_load_file(path, &root, &error), QCTX_OK, &error);
    assert_status(qctx_json_get_string(root, "b", NULL, path, &value, &error), QCTX_OK, &error);
    assert_string_equal(value, "caf\xC3\xA9");
    assert_status(qctx_json_get_array(root, "a", path, &array, &error), QCTX_OK, &error);
    assert_int_equal(json_array_size(array), 3);
    dumped = qctx_json_dump(root, &error);
    assert_string_equal(dumped, "{\"b\":\"caf\xC3\xA9\",\"a\":[1,2.5,null]}");
    free(dumped);
    json_decref(root);
}

/* Python's integers have no end; those of 64 bits stay integers. */
static void reads_integers_that_64_bits_do_not_hold_as_numbers(void **state)
{
    const char *path = test_path("long.json");
    json_t *root = NULL;
    qctx_error error;

    (void)state;
    test_write(path,
               "{\"a\": 1000000000000000019884624838656, \"b\": [-12345678901234567890], \"c\": 9223372036854775807,"
               " \"d\": \"1000000000000000019884624838656\", \"e\": 0.10000000000000000000000001,"
               " \"f\\\"1000000000000000019884624838656\": 1e0000000000000000000000002}");
    assert_status(qctx_json_load_file(path, &root, &error), QCTX_OK, &error);
    assert_close(json_real_value(json_object_get(root, "a")) / 1e30, 1.0, 1e-15);
    assert_close(json_real_value(json_array_get(json_object_get(root, "b"), 0)) / -12345678901234567890.0, 1.0, 1e-15);
    assert_true(json_integer_value(json_object_get(root, "c")) == INT64_MAX);
    assert_string_equal(json_string_value(json_object_get(root, "d")), "1000000000000000019884624838656");
    assert_close(json_real_value(json_object_get(root, "e")), 0.1, 1e-15);
    assert_close(json_real_value(json_object_get(root, "f\"1000000000000000019884624838656")), 100.0, 1e-15);
    json_decref(root);
}

static void names_the_place_of_what_is_malformed(void **state)
{
    char deep[10000];

    (void)state;
    memset(deep, '[', sizeof deep);
    load_fails("", 0, "empty");
    load_fails("{\n  \"a\": 1,\n  oops}", 19, "bad.json:3:");
    load_fails("{\"a\": [1, 2", 11, "end of file");
    load_fails("{\"a\": 1} trailing", 17, "bad.json:1:");
    load_fails("{\"a\": \"\xE9\"}", 10, "unable to decode byte 0xe9");
    load_fails("{\"a\": \"\\ud800\"}", 15, "Unicode");
    load_fails("{\"a\": \"x\\u0000y\"}", 17, "u0000");
    load_fails("{\"a\": \"x\0y\"}", 12, "bad.json:1:");
    load_fails("{\"a\": 1e999}", 12, "overflow");
    load_fails(deep, sizeof deep, "depth");
}

static void refuses_files_that_cannot_be_read(void **state)
{
    json_t *root = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_json_load_file(test_path("absent.json"), &root, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "absent.json");
    assert_status(qctx_json_load_file(test_folder(), &root, &error), QCTX_ERR_IO, &error);
}

static void asks_for_the_right_types(void **state)
{
    const char *text = "{\"n\": 5, \"s\": \"x\", \"t\": true, \"z\": null}";
    json_t *root = NULL, *scalar = NULL, *array;
    const char *value = NULL;
    int64_t number = 0;
    bool flag = false;
    double real = 0.0;
    qctx_error error;

    (void)state;
    assert_status(qctx_json_parse(text, strlen(text), "f:7", &root, &error), QCTX_OK, &error);
    assert_status(qctx_json_get_string(root, "n", "", "f:7", &value, &error), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "f:7: 'n' is an integer, expected a string");
    assert_status(qctx_json_get_string(root, "none", NULL, "f:7", &value, &error), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "f:7: the key 'none' is missing, expected a string");
    assert_status(qctx_json_get_string(root, "z", NULL, "f:7", &value, &error), QCTX_ERR_FORMAT, &error);
    assert_status(qctx_json_get_string(root, "none", "other", "f:7", &value, &error), QCTX_OK, &error);
    assert_string_equal(value, "other");
    assert_status(qctx_json_get_string(root, "z", "other", "f:7", &value, &error), QCTX_OK, &error);
    assert_string_equal(value, "other");
    assert_status(qctx_json_get_array(root, "s", "f:7", &array, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "a string, expected an array");
    assert_status(qctx_json_get_array(NULL, "s", "f:7", &array, &error), QCTX_ERR_FORMAT, &error);
    assert_status(qctx_json_get_bool(root, "t", false, "f:7", &flag, &error), QCTX_OK, &error);
    assert_true(flag);
    assert_status(qctx_json_get_bool(root, "z", true, "f:7", &flag, &error), QCTX_OK, &error);
    assert_true(flag);
    assert_status(qctx_json_get_bool(root, "n", true, "f:7", &flag, &error), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "f:7: 'n' is an integer, expected a boolean");
    assert_status(qctx_json_get_integer(root, "n", -1, 0, 5, "f:7", &number, &error), QCTX_OK, &error);
    assert_int_equal(number, 5);
    assert_status(qctx_json_get_integer(root, "none", -1, 0, 5, "f:7", &number, &error), QCTX_OK, &error);
    assert_int_equal(number, -1);
    assert_status(qctx_json_get_integer(root, "n", -1, 6, 9, "f:7", &number, &error), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "f:7: 'n' is 5, expected 6 to 9");
    assert_status(qctx_json_get_integer(root, "s", -1, 0, 9, "f:7", &number, &error), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "f:7: 's' is a string, expected an integer");
    assert_status(qctx_json_get_number(root, "n", "f:7", &real, &error), QCTX_OK, &error);
    assert_close(real, 5.0, 0.0);
    assert_status(qctx_json_get_number(root, "none", "f:7", &real, &error), QCTX_ERR_FORMAT, &error);
    assert_string_equal(error.message, "f:7: the key 'none' is missing, expected a number");

    /* Also with a fallback, what is no object at all is refused. */
    assert_status(qctx_json_parse("7", 1, "f:8", &scalar, &error), QCTX_OK, &error);
    assert_status(qctx_json_get_string(scalar, "s", "", "f:8", &value, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "f:8: found an integer, expected an object");
    json_decref(scalar);
    json_decref(root);
}

static void names_line_and_column_of_a_bad_line(void **state)
{
    json_t *root = NULL;
    qctx_error error;

    (void)state;
    assert_status(qctx_json_parse("{\"a\" 1}", 7, "f.jsonl:17", &root, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "f.jsonl:17:6: not valid JSON");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(loads_a_file),
    cmocka_unit_test(reads_integers_that_64_bits_do_not_hold_as_numbers),
    cmocka_unit_test(names_the_place_of_what_is_malformed),
    cmocka_unit_test(refuses_files_that_cannot_be_read),
    cmocka_unit_test(asks_for_the_right_types),
    cmocka_unit_test(names_line_and_column_of_a_bad_line),
};
TEST_MAIN(tests)
