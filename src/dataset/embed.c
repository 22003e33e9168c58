#include "qctx/dataset/embed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed_internal.h"
#include "qctx/base/clock.h"
#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/platform/mapped.h"
#include "qctx/platform/stop.h"

/* In a log that is no terminal a line is written after every 5%, but no more and no less often than these tell. */
enum { LOG_SECONDS_MIN = 30, LOG_SECONDS_MAX = 600 };
static const double log_share = 0.05;

typedef struct {
    qctx_comm *comm;
    const qctx_embed_request *request;
    qctx_encoder *encoder;
    const char *path;
    int64_t field_count;
    const char *fields[QCTX_JOINED_MAX]; /* [field_count] what is taken of contexts */
    bool names_fields;                   /* the encoder does */
    qctx_embed_batches batches;
    qctx_store_writer *writer;
    int64_t *own; /* this rank's batches, [own_count] */
    int64_t own_count;
    float *vectors;     /* [batches.longest, dim] */
    const char **texts; /* [batches.longest, field_count] of several fields */
    double started;
    /* Of all ranks: what there was to do at the start of this run, after what an earlier one had done. */
    int64_t missing_texts;
    /* Of this rank: what it has to do and has done. */
    int64_t done_texts;
    double own_cost, done_cost;
    double logged, logged_share; /* when the last line of a log was written, and at which share */
} embedder;

static int64_t texts_of(const qctx_store_batches *batches, int64_t batch)
{
    return batches->firsts[batch + 1] - batches->firsts[batch];
}

/* The part of its own work that this rank has done. */
static double part_done(const embedder *e)
{
    return e->own_cost > 0 ? e->done_cost / e->own_cost : 1;
}

/* The share of all texts that are there when of those that were missing so many are done. */
static double share_done(const embedder *e, int64_t texts)
{
    return (double)(e->batches.text_count - e->missing_texts + texts) / (double)e->batches.text_count;
}

/* Rank 0's own pace stands for that of all, whose batches were dealt so that they finish together. */
static void show_progress(embedder *e)
{
    double part = part_done(e);
    double seconds = qctx_clock_seconds() - e->started;
    int64_t texts = (int64_t)(part * (double)e->missing_texts);
    double share = share_done(e, texts);
    bool shown = qctx_log_progress_shown();
    char left[32], line[128];

    if (!shown && (seconds - e->logged < LOG_SECONDS_MIN ||
                   (share - e->logged_share < log_share && seconds - e->logged < LOG_SECONDS_MAX)))
        return;
    qctx_clock_format(part > 0 ? seconds / part * (1 - part) : 0, left, sizeof left);
    snprintf(line, sizeof line, "embedding: %lld of %lld texts, %.0f/s, %.0f%%, %s left",
             (long long)(e->batches.text_count - e->missing_texts + texts), (long long)e->batches.text_count,
             (double)texts / (seconds > 0 ? seconds : 1), 100 * share, left);
    if (shown)
        qctx_log_progress("%s", line);
    else
        qctx_info("%s", line);
    e->logged = seconds;
    e->logged_share = share;
}

/* Takes stock of what is missing, and deals it. */
static qctx_status deal(embedder *e, qctx_error *error)
{
    const bool *done = qctx_store_writer_done(e->writer);
    const qctx_store_batches *batches = &e->batches.store;
    int64_t dim = qctx_encoder_dim(e->encoder);

    e->own = qctx_alloc(batches->count, sizeof *e->own, "batches of texts", error);
    e->vectors = qctx_alloc(e->batches.longest * dim, sizeof *e->vectors, "vectors of a batch", error);
    e->texts = qctx_alloc(e->batches.longest * e->field_count, sizeof *e->texts, "texts of a batch", error);
    if (e->own == NULL || e->vectors == NULL || e->texts == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < batches->count; i++) {
        e->missing_texts += done[i] ? 0 : texts_of(batches, i);
    }
    e->own_count = qctx_embed_deal(&e->batches, done, qctx_comm_rank(e->comm), qctx_comm_size(e->comm), e->own, error);
    for (int64_t i = 0; i < e->own_count; i++)
        e->own_cost += e->batches.costs[e->own[i]];
    return e->own_count < 0 ? QCTX_ERR_MEMORY : QCTX_OK;
}

/* The row at which vector v of the store stands first. */
static int64_t row_of(const embedder *e, int64_t v)
{
    return e->batches.store.rows[e->batches.store.vector_firsts[v]];
}

