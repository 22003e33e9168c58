#include "qctx/transformer/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/mem.h"
#include "qctx/base/textmap.h"
#include "qctx/text/json.h"
#include "safetensors_internal.h"

/* Maps a file and appends its tensors. */
static qctx_status add_file(qctx_safetensors *tensors, const char *path, qctx_error *error)
{
    qctx_status status = qctx_grow((void **)&tensors->files, &tensors->file_capacity, tensors->file_count + 1,
                                   sizeof *tensors->files, "a list of files", error);

    if (status != QCTX_OK)
        return status;
    status = safetensors_map(&tensors->files[tensors->file_count], path, error);
    if (status != QCTX_OK)
        return status;
    tensors->file_count++;
    return safetensors_read_header(tensors, &tensors->files[tensors->file_count - 1], error);
}

/* The index of a model that is dealt out to several files: {"weight_map": {tensor: file, …}}. */
static qctx_status load_index(const char *path, json_t **root, json_t **weight_map, qctx_error *error)
{
    char *text = NULL;
    size_t bytes;
    qctx_status status = qctx_file_read(path, &text, &bytes, error);

    if (status == QCTX_OK)
        status = qctx_json_parse_unique(text, bytes, path, root, error);
    free(text);
    if (status != QCTX_OK)
        return status;
    *weight_map = json_object_get(*root, "weight_map");
    if (!json_is_object(*weight_map))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'weight_map' is %s, expected an object of file names", path,
                         qctx_json_type(*weight_map));
    return QCTX_OK;
}

/* The index comes from elsewhere: it may name files beside it and no others. */
static qctx_status check_file_name(const char *path, const char *tensor, const json_t *file, qctx_error *error)
{
    const char *name = json_string_value(file);

    if (name == NULL)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: tensor '" SAFETENSORS_NAME "': found %s, expected the name of a file", path, tensor,
                         qctx_json_type(file));
    if (name[0] == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: tensor '" SAFETENSORS_NAME "' is in '" SAFETENSORS_NAME
                         "', expected the name of a file in the same folder",
                         path, tensor, name);
    return QCTX_OK;
}

static qctx_status add_beside(qctx_safetensors *tensors, const char *name, qctx_error *error)
{
    int folder = (int)(qctx_path_base(tensors->path) - tensors->path);
    char *path = qctx_format(error, "%.*s%s", folder, tensors->path, name);
    qctx_status status = path != NULL ? add_file(tensors, path, error) : QCTX_ERR_MEMORY;

    if (status == QCTX_ERR_IO)
        qctx_hint(error, "%s names it: fetch all files of the model", qctx_path_base(tensors->path));
    free(path);
    return status;
}

/* Opens each file that the index names, once. */
static qctx_status add_files(qctx_safetensors *tensors, json_t *weight_map, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    qctx_textmap seen = {0};
    int64_t first, tensor = 0;
    const char *name;
    json_t *file;

    json_object_foreach(weight_map, name, file)
    {
        status = check_file_name(tensors->path, name, file, error);
        if (status == QCTX_OK)
            status = qctx_textmap_add(&seen, json_string_value(file), tensor, &first, error);
        if (status == QCTX_OK && first == tensor)
            status = add_beside(tensors, json_string_value(file), error);
        if (status != QCTX_OK)
            break;
        tensor++;
    }
    qctx_textmap_free(&seen);
    return status;
}

static qctx_status check_tensors(const qctx_safetensors *tensors, json_t *weight_map, qctx_error *error)
{
    const char *name;
    json_t *file;

    json_object_foreach(weight_map, name, file)
    {
        const qctx_tensor *tensor = qctx_safetensors_find(tensors, name);

        if (tensor == NULL || strcmp(qctx_path_base(tensor->file), json_string_value(file)) != 0)
            return qctx_fail(
                error, QCTX_ERR_FORMAT, "%s: tensor '" SAFETENSORS_NAME "': expected in " SAFETENSORS_NAME ", found %s",
                tensors->path, name, json_string_value(file), tensor == NULL ? "in none of the files" : tensor->file);
    }
    return QCTX_OK;
}

/* Opens all files of the index `tensors->path`, and holds them against it. */
static qctx_status open_index(qctx_safetensors *tensors, qctx_error *error)
{
    json_t *root = NULL, *weight_map;
    qctx_status status = load_index(tensors->path, &root, &weight_map, error);

    if (status == QCTX_OK)
        status = add_files(tensors, weight_map, error);
    if (status == QCTX_OK)
        status = safetensors_sort(tensors, error);
    if (status == QCTX_OK)
        status = check_tensors(tensors, weight_map, error);
    json_decref(root);
    return status;
}

static bool is_index(const char *path)
{
    static const char ending[] = ".index.json";
    size_t length = strlen(path), part = sizeof ending - 1;

    return length >= part && strcmp(path + length - part, ending) == 0;
}

qctx_status qctx_safetensors_open(const char *path, qctx_safetensors **opened, qctx_error *error)
{
    qctx_safetensors *tensors = qctx_alloc(1, sizeof *tensors, "tensors", error);
    qctx_status status = QCTX_ERR_MEMORY;

    *opened = NULL;
    if (tensors == NULL)
        return QCTX_ERR_MEMORY;
    tensors->path = qctx_strdup(path, error);
    if (tensors->path == NULL)
        goto out;
    if (is_index(path)) {
        status = open_index(tensors, error);
    } else {
        status = add_file(tensors, path, error);
        if (status == QCTX_OK)
            status = safetensors_sort(tensors, error);
    }
    if (status != QCTX_OK)
        goto out;
    *opened = tensors;
    tensors = NULL;
out:
    qctx_safetensors_close(tensors);
    return status;
}

void qctx_safetensors_close(qctx_safetensors *tensors)
{
    if (tensors == NULL)
        return;
    for (int64_t i = 0; i < tensors->file_count; i++)
        safetensors_unmap(&tensors->files[i]);
    free(tensors->files);
    for (int64_t i = 0; i < tensors->count; i++)
        free((char *)tensors->items[i].name);
    free(tensors->items);
    free(tensors->path);
    free(tensors);
}

const char *qctx_safetensors_path(const qctx_safetensors *tensors)
{
    return tensors->path;
}
