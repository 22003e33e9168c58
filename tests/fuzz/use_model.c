#include "use.h"

#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "made_safetensors.h"
#include "qctx/tokenizer/tokenizer.h"
#include "qctx/transformer/transformer.h"

enum { TEXTS = 5 };

/* A short pass over texts of all lengths that the model takes, up to 7. */
static void pass(const qctx_model_folder *folder, const qctx_transformer *transformer, uint64_t draw)
{
    int64_t longest = folder->max_tokens < 7 ? folder->max_tokens : 7;
    int64_t offsets[] = {0, 1, 1 + longest};
    int32_t ids[8];
    qctx_token_batch batch = {2, offsets, ids};
    qctx_transformer_workspace *workspace;
    float *rows = malloc((size_t)(2 * qctx_transformer_dim(transformer)) * sizeof *rows);

    assert_non_null(rows);
    for (int i = 0; i < 8; i++)
        ids[i] = (int32_t)((draw % 1000 + 31 * (uint64_t)i) % (uint64_t)folder->vocabulary);
    if (fuzz_opened(qctx_transformer_workspace_create(transformer, &workspace, &fuzz_error))) {
        fuzz_opened(qctx_transformer_forward(transformer, workspace, &batch, rows, &fuzz_error));
        qctx_transformer_workspace_destroy(workspace);
    }
    free(rows);
}

static bool use_model(const fuzz_target *target, uint64_t draw)
{
    qctx_precision precision = draw % 2 == 0 ? QCTX_PRECISION_FLOAT32 : QCTX_PRECISION_BFLOAT16;
    qctx_model_folder folder;
    qctx_transformer *transformer;
    bool served = false;

    if (!fuzz_opened(qctx_model_folder_open(target->folder, &folder, &fuzz_error)))
        return false;
    qctx_model_folder_hash(&folder);
    if (fuzz_opened(qctx_transformer_create(&folder, precision, 0, &transformer, &fuzz_error))) {
        pass(&folder, transformer, draw);
        qctx_transformer_destroy(transformer);
        served = true;
    }
    qctx_model_folder_close(&folder);
    return served;
}

static void encode(const qctx_tokenizer *tokenizer, qctx_tokenizer_scratch *scratch, int64_t most)
{
    static const char *const texts[TEXTS] = {"", "Who wrote it? [MASK] don't  <|endoftext|>\t\xc2\xa0x",
                                             "caf\xc3\xa9 \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x98\x80",
                                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                             "\xff\xc3 &amp;lt; \x01 \xef\xbf\xbd"};
    qctx_ids ids = {0};

    for (int i = 0; i < TEXTS; i++) {
        bool truncated;

        ids.count = 0;
        if (!fuzz_opened(qctx_tokenizer_encode(tokenizer, scratch, texts[i], most, &ids, &truncated, &fuzz_error)))
            continue;
        fuzz_holds(ids.count <= most);
        for (int64_t t = 0; t < ids.count; t++)
            fuzz_holds(ids.items[t] >= 0 && ids.items[t] < qctx_tokenizer_size(tokenizer));
    }
    free(ids.items);
}

static bool use_tokenizer(const fuzz_target *target, uint64_t draw)
{
    qctx_tokenizer *tokenizer;
    qctx_tokenizer_scratch *scratch;
    bool served = false;

    if (!fuzz_opened(qctx_tokenizer_open(
            target->folder, (qctx_tokenizer_settings){.open_clip = strstr(target->folder, "open_clip") != NULL},
            &tokenizer, &fuzz_error)))
        return false;
    if (fuzz_opened(qctx_tokenizer_scratch_create(tokenizer, &scratch, &fuzz_error))) {
        encode(tokenizer, scratch, 40);
        encode(tokenizer, scratch, 1 + (int64_t)(draw % 6));
        qctx_tokenizer_scratch_destroy(scratch);
        served = true;
    }
    qctx_tokenizer_destroy(tokenizer);
    return served;
}

/* Shards are opened through their index, and each value is read once. */
static bool use_shards(const fuzz_target *target)
{
    qctx_safetensors *tensors;
    char path[FUZZ_PATH_MAX];

    fuzz_path(path, target->folder, "model.safetensors.index.json");
    if (!fuzz_opened(qctx_safetensors_open(path, &tensors, &fuzz_error)))
        return false;
    for (int64_t i = 0; i < made_tensor_count(tensors); i++) {
        const qctx_tensor *tensor = made_tensor_at(tensors, i), *found;
        float value;

        if (!fuzz_opened(qctx_safetensors_get(tensors, tensor->name, tensor->rank, tensor->shape, &found, &fuzz_error)))
            continue;
        fuzz_holds(found == tensor);
        for (int64_t j = 0; j < found->count; j++)
            qctx_tensor_read(found, j, 1, &value);
    }
    qctx_safetensors_hash(tensors, NULL, 0);
    qctx_safetensors_close(tensors);
    return true;
}

bool fuzz_is_of_tokenizer(const char *name)
{
    return strncmp(name, "tokenizer", 9) == 0 || strncmp(name, "vocab", 5) == 0 || strcmp(name, "merges.txt") == 0 ||
           strncmp(name, "special_tokens", 14) == 0 || strncmp(name, "added_tokens", 12) == 0;
}

bool fuzz_is_of_model(const char *name)
{
    return !fuzz_is_of_tokenizer(name) && strcmp(name, "expected.json") != 0 && strcmp(name, "texts.json") != 0;
}

bool fuzz_use_model(const fuzz_target *target, uint64_t draw)
{
    return strstr(target->folder, "shards") != NULL ? use_shards(target) : use_model(target, draw);
}

bool fuzz_use_tokenizer(const fuzz_target *target, uint64_t draw)
{
    bool served = use_tokenizer(target, draw);

    /* The one file of the tokenizer that both read. */
    if (strcmp(target->name, "tokenizer_config.json") == 0 && qctx_model_folder_is(target->folder))
        use_model(target, draw);
    return served;
}
