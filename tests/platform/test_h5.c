/* ranks: 1 2 3 */
#include "harness.h"

#include "h5_edit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"
#include "qctx/platform/h5.h"

static qctx_error error;

/* A path of this rank's own. */
static const char *own_path(const char *name)
{
    char own[64];

    snprintf(own, sizeof own, "%d-%s", qctx_comm_rank(test_comm), name);
    return test_path(own);
}

static void keeps_numbers_texts_and_attributes(void **state)
{
    const float rows[] = {1.5f, -2.25f, 3.0f, 4.0f, 5.0f, 6.0f};
    const int64_t numbers[] = {INT64_MIN, 0, INT64_MAX};
    const unsigned char bytes[] = {0, 255, 7};
    const char *texts[] = {"", "plain", "grüße → 東京"};
    const char *path = own_path("all.h5");
    float back[6];
    int64_t numbers_back[3];
    unsigned char bytes_back[3];
    char *texts_back[3];
    char **names;
    char *text;
    int64_t count, whole;
    double real;
    qctx_h5_shape shape;
    qctx_h5 *file;

    (void)state;
    assert_status(qctx_h5_create(path, &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make(file, "a/rows", QCTX_H5_FLOAT32, 3, 2, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make(file, "a/numbers", QCTX_H5_INT64, 3, 0, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make(file, "a/bytes", QCTX_H5_BYTES, 3, 0, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make(file, "a/empty", QCTX_H5_INT64, 0, 0, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write(file, "a/rows", QCTX_H5_FLOAT32, 0, 1, rows, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write(file, "a/rows", QCTX_H5_FLOAT32, 1, 2, rows + 2, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write(file, "a/rows", QCTX_H5_FLOAT32, 3, 0, rows, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write(file, "a/numbers", QCTX_H5_INT64, 0, 3, numbers, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write(file, "a/bytes", QCTX_H5_BYTES, 0, 3, bytes, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write_texts(file, "a/texts", texts, 3, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write_texts(file, "a/none", texts, 0, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make_group(file, "b/c", &error), QCTX_OK, &error);
    assert_status(qctx_h5_set_text(file, "/", "word", "été", &error), QCTX_OK, &error);
    assert_status(qctx_h5_set_int(file, "a", "count", 3, &error), QCTX_OK, &error);
    assert_status(qctx_h5_set_int(file, "a", "count", -4, &error), QCTX_OK, &error);
    assert_status(qctx_h5_set_double(file, "a/rows", "mean", 0.1, &error), QCTX_OK, &error);
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);

    assert_status(test_h5_reopen(path, &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_set_int(file, "b/c", "late", 1, &error), QCTX_OK, &error);
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);

    assert_status(qctx_h5_open(path, &file, &error), QCTX_OK, &error);
    assert_true(qctx_h5_exists(file, "a/rows") && qctx_h5_exists(file, "/") && qctx_h5_exists(file, "b/c"));
    assert_false(qctx_h5_exists(file, "a/nothing") || qctx_h5_exists(file, "x/y/z"));
    assert_status(qctx_h5_inspect(file, "a/rows", &shape, &error), QCTX_OK, &error);
    assert_int_equal(shape.rank, 2);
    assert_int_equal(shape.shape[0], 3);
    assert_int_equal(shape.shape[1], 2);
    assert_true(shape.is_float && shape.element_bytes == 4 && shape.file_offset > 0);
    assert_status(qctx_h5_read(file, "a/rows", QCTX_H5_FLOAT32, 0, 3, back, &error), QCTX_OK, &error);
    assert_memory_equal(back, rows, sizeof rows);
    assert_status(qctx_h5_read(file, "a/rows", QCTX_H5_FLOAT32, 2, 1, back, &error), QCTX_OK, &error);
    assert_memory_equal(back, rows + 4, 8);
    assert_status(qctx_h5_read(file, "a/numbers", QCTX_H5_INT64, 0, 3, numbers_back, &error), QCTX_OK, &error);
    assert_memory_equal(numbers_back, numbers, sizeof numbers);
    assert_status(qctx_h5_read(file, "a/bytes", QCTX_H5_BYTES, 0, 3, bytes_back, &error), QCTX_OK, &error);
    assert_memory_equal(bytes_back, bytes, sizeof bytes);
    assert_status(qctx_h5_inspect(file, "a/empty", &shape, &error), QCTX_OK, &error);
    assert_int_equal(shape.shape[0], 0);
    assert_status(qctx_h5_read_texts(file, "a/texts", 1, 2, texts_back, &error), QCTX_OK, &error);
    assert_string_equal(texts_back[0], texts[1]);
    assert_string_equal(texts_back[1], texts[2]);
    free(texts_back[0]);
    free(texts_back[1]);
    assert_status(qctx_h5_list(file, "a", &names, &count, &error), QCTX_OK, &error);
    assert_int_equal(count, 6);
    assert_string_equal(names[0], "bytes");
    assert_string_equal(names[5], "texts");
    for (int64_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    assert_true(qctx_h5_has(file, "/", "word") && !qctx_h5_has(file, "/", "other") && !qctx_h5_has(file, "q", "word"));
    assert_status(qctx_h5_get_text(file, "/", "word", &text, &error), QCTX_OK, &error);
    assert_string_equal(text, "été");
    free(text);
    assert_status(qctx_h5_get_int(file, "a", "count", &whole, &error), QCTX_OK, &error);
    assert_int_equal(whole, -4);
    assert_status(qctx_h5_get_double(file, "a/rows", "mean", &real, &error), QCTX_OK, &error);
    assert_true(real == 0.1);
    assert_status(qctx_h5_get_int(file, "b/c", "late", &whole, &error), QCTX_OK, &error);
    assert_int_equal(whole, 1);
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
}

/* The bits stand in the file as written, where they can be mapped, and HDF5 itself reads them as half precision. */
static void stores_half_precision(void **state)
{
    const uint16_t bits[] = {0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x0000};
    const float values[] = {1.0f, -2.0f, 0.333251953125f, 5.9604644775390625e-8f, 65504.0f, 0.0f};
    const char *path = own_path("half.h5");
    uint16_t bits_back[6];
    float back[6];
    char *raw;
    size_t raw_bytes;
    qctx_h5_shape shape;
    qctx_h5 *file;

    (void)state;
    assert_status(qctx_h5_create(path, &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make(file, "h", QCTX_H5_FLOAT16, 2, 3, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make(file, "f", QCTX_H5_FLOAT32, 2, 3, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write(file, "h", QCTX_H5_FLOAT16, 0, 2, bits, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write(file, "f", QCTX_H5_FLOAT16, 0, 2, bits, &error), QCTX_ERR_FORMAT, &error);
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);

    assert_status(qctx_h5_open(path, &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_inspect(file, "h", &shape, &error), QCTX_OK, &error);
    assert_true(shape.is_float && shape.element_bytes == 2 && shape.file_offset > 0);
    assert_status(qctx_h5_read(file, "h", QCTX_H5_FLOAT32, 0, 2, back, &error), QCTX_OK, &error);
    assert_memory_equal(back, values, sizeof values);
    assert_status(qctx_h5_read(file, "h", QCTX_H5_FLOAT16, 0, 2, bits_back, &error), QCTX_OK, &error);
    assert_memory_equal(bits_back, bits, sizeof bits);
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
    assert_status(qctx_file_read(path, &raw, &raw_bytes, &error), QCTX_OK, &error);
    assert_memory_equal(raw + shape.file_offset, bits, sizeof bits);
    free(raw);
}

static void refuses_what_is_no_hdf5_file(void **state)
{
    const char *path = own_path("bad.h5");
    qctx_h5 *file = NULL;

    (void)state;
    assert_status(qctx_h5_open(own_path("absent.h5"), &file, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "No such file");
    assert_status(qctx_h5_open(test_folder(), &file, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "folder");
    assert_int_equal(qctx_file_write(path, "just text\n", 10, &error), QCTX_OK);
    assert_status(qctx_h5_open(path, &file, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "bad.h5: not a readable HDF5 file");
    assert_int_equal(qctx_file_write(path, "", 0, &error), QCTX_OK);
    assert_status(qctx_h5_open(path, &file, &error), QCTX_ERR_FORMAT, &error);

    assert_status(qctx_h5_create(path, &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make(file, "x", QCTX_H5_FLOAT32, 1000, 10, &error), QCTX_OK, &error);
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
    assert_int_equal(truncate(path, 20000), 0);
    assert_status(qctx_h5_open(path, &file, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "truncated file");
    assert_status(qctx_h5_create(own_path("no/such/folder.h5"), &file, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "No such file or directory");
}

static void names_the_object_that_is_wrong(void **state)
{
    const char *path = own_path("wrong.h5");
    const char *texts[] = {"a"};
    float value = 1.0f;
    int64_t whole;
    char *text;
    char **names;
    qctx_h5_shape shape;
    qctx_h5 *file;

    (void)state;
    assert_status(qctx_h5_create(path, &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make(file, "f", QCTX_H5_FLOAT32, 1, 0, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make(file, "f", QCTX_H5_FLOAT32, 1, 0, &error), QCTX_ERR_IO, &error);
    assert_status(qctx_h5_write_texts(file, "t", texts, 1, &error), QCTX_OK, &error);
    assert_status(qctx_h5_make_group(file, "g", &error), QCTX_OK, &error);
    assert_status(qctx_h5_set_text(file, "/", "word", "x", &error), QCTX_OK, &error);
    assert_status(qctx_h5_inspect(file, "h", &shape, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "wrong.h5: there is no dataset h");
    assert_status(qctx_h5_inspect(file, "g", &shape, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "g is not a dataset");
    assert_status(qctx_h5_read(file, "f", QCTX_H5_INT64, 0, 1, &whole, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "f holds values of another type; expected integers");
    assert_status(qctx_h5_read(file, "f", QCTX_H5_FLOAT32, 1, 1, &value, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "f has 1 rows; asked for 1 from row 1");
    assert_status(qctx_h5_read(file, "t", QCTX_H5_FLOAT32, 0, 1, &value, &error), QCTX_ERR_FORMAT, &error);
    assert_status(qctx_h5_read_texts(file, "f", 0, 1, &text, &error), QCTX_ERR_FORMAT, &error);
    assert_status(qctx_h5_read_texts(file, "t", 0, 2, &text, &error), QCTX_ERR_FORMAT, &error);
    assert_status(qctx_h5_list(file, "none", &names, &whole, &error), QCTX_ERR_FORMAT, &error);
    assert_status(qctx_h5_get_int(file, "/", "word", &whole, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "the attribute 'word' of / is not an integer");
    assert_status(qctx_h5_get_text(file, "/", "absent", &text, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "/ has no attribute 'absent'");
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
}

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A limit on the size of files stands for the full disk. */
static void says_when_the_disk_is_full(void **state)
{
    qctx_h5 *file;
    qctx_status made;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_status(qctx_h5_create(own_path("full.h5"), &file, &error), QCTX_OK, &error);
    limit_file_size(1 << 16);
    made = qctx_h5_make(file, "x", QCTX_H5_FLOAT32, 1 << 16, 0, &error);
    limit_file_size(RLIM_INFINITY);
    assert_status(made, QCTX_ERR_IO, &error);
    assert_contains(error.message, "File too large");
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
}

/* Texts have no space reserved: their disk is full at the write or only when the file is closed. */
static void says_when_the_disk_fills_up_later(void **state)
{
    enum { TEXTS = 2000, BYTES = 200 };
    const char *texts[TEXTS];
    char text[BYTES + 1];
    qctx_status written, closed;
    qctx_h5 *file;

    (void)state;
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    for (int i = 0; i < TEXTS; i++)
        texts[i] = text;
    signal(SIGXFSZ, SIG_IGN);
    assert_status(qctx_h5_create(own_path("late.h5"), &file, &error), QCTX_OK, &error);
    limit_file_size(1 << 16);
    written = qctx_h5_write_texts(file, "t", texts, TEXTS, &error);
    closed = qctx_h5_close(file, written == QCTX_OK ? &error : NULL);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(written != QCTX_OK ? written : closed, QCTX_ERR_IO);
    assert_contains(error.message, "File too large");
    /* The library goes on working. */
    assert_status(qctx_h5_create(own_path("late.h5"), &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_write_texts(file, "t", texts, TEXTS, &error), QCTX_OK, &error);
    assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
}

/* One file after the other in the same memory, behind bytes that are the caller's. */
static void files_in_memory_come_back(void **state)
{
    const float values[] = {1.5f, -2.0f, 3.25f};
    qctx_h5_image image = {.front = 3};
    float read[3];
    qctx_h5 *file;

    (void)state;
    for (int64_t round = 3; round >= 1; round--) {
        assert_status(qctx_h5_create_image("image", &image, &file, &error), QCTX_OK, &error);
        assert_status(qctx_h5_make(file, "a/x", QCTX_H5_FLOAT32, round, 0, &error), QCTX_OK, &error);
        assert_status(qctx_h5_write(file, "a/x", QCTX_H5_FLOAT32, 0, round, values, &error), QCTX_OK, &error);
        assert_status(qctx_h5_close(file, &error), QCTX_OK, &error);
        assert_status(qctx_h5_open_image("image", &image, &file, &error), QCTX_OK, &error);
        assert_status(qctx_h5_read(file, "a/x", QCTX_H5_FLOAT32, 0, round, read, &error), QCTX_OK, &error);
        assert_memory_equal(read, values, (size_t)round * sizeof *values);
        qctx_h5_close(file, NULL);
    }
    image.count /= 2;
    assert_status(qctx_h5_open_image("image", &image, &file, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "image: not a readable HDF5 file");
    free(image.bytes);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(keeps_numbers_texts_and_attributes), cmocka_unit_test(stores_half_precision),
    cmocka_unit_test(refuses_what_is_no_hdf5_file),       cmocka_unit_test(names_the_object_that_is_wrong),
    cmocka_unit_test(says_when_the_disk_is_full),         cmocka_unit_test(says_when_the_disk_fills_up_later),
    cmocka_unit_test(files_in_memory_come_back),
};
TEST_MAIN(tests)
