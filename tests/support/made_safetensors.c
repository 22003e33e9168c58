#include "made_safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/transformer/safetensors_internal.h"
#include "harness.h"
#include "qctx/base/bfloat16.h"
#include "qctx/base/fileio.h"
#include "qctx/base/half.h"
#include "qctx/base/outfile.h"

void made_add(made_tensors *tensors, const char *name, int64_t a, int64_t b, const float *values)
{
    made_tensor *item = &tensors->items[tensors->count++];

    assert_true(tensors->count <= MADE_TENSORS_MAX);
    *item = (made_tensor){.rank = (a > 0) + (b > 0), .shape = {a, b}, .values = values};
    snprintf(item->name, sizeof item->name, "%s", name);
}

static int64_t made_count(const made_tensor *tensor)
{
    int64_t count = 1;

    for (int i = 0; i < tensor->rank; i++)
        count *= tensor->shape[i];
    return count;
}

/* Element `i` of a tensor without values: in (−½, ½), around 1 for the gains of layer norms. */
static float made_value(const made_tensor *tensor, int64_t i)
{
    uint64_t mixed = (uint64_t)i * 0x9e3779b97f4a7c15u + strlen(tensor->name) * 0xbf58476d1ce4e5b9u;

    if (tensor->values != NULL)
        return tensor->values[i];
    for (const char *c = tensor->name; *c != '\0'; c++)
        mixed = (mixed ^ (unsigned char)*c) * 0x94d049bb133111ebu;
    mixed ^= mixed >> 31;
    return (float)((double)(mixed >> 11) / 9007199254740992.0 - 0.5) +
           (strstr(tensor->name, "orm.weight") != NULL || strstr(tensor->name, "ln_") != NULL ? 1.0f : 0.0f);
}

void made_raw(const char *path, const char *header, int64_t header_length, const void *data, size_t bytes)
{
    size_t length = strlen(header);
    uint64_t claimed = header_length < 0 ? length : (uint64_t)header_length;
    unsigned char *file = malloc(8 + length + bytes + 1);

    assert_non_null(file);
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)(claimed >> (8 * i));
    memcpy(file + 8, header, length);
    if (bytes > 0)
        memcpy(file + 8 + length, data, bytes);
    if (qctx_comm_rank(test_comm) == 0)
        assert_int_equal(qctx_file_write(path, file, 8 + length + bytes, NULL), QCTX_OK);
    qctx_comm_barrier(test_comm);
    free(file);
}

void made_write(const char *path, const made_tensors *tensors, const char *type)
{
    size_t size = strcmp(type, "F32") == 0 ? 4 : 2, used = 0, room = 64;
    int64_t total = 0, done = 0;
    char *header, *data;

    for (int64_t t = 0; t < tensors->count; t++) {
        total += made_count(&tensors->items[t]);
        room += 256;
    }
    header = calloc(room, 1);
    data = calloc((size_t)total + 1, size);
    assert_true(header != NULL && data != NULL);
    for (int64_t t = 0; t < tensors->count; t++) {
        const made_tensor *item = &tensors->items[t];
        int64_t count = made_count(item), begin = done * (int64_t)size;

        for (int64_t i = 0; i < count; i++, done++) {
            float value = made_value(item, i);
            uint16_t narrow = qctx_to_bfloat16(value);

            if (strcmp(type, "F16") == 0)
                qctx_half_from_float(&value, 1, &narrow);
            memcpy(data + (size_t)done * size, size == 4 ? (void *)&value : &narrow, size);
        }
        used += (size_t)snprintf(header + used, room - used, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
                                 t == 0 ? "{\"__metadata__\":{\"format\":\"pt\"}," : ",", item->name, type);
        for (int i = 0; i < item->rank; i++)
            used += (size_t)snprintf(header + used, room - used, i == 0 ? "%lld" : ",%lld", (long long)item->shape[i]);
        used += (size_t)snprintf(header + used, room - used, "],\"data_offsets\":[%lld,%lld]}", (long long)begin,
                                 (long long)(done * (int64_t)size));
    }
    snprintf(header + used, room - used, tensors->count == 0 ? "{}" : "}");
    made_raw(path, header, -1, data, (size_t)total * size);
    free(header);
    free(data);
}

int64_t made_tensor_count(const qctx_safetensors *tensors)
{
    return tensors->count;
}

const qctx_tensor *made_tensor_at(const qctx_safetensors *tensors, int64_t index)
{
    return &tensors->items[index];
}
