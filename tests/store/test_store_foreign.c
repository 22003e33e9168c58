/* ranks: 1 2 3 */
/*
 * Stores as other tools write them: this file uses HDF5 itself, as h5py does, so that the store's reader meets layouts
 * and types that its own writer never makes.
 */
#include "harness.h"

#include <hdf5.h>
#include <stdlib.h>

#include "qctx/store/store.h"

enum { QUESTIONS = 4, CONTEXTS = 6, DIM = 5 };

static qctx_error error;

static double element(qctx_side side, int64_t row, int64_t column)
{
    /* Exact in half precision. */
    return (double)(side * 64 + row * 8 + column + 1) / 16;
}

/* How the vectors are laid out. */
typedef struct {
    hid_t type;
    bool chunked, compressed, filtered; /* filtered: by one that is registered under 300 */
} layout;

static hid_t half_type(bool big_endian)
{
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);

    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_ebias(type, 15);
    H5Tset_size(type, 2);
    H5Tset_order(type, big_endian ? H5T_ORDER_BE : H5T_ORDER_LE);
    return type;
}

static void write_dataset(hid_t file, const char *name, hid_t stored, hid_t memory, int rank, const hsize_t *extent,
                          const layout *how, const void *data)
{
    hsize_t chunk[2] = {3, 2};
    hid_t space = H5Screate_simple(rank, extent, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    hid_t dataset;

    H5Pset_create_intermediate_group(links, 1);
    if (how != NULL && (how->chunked || how->compressed))
        H5Pset_chunk(creation, rank, chunk);
    if (how != NULL && how->compressed)
        H5Pset_deflate(creation, 4);
    if (how != NULL && how->filtered)
        H5Pset_filter(creation, 300, H5Z_FLAG_MANDATORY, 0, NULL);
    dataset = H5Dcreate2(file, name, stored, space, links, creation, H5P_DEFAULT);
    assert_true(dataset >= 0);
    assert_true(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(dataset);
    H5Pclose(links);
    H5Pclose(creation);
    H5Sclose(space);
}

static void write_vectors(hid_t file, const char *name, qctx_side side, hsize_t rows, const layout *how)
{
    const hsize_t extent[2] = {rows, DIM};
    double values[CONTEXTS * DIM];

    for (int64_t i = 0; i < (int64_t)rows; i++)
        for (int64_t j = 0; j < DIM; j++)
            values[i * DIM + j] = element(side, i, j);
    write_dataset(file, name, how->type, H5T_NATIVE_DOUBLE, 2, extent, how, values);
}

/* Ids of fixed length, padded with spaces, in ASCII. */
static void write_ids(hid_t file)
{
    const hsize_t extent = CONTEXTS;
    hid_t type = H5Tcopy(H5T_C_S1);

    H5Tset_size(type, 4);
    H5Tset_strpad(type, H5T_STR_SPACEPAD);
    write_dataset(file, "contexts/id", type, type, 1, &extent, NULL, "a   bb  ccc ddddeeeef   ");
    H5Tclose(type);
}

/* A store with nothing but what is needed: vectors, and answers of all questions in order, as 32-bit integers. */
static const char *write_store(const layout *how)
{
    const char *path = test_path("foreign.h5");
    const int offsets[] = {0, 1, 3, 4, 5};
    const int contexts[] = {5, 0, 1, 2, 2};
    const hsize_t offset_count = 5, context_count = 5;
    hid_t file;

    qctx_comm_barrier(test_comm);
    if (qctx_comm_rank(test_comm) == 0) {
        file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(file >= 0);
        write_vectors(file, "questions/vectors", 0, QUESTIONS, how);
        write_vectors(file, "contexts/vectors", 1, CONTEXTS, how);
        write_dataset(file, "answers/train/offsets", H5T_STD_I32BE, H5T_NATIVE_INT, 1, &offset_count, NULL, offsets);
        write_dataset(file, "answers/train/contexts", H5T_STD_U16LE, H5T_NATIVE_INT, 1, &context_count, NULL, contexts);
        write_ids(file);
        H5Fclose(file);
    }
    qctx_comm_barrier(test_comm);
    return path;
}

static void check_store(const layout *how)
{
    const int64_t rows[] = {5, 0, 3};
    float values[3 * DIM];
    char *ids[3];
    const qctx_split *split;
    qctx_store *store;

    assert_status(qctx_store_open(test_comm, write_store(how), &store, &error), QCTX_OK, &error);
    assert_int_equal(qctx_store_dim(store), DIM);
    qctx_store_gather(store, QCTX_CONTEXT, rows, 3, values);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < DIM; j++)
            assert_true((double)values[i * DIM + j] == element(1, rows[i], j));
    assert_status(qctx_store_read(store, QCTX_QUESTION, 1, 3, values, &error), QCTX_OK, &error);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < DIM; j++)
            assert_true((double)values[i * DIM + j] == element(0, i + 1, j));
    split = qctx_store_split(store, "train", &error);
    assert_non_null(split);
    assert_int_equal(split->count, QUESTIONS);
    assert_memory_equal(split->contexts, ((int64_t[]){5, 0, 1, 2, 2}), 5 * sizeof(int64_t));
    assert_status(qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_ID, rows, 3, ids, &error), QCTX_OK, &error);
    assert_string_equal(ids[0], "f");
    assert_string_equal(ids[1], "a");
    assert_string_equal(ids[2], "dddd");
    for (int i = 0; i < 3; i++)
        free(ids[i]);
    qctx_store_close(store);
}

