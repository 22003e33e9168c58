/* Stores of the program, whole and partial, and such as other tools write them: with HDF5 itself, as h5py does. */
#include "seeds_binary.h"

#include <hdf5.h>
#include <stdio.h>

#include "harness.h"
#include "qctx/base/fileio.h"
#include "tiny_store.h"

enum { QUESTIONS = 3, CONTEXTS = 4, DIM = 5 };

void fuzz_write_stores(const char *folder)
{
    char path[FUZZ_PATH_MAX];

    fuzz_path(path, folder, "own.store");
    tiny_store_write(path);
}

void fuzz_write_partials(const char *folder)
{
    static const struct {
        const char *name;
        unsigned batches;
    } partials[] = {{"none", 0}, {"some", 6}, {"all", 15}};
    char home[FUZZ_PATH_MAX], path[FUZZ_PATH_MAX];

    for (size_t i = 0; i < sizeof partials / sizeof partials[0]; i++) {
        fuzz_path(home, folder, partials[i].name);
        assert_int_equal(qctx_folder_make(home, NULL), QCTX_OK);
        fuzz_path(path, home, "store.h5");
        tiny_store_write_partial(path, partials[i].batches);
    }
}

/* How the vectors are laid out. */
typedef struct {
    const char *name;
    hid_t type;
    bool chunked, compressed;
} layout;

static void write_dataset(hid_t file, const char *name, hid_t stored, hid_t memory, int rank, const hsize_t *extent,
                          const layout *how, const void *data)
{
    const hsize_t chunk[] = {3, 2};
    hid_t space = H5Screate_simple(rank, extent, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    hid_t dataset;

    H5Pset_create_intermediate_group(links, 1);
    H5Pset_obj_track_times(creation, 0);
    if (how->chunked || how->compressed)
        H5Pset_chunk(creation, rank, chunk);
    if (how->compressed)
        H5Pset_deflate(creation, 4);
    dataset = H5Dcreate2(file, name, stored, space, links, creation, H5P_DEFAULT);
    assert_true(dataset >= 0);
    assert_true(H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(dataset);
    H5Pclose(links);
    H5Pclose(creation);
    H5Sclose(space);
}

static void write_vectors(hid_t file, const char *name, hsize_t rows, const layout *how)
{
    const hsize_t extent[] = {rows, DIM};
    double values[CONTEXTS * DIM];

    for (int i = 0; i < (int)rows * DIM; i++)
        values[i] = (double)(i * 7 % 32 + 1) / 16;
    write_dataset(file, name, how->type, H5T_NATIVE_DOUBLE, 2, extent, how, values);
}

/* Vectors and answers, with 32-bit integers; and ids of fixed length, padded with spaces. */
static void write_foreign(const char *path, const layout *how)
{
    const layout plain = {NULL, 0, false, false};
    const int offsets[] = {0, 1, 3, 4}, contexts[] = {3, 0, 1, 2};
    const hsize_t offset_count = QUESTIONS + 1, context_count = CONTEXTS;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), text = H5Tcopy(H5T_C_S1);

    assert_true(file >= 0);
    write_vectors(file, "questions/vectors", QUESTIONS, how);
    write_vectors(file, "contexts/vectors", CONTEXTS, how);
    write_dataset(file, "answers/train/offsets", H5T_STD_I32BE, H5T_NATIVE_INT, 1, &offset_count, &plain, offsets);
    write_dataset(file, "answers/train/contexts", H5T_STD_U16LE, H5T_NATIVE_INT, 1, &context_count, &plain, contexts);
    H5Tset_size(text, 4);
    H5Tset_strpad(text, H5T_STR_SPACEPAD);
    write_dataset(file, "contexts/id", text, text, 1, &context_count, &plain, "a   bb  ccc dddd");
    H5Tclose(text);
    H5Fclose(file);
}

void fuzz_write_foreign_stores(const char *folder)
{
    const layout layouts[] = {{"contiguous.foreign", H5T_IEEE_F32LE, false, false},
                              {"chunked.foreign", H5T_IEEE_F64BE, true, false},
                              {"compressed.foreign", H5T_IEEE_F32LE, true, true}};
    char path[FUZZ_PATH_MAX];

    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        fuzz_path(path, folder, layouts[i].name);
        write_foreign(path, &layouts[i]);
    }
}
