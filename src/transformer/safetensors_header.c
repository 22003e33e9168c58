/* One file of safetensors: its bytes, and what its header says of them, checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/mem.h"
#include "qctx/text/json.h"
#include "safetensors_internal.h"

/* The format's own limit, which keeps a header from deciding how much memory its JSON takes. */
enum { PREFIX = 8, HEADER_MAX = 100000000 };

static const struct {
    const char *name;
    qctx_tensor_type type;
    int bits;
} types[] = {
    {"F32", QCTX_TENSOR_F32, 32},      {"F16", QCTX_TENSOR_F16, 16},      {"BF16", QCTX_TENSOR_BF16, 16},
    {"F64", QCTX_TENSOR_OTHER, 64},    {"I64", QCTX_TENSOR_OTHER, 64},    {"I32", QCTX_TENSOR_OTHER, 32},
    {"I16", QCTX_TENSOR_OTHER, 16},    {"I8", QCTX_TENSOR_OTHER, 8},      {"U64", QCTX_TENSOR_OTHER, 64},
    {"U32", QCTX_TENSOR_OTHER, 32},    {"U16", QCTX_TENSOR_OTHER, 16},    {"U8", QCTX_TENSOR_OTHER, 8},
    {"BOOL", QCTX_TENSOR_OTHER, 8},    {"F8_E4M3", QCTX_TENSOR_OTHER, 8}, {"F8_E5M2", QCTX_TENSOR_OTHER, 8},
    {"F8_E8M0", QCTX_TENSOR_OTHER, 8}, {"F6_E2M3", QCTX_TENSOR_OTHER, 6}, {"F6_E3M2", QCTX_TENSOR_OTHER, 6},
    {"F4", QCTX_TENSOR_OTHER, 4},      {"C64", QCTX_TENSOR_OTHER, 64},
};

/* Bytes begin … end − 1 of the data belong to tensor `index`. */
typedef struct {
    int64_t begin, end;
    int64_t index;
} extent;

qctx_status safetensors_map(safetensors_file *file, const char *path, qctx_error *error)
{
    qctx_status status;

    *file = (safetensors_file){0};
    status = qctx_mapped_open(path, &file->mapped, error);
    if (status != QCTX_OK)
        return status;
    file->bytes = qctx_mapped_bytes(file->mapped);
    file->size = qctx_mapped_size(file->mapped);
    file->path = qctx_strdup(path, error);
    if (file->path == NULL)
        status = QCTX_ERR_MEMORY;
    if (status == QCTX_OK && file->size < PREFIX) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: the file has %zu bytes, expected at least %d", path, file->size, PREFIX);
        status = qctx_hint(error, "the file is cut short: fetch it again");
    }
    if (status != QCTX_OK)
        safetensors_unmap(file);
    return status;
}

void safetensors_unmap(safetensors_file *file)
{
    qctx_mapped_close(file->mapped);
    free(file->path);
    *file = (safetensors_file){0};
}

void safetensors_describe_shape(int rank, const int64_t *shape, char text[SAFETENSORS_SHAPE_MAX])
{
    size_t used = 1;

    text[0] = '[';
    for (int i = 0; i < rank; i++)
        used += (size_t)snprintf(text + used, SAFETENSORS_SHAPE_MAX - used, i == 0 ? "%lld" : ", %lld",
                                 (long long)shape[i]);
    snprintf(text + used, SAFETENSORS_SHAPE_MAX - used, "]");
}

/* All that a tensor's description is refused for begins alike. */
static qctx_status refuse(const safetensors_file *file, const char *name, const char *what, qctx_error *error)
{
    return qctx_fail(error, QCTX_ERR_FORMAT, "%s: tensor '" SAFETENSORS_NAME "': %s", file->path, name, what);
}

static qctx_status read_type(const safetensors_file *file, const json_t *entry, qctx_tensor *tensor, int *bits,
                             qctx_error *error)
{
    const json_t *found = json_object_get(entry, "dtype");
    char known[256] = "";

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (json_is_string(found) && strcmp(json_string_value(found), types[i].name) == 0) {
            tensor->type = types[i].type;
            *bits = types[i].bits;
            return QCTX_OK;
        }
        snprintf(known + strlen(known), sizeof known - strlen(known), i == 0 ? "%s" : ", %s", types[i].name);
    }
    if (!json_is_string(found))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: tensor '" SAFETENSORS_NAME "': 'dtype' is %s, expected a string",
                         file->path, tensor->name, qctx_json_type(found));
    return qctx_fail(error, QCTX_ERR_FORMAT,
                     "%s: tensor '" SAFETENSORS_NAME "': unknown dtype '%.40s', expected one of %s", file->path,
                     tensor->name, json_string_value(found), known);
}

