/* ranks: 1 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "made_checkpoint.h"
#include "qctx/base/fileio.h"

static char *whole;
static size_t whole_bytes;

static int write_whole(void **state)
{
    qctx_checkpoint written = made_checkpoint();
    qctx_error error;

    (void)state;
    assert_status(qctx_checkpoint_write(test_comm, test_path("whole.h5"), &written, &error), QCTX_OK, &error);
    assert_status(qctx_file_read(test_path("whole.h5"), &whole, &whole_bytes, &error), QCTX_OK, &error);
    return 0;
}

static int free_whole(void **state)
{
    (void)state;
    free(whole);
    return 0;
}

/* Without a sync, which thousands of files would wait for. */
static void put(const char *path, const char *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void expect_detected(const char *path, const char *what, size_t place)
{
    qctx_checkpoint read;
    qctx_error error;
    qctx_status status = qctx_checkpoint_read(test_comm, path, &read, &error);

    if (status != QCTX_ERR_DATA && status != QCTX_ERR_FORMAT)
        fail_msg("%s at byte %zu of %zu: status %s", what, place, whole_bytes, qctx_status_name(status));
    assert_contains(error.message, "hurt.h5");
    assert_true(error.hint[0] != '\0' || status == QCTX_ERR_FORMAT);
}

static void a_flip_of_any_byte_is_detected(void **state)
{
    const char *path = test_path("hurt.h5");

    (void)state;
    for (size_t place = 0; place < whole_bytes; place++) {
        /* Every byte once, by a change that is never none and is another one at each place. */
        char change = (char)(1 + place * 37 % 255);

        whole[place] ^= change;
        put(path, whole, whole_bytes);
        expect_detected(path, "a flip", place);
        whole[place] ^= change;
    }
}

static void a_cut_anywhere_and_a_surplus_byte_are_detected(void **state)
{
    const char *path = test_path("hurt.h5");
    char *longer = calloc(1, whole_bytes + 1);

    (void)state;
    for (size_t length = 0; length < whole_bytes; length++) {
        put(path, whole, length);
        expect_detected(path, "a cut", length);
    }
    memcpy(longer, whole, whole_bytes);
    put(path, longer, whole_bytes + 1);
    expect_detected(path, "a surplus byte", whole_bytes);
    free(longer);
}

/* What a file system leaves of a file whose last blocks were not written. */
static void zeros_in_the_place_of_any_block_are_detected(void **state)
{
    const char *path = test_path("hurt.h5");
    char *torn = malloc(whole_bytes);

    (void)state;
    for (size_t place = 0; place < whole_bytes; place += 512) {
        size_t count = whole_bytes - place < 512 ? whole_bytes - place : 512;

        memcpy(torn, whole, whole_bytes);
        memset(torn + place, 0, count);
        if (memcmp(torn, whole, whole_bytes) == 0)
            continue;
        put(path, torn, whole_bytes);
        expect_detected(path, "zeros", place);
    }
    free(torn);
}

/* Puts `line` in front of what is whole, filled up with zeros, and asks for the refusal. */
static void expect_header_refused(const char *line, qctx_status code, const char *part)
{
    const char *path = test_path("hurt.h5");
    char *changed = malloc(whole_bytes);
    qctx_checkpoint read;
    qctx_error error;

    memcpy(changed, whole, whole_bytes);
    memset(changed, 0, 512);
    memcpy(changed, line, strlen(line));
    put(path, changed, whole_bytes);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), code, &error);
    assert_contains(error.message, part);
    free(changed);
}

static void headers_are_taken_to_the_letter(void **state)
{
    long long bytes = (long long)whole_bytes - 512;
    char line[512], hash[17];

    (void)state;
    assert_int_equal(sscanf(whole, "qctx-checkpoint 2 bytes %*d xxh3 %16s", hash), 1);
    expect_header_refused("\x89HDF\r\n\x1a\n", QCTX_ERR_FORMAT, "is a plain HDF5 file");
    expect_header_refused("qctx-checkpoint 3 bytes 1 xxh3 0\n", QCTX_ERR_FORMAT, "checkpoint version 3, expected 2");
    expect_header_refused("qctx-checkpoint 2 bytes 0 xxh3 0000000000000000\n", QCTX_ERR_DATA, "header");
    expect_header_refused("qctx-checkpoint 2 bytes -8 xxh3 0000000000000000\n", QCTX_ERR_DATA, "header");
    expect_header_refused("qctx-checkpoint 2 bytes 999999999999999999 xxh3 0123456789abcdef\n", QCTX_ERR_DATA, "torn");
    expect_header_refused("qctx-checkpoint 2\n", QCTX_ERR_DATA, "header");
    snprintf(line, sizeof line, "qctx-checkpoint 2 bytes %lld xxh3 %s", bytes, hash);
    expect_header_refused(line, QCTX_ERR_DATA, "header");
    snprintf(line, sizeof line, "qctx-checkpoint 2 bytes 0%lld xxh3 %s\n", bytes, hash);
    expect_header_refused(line, QCTX_ERR_DATA, "header");
    snprintf(line, sizeof line, "qctx-checkpoint 2 bytes %lld xxh3 %s\nmore", bytes, hash);
    expect_header_refused(line, QCTX_ERR_DATA, "header");
    snprintf(line, sizeof line, "qctx-checkpoint 2 bytes %lld xxh3 0123456789abcdef\n", bytes);
    expect_header_refused(line, QCTX_ERR_DATA, "checksum of its bytes is");
}

/* Whatever stood in the memory before. */
static void equal_states_make_equal_bytes(void **state)
{
    qctx_checkpoint checkpoint = made_checkpoint();
    qctx_h5_image image = {0};
    qctx_error error;

    (void)state;
    assert_status(qctx_checkpoint_encode(&checkpoint, &image, &error), QCTX_OK, &error);
    memset(image.bytes, 0x5a, (size_t)image.capacity);
    assert_status(qctx_checkpoint_encode(&checkpoint, &image, &error), QCTX_OK, &error);
    qctx_checkpoint_seal(&image);
    assert_int_equal(image.count, whole_bytes);
    assert_memory_equal(image.bytes, whole, whole_bytes);
    free(image.bytes);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(a_flip_of_any_byte_is_detected, write_whole),
    cmocka_unit_test(a_cut_anywhere_and_a_surplus_byte_are_detected),
    cmocka_unit_test(zeros_in_the_place_of_any_block_are_detected),
    cmocka_unit_test(headers_are_taken_to_the_letter),
    cmocka_unit_test_teardown(equal_states_make_equal_bytes, free_whole),
};
TEST_MAIN(tests)
