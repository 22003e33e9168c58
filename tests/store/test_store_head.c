/* ranks: 1 2 3 5 */
#include "h5_edit.h"
#include "harness.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"
#include "qctx/base/rng.h"
#include "qctx/platform/h5.h"
#include "qctx/store/store.h"
#include "small_store.h"

enum { FRONT = 4096 };

static qctx_error error;

static bool speaks(void)
{
    return qctx_comm_rank(test_comm) == 0;
}

/* The bytes of the small store, which is closed again; the caller's to free. */
static char *make_store(size_t *bytes)
{
    char *whole = NULL;

    small_close(small_open());
    assert_status(qctx_file_read(test_path("small.h5"), &whole, bytes, &error), QCTX_OK, &error);
    qctx_comm_barrier(test_comm);
    return whole;
}

/* Rank 0 puts bytes into a file, all wait. */
static void put(const char *name, int64_t offset, const char *data, size_t bytes)
{
    if (speaks()) {
        int handle = open(test_path(name), O_WRONLY);

        assert_int_equal(pwrite(handle, data, bytes, (off_t)offset), bytes);
        close(handle);
    }
    qctx_comm_barrier(test_comm);
}

static qctx_status open_again(const char *name)
{
    qctx_store *store = NULL;
    qctx_status status = qctx_store_open(test_comm, test_path(name), &store, &error);

    qctx_store_close(store);
    qctx_comm_barrier(test_comm);
    return status;
}

/* One changed bit at a place, which must be seen: by its code, and by the file's name. */
static void expect_seen(const char *whole, size_t place, unsigned bit, qctx_status code)
{
    const char changed = (char)((unsigned char)whole[place] ^ 1u << bit);
    qctx_status status;

    put("small.h5", (int64_t)place, &changed, 1);
    status = open_again("small.h5");
    if (code == QCTX_OK ? status == QCTX_ERR_FORMAT || status == QCTX_ERR_MISMATCH || status == QCTX_ERR_DATA
                        : status == code)
        assert_contains(error.message, "small.h5: ");
    else
        fail_msg("bit %u of byte %zu: %s (%s)", bit, place, qctx_status_name(status), error.message);
    put("small.h5", (int64_t)place, whole + place, 1);
}

/* Which store it is, is said by the head alone; what is damaged says so, so that nobody takes it for something else. */
static void is_known_by_its_first_bytes(void **state)
{
    static const char cut[] = "qctx-store 2 bytes 6000";
    static const char other[] = "qctx-stone 2 bytes 6000 questions 4096+8 contexts 4104+8";

    (void)state;
    test_write(test_path("cut.h5"), cut);
    test_write(test_path("other.h5"), other);
    assert_true(qctx_store_is(test_path("cut.h5")));
    assert_status(open_again("cut.h5"), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "cut.h5: the store is damaged: its head (the first 4096 bytes) was changed");
    assert_contains(error.hint, "embed the corpus again");
    assert_false(qctx_store_is(test_path("other.h5")));
    assert_false(qctx_store_is(test_path("none.h5")));
    assert_false(qctx_store_is(test_folder()));
}

/* The head beside what HDF5 finds: places, lengths, checksum. */
static void the_head_says_what_the_file_holds(void **state)
{
    size_t bytes;
    char *whole = make_store(&bytes), expected[256], *checksum = NULL;
    qctx_h5_shape shapes[2];
    qctx_h5 *file;

    (void)state;
    assert_status(qctx_h5_open(test_path("small.h5"), &file, &error), QCTX_OK, &error);
    assert_status(qctx_h5_inspect(file, "questions/vectors", &shapes[0], &error), QCTX_OK, &error);
    assert_status(qctx_h5_inspect(file, "contexts/vectors", &shapes[1], &error), QCTX_OK, &error);
    assert_status(qctx_h5_get_text(file, "/", "checksum", &checksum, &error), QCTX_OK, &error);
    qctx_h5_close(file, NULL);
    snprintf(expected, sizeof expected,
             "qctx-store 2 bytes %zu questions %" PRId64 "+%d contexts %" PRId64 "+%d titles \"left out\" digits ",
             bytes, shapes[0].file_offset, SMALL_QUESTIONS * SMALL_DIM * 4, shapes[1].file_offset,
             SMALL_CONTEXTS * SMALL_DIM * 4);
    assert_memory_equal(whole, expected, strlen(expected));
    assert_memory_equal(whole + atoll(whole + strlen(expected)), checksum, 16);
    assert_contains(whole, checksum);
    assert_int_equal(qctx_store_checksum_at(test_path("small.h5")), strtoull(checksum, NULL, 16));
    assert_int_equal(qctx_store_titles_at(test_path("small.h5")), QCTX_TITLES_LEFT_OUT);
    free(checksum);
    free(whole);
    qctx_comm_barrier(test_comm);
}

