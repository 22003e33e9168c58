/*
 * Mutations of HDF5 files through HDF5 itself, so that what comes out is a good file with other contents: attributes
 * and datasets of other values, types and shapes, renamed, or gone.
 */
#include "mutate_internal.h"

#include <hdf5.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FUZZ_OBJECTS_MAX = 64 };

/* Names of datasets and groups, from the root; or of an object's attributes. */
typedef struct {
    size_t count;
    char names[FUZZ_OBJECTS_MAX][64];
} fuzz_names;

static void fuzz_add_name(fuzz_names *names, const char *name)
{
    if (names->count < FUZZ_OBJECTS_MAX && strlen(name) < sizeof names->names[0])
        strcpy(names->names[names->count++], name);
}

static herr_t fuzz_see_object(hid_t file, const char *name, const H5O_info_t *info, void *names)
{
    (void)file;
    (void)info;
    fuzz_add_name(names, name);
    return 0;
}

static herr_t fuzz_see_attribute(hid_t object, const char *name, const H5A_info_t *info, void *names)
{
    (void)object;
    (void)info;
    fuzz_add_name(names, name);
    return 0;
}

static int64_t fuzz_whole_number(fuzz_random *random)
{
    static const int64_t numbers[] = {0,          1,         2,         3,          -1,          4,
                                      5,          7,         1000,      2147483647, 2147483648u, 4294967296,
                                      4294967295, INT64_MIN, INT64_MAX, 1 << 20,    1LL << 40,   INT64_MAX / 8};

    return fuzz_below(random, 8) == 0 ? (int64_t)fuzz_next(random)
                                      : numbers[fuzz_below(random, sizeof numbers / sizeof numbers[0])];
}

static double fuzz_number(fuzz_random *random)
{
    static const double numbers[] = {0, -0.0, 1, 0.5, -1, 1e308, -1e308, 1e-320, NAN, INFINITY, -INFINITY, 1 + 1e-15};

    return numbers[fuzz_below(random, sizeof numbers / sizeof numbers[0])];
}

static const char *fuzz_word(fuzz_random *random, const fuzz_grammar *grammar)
{
    size_t words = 0;

    while (grammar->words[words] != NULL)
        words++;
    return words > 0 ? grammar->words[fuzz_below(random, words)] : "";
}

/* An attribute of any type and value in the place of one of that name. */
static void fuzz_set_attribute(fuzz_random *random, const fuzz_grammar *grammar, hid_t object, const char *name,
                               size_t kind)
{
    const int64_t whole = fuzz_whole_number(random);
    const double number = fuzz_number(random);
    const char *text = fuzz_word(random, grammar);
    const hsize_t two = 2;
    const int64_t pair[] = {whole, 1};
    hid_t space = kind == 3 ? H5Screate_simple(1, &two, NULL) : H5Screate(H5S_SCALAR);
    hid_t type = H5Tcopy(kind == 0 || kind == 3 ? H5T_NATIVE_INT64 : kind == 1 ? H5T_NATIVE_DOUBLE : H5T_C_S1);
    hid_t attribute;

    if (kind == 2)
        H5Tset_size(type, H5T_VARIABLE);
    H5Adelete(object, name);
    attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) {
        H5Awrite(attribute, type,
                 kind == 0   ? (const void *)&whole
                 : kind == 1 ? (const void *)&number
                 : kind == 2 ? (const void *)&text
                             : (const void *)pair);
        H5Aclose(attribute);
    }
    H5Tclose(type);
    H5Sclose(space);
}

/* What an attribute is: mostly another value of its type comes in its place. */
static size_t fuzz_kind_of_attribute(hid_t object, const char *name)
{
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute);
    H5T_class_t class = H5Tget_class(type);

    H5Tclose(type);
    H5Aclose(attribute);
    return class == H5T_INTEGER ? 0 : class == H5T_FLOAT ? 1 : 2;
}

static void fuzz_mutate_attribute(fuzz_random *random, const fuzz_grammar *grammar, hid_t object)
{
    fuzz_names names = {0};
    hsize_t at = 0;
    const char *name, *other;
    size_t kind;

    H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, fuzz_see_attribute, &names);
    if (names.count == 0)
        return;
    name = names.names[fuzz_below(random, names.count)];
    other = names.names[fuzz_below(random, names.count)];
    kind = fuzz_kind_of_attribute(object, name);
    switch (fuzz_below(random, 8)) {
    case 0:
        H5Adelete(object, name);
        break;
    case 1:
        H5Adelete(object, other);
        H5Arename(object, name, other);
        break;
    case 2:
        kind = fuzz_below(random, 4);
        fuzz_set_attribute(random, grammar, object, name, kind);
        break;
    default:
        fuzz_set_attribute(random, grammar, object, name, kind);
    }
}

