/* ranks: 1 2 3 */
/*
 * Stores that are damaged or made to do harm, made by HDF5 itself: each is refused by name, quickly and in little
 * memory, and this process lives on.
 */
#include "harness.h"

#include "small_store.h"

#include <fcntl.h>
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../src/store/store_internal.h"

#include "qctx/base/clock.h"
#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/outfile.h"
#include "qctx/store/store.h"

enum { QUESTIONS = 5, CONTEXTS = 7, DIM = 4, MUTANTS = 60 };

static qctx_error error;

static void write_dataset(hid_t file, const char *name, hid_t type, int rank, const hsize_t *extent, const void *data)
{
    hid_t space = H5Screate_simple(rank, extent, NULL), links = H5Pcreate(H5P_LINK_CREATE);
    hid_t dataset;

    H5Pset_create_intermediate_group(links, 1);
    dataset = H5Dcreate2(file, name, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(dataset >= 0);
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(dataset);
    H5Pclose(links);
    H5Sclose(space);
}

static void write_rows(hid_t file, const char *name, hsize_t rows)
{
    const hsize_t extent[2] = {rows, DIM};
    float values[CONTEXTS * DIM];

    for (int i = 0; i < (int)rows * DIM; i++)
        values[i] = (float)(i % 5 + 1);
    write_dataset(file, name, H5T_NATIVE_FLOAT, 2, extent, values);
}

/* A dataset that claims rows of which nothing is stored. */
static void claim(hid_t file, const char *name, hid_t type, int rank, const hsize_t *extent, const hsize_t *chunk)
{
    hid_t space = H5Screate_simple(rank, extent, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);

    if (chunk != NULL) {
        H5Pset_chunk(creation, rank, chunk);
        H5Pset_deflate(creation, 1);
    }
    if (H5Lexists(file, name, H5P_DEFAULT) > 0)
        H5Ldelete(file, name, H5P_DEFAULT);
    H5Dclose(H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
    H5Sclose(space);
}

typedef enum {
    WHOLE,
    CLAIMS_ROWS,
    CLAIMS_CHUNKS,
    CLAIMS_ANSWERS,
    CLAIMS_TEXTS,
    COMPRESSED,
    IN_A_CIRCLE,
    DEEP,
    LINKS_TO_ITSELF,
    HARMS
} harm;

static void compress(hid_t file)
{
    const hsize_t extent[2] = {1 << 18, 512}, chunk[2] = {1 << 18, 64};
    hid_t dataset;

    claim(file, "contexts/text", H5T_NATIVE_INT8, 2, extent, chunk);
    dataset = H5Dopen2(file, "contexts/text", H5P_DEFAULT);
    /* One chunk of eight is there, 16 MiB of zeros in some thousand bytes. */
    hid_t space = H5Dget_space(dataset), window;
    const hsize_t start[2] = {0, 0}, size[2] = {1 << 18, 64};
    char *zeros = calloc(1 << 18, 64);

    window = H5Screate_simple(2, size, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
    assert_true(H5Dwrite(dataset, H5T_NATIVE_INT8, window, space, H5P_DEFAULT, zeros) >= 0);
    free(zeros);
    H5Sclose(window);
    H5Sclose(space);
    H5Dclose(dataset);
}

static void do_harm(hid_t file, harm what)
{
    const hsize_t rows[2] = {1 << 28, 16}, chunk[2] = {1 << 12, 16};
    const hsize_t answers = (hsize_t)1 << 33, answers_chunk = 1 << 20, texts = CONTEXTS, one = 1;
    char name[600] = "answers/train";
    hid_t text = H5Tcopy(H5T_C_S1);

    H5Tset_size(text, 1u << 30);
    switch (what) {
    case CLAIMS_ROWS:
        claim(file, "contexts/vectors", H5T_NATIVE_FLOAT, 2, rows, NULL);
        break;
    case CLAIMS_CHUNKS:
        claim(file, "contexts/vectors", H5T_NATIVE_DOUBLE, 2, rows, chunk);
        break;
    case CLAIMS_ANSWERS:
        claim(file, "answers/train/contexts", H5T_NATIVE_INT64, 1, &answers, &answers_chunk);
        break;
    case CLAIMS_TEXTS:
        claim(file, "contexts/text", text, 1, &texts, &one);
        break;
    case COMPRESSED:
        compress(file);
        break;
    case IN_A_CIRCLE:
        H5Lcreate_hard(file, "/", file, "answers/again", H5P_DEFAULT, H5P_DEFAULT);
        break;
    case DEEP:
        for (int i = 0; i < 250; i++) {
            strcat(name, "/g");
            H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        }
        break;
    case LINKS_TO_ITSELF:
        H5Ldelete(file, "answers/train/contexts", H5P_DEFAULT);
        H5Lcreate_soft("/answers/train/contexts", file, "answers/train/contexts", H5P_DEFAULT, H5P_DEFAULT);
        break;
    case WHOLE:
    case HARMS:
        break;
    }
    H5Tclose(text);
}

static const char *write_store(harm what)
{
    const int64_t contexts[QUESTIONS] = {6, 0, 1, 2, 2}, offsets[QUESTIONS + 1] = {0, 1, 2, 3, 4, 5};
    const hsize_t answer_count = QUESTIONS, offset_count = QUESTIONS + 1;
    const char *path = test_path("hostile.h5");

    qctx_comm_barrier(test_comm);
    if (qctx_comm_rank(test_comm) == 0) {
        hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

        assert_true(file >= 0);
        write_rows(file, "questions/vectors", QUESTIONS);
        write_rows(file, "contexts/vectors", CONTEXTS);
        write_dataset(file, "answers/train/contexts", H5T_NATIVE_INT64, 1, &answer_count, contexts);
        write_dataset(file, "answers/train/offsets", H5T_NATIVE_INT64, 1, &offset_count, offsets);
        do_harm(file, what);
        H5Fclose(file);
    }
    qctx_comm_barrier(test_comm);
    return path;
}

static void what_is_claimed_must_be_stored(void **state)
{
    static const char *const said[HARMS] = {
        [CLAIMS_ROWS] = "contexts/vectors claims 17179869184 bytes, of which 0 are stored",
        [CLAIMS_CHUNKS] = "contexts/vectors claims 34359738368 bytes, of which 0 are stored",
        [CLAIMS_ANSWERS] = "answers/train/contexts claims 68719476736 bytes, of which 0 are stored",
        [CLAIMS_TEXTS] = "contexts/text claims 7516192768 bytes, of which 0 are stored",
        [COMPRESSED] = "contexts/text claims 134217728 bytes, of which",
        [IN_A_CIRCLE] = "answers/again/questions is not a dataset",
        [LINKS_TO_ITSELF] = "there is no dataset answers/train/contexts",
    };
    struct rusage used;

    (void)state;
    for (harm what = WHOLE; what < HARMS; what++) {
        const char *path = write_store(what);
        qctx_store *store = NULL;
        const qctx_status expected = said[what] == NULL ? QCTX_OK : QCTX_ERR_FORMAT;

        assert_status(qctx_store_open(test_comm, path, &store, &error), expected, &error);
        if (said[what] != NULL)
            assert_contains(error.message, said[what]);
        else
            qctx_store_close(store);
    }
    getrusage(RUSAGE_CHILDREN, &used);
#ifndef __SANITIZE_ADDRESS__
    assert_true(used.ru_maxrss < 1 << 20);
#endif
}

/* Flips bits and overwrites bytes of a store in ways that follow from `number`. */
static void damage(char *bytes, size_t count, uint64_t number)
{
    const int changes = 1 << number % 5;

    for (int i = 0; i < changes; i++) {
        const uint64_t key[] = {number, (uint64_t)i}, draw = qctx_hash(key, sizeof key, 0);
        const size_t at = draw % (number % 2 == 0 ? count : 2048);

        if (draw >> 60 < 8)
            bytes[at] ^= (char)(1 << (draw >> 56) % 8);
        else
            memset(bytes + at, draw >> 60 < 12 ? 0xff : 0, 1 + (draw >> 52) % 8);
    }
}

/* A damaged file may still be a store, of other answers. It never ends this process, nor takes long. */
static void lives_on_whatever_is_damaged(void **state)
{
    const double before = qctx_clock_seconds();
    const char *path = write_store(WHOLE);
    size_t count = 0;
    char *whole = NULL, *bytes;
    int refused = 0;

    (void)state;
    assert_status(qctx_file_read(path, &whole, &count, &error), QCTX_OK, &error);
    bytes = malloc(count + 16);
    assert_non_null(bytes);
    for (uint64_t m = 0; m < MUTANTS; m++) {
        qctx_store *store = NULL;
        qctx_status status;

        memcpy(bytes, whole, count);
        damage(bytes, count, m);
        if (qctx_comm_rank(test_comm) == 0)
            assert_status(qctx_file_write(path, bytes, count, &error), QCTX_OK, &error);
        qctx_comm_barrier(test_comm);
        status = qctx_store_open(test_comm, path, &store, &error);
        refused += status != QCTX_OK;
        assert_true(status == QCTX_OK || status == QCTX_ERR_IO || status == QCTX_ERR_FORMAT ||
                    status == QCTX_ERR_DATA || status == QCTX_ERR_MISMATCH);
        if (status != QCTX_OK)
            assert_contains(error.message, "hostile.h5");
        qctx_store_close(store);
        qctx_comm_barrier(test_comm);
    }
    assert_true(refused > MUTANTS / 4);
    assert_true(qctx_clock_seconds() - before < 120);
    free(bytes);
    free(whole);
}

/* Writes a head that fits what the file holds now, as one could who means harm. Local. */
static void sum_up_again(const char *path, char *bytes, size_t count)
{
    qctx_store_head head;
    bool there = false;
    int file;

    assert_status(qctx_store_head_read(path, &head, &there, &error), QCTX_OK, &error);
    assert_true(there);
    file = open(path, O_RDONLY);
    assert_true(file >= 0);
    assert_status(qctx_store_rest_sum(file, path, &head, 0, 1, &head.rest, &error), QCTX_OK, &error);
    close(file);
    qctx_store_head_write(&head, bytes);
    assert_status(qctx_file_write(path, bytes, count, &error), QCTX_OK, &error);
}

/* Whether all sums fit says nothing about who made them. */
static void lives_on_whatever_is_summed_up_again(void **state)
{
    small_store *small = small_open();
    char *path = strdup(qctx_store_path(small->store));
    char *whole = NULL, *bytes;
    size_t count = 0;
    int refused = 0;

    (void)state;
    small_close(small);
    assert_status(qctx_file_read(path, &whole, &count, &error), QCTX_OK, &error);
    bytes = malloc(count + 16);
    assert_non_null(bytes);
    /* Number 84 ends HDF5 1.10.8. */
    for (uint64_t m = MUTANTS; m < 2 * (uint64_t)MUTANTS; m++) {
        qctx_store *store = NULL;
        qctx_status status;

        memcpy(bytes, whole, count);
        /* Where HDF5's own structures begin; the mutants' even numbers would be lost among the vectors. */
        damage(bytes + QCTX_STORE_FRONT, count - QCTX_STORE_FRONT, 2 * m + 1);
        if (qctx_comm_rank(test_comm) == 0) {
            assert_status(qctx_file_write(path, bytes, count, &error), QCTX_OK, &error);
            sum_up_again(path, bytes, count);
        }
        qctx_comm_barrier(test_comm);
        status = qctx_store_open(test_comm, path, &store, &error);
        refused += status != QCTX_OK;
        assert_true(status == QCTX_OK || status == QCTX_ERR_IO || status == QCTX_ERR_FORMAT ||
                    status == QCTX_ERR_DATA || status == QCTX_ERR_MISMATCH);
        qctx_store_close(store);
        qctx_comm_barrier(test_comm);
    }
    assert_true(refused > MUTANTS / 4);
    free(bytes);
    free(whole);
    free(path);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_claimed_must_be_stored),
    cmocka_unit_test(lives_on_whatever_is_damaged),
    cmocka_unit_test(lives_on_whatever_is_summed_up_again),
};
TEST_MAIN(tests)
