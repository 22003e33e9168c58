/*
 * The files that are fuzzed: seeds and committed tiny models, in copies of their folders, each file by itself. Every
 * kind of them has its share of the inputs, its words, and who reads it.
 */
#ifndef QCTX_TESTS_TARGETS_H
#define QCTX_TESTS_TARGETS_H

#include <stdbool.h>

#include "mutate.h"
#include "seeds.h"

enum { FUZZ_TARGETS_MAX = 512 };

typedef struct fuzz_target fuzz_target;

/* Files that are read alike. */
typedef struct {
    const char *name;                /* and that of the folder which holds them; its files, or its folders, are cases */
    const char *folder;              /* of the seeds that they are copied from; NULL: as the name */
    int share;                       /* of the inputs, as part of the sum of all shares */
    int64_t constant;                /* bytes that reading takes for any file: buffers that are always there */
    const char *const *words;        /* that the readers know, closed by NULL */
    bool (*takes)(const char *name); /* the files that are mutated; NULL: all */
    bool lacks_tensors; /* its seeds are models of two tensors, which are refused where the third is asked for */
    /*
     * Reads the case of `target`, whose file is mutated: whether it served. `draw` are bits to choose options by, 0 the
     * defaults. Leaves no file behind that was not there, whatever comes of it.
     */
    bool (*use)(const fuzz_target *target, uint64_t draw);
} fuzz_kind;

struct fuzz_target {
    const fuzz_kind *kind;
    char folder[FUZZ_PATH_MAX]; /* of the case: what its readers open, or what holds a case that is a file */
    char path[FUZZ_PATH_MAX];
    const char *name; /* the file's own, within path */
    fuzz_form form;
    int64_t constant;     /* bytes that reading it takes, whatever is in it */
    unsigned char *bytes; /* as it was */
    size_t size;
    int64_t others; /* bytes of the other files of the case */
    int64_t files;  /* in the folder of the case, and folders */
    /* What became of the inputs so far. */
    int64_t inputs, opened, most_memory;
    double most_factor, seconds;
};

typedef struct {
    int64_t count;
    fuzz_target items[FUZZ_TARGETS_MAX];
} fuzz_targets;

/* All kinds, closed by one without a name. */
extern const fuzz_kind fuzz_kinds[];

/* Writes without waiting for a disk. */
void fuzz_write(const char *path, const void *bytes, size_t size);

/*
 * Copies of the seeds of tests/fuzz, of those that are made, and of the models of tests/fixtures, all below the working
 * folder; `sources` is that of the project. The same on all ranks. Collective.
 */
void fuzz_collect(fuzz_targets *targets, const char *sources);

/* A file of a kind by its share. */
fuzz_target *fuzz_choose(fuzz_targets *targets, fuzz_random *random);

/* Another file of that kind and form, or the same. */
const fuzz_target *fuzz_choose_donor(const fuzz_targets *targets, const fuzz_target *target, fuzz_random *random);

/* Files and folders below a folder. */
int64_t fuzz_count_files(const char *folder);

/* Frees what the targets hold. */
void fuzz_forget(fuzz_targets *targets);

#endif
