#include "targets.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "qctx/base/fileio.h"

void fuzz_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static bool fuzz_ends(const char *text, const char *ending)
{
    size_t length = strlen(text), part = strlen(ending);

    return length >= part && strcmp(text + length - part, ending) == 0;
}

static bool fuzz_of_tokenizer(const char *name)
{
    return strncmp(name, "tokenizer", 9) == 0 || strncmp(name, "vocab", 5) == 0 || strcmp(name, "merges.txt") == 0 ||
           strncmp(name, "special_tokens", 14) == 0 || strncmp(name, "added_tokens", 12) == 0;
}

static void fuzz_add(fuzz_targets *targets, const char *folder, const char *path, const char *name, char *bytes,
                     size_t size)
{
    fuzz_target *target = &targets->items[targets->count++];

    assert_true(targets->count <= FUZZ_TARGETS_MAX);
    *target = (fuzz_target){.bytes = (unsigned char *)bytes, .size = size};
    snprintf(target->folder, sizeof target->folder, "%s", folder);
    snprintf(target->path, sizeof target->path, "%s", path);
    target->name = qctx_path_base(target->path);
    target->reader = fuzz_of_tokenizer(name) ? FUZZ_TOKENIZER : fuzz_ends(folder, "shards") ? FUZZ_SHARDS : FUZZ_MODEL;
    target->open_clip = strstr(folder, "open_clip") != NULL;
    target->form = fuzz_ends(name, ".json")          ? FUZZ_JSON
                   : fuzz_ends(name, ".safetensors") ? FUZZ_SAFETENSORS
                                                     : FUZZ_TEXT;
}

/* Copies a folder with all in it; each file but the expected outputs becomes a target of the model `model`. */
static void fuzz_copy(fuzz_targets *targets, const char *from, const char *to, const char *model)
{
    DIR *folder = opendir(from);
    struct dirent *entry;

    assert_non_null(folder);
    assert_int_equal(mkdir(to, 0700), 0);
    while ((entry = readdir(folder)) != NULL) {
        char source[FUZZ_PATH_MAX], copy[FUZZ_PATH_MAX];
        size_t size;
        char *bytes;

        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "expected.json") == 0)
            continue;
        fuzz_path(source, from, entry->d_name);
        fuzz_path(copy, to, entry->d_name);
        if (qctx_path_is_folder(source)) {
            fuzz_copy(targets, source, copy, model != NULL ? model : copy);
            continue;
        }
        assert_int_equal(qctx_file_read(source, &bytes, &size, NULL), QCTX_OK);
        fuzz_write(copy, bytes, size);
        if (model != NULL)
            fuzz_add(targets, model, copy, entry->d_name, bytes, size);
        else
            free(bytes);
    }
    closedir(folder);
}

void fuzz_collect(fuzz_targets *targets, const char *models, const char *folder)
{
    char from[FUZZ_PATH_MAX], to[FUZZ_PATH_MAX];

    fuzz_path(from, folder, "made");
    fuzz_path(to, folder, "seeds");
    fuzz_write_seeds(from);
    fuzz_copy(targets, from, to, NULL);
    targets->small = targets->count;
    fuzz_path(to, folder, "models");
    fuzz_copy(targets, models, to, NULL);
    assert_true(targets->small > 0 && targets->count > targets->small);
    for (int64_t i = 0; i < targets->count; i++) {
        for (int64_t j = 0; j < targets->count; j++) {
            if (j != i && strcmp(targets->items[i].folder, targets->items[j].folder) == 0)
                targets->items[i].others += (int64_t)targets->items[j].size;
        }
    }
}

fuzz_target *fuzz_choose(fuzz_targets *targets, int64_t index)
{
    return index % 8 > 0 ? &targets->items[index % targets->small]
                         : &targets->items[targets->small + index / 8 % (targets->count - targets->small)];
}

void fuzz_forget(fuzz_targets *targets)
{
    for (int64_t i = 0; i < targets->count; i++)
        free(targets->items[i].bytes);
    targets->count = 0;
}
