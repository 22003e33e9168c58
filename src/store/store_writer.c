#include "qctx/store/store_writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qctx/base/fileio.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/data/context_texts.h"
#include "store_writer_internal.h"

/* Raised when partial stores of an earlier program cannot be gone on with. */
enum { JOB_VERSION = 2 };

/* What decides the bytes of a store, and which batches it is made in. */
static uint64_t job_of(const qctx_store_writer *writer)
{
    const qctx_store_description *what = writer->description;
    const qctx_store_batches *batches = writer->batches;
    int64_t vectors = batches->firsts[batches->count];
    const int64_t numbers[] = {JOB_VERSION, QCTX_STORE_VERSION, (int64_t)what->dtype, what->dim, batches->count};
    uint64_t hash = qctx_hash(numbers, sizeof numbers,
                              qctx_context_texts_fingerprint(what->corpus, qctx_context_field(what->titles)));

    for (int64_t f = 0; f < what->field_count; f++) {
        const uint64_t seen = qctx_context_texts_fingerprint(what->corpus, what->fields[f]);

        hash = qctx_hash(&seen, sizeof seen, hash);
    }
    hash = qctx_hash_text(what->encoder, hash);
    hash = qctx_hash_text(what->encoder_fingerprint, hash);
    hash = qctx_hash(batches->firsts, (size_t)(batches->count + 1) * sizeof *batches->firsts, hash);
    hash = qctx_hash(batches->sides, (size_t)batches->count * sizeof *batches->sides, hash);
    hash = qctx_hash(batches->vector_firsts, (size_t)(vectors + 1) * sizeof *batches->vector_firsts, hash);
    return qctx_hash(batches->rows, (size_t)batches->vector_firsts[vectors] * sizeof *batches->rows, hash);
}

static void forget(const qctx_store_writer *writer)
{
    unlink(writer->partial);
    unlink(writer->journal.path);
}

/* Goes on with what is there, or begins: what one rank does, alone with the files. */
static qctx_status begin(qctx_store_writer *writer, bool force, qctx_error *error)
{
    bool there = qctx_path_exists(writer->partial);
    qctx_status status;

    if (there && qctx_journal_fits(&writer->journal, &writer->layout) && qctx_store_partial_fits(writer)) {
        writer->resumes = true;
        return QCTX_OK;
    }
    if (there && !qctx_journal_is_one(&writer->journal) && !qctx_store_partial_is_one(writer)) {
        if (writer->journal.made)
            unlink(writer->journal.path);
        qctx_fail(error, QCTX_ERR_EXISTS, "%s: is in the way, and no store that was begun", writer->partial);
        return qctx_hint(error, "move it away, or choose another name");
    }
    /* A slip in a command must not cost what another one has done in hours. */
    if (there && !force && qctx_journal_is_of_another(&writer->journal)) {
        qctx_fail(error, QCTX_ERR_EXISTS,
                  "%s: is what another command has done of this store, interrupted: of another corpus, by another "
                  "encoder or type, or with titles where this one has none, or the reverse",
                  writer->partial);
        return qctx_hint(error, "give that command again to go on, --force to begin anew, or another name");
    }
    if (there)
        qctx_info("%s is of another job, or damaged: beginning anew", writer->partial);
    status = qctx_journal_clear(&writer->journal, error);
    if (status == QCTX_OK)
        status = qctx_store_partial_make(writer, error);
    if (status == QCTX_OK)
        status = qctx_journal_begin(&writer->journal, &writer->layout, error);
    writer->began = true;
    return status;
}

static qctx_status prepare(qctx_store_writer *writer, bool force, qctx_error *error)
{
    qctx_status status = qctx_output_check(writer->path, force, error);

    if (status == QCTX_OK)
        status = qctx_folder_make_parent(writer->path, error);
    if (status == QCTX_OK)
        status = qctx_journal_open(&writer->journal, writer->path, true, error);
    if (status == QCTX_OK)
        status = begin(writer, force, error);
    return status;
}

/* The first rank begins, then lets the others in. Collective. */
static qctx_status begin_together(qctx_store_writer *writer, bool force, qctx_error *error)
{
    bool first = qctx_comm_rank(writer->comm) == 0;
    bool resumes;
    qctx_status status;

    writer->force = force;
    status = first ? prepare(writer, force, error) : QCTX_OK;

    if (first && status == QCTX_OK)
        status = qctx_journal_share(&writer->journal, error);
    status = qctx_agree(writer->comm, status, error);
    if (status != QCTX_OK)
        return status;
    resumes = writer->resumes;
    qctx_comm_broadcast(writer->comm, &resumes, sizeof resumes, 0);
    qctx_comm_broadcast(writer->comm, &writer->layout, sizeof writer->layout, 0);
    writer->resumes = resumes;
    if (!first)
        status = qctx_journal_open(&writer->journal, writer->path, false, error);
    return qctx_agree(writer->comm, status, error);
}