/* The texts of a batch as the encoder takes them: each by itself, or all fields of each context. */
static const char *const *texts_of_batch(const embedder *e, qctx_side side, int64_t first, int64_t count)
{
    if (side == QCTX_QUESTION || e->field_count == 1)
        return e->batches.texts + first;
    for (int64_t i = 0; i < count; i++)
        for (int64_t f = 0; f < e->field_count; f++)
            e->texts[i * e->field_count + f] = e->batches.fields[f].items[row_of(e, first + i)];
    return e->texts;
}

/* The vectors of a batch. */
static qctx_status embed_batch(const embedder *e, int64_t batch, qctx_error *error)
{
    const int64_t first = e->batches.store.firsts[batch], count = texts_of(&e->batches.store, batch);
    const int64_t dim = qctx_encoder_dim(e->encoder);
    const qctx_side side = e->batches.store.sides[batch];

    if (side == QCTX_CONTEXT || e->request->questions == NULL)
        return qctx_encoder_encode(e->encoder, side, texts_of_batch(e, side, first, count), count, e->vectors, error);
    for (int64_t i = 0; i < count; i++) {
        const int64_t row = row_of(e, first + i);

        qctx_store_gather(e->request->questions, QCTX_QUESTION, &row, 1, e->vectors + i * dim);
    }
    return QCTX_OK;
}

static qctx_status embed_own(embedder *e, qctx_error *error)
{
    qctx_status status = deal(e, error);

    for (int64_t i = 0; i < e->own_count && status == QCTX_OK; i++) {
        int64_t batch = e->own[i];

        status = qctx_stop_check(error);
        if (status != QCTX_OK)
            break;
        status = qctx_mapped_check(embed_batch(e, batch, error), error);
        if (status == QCTX_OK)
            status = qctx_store_writer_put(e->writer, batch, e->vectors, error);
        e->done_cost += e->batches.costs[batch];
        e->done_texts += status == QCTX_OK ? texts_of(&e->batches.store, batch) : 0;
        show_progress(e);
    }
    qctx_log_progress("%s", "");
    return status;
}

/* Agrees on how the embedding ended, and says how far it was if it was stopped. Collective. */
static qctx_status agree_end(const embedder *e, qctx_status status, qctx_error *error)
{
    int64_t done = e->done_texts;
    qctx_error asked;

    status = qctx_agree(e->comm, status, error);
    qctx_comm_sum_int64(e->comm, &done, 1);
    if (status != QCTX_STOPPED)
        return status;
    asked = *error;
    qctx_fail(error, QCTX_STOPPED, "%s: %-s at %.0f%% of the texts", e->path, asked.message, 100 * share_done(e, done));
    return qctx_hint(error, "%-s", asked.hint);
}

/* Whether texts stand for this field and for one before it. */
static bool is_named_before(const embedder *e, int64_t field)
{
    for (int64_t f = 0; f < field; f++)
        if (strcmp(e->fields[f], e->fields[field]) == 0)
            return true;
    return false;
}

/* ", contexts with titles", ", contexts by title+text, paragraph", or nothing where they are texts alone. */
static void describe_contexts(const embedder *e, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    if (!e->names_fields && qctx_context_texts_differ(e->request->corpus, e->fields[0]))
        snprintf(text, size, ", contexts with titles");
    for (int64_t f = 0; f < e->field_count && e->names_fields && used < size; f++)
        if (!is_named_before(e, f))
            used += (size_t)snprintf(text + used, size - used, "%s%s", f > 0 ? ", " : ", contexts by ", e->fields[f]);
}

/* What the encoder counted in this run, `before` apart. Collective. */
static void report(const embedder *e, const qctx_encoder_work *before)
{
    qctx_encoder_work work = qctx_encoder_work_of(e->encoder);
    int64_t counts[] = {work.tokens - before->tokens, work.truncated - before->truncated, work.texts - before->texts};
    double seconds = qctx_clock_seconds() - e->started;
    double measured = seconds > 0 ? seconds : 1;
    const qctx_corpus *corpus = e->request->corpus;
    char took[32], tokens[64] = "", contexts[256];

    qctx_comm_sum_int64(e->comm, counts, 3);
    qctx_clock_format(seconds, took, sizeof took);
    describe_contexts(e, contexts, sizeof contexts);
    if (counts[0] > 0)
        snprintf(tokens, sizeof tokens, ", %.0f tokens/s", (double)counts[0] / measured);
    qctx_info("%s: %lld question%s and %lld context%s embedded by %s in %s (%lld distinct text%s%s, %.0f/s%s)", e->path,
              (long long)corpus->question_count, qctx_plural(corpus->question_count), (long long)corpus->context_count,
              qctx_plural(corpus->context_count), qctx_encoder_name(e->encoder), took, (long long)e->batches.text_count,
              qctx_plural(e->batches.text_count), contexts, (double)e->missing_texts / measured, tokens);
    if (counts[1] > 0)
        qctx_info("%lld of %lld texts were longer than the model takes and were cut", (long long)counts[1],
                  (long long)counts[2]);
}

