/* What the files of data/store share. */
#ifndef QCTX_DATA_STORE_INTERNAL_H
#define QCTX_DATA_STORE_INTERNAL_H

#include "qctx/platform/cage.h"
#include "qctx/platform/h5.h"
#include "qctx/platform/mapped.h"
#include "qctx/store/store.h"

/*
 * The head of a store: one line in the first 4096 bytes, before the HDF5 file (its user block, which is no shorter than
 * what large datasets are aligned to), by which a store of version 2 is verified whole before any library reads it.
 *
 *   qctx-store 2 bytes N questions OFFSET+BYTES contexts OFFSET+BYTES titles "T" digits OFFSET checksum X rest X line X
 *
 * N is the length of the file; OFFSET+BYTES is where the vectors of a side lie; T is one of qctx_titles_names; the
 * sixteen digits of the attribute `checksum` stand at `digits`. X are sixteen hexadecimal digits: the checksum of the
 * vectors; the sum of the hashes of all that is neither head, vectors nor digits; the hash of the line up to here. A
 * line end and zeros fill the rest of the 4096 bytes.
 *
 * A store of version 1, and one that somebody else made, has no head.
 */
enum { QCTX_STORE_FRONT = 4096, QCTX_CHECKSUM_DIGITS = 16 };

typedef struct {
    int64_t bytes;                         /* of the whole file */
    int64_t offsets[QCTX_SIDE_COUNT];      /* where the vectors of each side begin; 0 where there are none */
    int64_t vector_bytes[QCTX_SIDE_COUNT]; /* and how many bytes they take */
    int64_t digits;                        /* where the digits of the checksum stand */
    qctx_titles titles;
    uint64_t checksum; /* of the vectors */
    uint64_t rest;     /* of all that is neither head, vectors nor digits */
} qctx_store_head;

/* The rows of one side, in the mapped file or in memory. */
typedef struct {
    int64_t count;
    bool half;                 /* half precision; else float32 */
    const unsigned char *data; /* [count, dim] elements as stored */
    void *loaded;              /* the memory behind data where it is not mapped */
} qctx_store_rows_of;

/* The vectors that a copy leaves in the file that it was made of: where they can be mapped as they stand. */
typedef struct {
    bool is[QCTX_SIDE_COUNT];
    qctx_h5_shape shapes[QCTX_SIDE_COUNT];
} qctx_store_in_place;

struct qctx_store {
    char *path;
    bool contexts_only; /* questions and answers may be missing */
    bool has_head;      /* version 2 */
    qctx_store_head head;
    int64_t version; /* as the file says; 1 where it does not */
    qctx_h5 *file;   /* for all but vectors in place; that of a copy where one was made */
    int copy;        /* handle of the copy until it is opened; −1: none */
    qctx_store_in_place in_place;
    qctx_mapped *map;
    int64_t dim;
    qctx_store_rows_of sides[QCTX_SIDE_COUNT];
    char *encoder;
    char *encoder_fingerprint;
    char *encoder_settings;
    qctx_titles titles;
    uint64_t corpus_fingerprint;
    bool has_checksum; /* the file names one; else it is computed */
    uint64_t checksum;
    bool unit_length;
    int64_t split_count;
    qctx_split *splits;
    bool own_is_known;
    int64_t *own; /* [questions] as qctx_store_own_contexts gives it, once it is known */
};

/* What the attribute context_text says of a store whose contexts were encoded with their titles. */
#define QCTX_STORE_TITLE_AND_TEXT "title text"
/* Of one whose encoder names the fields that it takes. */
#define QCTX_STORE_FIELDS "fields"

/* "questions" or "contexts", and their "questions/vectors" or "contexts/vectors". */
const char *qctx_store_group_name(qctx_side side);
const char *qctx_store_vectors_of(qctx_side side);

/*
 * Reads and judges the head; `*there` is false where the file has none. With a head that is there the file's length is
 * what it says, and vectors and digits lie in the file one by one; what they hold is not looked at. Local. Errors: IO,
 * FORMAT (damaged, truncated, or of a version that is not known).
 */
qctx_status qctx_store_head_read(const char *path, qctx_store_head *head, bool *there, qctx_error *error);

/* The first bytes of a store that has this head. Local. Cannot fail. */
void qctx_store_head_write(const qctx_store_head *head, char front[QCTX_STORE_FRONT]);

/* Whether head, vectors and digits lie in the file one by one. Local. Cannot fail. */
bool qctx_store_head_fits(const qctx_store_head *head);