/* Says how much of a partial store is there. */
static void report_resumption(const qctx_store_writer *writer)
{
    const qctx_store_batches *batches = writer->batches;
    int64_t vectors = batches->firsts[batches->count];
    int64_t there = 0;

    for (int64_t i = 0; i < batches->count; i++)
        there += writer->done[i] ? batches->firsts[i + 1] - batches->firsts[i] : 0;
    qctx_info("resuming %s: %.0f%% of the texts are there", writer->partial,
              100.0 * (double)there / (double)(vectors > 0 ? vectors : 1));
}

static void destroy(qctx_store_writer *writer)
{
    qctx_journal_close(&writer->journal);
    free(writer->partial);
    free(writer->done);
    free(writer);
}

/* What a rank needs before it meets the others. */
static qctx_status create(qctx_comm *comm, const char *path, const qctx_store_description *description,
                          const qctx_store_batches *batches, qctx_store_writer **created, qctx_error *error)
{
    qctx_store_writer *writer = qctx_alloc(1, sizeof *writer, "a store's writer", error);

    if (writer == NULL)
        return QCTX_ERR_MEMORY;
    *created = writer;
    writer->comm = comm;
    writer->handle = -1;
    writer->path = path;
    writer->description = description;
    writer->batches = batches;
    writer->journal = (qctx_journal){.handle = -1, .batches = batches->count};
    writer->journal.job = job_of(writer);
    writer->partial = qctx_format(error, "%s.partial", path);
    writer->done = qctx_alloc(batches->count, sizeof *writer->done, "batches of a store", error);
    return writer->partial == NULL || writer->done == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
}

qctx_status qctx_store_writer_open(qctx_comm *comm, const char *path, bool force,
                                   const qctx_store_description *description, const qctx_store_batches *batches,
                                   qctx_store_writer **opened, qctx_error *error)
{
    qctx_store_writer *writer = NULL;
    qctx_status status = qctx_agree(comm, create(comm, path, description, batches, &writer, error), error);

    if (status == QCTX_OK)
        status = begin_together(writer, force, error);
    if (status == QCTX_OK && writer->resumes) {
        status = qctx_store_partial_verify(writer, error);
        if (status == QCTX_OK)
            report_resumption(writer);
    }
    if (status == QCTX_OK)
        status = qctx_agree(comm, qctx_store_partial_open(writer, error), error);
    if (status == QCTX_OK) {
        *opened = writer;
        return QCTX_OK;
    }
    if (writer != NULL) {
        if (writer->handle >= 0)
            close(writer->handle);
        if (writer->began)
            forget(writer);
        destroy(writer);
    }
    return status;
}

const bool *qctx_store_writer_done(const qctx_store_writer *writer)
{
    return writer->done;
}

/* Whether going on later can mend what went wrong. */
static bool worth_keeping(qctx_status status)
{
    return status == QCTX_ERR_IO || status == QCTX_ERR_SPACE || status == QCTX_ERR_MEMORY ||
           status == QCTX_ERR_INTERNAL || status == QCTX_STOPPED;
}

/* What one rank does at the end, when nobody writes any more. */
static qctx_status finish(const qctx_store_writer *writer, qctx_status status, qctx_error *error)
{
    if (status == QCTX_OK)
        status = qctx_store_partial_publish(writer, error);
    if (status == QCTX_OK)
        unlink(writer->journal.path);
    else if (worth_keeping(status))
        qctx_info("%s keeps what is done: the same command goes on from there", writer->partial);
    else
        forget(writer);
    return status;
}

qctx_status qctx_store_writer_close(qctx_store_writer *writer, qctx_status status, qctx_error *error)
{
    qctx_status closed;
    qctx_comm *comm;

    if (writer == NULL)
        return status;
    comm = writer->comm;
    status = qctx_agree(comm, status, error);
    closed = qctx_store_partial_close(writer, status == QCTX_OK ? error : NULL);
    status = qctx_agree(comm, status == QCTX_OK ? closed : status, error);
    qctx_comm_sum_uint64(comm, &writer->checksum, 1);
    qctx_comm_sum_int64(comm, &writer->put, 1);
    if (status == QCTX_OK && writer->put != writer->batches->count)
        status = qctx_fail(error, QCTX_ERR_INTERNAL, "%s: %lld of %lld batches were written", writer->path,
                           (long long)writer->put, (long long)writer->batches->count);
    if (qctx_comm_rank(comm) == 0)
        status = finish(writer, status, error);
    status = qctx_agree(comm, status, error);
    destroy(writer);
    return status;
}
