/*
 * A deterministic mutator of files: bytes, ranges, numbers, the tokens of JSON, the lines and fields of tables, parts
 * of another file. The same seed gives the same input on every machine.
 */
#ifndef QCTX_TESTS_MUTATE_H
#define QCTX_TESTS_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* How a file is built, so that mutations reach what lies behind its outer form. */
typedef enum {
    FUZZ_BYTES, /* compressed, binary */
    FUZZ_TEXT,  /* lines of words */
    FUZZ_JSON,
    FUZZ_LINES, /* whose order and fields mean something: tables, JSONL, YAML */
    FUZZ_SAFETENSORS,
    FUZZ_HDF5,       /* this and those behind it are files of HDF5, whose contents change, or whose bytes */
    FUZZ_CHECKPOINT, /* HDF5 behind a head with its hash, which is made anew */
    FUZZ_STORE       /* likewise */
} fuzz_form;

typedef struct {
    unsigned char *bytes; /* [capacity] */
    size_t size, capacity;
} fuzz_input;

/* What mutations know of the files of one kind. */
typedef struct {
    fuzz_form form;
    const char *const *words;   /* that its readers know, closed by NULL */
    const unsigned char *donor; /* [donor_size] another file of that kind, of which parts are put in */
    size_t donor_size;
} fuzz_grammar;

typedef struct {
    uint64_t state;
} fuzz_random;

/* The next 64 bits, and a number below `count` (0 of 0). */
uint64_t fuzz_next(fuzz_random *random);
size_t fuzz_below(fuzz_random *random, size_t count);

/* Replaces bytes first … first + gone − 1 by `count` others, which may lie in the input itself; what is too much is
 * left out. */
void fuzz_replace(fuzz_input *input, size_t first, size_t gone, const void *bytes, size_t count);

/* One to five mutations. */
void fuzz_mutate(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input);

#endif
