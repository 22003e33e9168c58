#include "qctx/mining/given_negatives.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/hash.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/base/order.h"
#include "qctx/base/plural.h"
#include "qctx/data/negatives_file.h"
#include "qctx/dataset/named_examples.h"

/* A negative of an example, and its place in the order of the files. */
typedef struct {
    int64_t example;
    int64_t order;
    qctx_negative context;
} given;

/* The reading of all files, and of that of one source. */
typedef struct {
    const qctx_examples *examples;
    given *items;
    int64_t count, capacity;
    uint64_t hash; /* of what was read */
    int32_t source;
    qctx_named_examples named;
    int64_t lines, answering, other;
    int64_t unknown_questions, unknown_contexts;
    char first_unknown[1280]; /* its place and id */
} reading;

/* What the lines of a source's file are held against. */
static qctx_status begin_source(reading *work, qctx_store *store, int32_t source, qctx_error *error)
{
    work->source = source;
    work->lines = work->answering = work->other = work->unknown_questions = work->unknown_contexts = 0;
    work->first_unknown[0] = '\0';
    return qctx_named_examples_read(work->examples, source, store, &work->named, error);
}

static void note_unknown(reading *work, qctx_side side, const char *id, const char *place)
{
    (*(side == QCTX_QUESTION ? &work->unknown_questions : &work->unknown_contexts))++;
    if (work->first_unknown[0] == '\0')
        snprintf(work->first_unknown, sizeof work->first_unknown, "%s: %s '%s'", place, qctx_side_names[side], id);
}

/* Whether a context is one that the example's question is not held against, or equals one. */
static bool is_own(const qctx_examples *examples, int64_t example, uint64_t content)
{
    for (int64_t a = examples->offsets[example]; a < examples->offsets[example + 1]; a++)
        if (examples->content[a] == content)
            return true;
    return false;
}

static qctx_status take(void *context, const char *question_id, const char *context_id, const char *place,
                        qctx_error *error)
{
    reading *work = context;
    const int64_t question = qctx_id_rows_find(&work->named.questions, question_id);
    const int64_t row = qctx_id_rows_find(&work->named.contexts, context_id);
    qctx_status status;

    work->lines++;
    work->hash = qctx_hash_text(context_id, qctx_hash_text(question_id, work->hash));
    if (question < 0 || row < 0) {
        note_unknown(work, question < 0 ? QCTX_QUESTION : QCTX_CONTEXT, question < 0 ? question_id : context_id, place);
        return QCTX_OK;
    }
    if (work->named.example[question] < 0) {
        work->other++;
        return QCTX_OK;
    }
    if (is_own(work->examples, work->named.example[question], work->named.content[row])) {
        work->answering++;
        return QCTX_OK;
    }
    status = qctx_grow((void **)&work->items, &work->capacity, work->count + 1, sizeof *work->items,
                       "the lists of negatives", error);
    if (status != QCTX_OK)
        return status;
    work->items[work->count] =
        (given){work->named.example[question], work->count, {work->named.content[row], row, work->source}};
    work->count++;
    return QCTX_OK;
}

/* Says what a file gave, and what of it is left out. Rank 0 only. */
static void tell_of(const reading *work, const char *path, int64_t taken)
{
    if (work->unknown_questions + work->unknown_contexts > 0)
        qctx_warn("%s: of %" PRId64 " negatives, %" PRId64 " of unknown questions and %" PRId64
                  " of unknown contexts are left out; the first: %s",
                  path, work->lines, work->unknown_questions, work->unknown_contexts, work->first_unknown);
    qctx_info("%s: %" PRId64 " negative%s of training questions", path, taken, qctx_plural(taken));
    if (work->answering > 0)
        qctx_info("%s: %" PRId64 " more that answer their question, or equal one that does, are none", path,
                  work->answering);
}

