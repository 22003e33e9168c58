/* What the parts of the mutator share. */
#ifndef QCTX_TESTS_MUTATE_INTERNAL_H
#define QCTX_TESTS_MUTATE_INTERNAL_H

#include "mutate.h"

/* One mutation each. */
void fuzz_mutate_tokens(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input);
void fuzz_mutate_bytes(fuzz_random *random, fuzz_input *input);
void fuzz_mutate_lines(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input);

/* The same of the HDF5 file behind `front` bytes, through HDF5 itself: what comes out is a good one. */
void fuzz_mutate_contents(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input, size_t front);

/*
 * Mutates what is in an HDF5 file, a checkpoint or a store so many times, then perhaps its bytes; heads are made to fit
 * again. Nothing opens a file by HDF5 here once its bytes were changed.
 */
void fuzz_mutate_hdf5(fuzz_random *random, const fuzz_grammar *grammar, size_t times, fuzz_input *input);

#endif