static void any_flipped_bit_is_seen(void **state)
{
    enum { ANYWHERE = 60, IN_REST = 60 };
    size_t bytes, line;
    char *whole = make_store(&bytes);
    int64_t first_vector;

    (void)state;
    line = strcspn(whole, "\n");
    assert_int_equal(sscanf(whole, "qctx-store 2 bytes %*d questions %" SCNd64, &first_vector), 1);
    for (size_t i = strlen("qctx-store "); i <= line; i += 2)
        expect_seen(whole, i, (unsigned)(i / 2 % 8), QCTX_ERR_FORMAT);
    expect_seen(whole, line + 1, 0, QCTX_ERR_FORMAT);
    expect_seen(whole, FRONT - 1, 7, QCTX_ERR_FORMAT);
    for (int64_t i = 0; i < IN_REST; i++)
        expect_seen(whole,
                    FRONT + qctx_rng_below((uint64_t)(first_vector - FRONT), 1, QCTX_STREAM_BENCH, (uint64_t)i, 0),
                    (unsigned)i % 8, QCTX_ERR_FORMAT);
    for (int64_t i = 0; i < ANYWHERE; i++)
        expect_seen(whole, qctx_rng_below((uint64_t)bytes, 2, QCTX_STREAM_BENCH, (uint64_t)i, 0), (unsigned)i % 8,
                    QCTX_OK);
    expect_seen(whole, bytes - 1, 3, QCTX_ERR_FORMAT);
    /* Its first bytes make it a store with a head; without them it says that it was one. */
    expect_seen(whole, 0, 0, QCTX_ERR_FORMAT);
    assert_contains(error.message, "is a store of version 2 without its head");
    assert_status(open_again("small.h5"), QCTX_OK, &error);
    free(whole);
}

static void a_file_cut_or_grown_is_seen(void **state)
{
    static const char more[512] = "";
    size_t bytes;
    char *whole = make_store(&bytes);
    const size_t lengths[] = {bytes - 1, bytes / 2, FRONT + 100, FRONT, 600};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (speaks())
            assert_int_equal(truncate(test_path("small.h5"), (off_t)lengths[i]), 0);
        qctx_comm_barrier(test_comm);
        assert_status(open_again("small.h5"), QCTX_ERR_FORMAT, &error);
        assert_contains(error.message, lengths[i] < FRONT
                                           ? "its head (the first 4096 bytes) was changed"
                                           : "small.h5: the store is truncated, or longer than it was: it has ");
        put("small.h5", (int64_t)lengths[i], whole + lengths[i], bytes - lengths[i]);
    }
    put("small.h5", (int64_t)bytes, more, sizeof more);
    assert_status(open_again("small.h5"), QCTX_ERR_FORMAT, &error);
    free(whole);
}

static void version_1_is_still_read(void **state)
{
    size_t bytes, found;
    char *whole = make_store(&bytes);
    float row[2][SMALL_DIM];
    qctx_store *store = NULL;
    uint64_t checksum;

    (void)state;
    assert_status(qctx_store_open(test_comm, test_path("small.h5"), &store, &error), QCTX_OK, &error);
    assert_int_equal(qctx_store_version(store), 2);
    assert_int_equal(qctx_store_verified(store), QCTX_VERIFIED_WHOLE);
    qctx_store_gather(store, QCTX_CONTEXT, (int64_t[]){SMALL_CONTEXTS - 1}, 1, row[0]);
    checksum = qctx_store_checksum(store);
    qctx_store_close(store);
    qctx_comm_barrier(test_comm);
    if (speaks())
        assert_status(test_h5_make_version_1(test_path("small.h5"), &error), QCTX_OK, &error);
    qctx_comm_barrier(test_comm);
    free(whole);
    assert_status(qctx_file_read(test_path("small.h5"), &whole, &found, &error), QCTX_OK, &error);
    assert_memory_equal(whole, "\x89HDF", 4);
    assert_true(qctx_store_is(test_path("small.h5")));
    assert_true(qctx_store_checksum_at(test_path("small.h5")) == checksum);
    assert_int_equal(qctx_store_titles_at(test_path("small.h5")), QCTX_TITLES_LEFT_OUT);
    assert_status(qctx_store_open(test_comm, test_path("small.h5"), &store, &error), QCTX_OK, &error);
    assert_int_equal(qctx_store_version(store), 1);
    assert_int_equal(qctx_store_verified(store), QCTX_VERIFIED_VECTORS);
    assert_true(qctx_store_checksum(store) == checksum);
    qctx_store_gather(store, QCTX_CONTEXT, (int64_t[]){SMALL_CONTEXTS - 1}, 1, row[1]);
    assert_memory_equal(row[0], row[1], sizeof row[0]);
    qctx_store_close(store);
    free(whole);
    qctx_comm_barrier(test_comm);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(is_known_by_its_first_bytes), cmocka_unit_test(the_head_says_what_the_file_holds),
    cmocka_unit_test(any_flipped_bit_is_seen),     cmocka_unit_test(a_file_cut_or_grown_is_seen),
    cmocka_unit_test(version_1_is_still_read),
};
TEST_MAIN(tests)