/* A file that gives nothing is another corpus's, or no list of negatives. */
static qctx_status refuse_useless(const reading *work, const char *path, int64_t right, qctx_error *error)
{
    if (work->lines == 0 && right > 0) {
        qctx_fail(error, QCTX_ERR_DATA,
                  "%s: judges all its %" PRId64 " contexts to answer; negatives have a score of 0 or less, or none",
                  path, right);
        return qctx_hint(error, "triples of ids need a header: query-id, positive-id, negative-id");
    }
    if (work->first_unknown[0] != '\0' && work->unknown_questions + work->unknown_contexts == work->lines)
        return qctx_fail(error, QCTX_ERR_DATA,
                         "%s: none of its %" PRId64 " negatives is of this corpus, which does not have %s", path,
                         work->lines, work->first_unknown);
    return qctx_fail(error, QCTX_ERR_DATA,
                     "%s: holds no negative of a training question: of %" PRId64 " line%s, %" PRId64
                     " of other questions, %" PRId64 " that answer theirs, %" PRId64 " of unknown ids",
                     path, work->lines, qctx_plural(work->lines), work->other, work->answering,
                     work->unknown_questions + work->unknown_contexts);
}

static qctx_status read_file(reading *work, qctx_comm *comm, const char *path, qctx_error *error)
{
    const int64_t before = work->count;
    int64_t right = 0;
    qctx_status status = qctx_negatives_file_read(path, take, work, &right, error);

    if (status != QCTX_OK)
        return status;
    if (work->count == before)
        return refuse_useless(work, path, right, error);
    if (qctx_comm_rank(comm) == 0)
        tell_of(work, path, work->count - before);
    return QCTX_OK;
}