/* A dataset of another shape or type, with numbers of all kinds in it, or none at all. */
static void fuzz_make_dataset(fuzz_random *random, hid_t file, const char *name)
{
    const hid_t types[] = {H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE, H5T_NATIVE_INT64,
                           H5T_NATIVE_UINT8, H5T_C_S1,          H5T_IEEE_F32BE};
    const hid_t type = types[fuzz_below(random, sizeof types / sizeof types[0])];
    const int rank = (int)fuzz_below(random, 4);
    hsize_t shape[] = {fuzz_below(random, 12), fuzz_below(random, 12), fuzz_below(random, 3)};
    const hsize_t vast[] = {1 << 28, 16}, chunk[] = {64, 16};
    const bool is_vast = fuzz_below(random, 8) == 0; /* claims 16 GB, and holds nothing */
    double values[12 * 12 * 3];
    hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, shape, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), dataset;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        values[i] = fuzz_below(random, 16) == 0 ? fuzz_number(random) : (double)(i % 7);
    H5Pset_obj_track_times(creation, 0);
    if (is_vast) {
        H5Sset_extent_simple(space, 2, vast, NULL);
        H5Pset_chunk(creation, 2, chunk);
    }
    dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset >= 0) {
        if (!is_vast && H5Tget_class(type) != H5T_STRING && fuzz_below(random, 4) > 0)
            H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        H5Dclose(dataset);
    }
    H5Pclose(creation);
    H5Sclose(space);
}

/* One number of a dataset. */
static void fuzz_mutate_element(fuzz_random *random, hid_t file, const char *name)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space, type, point;
    hsize_t count, shape[H5S_MAX_RANK], place[H5S_MAX_RANK] = {0};
    const double number = fuzz_below(random, 2) ? fuzz_number(random) : (double)fuzz_whole_number(random);
    int rank;

    if (dataset < 0)
        return;
    space = H5Dget_space(dataset);
    type = H5Dget_type(dataset);
    rank = H5Sget_simple_extent_dims(space, shape, NULL);
    count = (hsize_t)H5Sget_simple_extent_npoints(space);
    if (rank > 0 && count > 0 && (H5Tget_class(type) == H5T_FLOAT || H5Tget_class(type) == H5T_INTEGER)) {
        for (int i = 0; i < rank; i++)
            place[i] = fuzz_below(random, shape[i]);
        point = H5Screate(H5S_SCALAR);
        H5Sselect_elements(space, H5S_SELECT_SET, 1, place);
        H5Dwrite(dataset, H5T_NATIVE_DOUBLE, point, space, H5P_DEFAULT, &number);
        H5Sclose(point);
    }
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(dataset);
}

static void fuzz_mutate_object(fuzz_random *random, hid_t file)
{
    fuzz_names names = {0};
    const char *name, *other;

    H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, fuzz_see_object, &names);
    if (names.count < 2)
        return;
    /* The first is the root. */
    name = names.names[1 + fuzz_below(random, names.count - 1)];
    other = names.names[1 + fuzz_below(random, names.count - 1)];
    switch (fuzz_below(random, 6)) {
    case 0:
        H5Ldelete(file, name, H5P_DEFAULT);
        break;
    case 1:
        H5Ldelete(file, other, H5P_DEFAULT);
        H5Lmove(file, name, file, other, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 2:
        H5Ldelete(file, name, H5P_DEFAULT);
        fuzz_make_dataset(random, file, name);
        break;
    case 3:
        H5Ldelete(file, name, H5P_DEFAULT);
        H5Lcreate_soft(other, file, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    default:
        fuzz_mutate_element(random, file, name);
    }
}

/* The file in memory, as it is opened and closed again. */
static hid_t fuzz_open_image(const unsigned char *bytes, size_t size)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file;

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5Pset_fapl_core(access, 1 << 16, 0);
    H5Pset_file_image(access, (void *)bytes, size);
    file = H5Fopen("mutated", H5F_ACC_RDWR, access);
    H5Pclose(access);
    return file;
}

void fuzz_mutate_contents(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input, size_t front)
{
    hid_t file = fuzz_open_image(input->bytes + front, input->size - front);
    ssize_t size;

    if (file < 0)
        return;
    if (fuzz_below(random, 3) > 0)
        fuzz_mutate_attribute(random, grammar, file);
    else
        fuzz_mutate_object(random, file);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    size = H5Fget_file_image(file, NULL, 0);
    if (size > 0 && (size_t)size <= input->capacity - front) {
        H5Fget_file_image(file, input->bytes + front, (size_t)size);
        input->size = front + (size_t)size;
    }
    H5Fclose(file);
}
