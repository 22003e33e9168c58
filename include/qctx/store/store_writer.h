/*
 * Writing a store while its vectors are made: by all ranks, batch by batch in any order, so that a killed job goes on
 * where it was; or, where rows can be asked for one after the other, with one call.
 *
 * Beside `path` stand `path`.partial, a whole store but for the vectors still missing, and `path`.journal, which
 * batches are in it and their checksums. A writer that finds a partial store of the same job (same corpus, encoder,
 * type and batches) reads the rows of every batch in the journal again; those whose checksum fits are kept. One of
 * another job is begun anew with `force` alone, a damaged one in any case. Ranks may be more or fewer than before.
 * docs/store.md says what stands in the journal.
 */
#ifndef QCTX_STORE_STORE_WRITER_H
#define QCTX_STORE_STORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/data/corpus.h"
#include "qctx/data/side.h"
#include "qctx/platform/comm.h"
#include "qctx/store/store.h"

/* What a store is written from, beside its vectors. Texts are borrowed during the calls. */
typedef struct {
    const qctx_corpus *corpus;
    qctx_dtype dtype;
    int64_t dim;
    const char *encoder; /* name, "hashing" */
    const char *encoder_fingerprint;
    const char *encoder_settings; /* JSON text */
    const void *encoder_table;    /* [encoder_table_bytes] */
    size_t encoder_table_bytes;
    bool titles;               /* contexts were encoded with their titles (data/context_texts) */
    int64_t field_count;       /* of contexts that the encoder names; 0: `titles` says what it was given */
    const char *const *fields; /* [field_count] */
} qctx_store_description;

/* Which vectors are made together, and which rows each of them fills. The same on every rank; arrays are borrowed. */
typedef struct {
    int64_t count;
    const int64_t *firsts;        /* [count + 1], from 0: batch b makes vectors firsts[b] … firsts[b + 1] − 1 */
    const qctx_side *sides;       /* [count] */
    const int64_t *vector_firsts; /* [vectors + 1], from 0: vector v fills rows[vector_firsts[v]] … */
    const int64_t *rows;          /* row numbers within their side; every row of both sides once */
} qctx_store_batches;

typedef struct qctx_store_writer qctx_store_writer;

/*
 * Begins a store, or goes on with a partial one, which the log says. Description and batches are borrowed until the
 * writer is closed. Collective. Errors: EXISTS (another process is writing it; unless `force`: the store, or a partial
 * one of another job), IO, MEMORY.
 */
qctx_status qctx_store_writer_open(qctx_comm *comm, const char *path, bool force,
                                   const qctx_store_description *description, const qctx_store_batches *batches,
                                   qctx_store_writer **opened, qctx_error *error);

/* done [batches->count]: those that were there already, the same on every rank. Local. */
const bool *qctx_store_writer_done(const qctx_store_writer *writer);

/*
 * Writes the vectors [vectors of the batch, dim] of a batch into all their rows; `vectors` becomes what is stored. Each
 * batch that is not done is put once, by one rank. Local. Errors: IO, MEMORY, DATA (a vector that is not finite or is
 * zero: names side, row and id).
 */
qctx_status qctx_store_writer_put(qctx_store_writer *writer, int64_t batch, float *vectors, qctx_error *error);

/*
 * Ends the writing and frees the writer. With `status` OK on all ranks the file gets its name, complete and synced, and
 * the journal goes; after a failure that going on can mend (IO, MEMORY, INTERNAL) both stay, after any other both are
 * removed. Returns what all ranks agreed on. NULL is fine with a status that is not OK. Collective. Errors: `status`,
 * IO, INTERNAL (a batch was not put).
 */
qctx_status qctx_store_writer_close(qctx_store_writer *writer, qctx_status status, qctx_error *error);

/*
 * Fills rows [count, dim] with the vectors of rows first … first + count − 1 of one side. Called by
 * the writer for blocks of this rank's share. Local. `context` is the writer's caller's own.
 */
typedef qctx_status (*qctx_store_rows)(void *context, qctx_side side, int64_t first, int64_t count, float *rows,
                                       qctx_error *error);

/*
 * Writes a store under `path`: every rank asks `rows` for its share in blocks and writes them; the file
 * appears under its name only when it is complete and synced. Collective. Errors: EXISTS (unless `force`), IO,
 * DATA (a row that is not finite or is zero: names side, row and id), and those of `rows`.
 */
qctx_status qctx_store_write(qctx_comm *comm, const char *path, bool force, const qctx_store_description *description,
                             qctx_store_rows rows, void *context, qctx_error *error);

#endif