/* The file of a source, the caller's to free, or NULL. Local. */
static qctx_status find_file(const qctx_opened_source *source, char **path, qctx_error *error)
{
    *path = NULL;
    if (source->negatives != NULL) {
        *path = qctx_strdup(source->negatives, error);
        return *path == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    return source->corpus == NULL ? QCTX_OK : qctx_negatives_file_of(source->corpus, source->split->name, path, error);
}

static qctx_status read_source(reading *work, qctx_comm *comm, const qctx_opened *opened, int32_t source, int *files,
                               qctx_error *error)
{
    char *path;
    qctx_status status = find_file(&opened->train[source], &path, error);

    if (status != QCTX_OK || path == NULL)
        return status;
    ++*files;
    status = begin_source(work, opened->train[source].store, source, error);
    if (status == QCTX_OK)
        status = read_file(work, comm, path, error);
    qctx_named_examples_free(&work->named);
    free(path);
    return status;
}

static qctx_status read_sources(reading *work, qctx_comm *comm, const qctx_opened *opened, qctx_error *error)
{
    int files = 0;
    qctx_status status = QCTX_OK;

    for (int64_t s = 0; s < opened->train_count && status == QCTX_OK; s++)
        status = read_source(work, comm, opened, (int32_t)s, &files, error);
    if (status != QCTX_OK || files > 0)
        return status;
    qctx_fail(error, QCTX_ERR_DATA, "negatives.from: no source of data.train has a file of negatives");
    return qctx_hint(error, "name it, data.train=[{..., negatives: FILE}]; import writes CORPUS/negatives/SPLIT.tsv, "
                            "qctx-dist mine writes one");
}

static int by_content(const void *left, const void *right)
{
    const given *a = left, *b = right;

    if (a->example != b->example)
        return a->example < b->example ? -1 : 1;
    if (a->context.content != b->context.content)
        return a->context.content < b->context.content ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static int by_order(const void *left, const void *right)
{
    const given *a = left, *b = right;

    if (a->example != b->example)
        return a->example < b->example ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

/* Sorts by example and order, and keeps the first of each content of an example. */
static void settle(reading *work)
{
    int64_t kept = 0;

    qsort(work->items, (size_t)work->count, sizeof *work->items, by_content);
    for (int64_t i = 0; i < work->count; i++) {
        const given *last = &work->items[kept - (kept > 0)], *at = &work->items[i];

        if (kept == 0 || last->example != at->example || last->context.content != at->context.content)
            work->items[kept++] = *at;
    }
    work->count = kept;
    qsort(work->items, (size_t)kept, sizeof *work->items, by_order);
}

static qctx_status make_lists(const reading *work, qctx_listed_negatives *lists, qctx_error *error)
{
    const int64_t examples = work->examples->count;
    int64_t *offsets = qctx_alloc(examples + 1, sizeof *offsets, "the lists of negatives", error);
    qctx_negative *listed = qctx_alloc(work->count, sizeof *listed, "the lists of negatives", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (offsets == NULL || listed == NULL)
        goto out;
    for (int64_t i = 0; i < work->count; i++) {
        offsets[work->items[i].example + 1]++;
        listed[i] = work->items[i].context;
    }
    for (int64_t i = 0; i < examples; i++)
        offsets[i + 1] += offsets[i];
    status = qctx_listed_negatives_make(examples, offsets, listed, lists, error);
out:
    free(offsets);
    free(listed);
    return status;
}

qctx_status qctx_given_negatives_read(qctx_comm *comm, const qctx_opened *opened, const qctx_examples *examples,
                                      qctx_listed_negatives *lists, qctx_error *error)
{
    reading work = {.examples = examples};
    qctx_status status = qctx_agree(comm, read_sources(&work, comm, opened, error), error);

    *lists = (qctx_listed_negatives){0};
    if (status == QCTX_OK && !qctx_comm_same(comm, work.hash))
        status = qctx_fail(error, QCTX_ERR_MISMATCH, "the ranks read different files of negatives");
    if (status == QCTX_OK) {
        settle(&work);
        status = qctx_agree(comm, make_lists(&work, lists, error), error);
    }
    free(work.items);
    return status;
}

qctx_status qctx_given_negatives_take(const qctx_listed_negatives *lists, int64_t count, int64_t round,
                                      qctx_listed_negatives *taken, qctx_error *error)
{
    const int64_t all = lists->offsets[lists->examples];
    int64_t *offsets = qctx_alloc(lists->examples + 1, sizeof *offsets, "the negatives of an epoch", error);
    qctx_negative *listed = qctx_alloc(all, sizeof *listed, "the negatives of an epoch", error);
    qctx_status status = QCTX_ERR_MEMORY;

    *taken = (qctx_listed_negatives){0};
    if (offsets == NULL || listed == NULL)
        goto out;
    for (int64_t i = 0, used = 0; i < lists->examples; i++) {
        const int64_t *places = lists->places + lists->offsets[i];
        const int64_t length = lists->offsets[i + 1] - lists->offsets[i], wanted = qctx_smaller(count, length);
        /* round · count modulo the length, of factors that cannot overflow. */
        const int64_t first = length <= count ? 0 : (round % length) * (count % length) % length;

        for (int64_t k = 0; k < wanted; k++)
            listed[used++] = lists->pool.list[places[(first + k) % length]];
        offsets[i + 1] = used;
    }
    status = qctx_listed_negatives_make(lists->examples, offsets, listed, taken, error);
out:
    free(offsets);
    free(listed);
    return status;
}

int64_t qctx_given_negatives_fingerprint(const qctx_listed_negatives *lists, int64_t fingerprint)
{
    uint64_t hash = (uint64_t)fingerprint;

    if (lists->examples == 0)
        return fingerprint;
    hash = qctx_hash(lists->offsets, (size_t)(lists->examples + 1) * sizeof *lists->offsets, hash);
    for (int64_t k = 0; k < lists->offsets[lists->examples]; k++) {
        const qctx_negative *context = &lists->pool.list[lists->places[k]];
        const int64_t place[2] = {context->source, context->row};

        hash = qctx_hash(place, sizeof place, hash);
    }
    return hash == 0 ? 1 : (int64_t)hash;
}
