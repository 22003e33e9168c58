/* The files that are fuzzed: those of all committed tiny models, in copies of their folders, each file by itself. */
#ifndef QCTX_TESTS_TARGETS_H
#define QCTX_TESTS_TARGETS_H

#include <stdbool.h>

#include "mutate.h"
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
void fuzz_write(const char *path, const void *bytes, size_t size);

/* The seeds and the models under `models`, copied into `folder`. */
void fuzz_collect(fuzz_targets *targets, const char *models, const char *folder);

/* Seven inputs of eight are of seeds. */
fuzz_target *fuzz_choose(fuzz_targets *targets, int64_t index);

/* Frees what the targets hold. */
void fuzz_forget(fuzz_targets *targets);

#endif
