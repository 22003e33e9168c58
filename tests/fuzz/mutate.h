/*
 * A deterministic mutator of files: bytes, ranges, numbers, and the tokens of JSON. The same seed gives the same input
 * on every machine.
 */
#ifndef QCTX_TESTS_MUTATE_H
#define QCTX_TESTS_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* How a file is built, so that mutations reach what lies behind its outer form. */
typedef enum { FUZZ_TEXT, FUZZ_JSON, FUZZ_SAFETENSORS } fuzz_form;

typedef struct {
    unsigned char *bytes; /* [capacity] */
    size_t size, capacity;
} fuzz_input;

typedef struct {
    uint64_t state;
} fuzz_random;

/* One to six mutations. */
void fuzz_mutate(fuzz_random *random, fuzz_form form, fuzz_input *input);

#endif
