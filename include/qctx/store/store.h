/*
 * The embedding store: one HDF5 file with the vectors of a corpus, readable
 * and writable by h5py.
 *
 *   4096 bytes      the head, by which a store of version 2 is verified whole (docs/store.md)
 *   attributes      schema = "qctx-store", version = 2, dim, encoder (name), encoder_fingerprint,
 *                   encoder_settings (JSON), corpus_fingerprint, checksum; context_text = "title text" where
 *                   contexts were encoded with their titles, "fields" where the encoder names what it
 *                   takes of them, absent where their texts were alone
 *   questions/      vectors [nq, d] float32 | float16; optional id, text [nq] variable-length UTF-8
 *   contexts/       vectors [nc, d]; optional id, text, title [nc]
 *   answers/SPLIT/  questions [n] int64 (optional: all questions in order), offsets [n + 1], contexts [m] (−1: judged,
 *                   but not in the store), grades [m] float (optional: all 1)
 *   encoder/table   bytes of the fitted encoder (optional)
 *
 * A store that someone else wrote needs the two vectors datasets and one split;
 * the attributes are optional (schema and version are checked where present).
 *
 * Vectors are stored contiguously, so that the file itself can be mapped: the
 * ranks of a node share one copy in the page cache and rows are gathered at
 * memory speed, also from stores larger than memory. Foreign stores that are
 * chunked or compressed are read whole into memory instead.
 */
#ifndef QCTX_STORE_STORE_H
#define QCTX_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/data/side.h"
#include "qctx/data/split.h"
#include "qctx/platform/comm.h"

/*
 * What is written, and the first version that is read and serves as well: a name in a cache, which has the oldest,
 * leads to stores of all of them.
 */
#define QCTX_STORE_VERSION 2
#define QCTX_STORE_OLDEST  1

typedef enum { QCTX_FLOAT32, QCTX_FLOAT16 } qctx_dtype;
extern const char *const qctx_dtype_names[];

/* Whether the contexts of a store were encoded with their titles in front (data/context_texts). */
typedef enum {
    QCTX_TITLES_NONE,     /* there are none, or the store is of other origin and does not tell */
    QCTX_TITLES_LEFT_OUT, /* there are, but texts were encoded alone */
    QCTX_TITLES_JOINED,
    QCTX_TITLES_FIELDS /* the encoder names the fields that it takes of a context (encoder/joined) */
} qctx_titles;
extern const char *const qctx_titles_names[];

/* What of a store is held against a checksum when it is opened. */
typedef enum {
    QCTX_VERIFIED_NOTHING, /* it names none: of other origin */
    QCTX_VERIFIED_VECTORS, /* version 1 */
    QCTX_VERIFIED_WHOLE    /* version 2: every byte of the file */
} qctx_verified;
extern const char *const qctx_verified_names[];

typedef struct qctx_store qctx_store;

/*
 * Opens a store for reading; every rank sees the same file. One of version 2 is verified in every byte, all but the
 * vectors before HDF5 reads it. Every row is checked once (each rank its share): not finite or zero rows and
 * out-of-range indices are refused with the row that is wrong, and the checksum of the vectors is verified where there
 * is one. Collective. The caller closes it. Errors: IO, FORMAT (also: damaged), DATA, MISMATCH (ranks see different
 * files; checksum of the vectors).
 */
qctx_status qctx_store_open(qctx_comm *comm, const char *path, qctx_store **opened, qctx_error *error);

/* The same, where the file is trusted to name others that hold its vectors: qctx_store_open refuses that. */
qctx_status qctx_store_open_external(qctx_comm *comm, const char *path, qctx_store **opened, qctx_error *error);

/*
 * The same for a search, which needs contexts alone: the store may lack questions and answers, as those do that are
 * made of other documents. What is there is checked as above.
 */
qctx_status qctx_store_open_contexts(qctx_comm *comm, const char *path, qctx_store **opened, qctx_error *error);
void qctx_store_close(qctx_store *store);

/* What is read later is MISMATCH where the file was written to since it was opened (platform/mapped). */

/* Whether `path` begins as a store does, be it damaged, or is an HDF5 file that holds contexts/vectors. Local. */
bool qctx_store_is(const char *path);

/* qctx_store_titles of a file that is not opened for reading; NONE also where it is no store. Local. Cannot fail. */
qctx_titles qctx_store_titles_at(const char *path);

/* The checksum of vectors that a file says it has; 0 where it says none, or is no store. Local. Cannot fail. */
uint64_t qctx_store_checksum_at(const char *path);