/*
 * `*sum` = the part of head->rest that falls to rank `rank` of `ranks`, from the open file: rest is the sum of all
 * parts, modulo 2^64. `path` is for messages. Local. Errors: IO, FORMAT (qctx_store_head_fits says no), MEMORY.
 */
qctx_status qctx_store_rest_sum(int handle, const char *path, const qctx_store_head *head, int rank, int ranks,
                                uint64_t *sum, qctx_error *error);

/* Adds the hint to what is damaged; returns its code. Local. */
qctx_status qctx_store_damaged(qctx_error *error);

/*
 * Reads store->path's head into the store and holds against it all bytes but the vectors, each rank its share, before
 * any library reads them; nothing where it has none. Collective. Errors: IO, FORMAT, MEMORY, MISMATCH (the ranks see
 * different files).
 */
qctx_status qctx_store_verify(qctx_comm *comm, qctx_store *store, qctx_error *error);

/* Whether what HDF5 found in the file is what its head speaks of. Local. Errors: FORMAT. */
qctx_status qctx_store_fits_head(const qctx_store *store, qctx_error *error);

/* Refuses a file of which `value` is not the same on all ranks. Collective. Errors: MISMATCH. */
qctx_status qctx_store_must_be_same(qctx_comm *comm, const char *path, uint64_t value, qctx_error *error);

/* Bytes of one row as stored. */
size_t qctx_store_row_bytes(const qctx_store *store, qctx_side side);

/*
 * Copies what a store of unknown origin holds, by a child process of the first rank of each node, into a file without a
 * name that all ranks of the node open: `*handle`, the caller's to close unless it is −1, also after a failure.
 * `external`: it may name other files. Collective. Errors: FORMAT (damaged, or no store; a limit; a crash), IO, SPACE,
 * DATA, MEMORY, MISMATCH (the ranks see different files), STOPPED.
 */
qctx_status qctx_store_copy_out(qctx_comm *comm, const char *path, bool external, int *handle,
                                qctx_store_in_place *in_place, qctx_error *error);

/* What a child may take that reads a store and writes `copy` (−1: nothing). Local. */
qctx_cage_limits qctx_store_cage_limits(const char *path, bool external, int copy);

/* Fills `error` for a path that is not the same file on all ranks; MISMATCH. Local. */
qctx_status qctx_store_refuse_different(const char *path, qctx_error *error);

/* Shape of the vectors of a side, refused where a store cannot have it. Local. Errors: FORMAT, DATA. */
qctx_status qctx_store_inspect_vectors(const qctx_h5 *file, const char *path, qctx_side side, qctx_h5_shape *shape,
                                       qctx_error *error);

/* Whether vectors can be used as they stand in the file. Local. */
bool qctx_store_is_mappable(const qctx_h5_shape *shape);

/* Finds the vectors of both sides: maps them, or loads what cannot be mapped. Local. Errors: IO, FORMAT, MISMATCH. */
qctx_status qctx_store_find_rows(qctx_store *store, qctx_error *error);
void qctx_store_drop_rows(qctx_store *store);

/*
 * Reads and checks the attributes; or those alone that say whether contexts were encoded with their titles, or the
 * checksum. What was read before a failure is freed with the store. Local. Errors: FORMAT, MEMORY.
 */
qctx_status qctx_store_read_attributes(qctx_store *store, qctx_error *error);
qctx_status qctx_store_read_titles(qctx_store *store, qctx_error *error);
qctx_status qctx_store_read_checksum(qctx_store *store, qctx_error *error);

/* Reads and checks answers/SPLIT. Local. Errors: FORMAT, DATA. */
qctx_status qctx_store_read_splits(qctx_store *store, qctx_error *error);

/*
 * Checks every row and the checksum, each rank its share; sets unit_length and checksum. Collective. Errors: DATA,
 * MISMATCH.
 */
qctx_status qctx_store_check(qctx_comm *comm, qctx_store *store, qctx_error *error);

/*
 * What makes a row unusable, or NULL: "holds nan", "holds infinity", "is zero". `*length` is its Euclidean length.
 * Local.
 */
const char *qctx_store_row_fault(const float *row, int64_t dim, double *length);

/* Fills `error` for such a row. `id` is freely chosen. */
qctx_status qctx_store_bad_row(const char *path, qctx_side side, int64_t row, const char *id, const char *fault,
                               qctx_error *error);

/*
 * A row's part of the checksum, which is the sum of all parts modulo 2^64: independent of the order of rows and of
 * who computes which. `bytes` are those stored.
 */
uint64_t qctx_store_row_checksum(qctx_side side, int64_t row, const void *data, size_t bytes);

#endif
