/* The files that are fuzzed: those of all committed tiny models, in copies of their folders, each file by itself. */
#ifndef QCTX_TESTS_TARGETS_H
#define QCTX_TESTS_TARGETS_H

#include "harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mutate.h"
#include "qctx/base/fileio.h"
#include "seeds.h"

enum { FUZZ_TARGETS_MAX = 256 };

/* Who reads a file. */
typedef enum { FUZZ_MODEL, FUZZ_TOKENIZER, FUZZ_SHARDS } fuzz_reader;

typedef struct {
    char folder[FUZZ_PATH_MAX]; /* of the model */
    char path[FUZZ_PATH_MAX];
    const char *name; /* the file's own, within path */
    fuzz_form form;
    fuzz_reader reader;
    bool open_clip;
    unsigned char *bytes; /* as it was */
    size_t size;
    int64_t others; /* bytes of the other files of the folder */
    /* What became of the inputs so far. */
    int64_t inputs, opened, most_memory;
    double most_factor, seconds;
} fuzz_target;

typedef struct {
    int64_t small; /* the first ones: seeds */
    int64_t count;
    fuzz_target items[FUZZ_TARGETS_MAX];
} fuzz_targets;

/* Writes without waiting for a disk. */
static inline void fuzz_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline bool fuzz_ends(const char *text, const char *ending)
{
    size_t length = strlen(text), part = strlen(ending);

    return length >= part && strcmp(text + length - part, ending) == 0;
}

static inline bool fuzz_of_tokenizer(const char *name)
{
    return strncmp(name, "tokenizer", 9) == 0 || strncmp(name, "vocab", 5) == 0 || strcmp(name, "merges.txt") == 0 ||
           strncmp(name, "special_tokens", 14) == 0 || strncmp(name, "added_tokens", 12) == 0;
}

static inline void fuzz_add(fuzz_targets *targets, const char *folder, const char *path, const char *name, char *bytes,
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
static inline void fuzz_copy(fuzz_targets *targets, const char *from, const char *to, const char *model)
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

/* The seeds and the models under `models`, copied into `folder`. */
static inline void fuzz_collect(fuzz_targets *targets, const char *models, const char *folder)
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

/* Seven inputs of eight are of seeds. */
static inline fuzz_target *fuzz_choose(fuzz_targets *targets, int64_t index)
{
    return index % 8 > 0 ? &targets->items[index % targets->small]
                         : &targets->items[targets->small + index / 8 % (targets->count - targets->small)];
}

static inline void fuzz_forget(fuzz_targets *targets)
{
    for (int64_t i = 0; i < targets->count; i++)
        free(targets->items[i].bytes);
    targets->count = 0;
}

#endif
