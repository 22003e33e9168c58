/* ranks: 1 */
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "made_checkpoint.h"
#include "qctx/base/fileio.h"

static char *whole;
static size_t whole_bytes;

static int write_whole(void **state)
{
    qctx_checkpoint written = made_checkpoint();
    qctx_error error;

    (void)state;
    write_checkpoint(test_path("whole.h5"), &written);
    assert_status(qctx_file_read(test_path("whole.h5"), &whole, &whole_bytes, &error), QCTX_OK, &error);
    return 0;
}

static int free_whole(void **state)
{
    (void)state;
    free(whole);
    return 0;
}

/* Changes bytes in place: thousands of files that are written anew would wait for the disk. */
static void put(const char *path, const char *bytes, size_t count, size_t place)
{
    int handle = open(path, O_WRONLY | O_CREAT, 0666);

    assert_true(handle >= 0);
    assert_int_equal(pwrite(handle, bytes, count, (off_t)place), count);
    assert_int_equal(close(handle), 0);
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
    put(path, whole, whole_bytes, 0);
    for (size_t place = 0; place < whole_bytes; place++) {
        /* Never no change, and not the same one everywhere. */
        char changed = (char)(whole[place] ^ (char)(1 + place * 37 % 255));

        put(path, &changed, 1, place);
        expect_detected(path, "a flip", place);
        put(path, whole + place, 1, place);
    }
}

static void a_cut_anywhere_and_a_surplus_byte_are_detected(void **state)
{
    const char *path = test_path("hurt.h5");

    (void)state;
    put(path, whole, whole_bytes, 0);
    put(path, "", 1, whole_bytes);
    expect_detected(path, "a surplus byte", whole_bytes);
    for (size_t length = whole_bytes; length-- > 0;) {
        assert_int_equal(truncate(path, (off_t)length), 0);
        expect_detected(path, "a cut", length);
    }
}

/* What a file system leaves of a file whose last blocks were not written. */
static void zeros_in_the_place_of_any_block_are_detected(void **state)
{
    static const char zeros[512];
    const char *path = test_path("hurt.h5");

    (void)state;
    put(path, whole, whole_bytes, 0);
    for (size_t place = 0; place < whole_bytes; place += sizeof zeros) {
        size_t count = whole_bytes - place < sizeof zeros ? whole_bytes - place : sizeof zeros;

        if (memcmp(zeros, whole + place, count) == 0)
            continue;
        put(path, zeros, count, place);
        expect_detected(path, "zeros", place);
        put(path, whole + place, count, place);
    }
}

/* Puts `line` in front of what is whole, filled up with zeros, and asks for the refusal. */
static void expect_header_refused(const char *line, qctx_status code, const char *part)
{
    const char *path = test_path("hurt.h5");
    char header[512] = "";
    qctx_checkpoint read;
    qctx_error error;

    memcpy(header, line, strlen(line));
    put(path, whole, whole_bytes, 0);
    put(path, header, sizeof header, 0);
    assert_status(qctx_checkpoint_read(test_comm, path, &read, &error), code, &error);
    assert_contains(error.message, part);
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

/*
 * Somebody may change a checkpoint and hash it again. What HDF5 makes of such bytes is not ours to know, a crash among
 * it: 1.10.8 reads beyond its memory for some of these. The process must live, and say which file it was.
 */
static void what_is_forged_ends_nobody(void **state)
{
    const char *path = test_path("forged.h5");
    char *forged = malloc(whole_bytes);
    qctx_h5_image image = {forged, (int64_t)whole_bytes, 512, (int64_t)whole_bytes};
    int refused = 0;

    (void)state;
    assert_non_null(forged);
    memcpy(forged, whole, whole_bytes);
    put(path, whole, whole_bytes, 0);
    for (size_t place = 512; place < whole_bytes; place += 31) {
        qctx_checkpoint read;
        qctx_error error;

        forged[place] = (char)(forged[place] ^ (char)(1 + place * 37 % 255));
        qctx_checkpoint_seal(&image);
        put(path, forged, whole_bytes, 0);
        if (qctx_checkpoint_read(test_comm, path, &read, &error) == QCTX_OK) {
            qctx_checkpoint_free(&read);
        } else {
            assert_contains(error.message, "forged.h5");
            refused++;
        }
        forged[place] = whole[place];
    }
    assert_true(refused > 0);
    free(forged);
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
    cmocka_unit_test(what_is_forged_ends_nobody),
    cmocka_unit_test_teardown(equal_states_make_equal_bytes, free_whole),
};
TEST_MAIN(tests)
