/* Parts of the hashing encoder; include/qctx/encoder/hashing.h says what it computes. */
#ifndef QCTX_ENCODER_HASHING_INTERNAL_H
#define QCTX_ENCODER_HASHING_INTERNAL_H

#include "qctx/encoder/hashing.h"
#include "qctx/text/text.h"

/* A feature and how often it occurs: in a text, or in how many contexts. Plain bytes: it travels between ranks. */
typedef struct {
    uint64_t hash;
    uint64_t count;
} hashing_count;

/* A list of counts; free(items) when done. Start from {0}. */
typedef struct {
    hashing_count *items;
    int64_t count;
    int64_t capacity;
} hashing_counts;

/* Adds an entry. Local. Errors: MEMORY. */
qctx_status hashing_counts_add(hashing_counts *counts, uint64_t hash, uint64_t count, qctx_error *error);

/* Sorts the entries from `first` on by hash and joins equal ones by adding their counts. Local. */
void hashing_counts_compact(hashing_counts *counts, int64_t first);

/*
 * Replaces the counts of each rank by those of all together, compact and without those below `least`. No message
 * carries more than a slice of the hash range, of about a million entries in all. Collective. Errors: MEMORY.
 */
qctx_status hashing_counts_merge(qctx_comm *comm, hashing_counts *counts, uint64_t least, qctx_error *error);

/* What one thread needs to take a text apart, the features of the last one, and what a fit gathers from all of them. */
typedef struct {
    qctx_text *text;
    qctx_spans words;
    hashing_counts features; /* words first, then n-grams; each part compact */
    int64_t word_features;   /* entries of the first part */
    int64_t length;          /* words of the text that are features */
    double *row;             /* [dim], for sums */
    /* Gathered by a fit from all texts of the thread. */
    hashing_counts df;
    int64_t total_length;
    double largest_norm;
} hashing_analyser;

qctx_status hashing_analyser_open(hashing_analyser *analyser, int64_t dim, qctx_error *error);
void hashing_analyser_close(hashing_analyser *analyser);

/* Takes a text apart. Local. Errors: MEMORY, INTERNAL. */
qctx_status hashing_analyse(hashing_analyser *analyser, const char *text, qctx_error *error);

typedef struct {
    int64_t dim;
    double ngram_weight;
    double k1;
    double b;
    /* Learned by fit; contexts is 0 before it. */
    int64_t contexts;
    int64_t total_length; /* of all contexts, in words */
    double largest_norm;  /* M */
    hashing_counts df;    /* compact; features of at least HASHING_LEAST_DF contexts */
} hashing_state;

enum { HASHING_LEAST_DF = 2 };

/* Works on one analysed text, number `index` of the array. */
typedef qctx_status hashing_visit(const hashing_state *state, hashing_analyser *analyser, int64_t index, void *argument,
                                  qctx_error *error);
/* Takes over what one thread has gathered; threads come one at a time, in any order. */
typedef qctx_status hashing_finish(hashing_analyser *analyser, void *argument, qctx_error *error);

/*
 * Analyses the texts [count] on the OpenMP threads of the rank, each with an analyser of its own, and visits each;
 * `finish` (may be NULL) ends each thread. Local. Errors: those of a failing text or thread.
 */
qctx_status hashing_for_each(const hashing_state *state, const char *const *texts, int64_t count, hashing_visit *visit,
                             hashing_finish *finish, void *argument, qctx_error *error);

/* Sums the analysed text, as a context, into analyser->row [dim] and returns its norm. Local. */
double hashing_sum_context(const hashing_state *state, hashing_analyser *analyser);

/* row [dim] = the unit vector of the analysed text, as a context or as a question. Local. Cannot fail. */
void hashing_fill_context(const hashing_state *state, hashing_analyser *analyser, float *row);
void hashing_fill_question(const hashing_state *state, hashing_analyser *analyser, float *row);

/* The class's functions that stand in files of their own. */
qctx_status hashing_create(const char *settings, void **created, qctx_error *error);
char *hashing_settings(const void *opaque, qctx_error *error);
qctx_status hashing_fit(void *opaque, qctx_comm *comm, const char *const *texts, int64_t count, qctx_error *error);
qctx_status hashing_save(const void *opaque, void **table, size_t *bytes, qctx_error *error);
qctx_status hashing_restore(void *opaque, const void *table, size_t bytes, qctx_error *error);

#endif
