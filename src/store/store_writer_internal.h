/* What the files of data/store_writer share. */
#ifndef QCTX_DATA_STORE_WRITER_INTERNAL_H
#define QCTX_DATA_STORE_WRITER_INTERNAL_H

#include "qctx/platform/h5.h"
#include "qctx/store/store_writer.h"
#include "store_internal.h"

/*
 * The journal beside a partial store. It is the lock, too: as long as a rank of a job lives, it holds a lock on it.
 *
 *   bytes 0 … 63   "qctxjrn3"; the job; the partial store's layout (qctx_partial_layout); hash of these
 *   then           16 bytes a batch: its checksum; hash of job, batch and checksum
 *
 * in the machine's byte order. A slot whose hash does not fit says that the batch is missing.
 */
typedef struct {
    int64_t place;                    /* where the digits of the checksum stand */
    int64_t offsets[QCTX_SIDE_COUNT]; /* where the vectors of each side begin */
    int64_t bytes;                    /* of the whole file */
    uint64_t rest;                    /* qctx_store_rest_sum of all of it */
} qctx_partial_layout;

typedef struct {
    char *path;
    int handle; /* −1: not open */
    bool made;  /* by this rank, where there was none */
    uint64_t job;
    int64_t batches;
} qctx_journal;

/* What stands in a slot. */
typedef struct {
    bool valid;
    uint64_t checksum;
} qctx_journal_entry;

/*
 * Opens the journal of the store `path` and locks it: the rank that `begins` makes it where there is none and locks
 * out everybody, the others share the lock. Local. Errors: EXISTS (another process has it), IO, MEMORY.
 */
qctx_status qctx_journal_open(qctx_journal *journal, const char *path, bool begins, qctx_error *error);

/* Lets the job's other ranks share the lock. Local. Errors: IO. */
qctx_status qctx_journal_share(qctx_journal *journal, qctx_error *error);

/* Whether the journal belongs to its job, and the layout that it names. Local. */
bool qctx_journal_fits(const qctx_journal *journal, qctx_partial_layout *layout);

/* Whether it begins as a journal does, be it damaged or of an earlier program. Local. */
bool qctx_journal_is_one(const qctx_journal *journal);

/* Whether it is whole, but of another job. Local. */
bool qctx_journal_is_of_another(const qctx_journal *journal);

/* Forgets all entries; then a head for its job, with room for all entries. Local. Errors: IO, MEMORY. */
qctx_status qctx_journal_clear(const qctx_journal *journal, qctx_error *error);
qctx_status qctx_journal_begin(const qctx_journal *journal, const qctx_partial_layout *layout, qctx_error *error);

/* entries [batches]. Local. Errors: IO, MEMORY. */
qctx_status qctx_journal_read(const qctx_journal *journal, qctx_journal_entry *entries, qctx_error *error);

/* Notes that the rows of a batch are in the file. Local. Errors: IO. */
qctx_status qctx_journal_note(const qctx_journal *journal, int64_t batch, uint64_t checksum, qctx_error *error);

/* Closes it, and so unlocks it. Local. */
void qctx_journal_close(qctx_journal *journal);

struct qctx_store_writer {
    qctx_comm *comm;
    const char *path;
    char *partial; /* the name until the file is complete */
    const qctx_store_description *description;
    const qctx_store_batches *batches;
    qctx_journal journal;
    bool force; /* what has the name at the end is replaced */
    bool began; /* this rank made the files anew */
    bool resumes;
    qctx_partial_layout layout;
    bool *done;        /* [batches->count] */
    int64_t put;       /* batches that this rank wrote or found whole */
    uint64_t checksum; /* of their rows */
    int handle;        /* of the partial store, for the rows that this rank writes; −1: not open */
};

/* Rows of a side. Local. */
int64_t qctx_store_writer_rows(const qctx_store_writer *writer, qctx_side side);
size_t qctx_store_writer_row_bytes(const qctx_store_writer *writer);

/* Writes all of `bytes` at an offset of an open file; false with errno set. Local. */
bool qctx_store_write_at(int handle, const void *data, size_t bytes, int64_t offset);

/* Opens the partial store for these flags; −1 with `error` filled (IO). Local. */
int qctx_store_partial_handle(const qctx_store_writer *writer, int flags, qctx_error *error);

/*
 * Finds the place of the checksum's digits in the partial store, for which it makes a file that is to be replaced.
 * Local. Errors: IO, MEMORY, INTERNAL.
 */
qctx_status qctx_store_digits_find(qctx_store_writer *writer, qctx_error *error);

/* The head that the store gets, from layout, description and checksum. Local. Cannot fail. */
qctx_store_head qctx_store_partial_head(const qctx_store_writer *writer);

/* Puts the checksum's digits into their place, and the head before the HDF5 file. Local. Errors: IO, SPACE. */
qctx_status qctx_store_partial_seal(const qctx_store_writer *writer, qctx_error *error);

/*
 * Makes the partial store with all that is known at the start: room for the vectors, texts, answers, encoder,
 * attributes, and in the checksum's place the digits of the job. Sets the layout. Local. Errors: IO, MEMORY.
 */
qctx_status qctx_store_partial_make(qctx_store_writer *writer, qctx_error *error);

/* Writes all of that into a new file, to begin with the digits of a checksum. Local. Errors: IO, MEMORY. */
qctx_status qctx_store_partial_begin(qctx_h5 *file, uint64_t checksum, qctx_error *error);
qctx_status qctx_store_partial_fill(const qctx_store_writer *writer, qctx_h5 *file, qctx_error *error);

/*
 * Whether every byte of the partial store but its vectors, which are verified by themselves, is as it was made: by the
 * layout that the journal of this job named, before any library reads the file. Local.
 */
bool qctx_store_partial_fits(const qctx_store_writer *writer);

/* Whether what has the partial store's name begins as a store does, be it damaged, or holds nothing yet. Local. */
bool qctx_store_partial_is_one(const qctx_store_writer *writer);

/*
 * Opens the partial store for rows; writes rows [count], ascending, of a side from `data` [count, row]; makes durable
 * what was written, and closes it. Each rank by itself: a write that fails on one of them keeps no other waiting, as
 * one inside a collective of MPI-IO would. Local. Errors: IO, SPACE.
 */
qctx_status qctx_store_partial_open(qctx_store_writer *writer, qctx_error *error);
qctx_status qctx_store_partial_write(const qctx_store_writer *writer, qctx_side side, const int64_t *rows,
                                     int64_t count, const unsigned char *data, qctx_error *error);
qctx_status qctx_store_partial_close(qctx_store_writer *writer, qctx_error *error);

/* Puts checksum and head in their places and gives the file its name. Local. Errors: IO, INTERNAL. */
qctx_status qctx_store_partial_publish(const qctx_store_writer *writer, qctx_error *error);

/*
 * Reads the rows of the batches in the journal again, each rank its share; sets done, put and checksum. Collective.
 * Errors: IO, MEMORY.
 */
qctx_status qctx_store_partial_verify(qctx_store_writer *writer, qctx_error *error);

#endif