static qctx_status read_shape(const safetensors_file *file, const json_t *entry, qctx_tensor *tensor, qctx_error *error)
{
    const json_t *found = json_object_get(entry, "shape");

    if (!json_is_array(found))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: tensor '" SAFETENSORS_NAME "': 'shape' is %s, expected an array",
                         file->path, tensor->name, qctx_json_type(found));
    if (json_array_size(found) > QCTX_TENSOR_RANK_MAX)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: tensor '" SAFETENSORS_NAME "': found %zu dimensions, expected at most %d", file->path,
                         tensor->name, json_array_size(found), QCTX_TENSOR_RANK_MAX);
    tensor->rank = (int)json_array_size(found);
    tensor->count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        const json_t *size = json_array_get(found, (size_t)i);

        tensor->shape[i] = json_is_integer(size) ? json_integer_value(size) : -1;
        if (tensor->shape[i] < 0)
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "%s: tensor '" SAFETENSORS_NAME "': shape[%d] is %s, expected an integer from 0 on",
                             file->path, tensor->name, i, json_is_integer(size) ? "negative" : qctx_json_type(size));
        if (__builtin_mul_overflow(tensor->count, tensor->shape[i], &tensor->count))
            return refuse(file, tensor->name, "its shape overflows 64 bits", error);
    }
    return QCTX_OK;
}

/* The extent that the description claims, within data of `size` bytes. */
static qctx_status read_extent(const safetensors_file *file, const json_t *entry, const qctx_tensor *tensor,
                               int64_t size, extent *claimed, qctx_error *error)
{
    const json_t *found = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(found, 0), *end = json_array_get(found, 1);

    if (json_array_size(found) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return refuse(file, tensor->name, "expected 'data_offsets' to be two integers", error);
    claimed->begin = json_integer_value(begin);
    claimed->end = json_integer_value(end);
    if (claimed->begin < 0 || claimed->begin > claimed->end)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: tensor '" SAFETENSORS_NAME "': data_offsets are [%lld, %lld], expected 0 ≤ begin ≤ end",
                         file->path, tensor->name, (long long)claimed->begin, (long long)claimed->end);
    if (claimed->end > size) {
        qctx_fail(error, QCTX_ERR_FORMAT,
                  "%s: tensor '" SAFETENSORS_NAME "': ends at byte %lld of the data, but the file has %lld", file->path,
                  tensor->name, (long long)claimed->end, (long long)size);
        return qctx_hint(error, "the file is cut short: fetch it again");
    }
    return QCTX_OK;
}

static qctx_status check_bytes(const safetensors_file *file, const qctx_tensor *tensor, int bits, qctx_error *error)
{
    char shape[SAFETENSORS_SHAPE_MAX];
    int64_t expected;

    if (__builtin_mul_overflow(tensor->count, (int64_t)bits, &expected))
        return refuse(file, tensor->name, "its size in bits overflows 64 bits", error);
    if (expected % 8 == 0 && expected / 8 == tensor->bytes)
        return QCTX_OK;
    safetensors_describe_shape(tensor->rank, tensor->shape, shape);
    return qctx_fail(error, QCTX_ERR_FORMAT,
                     "%s: tensor '" SAFETENSORS_NAME "': data_offsets span %lld bytes, expected %lld for %s of %d bits",
                     file->path, tensor->name, (long long)tensor->bytes, (long long)((expected + 7) / 8), shape, bits);
}

static int by_begin(const void *a, const void *b)
{
    const extent *left = a, *right = b;

    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    return (left->end > right->end) - (left->end < right->end);
}

/* The extents must cover the data once: what overlaps or lies between tensors could hide something. */
static qctx_status check_cover(const safetensors_file *file, const qctx_tensor *items, extent *extents, int64_t count,
                               int64_t size, qctx_error *error)
{
    int64_t covered = 0;

    qsort(extents, (size_t)count, sizeof *extents, by_begin);
    for (int64_t i = 0; i < count; i++) {
        if (extents[i].begin < covered)
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "%s: tensor '" SAFETENSORS_NAME
                             "': begins at byte %lld of the data, within tensor '" SAFETENSORS_NAME
                             "', which ends at %lld",
                             file->path, items[extents[i].index].name, (long long)extents[i].begin,
                             items[extents[i - 1].index].name, (long long)covered);
        if (extents[i].begin > covered)
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "%s: tensor '" SAFETENSORS_NAME
                             "': begins at byte %lld of the data, expected %lld: there is a gap before it",
                             file->path, items[extents[i].index].name, (long long)extents[i].begin, (long long)covered);
        covered = extents[i].end;
    }
    if (covered != size)
        return qctx_fail(
            error, QCTX_ERR_FORMAT,
            "%s: the tensors end at byte %lld of the data, but the file has %lld: %lld bytes belong to none",
            file->path, (long long)covered, (long long)size, (long long)(size - covered));
    return QCTX_OK;
}

