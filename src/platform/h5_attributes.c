/* Attributes: small values that describe an object. */
#include <stdlib.h>

#include "h5_internal.h"
#include "qctx/base/mem.h"

static qctx_status set_value(qctx_h5 *file, const char *object, const char *name, hid_t type, const void *value,
                             qctx_error *error)
{
    hid_t space = H5Screate(H5S_SCALAR);
    qctx_status status;
    hid_t attribute;

    if (H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0)
        H5Adelete_by_name(file->id, object, name, H5P_DEFAULT);
    attribute = H5Acreate_by_name(file->id, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    status = qctx_h5_written(file, attribute < 0 ? attribute : H5Awrite(attribute, type, value), name, error);
    if (attribute >= 0)
        H5Aclose(attribute);
    qctx_h5_release(-1, space, -1, -1);
    return status;
}

qctx_status qctx_h5_set_text(qctx_h5 *file, const char *object, const char *name, const char *value, qctx_error *error)
{
    hid_t type = qctx_h5_text_type();
    qctx_status status = set_value(file, object, name, type, &value, error);

    H5Tclose(type);
    return status;
}

qctx_status qctx_h5_set_int(qctx_h5 *file, const char *object, const char *name, int64_t value, qctx_error *error)
{
    return set_value(file, object, name, H5T_NATIVE_INT64, &value, error);
}

qctx_status qctx_h5_set_double(qctx_h5 *file, const char *object, const char *name, double value, qctx_error *error)
{
    return set_value(file, object, name, H5T_NATIVE_DOUBLE, &value, error);
}

bool qctx_h5_has(const qctx_h5 *file, const char *object, const char *name)
{
    return qctx_h5_exists(file, object) && H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0;
}

/* Opens an attribute that holds one value. On failure nothing stays open. */
static qctx_status open_attribute(const qctx_h5 *file, const char *object, const char *name, hid_t *attribute,
                                  hid_t *type, qctx_error *error)
{
    hid_t space;
    hssize_t values;

    *attribute = *type = -1;
    if (!qctx_h5_has(file, object, name))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: %s has no attribute '%s'", file->path, object, name);
    *attribute = H5Aopen_by_name(file->id, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (*attribute < 0)
        return qctx_h5_fail(file->path, name, QCTX_ERR_FORMAT, error);
    space = H5Aget_space(*attribute);
    values = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    if (values != 1) {
        H5Aclose(*attribute);
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the attribute '%s' of %s holds %lld values; expected one",
                         file->path, name, object, (long long)values);
    }
    *type = H5Aget_type(*attribute);
    return QCTX_OK;
}

static qctx_status wrong_type(const qctx_h5 *file, const char *object, const char *name, const char *expected,
                              qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the attribute '%s' of %s is not %s", file->path, name, object,
                     expected);
}

static qctx_status read_text(const qctx_h5 *file, const char *name, hid_t attribute, hid_t type, char **value,
                             qctx_error *error)
{
    qctx_status status = QCTX_OK;
    char *text = NULL;

    if (H5Tis_variable_str(type) > 0) {
        if (H5Aread(attribute, type, &text) < 0)
            return qctx_h5_fail(file->path, name, QCTX_ERR_FORMAT, error);
        *value = qctx_strdup(text != NULL ? text : "", error);
        H5free_memory(text);
        return *value != NULL ? QCTX_OK : QCTX_ERR_MEMORY;
    }
    text = qctx_alloc(1, H5Tget_size(type), "a text", error);
    if (text == NULL)
        return QCTX_ERR_MEMORY;
    if (H5Aread(attribute, type, text) < 0)
        status = qctx_h5_fail(file->path, name, QCTX_ERR_FORMAT, error);
    else
        status = qctx_h5_unpad(text, type, 1, value, error);
    free(text);
    return status;
}

qctx_status qctx_h5_get_text(const qctx_h5 *file, const char *object, const char *name, char **value, qctx_error *error)
{
    hid_t attribute, type;
    qctx_status status = open_attribute(file, object, name, &attribute, &type, error);

    if (status != QCTX_OK)
        return status;
    if (H5Tget_class(type) != H5T_STRING)
        status = wrong_type(file, object, name, "a text", error);
    else
        status = read_text(file, name, attribute, type, value, error);
    H5Aclose(attribute);
    H5Tclose(type);
    return status;
}

/* Reads a number as the type `memory`; one that is not whole only where `whole` is false. */
static qctx_status read_number(const qctx_h5 *file, const char *object, const char *name, bool whole, hid_t memory,
                               void *value, qctx_error *error)
{
    hid_t attribute, type;
    qctx_status status = open_attribute(file, object, name, &attribute, &type, error);

    if (status != QCTX_OK)
        return status;
    if (H5Tget_class(type) != H5T_INTEGER && (whole || H5Tget_class(type) != H5T_FLOAT))
        status = wrong_type(file, object, name, whole ? "an integer" : "a number", error);
    else if (H5Aread(attribute, memory, value) < 0)
        status = qctx_h5_fail(file->path, name, QCTX_ERR_FORMAT, error);
    H5Aclose(attribute);
    H5Tclose(type);
    return status;
}

qctx_status qctx_h5_get_int(const qctx_h5 *file, const char *object, const char *name, int64_t *value,
                            qctx_error *error)
{
    return read_number(file, object, name, true, H5T_NATIVE_INT64, value, error);
}

qctx_status qctx_h5_get_double(const qctx_h5 *file, const char *object, const char *name, double *value,
                               qctx_error *error)
{
    return read_number(file, object, name, false, H5T_NATIVE_DOUBLE, value, error);
}
