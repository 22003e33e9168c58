/* The hold-out: contexts that belong together are drawn to one split. */
#include <math.h>
#include <stdlib.h>

#include "import_internal.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/rng.h"

enum { TRAIN, DEV, TEST, SIDES };
static const char *const side_names[SIDES] = {"train", "dev", "test"};

/* Contexts that must fall on one side. */
typedef struct {
    uint64_t key;    /* smallest hash of its contexts' texts: the same whatever order they were read in */
    uint64_t random; /* place in the draw */
    int64_t questions;
    int64_t root;
    int side;
} group;

/* The representative of a context's group; halves the path on its way. */
static int64_t find_root(int64_t *parents, int64_t context)
{
    while (parents[context] != context) {
        parents[context] = parents[parents[context]];
        context = parents[context];
    }
    return context;
}

static void join(int64_t *parents, int64_t left, int64_t right)
{
    parents[find_root(parents, left)] = find_root(parents, right);
}

/* Joins contexts that share a question or, if asked for, a title. parents [contexts] starts as the identity. */
static qctx_status join_groups(const import_collection *collection, bool by_title, int64_t *parents, qctx_error *error)
{
    qctx_textmap context_of_title = {0};
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < collection->answer_count && status == QCTX_OK; i++) {
        const import_answer *answer = &collection->answers[i];
        int64_t earlier;

        join(parents, answer->context, collection->questions[answer->question].first_context);
        if (!by_title || answer->title[0] == '\0')
            continue;
        status = qctx_textmap_add(&context_of_title, answer->title, answer->context, &earlier, error);
        if (status == QCTX_OK)
            join(parents, answer->context, earlier);
    }
    qctx_textmap_free(&context_of_title);
    return status;
}

/* groups [contexts] receives one entry per context; those that represent no group keep 0 questions. */
static void fill_groups(const import_collection *collection, int64_t *parents, group *groups, uint64_t seed)
{
    for (int64_t i = 0; i < collection->context_count; i++)
        groups[i] = (group){.key = UINT64_MAX, .root = i, .side = TRAIN};
    for (int64_t i = 0; i < collection->context_count; i++) {
        const char *text = collection->contexts[i].text;
        group *own = &groups[find_root(parents, i)];
        uint64_t key = qctx_hash_text(text, 0);

        own->key = key < own->key ? key : own->key;
    }
    for (int64_t i = 0; i < collection->question_count; i++)
        groups[find_root(parents, collection->questions[i].first_context)].questions++;
    for (int64_t i = 0; i < collection->context_count; i++)
        groups[i].random = qctx_rng(seed, QCTX_STREAM_HOLDOUT, groups[i].key, 0);
}

static int compare_groups(const void *left, const void *right)
{
    const group *a = left, *b = right;

    if (a->random != b->random)
        return a->random < b->random ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

/* A group goes where at least half of it still fits: first test, then dev, else it stays in train. */
static void draw(group *groups, int64_t count, const int64_t targets[SIDES])
{
    int64_t filled[SIDES] = {0};

    qsort(groups, (size_t)count, sizeof *groups, compare_groups);
    for (int64_t i = 0; i < count; i++)
        for (int side = TEST; side > TRAIN; side--)
            if (groups[i].questions > 0 && 2 * filled[side] + groups[i].questions <= 2 * targets[side]) {
                groups[i].side = side;
                filled[side] += groups[i].questions;
                break;
            }
}

/* Whether titles, rather than answers alone, may have made groups fewer than splits. */
static bool may_be_cut(const import_collection *collection, bool by_title)
{
    bool titled = false;

    for (int64_t i = 0; i < collection->answer_count && by_title && !titled; i++)
        titled = collection->answers[i].title[0] != '\0';
    return titled && collection->context_count >= collection->split_count &&
           collection->question_count >= collection->split_count;
}

/* Says what could be drawn: no other shares help where there are fewer groups than splits. */
static qctx_status refuse_empty(const import_collection *collection, bool by_title, const group *groups,
                                const char *empty, qctx_error *error)
{
    const bool titles = may_be_cut(collection, by_title);
    int64_t count = 0;

    for (int64_t i = 0; i < collection->context_count; i++)
        count += groups[i].questions > 0;
    qctx_fail(
        error, QCTX_ERR_DATA,
        "the hold-out leaves no question for '%s' of %lld group%s of questions: those with an equal answer%s stay "
        "together, and equal questions are one",
        empty, (long long)count, count == 1 ? "" : "s", titles ? " or title" : "");
    if (titles)
        return qctx_hint(error, "cut --by context, or give larger shares");
    if (count < collection->split_count)
        return qctx_hint(error,
                         "%lld splits need questions with that many different answers; give files to splits "
                         "yourself: --split train FILE",
                         (long long)collection->split_count);
    return qctx_hint(error, "give larger shares");
}

/* Gives every question its side and names the splits that are wanted. */
static qctx_status apply(import_collection *collection, bool by_title, int64_t *parents, const group *groups,
                         const int64_t targets[SIDES], qctx_error *error)
{
    int *sides = qctx_alloc(collection->context_count, sizeof *sides, "the hold-out", error);
    int64_t questions[SIDES] = {0};
    int splits[SIDES];

    if (sides == NULL)
        return QCTX_ERR_MEMORY;
    collection->split_count = 0;
    for (int side = TRAIN; side < SIDES; side++)
        splits[side] = side == TRAIN || targets[side] > 0 ? import_split(collection, side_names[side]) : -1;
    for (int64_t i = 0; i < collection->context_count; i++)
        sides[groups[i].root] = groups[i].side;
    for (int64_t i = 0; i < collection->question_count; i++) {
        import_question *question = &collection->questions[i];
        int side = sides[find_root(parents, question->first_context)];

        question->split = splits[side];
        questions[side]++;
    }
    free(sides);
    for (int side = TRAIN; side < SIDES; side++)
        if (splits[side] >= 0 && questions[side] == 0)
            return refuse_empty(collection, by_title, groups, side_names[side], error);
    return QCTX_OK;
}

qctx_status import_hold_out(import_collection *collection, const qctx_import_job *job, qctx_error *error)
{
    const double total = (double)collection->question_count;
    /* A share above 0 asks for at least one question. */
    const int64_t targets[SIDES] = {0, (int64_t)ceil(job->dev_share * total), (int64_t)ceil(job->test_share * total)};
    int64_t *parents = qctx_alloc(collection->context_count, sizeof *parents, "the hold-out", error);
    group *groups = qctx_alloc(collection->context_count, sizeof *groups, "the hold-out", error);
    qctx_status status = QCTX_ERR_MEMORY;

    if (parents == NULL || groups == NULL)
        goto out;
    for (int64_t i = 0; i < collection->context_count; i++)
        parents[i] = i;
    status = join_groups(collection, job->by_title, parents, error);
    if (status != QCTX_OK)
        goto out;
    fill_groups(collection, parents, groups, job->seed);
    draw(groups, collection->context_count, targets);
    status = apply(collection, job->by_title, parents, groups, targets, error);
out:
    free(parents);
    free(groups);
    return status;
}