/* Writes the store as it is described. Collective. */
static qctx_status write_store(embedder *e, const qctx_store_description *description, qctx_error *error)
{
    qctx_encoder_work before = qctx_encoder_work_of(e->encoder);
    qctx_status status = qctx_agree(
        e->comm, qctx_embed_batches_make(e->request->corpus, e->fields, e->field_count, &e->batches, error), error);

    if (status == QCTX_OK)
        status = qctx_store_writer_open(e->comm, e->path, e->request->force, description, &e->batches.store, &e->writer,
                                        error);
    e->started = qctx_clock_seconds();
    if (status == QCTX_OK)
        status = agree_end(e, embed_own(e, error), error);
    status = qctx_store_writer_close(e->writer, status, error);
    if (status == QCTX_OK)
        report(e, &before);
    return status;
}

/* What is taken of the contexts, which the corpus must have, unless it may lack a field. */
static qctx_status choose_fields(embedder *e, qctx_error *error)
{
    const qctx_corpus *corpus = e->request->corpus;
    const bool says = qctx_comm_rank(e->comm) == 0;
    const char *const *names;
    qctx_status status = QCTX_OK;

    e->field_count = qctx_encoder_fields(e->encoder, &names);
    e->names_fields = e->field_count > 0;
    if (!e->names_fields)
        e->fields[e->field_count++] = qctx_context_field(e->request->titles);
    for (int64_t f = 0; f < e->field_count && status == QCTX_OK; f++) {
        if (e->names_fields)
            e->fields[f] = names[f];
        if (e->request->may_lack && !qctx_context_texts_differ(corpus, e->fields[f])) {
            if (says && e->names_fields && strcmp(e->fields[f], qctx_context_field(true)) != 0 &&
                strcmp(e->fields[f], qctx_context_field(false)) != 0)
                qctx_warn("%s: no context has the field '%s'; their texts stand for it", corpus->folder, e->fields[f]);
            e->fields[f] = QCTX_CONTEXT_TEXT;
            continue;
        }
        status = qctx_context_field_check(corpus, e->fields[f], error);
        if (status == QCTX_OK && says)
            qctx_context_field_warn(corpus, e->fields[f]);
    }
    return status;
}

/* Describes the store by what its encoder saves. */
static qctx_status describe(const embedder *e, qctx_store_description *description, char **settings, char **fingerprint,
                            void **table, qctx_error *error)
{
    qctx_status status = qctx_encoder_save(e->encoder, settings, table, &description->encoder_table_bytes, error);

    if (status == QCTX_OK && (*fingerprint = qctx_encoder_fingerprint(e->encoder, error)) == NULL)
        status = QCTX_ERR_MEMORY;
    description->encoder = qctx_encoder_name(e->encoder);
    description->encoder_settings = *settings;
    description->encoder_fingerprint = *fingerprint;
    description->encoder_table = *table;
    return status;
}

qctx_status qctx_embed_corpus(qctx_comm *comm, const qctx_embed_request *request, qctx_error *error)
{
    embedder e = {.comm = comm, .request = request, .encoder = request->encoder, .path = request->path};
    qctx_store_description description = {.corpus = request->corpus,
                                          .dtype = request->dtype,
                                          .dim = qctx_encoder_dim(request->encoder),
                                          .titles = request->titles};
    char *settings = NULL;
    char *fingerprint = NULL;
    void *table = NULL;
    qctx_status status = choose_fields(&e, error);

    if (status == QCTX_OK)
        status = describe(&e, &description, &settings, &fingerprint, &table, error);
    description.fields = e.fields;
    description.field_count = e.names_fields ? e.field_count : 0;
    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = write_store(&e, &description, error);
    qctx_embed_batches_free(&e.batches);
    free(e.own);
    free(e.vectors);
    free(e.texts);
    free(settings);
    free(fingerprint);
    free(table);
    return status;
}

uint64_t qctx_embed_seen(const qctx_corpus *corpus, const char *const *fields, int64_t count, bool titles)
{
    uint64_t hash = 0;

    if (count == 0)
        return qctx_context_texts_fingerprint(corpus, qctx_context_field(titles));
    for (int64_t f = 0; f < count; f++) {
        const uint64_t seen = qctx_context_texts_fingerprint(corpus, fields[f]);

        hash = qctx_hash(&seen, sizeof seen, hash);
    }
    return hash;
}