static void reads_every_layout_and_type(void **state)
{
    hid_t half = half_type(false);
    hid_t swapped_half = half_type(true);
    const layout layouts[] = {
        {H5T_IEEE_F32LE, false, false, false}, {H5T_IEEE_F32LE, true, false, false},
        {H5T_IEEE_F32LE, true, true, false},   {H5T_IEEE_F32BE, false, false, false},
        {H5T_IEEE_F64LE, false, false, false}, {H5T_IEEE_F64BE, true, true, false},
        {half, false, false, false},           {half, true, true, false},
        {swapped_half, false, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        check_store(&layouts[i]);
    H5Tclose(half);
    H5Tclose(swapped_half);
}

/* A filter that only its maker knows, under a number meant for trials. */
static size_t pass(unsigned flags, size_t count, const unsigned *values, size_t bytes, size_t *room, void **data)
{
    (void)flags, (void)count, (void)values, (void)room, (void)data;
    return bytes;
}

static void names_an_unknown_compression(void **state)
{
    const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 300, 1, 1, "private", NULL, NULL, pass};
    const layout how = {H5T_IEEE_F32LE, true, false, true};
    qctx_store *store;
    const char *path;

    (void)state;
    assert_true(H5Zregister(&filter) >= 0);
    path = write_store(&how);
    assert_true(H5Zunregister(filter.id) >= 0);
    assert_status(qctx_store_open(test_comm, path, &store, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "foreign.h5: questions/vectors is stored with the filter 'private' (300)");
    assert_contains(error.hint, "gzip");
}

static void refuses_integers_for_vectors(void **state)
{
    const layout how = {H5T_STD_I32LE, false, false, false};
    qctx_store *store;

    (void)state;
    assert_status(qctx_store_open(test_comm, write_store(&how), &store, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "questions/vectors has 2 dimensions of integers; expected 2 of floating-point");
}

/* Another file's rows: those of this test, each plus 1000, at another offset than in the file that names them. */
static void write_other(void)
{
    const hsize_t extent[2] = {QUESTIONS, DIM}, filler = 1000;
    double values[QUESTIONS * DIM] = {0};
    float raw[QUESTIONS * DIM];
    int padding[1000] = {0};
    FILE *bytes = fopen(test_path("other.bin"), "wb");
    hid_t file = H5Fcreate(test_path("other.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const layout plain = {H5T_IEEE_F32LE, false, false, false};

    for (int64_t i = 0; i < QUESTIONS * DIM; i++)
        raw[i] = (float)(values[i] = 1000 + element(QCTX_QUESTION, i / DIM, i % DIM));
    write_dataset(file, "filler", H5T_NATIVE_INT, H5T_NATIVE_INT, 1, &filler, NULL, padding);
    write_dataset(file, "rows", plain.type, H5T_NATIVE_DOUBLE, 2, extent, &plain, values);
    H5Fclose(file);
    assert_non_null(bytes);
    assert_int_equal(fwrite(raw, sizeof *raw, QUESTIONS * DIM, bytes), QUESTIONS * DIM);
    fclose(bytes);
}

typedef enum { BY_LINK, BY_SOFT_LINK, BY_STORAGE, BY_VIRTUAL, DANGLING } elsewhere;

/* Puts what leads elsewhere in the place of questions/vectors. */
static const char *write_elsewhere(elsewhere way)
{
    const layout plain = {H5T_IEEE_F32LE, false, false, false};
    const char *path = write_store(&plain);
    const hsize_t extent[2] = {QUESTIONS, DIM};

    if (qctx_comm_rank(test_comm) == 0) {
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), creation = H5Pcreate(H5P_DATASET_CREATE);
        hid_t space = H5Screate_simple(2, extent, NULL), dataset = -1;

        write_other();
        assert_true(H5Ldelete(file, "questions/vectors", H5P_DEFAULT) >= 0);
        if (way == BY_LINK || way == DANGLING)
            H5Lcreate_external(way == BY_LINK ? "other.h5" : "gone.h5", "/rows", file, "questions/vectors", H5P_DEFAULT,
                               H5P_DEFAULT);
        if (way == BY_SOFT_LINK) {
            H5Lcreate_external("other.h5", "/rows", file, "aside", H5P_DEFAULT, H5P_DEFAULT);
            H5Lcreate_soft("/aside", file, "questions/vectors", H5P_DEFAULT, H5P_DEFAULT);
        }
        if (way == BY_STORAGE)
            H5Pset_external(creation, test_path("other.bin"), 0, sizeof(float) * QUESTIONS * DIM);
        if (way == BY_VIRTUAL)
            H5Pset_virtual(creation, space, test_path("other.h5"), "/rows", space);
        if (way == BY_STORAGE || way == BY_VIRTUAL)
            dataset = H5Dcreate2(file, "questions/vectors", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
        if (dataset >= 0)
            H5Dclose(dataset);
        H5Sclose(space);
        H5Pclose(creation);
        H5Fclose(file);
    }
    qctx_comm_barrier(test_comm);
    return path;
}

static void vectors_of_another_file_are_refused_or_read(void **state)
{
    static const char *const named[] = {"other.h5", "other.h5", "other.bin", "other.h5"};
    float row[DIM];
    qctx_store *store;

    (void)state;
    for (elsewhere way = BY_LINK; way <= BY_VIRTUAL; way++) {
        const char *path = write_elsewhere(way);

        assert_status(qctx_store_open(test_comm, path, &store, &error), QCTX_ERR_FORMAT, &error);
        assert_contains(error.message, "another file");
        assert_contains(error.message, named[way]);
        assert_contains(error.hint, "external: true");
        /* Where they are wanted, they are those of the other file, and not what stands at its offset in this one. */
        assert_status(qctx_store_open_external(test_comm, path, &store, &error), QCTX_OK, &error);
        assert_status(qctx_store_read(store, QCTX_QUESTION, 2, 1, row, &error), QCTX_OK, &error);
        for (int j = 0; j < DIM; j++)
            assert_true((double)row[j] == 1000 + element(QCTX_QUESTION, 2, j));
        qctx_store_close(store);
        qctx_comm_barrier(test_comm);
    }
}

static void a_file_that_is_missing_is_named(void **state)
{
    const char *path = write_elsewhere(DANGLING);
    qctx_store *store;

    (void)state;
    assert_status(qctx_store_open(test_comm, path, &store, &error), QCTX_ERR_FORMAT, &error);
    assert_contains(error.message, "gone.h5");
    assert_status(qctx_store_open_external(test_comm, path, &store, &error), QCTX_ERR_IO, &error);
    assert_contains(error.message, "questions/vectors is an external link to /rows in gone.h5, which is not there");
}

/* Numbers are read as texts; those of a question and a context are equal by chance, so that no answer is left out. */
static void takes_numbers_for_ids(void **state)
{
    const layout plain = {.type = H5T_IEEE_F32LE};
    const char *path = write_store(&plain);
    const int ids[] = {100, 101, 102, 103, 104, -5};
    const hsize_t question_count = QUESTIONS, context_count = CONTEXTS;
    const int64_t *own = NULL;
    qctx_store *store;
    char *read[2];

    (void)state;
    if (qctx_comm_rank(test_comm) == 0) {
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);

        H5Ldelete(file, "contexts/id", H5P_DEFAULT);
        write_dataset(file, "questions/id", H5T_STD_I64LE, H5T_NATIVE_INT, 1, &question_count, NULL, ids);
        write_dataset(file, "contexts/id", H5T_STD_I32BE, H5T_NATIVE_INT, 1, &context_count, NULL, ids);
        H5Fclose(file);
    }
    qctx_comm_barrier(test_comm);
    assert_status(qctx_store_open(test_comm, path, &store, &error), QCTX_OK, &error);
    assert_status(qctx_store_texts(store, QCTX_CONTEXT, QCTX_FIELD_ID, (int64_t[]){5, 1}, 2, read, &error), QCTX_OK,
                  &error);
    assert_string_equal(read[0], "-5");
    assert_string_equal(read[1], "101");
    free(read[0]);
    free(read[1]);
    assert_status(qctx_store_own_contexts(store, &own, &error), QCTX_OK, &error);
    assert_null(own);
    qctx_store_close(store);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(takes_numbers_for_ids),           cmocka_unit_test(vectors_of_another_file_are_refused_or_read),
    cmocka_unit_test(a_file_that_is_missing_is_named), cmocka_unit_test(reads_every_layout_and_type),
    cmocka_unit_test(names_an_unknown_compression),    cmocka_unit_test(refuses_integers_for_vectors),
};
TEST_MAIN(tests)