/* What the store is and says of itself, valid as long as it is open. Local. */
int64_t qctx_store_dim(const qctx_store *store);
int64_t qctx_store_count(const qctx_store *store, qctx_side side);
const char *qctx_store_path(const qctx_store *store);
/* Empty texts where the store does not say. */
const char *qctx_store_encoder(const qctx_store *store);
const char *qctx_store_encoder_fingerprint(const qctx_store *store);
const char *qctx_store_encoder_settings(const qctx_store *store);
qctx_titles qctx_store_titles(const qctx_store *store);
uint64_t qctx_store_corpus_fingerprint(const qctx_store *store);
uint64_t qctx_store_checksum(const qctx_store *store);
qctx_dtype qctx_store_dtype(const qctx_store *store);
int64_t qctx_store_version(const qctx_store *store); /* QCTX_STORE_OLDEST where the file does not say */
qctx_verified qctx_store_verified(const qctx_store *store);
bool qctx_store_unit_length(const qctx_store *store); /* all rows of both sides, to 1e-3 */

/*
 * The fitted part of the encoder: `*table` is the caller's to free; NULL and 0 where there is none. Local. Errors: IO,
 * FORMAT, MEMORY, MISMATCH.
 */
qctx_status qctx_store_encoder_table(qctx_store *store, void **table, size_t *bytes, qctx_error *error);

/* Splits, held in memory on every rank, in alphabetical order. Local. */
int64_t qctx_store_split_count(const qctx_store *store);
const qctx_split *qctx_store_split_at(const qctx_store *store, int64_t index);
/* By name, or NULL with `error` filled (DATA, naming those that exist). Local. */
const qctx_split *qctx_store_split(const qctx_store *store, const char *name, qctx_error *error);

/* out [count, dim] float32 = the rows first … first + count − 1 (a hyperslab). Local. Errors: IO, MISMATCH. */
qctx_status qctx_store_read(qctx_store *store, qctx_side side, int64_t first, int64_t count, float *out,
                            qctx_error *error);

/* out [count, dim] float32 = rows[0 … count − 1] in that order, from the mapped file. Local. Cannot fail. */
void qctx_store_gather(const qctx_store *store, qctx_side side, const int64_t *rows, int64_t count, float *out);

/*
 * Lets the kernel read rows[0 … count − 1] of a mapped file ahead, where a sample of them shows that not all are in
 * memory already. Local. Cannot fail.
 */
void qctx_store_prefetch(const qctx_store *store, qctx_side side, const int64_t *rows, int64_t count);

/*
 * groups [nc]: equal numbers for contexts that must not fall on two sides of a hold-out: those of one title
 * where the store has titles, else those of one content. content [nc]: equal for equal contexts as the
 * encoder saw them (hash of the text, with its title where these were joined, or of the vector where there are no
 * texts); of questions [nq]: equal for those worded alike. Both are the caller's arrays. Local. Errors: IO, MEMORY,
 * MISMATCH.
 */
qctx_status qctx_store_content(qctx_store *store, qctx_side side, uint64_t *content, qctx_error *error);
qctx_status qctx_store_groups(qctx_store *store, uint64_t *groups, qctx_error *error);

/*
 * `*own` [nq] = for each question the row of the context that has the same id, or QCTX_ABSENT; NULL where there is no
 * such pair, or the store has no ids. Borrowed from the store, which looks once. Local. Errors: IO, MEMORY, MISMATCH.
 */
qctx_status qctx_store_own_contexts(qctx_store *store, const int64_t **own, qctx_error *error);

/*
 * Lets go of the pages of the mapped file, so that the next rows come from the disk: for measurements. The system keeps
 * what other processes have mapped; where it keeps all, nothing happens. Local.
 */
void qctx_store_forget(const qctx_store *store);

typedef enum { QCTX_FIELD_ID, QCTX_FIELD_TEXT, QCTX_FIELD_TITLE } qctx_field;

/*
 * The texts of one field for the given rows: `texts` [count] receives freshly allocated strings (free each).
 * A field that the store lacks gives the row number for an id and "" otherwise. Local. Errors: IO, MEMORY, MISMATCH.
 */
qctx_status qctx_store_texts(qctx_store *store, qctx_side side, qctx_field field, const int64_t *rows, int64_t count,
                             char **texts, qctx_error *error);

/*
 * Puts the titles of contexts in front of their `texts` [count], of the given rows, as encoders see them joined: each
 * text is replaced by an allocated one, a text that is its title stays. Local. Errors: IO, MEMORY, MISMATCH.
 */
qctx_status qctx_store_join_titles(qctx_store *store, const int64_t *rows, int64_t count, char **texts,
                                   qctx_error *error);

#endif