static qctx_status check_metadata(const safetensors_file *file, json_t *metadata, qctx_error *error)
{
    const char *key;
    json_t *value;

    if (!json_is_object(metadata))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '__metadata__' is %s, expected an object of strings", file->path,
                         qctx_json_type(metadata));
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return qctx_fail(error, QCTX_ERR_FORMAT,
                             "%s: '" SAFETENSORS_NAME "' in '__metadata__' is %s, expected a string", file->path, key,
                             qctx_json_type(value));
    }
    return QCTX_OK;
}

/* One tensor of the header, for which there is room in the list; its data begin at `data` and have `size` bytes. */
static qctx_status read_tensor(qctx_safetensors *tensors, const safetensors_file *file, const char *name,
                               const json_t *entry, const unsigned char *data, int64_t size, extent *claimed,
                               qctx_error *error)
{
    qctx_tensor *tensor = &tensors->items[tensors->count];
    qctx_status status;
    int bits = 0;

    *tensor = (qctx_tensor){.name = qctx_strdup(name, error), .file = file->path};
    if (tensor->name == NULL)
        return QCTX_ERR_MEMORY;
    claimed->index = tensors->count++;
    if (!json_is_object(entry))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: tensor '" SAFETENSORS_NAME "': found %s, expected an object",
                         file->path, name, qctx_json_type(entry));
    status = read_type(file, entry, tensor, &bits, error);
    if (status == QCTX_OK)
        status = read_shape(file, entry, tensor, error);
    if (status == QCTX_OK)
        status = read_extent(file, entry, tensor, size, claimed, error);
    if (status != QCTX_OK)
        return status;
    tensor->data = data + claimed->begin;
    tensor->bytes = claimed->end - claimed->begin;
    return check_bytes(file, tensor, bits, error);
}

/* All tensors of a parsed header whose data begin at `data`. */
static qctx_status read_tensors(qctx_safetensors *tensors, const safetensors_file *file, json_t *header,
                                const unsigned char *data, int64_t size, qctx_error *error)
{
    int64_t count = (int64_t)json_object_size(header), read = 0;
    extent *extents = qctx_alloc(count, sizeof *extents, "the tensors' places", error);
    qctx_status status = QCTX_ERR_MEMORY;
    const char *name;
    json_t *entry;

    if (extents == NULL)
        goto out;
    status = qctx_grow((void **)&tensors->items, &tensors->capacity, tensors->count + count, sizeof *tensors->items,
                       "a list of tensors", error);
    if (status != QCTX_OK)
        goto out;
    json_object_foreach(header, name, entry)
    {
        status = strcmp(name, "__metadata__") == 0
                     ? check_metadata(file, entry, error)
                     : read_tensor(tensors, file, name, entry, data, size, &extents[read++], error);
        if (status != QCTX_OK)
            goto out;
    }
    status = check_cover(file, tensors->items, extents, read, size, error);
out:
    free(extents);
    return status;
}

/* A file that git has not fetched the content of is a common accident. */
static qctx_status refuse_length(const safetensors_file *file, uint64_t length, qctx_error *error)
{
    static const char pointer[] = "version https://git-lfs";

    qctx_fail(error, QCTX_ERR_FORMAT,
              "%s: the header's length is %llu, expected at most %d and the %zu bytes that the file has behind it",
              file->path, (unsigned long long)length, HEADER_MAX, file->size - PREFIX);
    if (file->size >= sizeof pointer && memcmp(file->bytes, pointer, sizeof pointer - 1) == 0)
        return qctx_hint(error, "the file is a pointer of git-lfs: fetch its content with 'git lfs pull'");
    return qctx_hint(error, "the file is cut short, or it is not in the format safetensors");
}

qctx_status safetensors_read_header(qctx_safetensors *tensors, const safetensors_file *file, qctx_error *error)
{
    const char *text = (const char *)file->bytes + PREFIX;
    json_t *header = NULL;
    uint64_t length = 0;
    qctx_status status;
    char *place;

    for (int i = 0; i < PREFIX; i++)
        length |= (uint64_t)file->bytes[i] << (8 * i);
    if (length > HEADER_MAX || length > file->size - PREFIX)
        return refuse_length(file, length, error);
    if (length == 0 || text[0] != '{')
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the header does not begin with '{', expected a JSON object",
                         file->path);
    place = qctx_format(error, "%s: header", file->path);
    if (place == NULL)
        return QCTX_ERR_MEMORY;
    status = qctx_json_parse_unique(text, (size_t)length, place, &header, error);
    if (status == QCTX_OK)
        status = read_tensors(tensors, file, header, file->bytes + PREFIX + length,
                              (int64_t)(file->size - PREFIX - length), error);
    json_decref(header);
    free(place);
    return status;
}
