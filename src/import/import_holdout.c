/* The hold-out: contexts, or questions, that belong together are drawn to one split. */
#include <math.h>
#include <stdlib.h>

#include "import_internal.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"
#include "qctx/base/plural.h"
#include "qctx/base/rng.h"

enum { TRAIN, DEV, TEST, SIDES };
static const char *const side_names[SIDES] = {"train", "dev", "test"};

/* Members, which are contexts or questions, that must fall on one side. */
typedef struct {
    uint64_t key;    /* smallest hash of its members' texts: the same whatever order they were read in */
    uint64_t random; /* place in the draw */
    int64_t questions;
    int64_t root;
    int side;
} group;

/* What is cut, and how. */
typedef struct {
    import_collection *collection;
    qctx_holdout_unit unit;
    int64_t count;    /* members: contexts, or questions where these are the unit */
    int64_t *parents; /* [count] towards the representative of a member's group */
    group *groups;    /* [count]; those that represent no group have no questions */
} hold_out;

/* The representative of a member's group; halves the path on its way. */
static int64_t find_root(int64_t *parents, int64_t member)
{
    while (parents[member] != member) {
        parents[member] = parents[parents[member]];
        member = parents[member];
    }
    return member;
}

static const char *text_of(const hold_out *cut, int64_t member)
{
    return cut->unit == QCTX_HOLDOUT_QUESTION ? cut->collection->questions[member].text
                                              : cut->collection->contexts[member].text;
}

/* The representative of the group that a question is drawn with. */
static int64_t root_of_question(const hold_out *cut, int64_t question)
{
    return find_root(cut->parents, cut->unit == QCTX_HOLDOUT_QUESTION
                                       ? question
                                       : cut->collection->questions[question].first_context);
}

static void join(int64_t *parents, int64_t left, int64_t right)
{
    parents[find_root(parents, left)] = find_root(parents, right);
}

/* Joins contexts that share a question or, if asked for, a title. */
static qctx_status join_contexts(hold_out *cut, qctx_error *error)
{
    const import_collection *collection = cut->collection;
    qctx_textmap context_of_title = {0};
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < collection->answer_count && status == QCTX_OK; i++) {
        const import_answer *answer = &collection->answers[i];
        int64_t earlier;

        join(cut->parents, answer->context, collection->questions[answer->question].first_context);
        if (cut->unit != QCTX_HOLDOUT_TITLE || answer->title[0] == '\0')
            continue;
        status = qctx_textmap_add(&context_of_title, answer->title, answer->context, &earlier, error);
        if (status == QCTX_OK)
            join(cut->parents, answer->context, earlier);
    }
    qctx_textmap_free(&context_of_title);
    return status;
}

/* Joins questions of one text, which would otherwise be known from training. */
static qctx_status join_questions(hold_out *cut, qctx_error *error)
{
    qctx_textmap question_of_text = {0};
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < cut->count && status == QCTX_OK; i++) {
        int64_t earlier;

        status = qctx_textmap_add(&question_of_text, text_of(cut, i), i, &earlier, error);
        if (status == QCTX_OK)
            join(cut->parents, i, earlier);
    }
    qctx_textmap_free(&question_of_text);
    return status;
}

static void fill_groups(hold_out *cut, uint64_t seed)
{
    group *groups = cut->groups;

    for (int64_t i = 0; i < cut->count; i++)
        groups[i] = (group){.key = UINT64_MAX, .root = i, .side = TRAIN};
    for (int64_t i = 0; i < cut->count; i++) {
        group *own = &groups[find_root(cut->parents, i)];
        uint64_t key = qctx_hash_text(text_of(cut, i), 0);

        own->key = key < own->key ? key : own->key;
    }
    for (int64_t i = 0; i < cut->collection->question_count; i++)
        groups[root_of_question(cut, i)].questions++;
    for (int64_t i = 0; i < cut->count; i++)
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
static bool may_be_cut(const hold_out *cut)
{
    const import_collection *collection = cut->collection;
    bool titled = false;

    for (int64_t i = 0; i < collection->answer_count && cut->unit == QCTX_HOLDOUT_TITLE && !titled; i++)
        titled = collection->answers[i].title[0] != '\0';
    return titled && collection->context_count >= collection->split_count &&
           collection->question_count >= collection->split_count;
}

/* Says what could be drawn: no other shares help where there are fewer groups than splits. */
static qctx_status refuse_empty(const hold_out *cut, const char *empty, qctx_error *error)
{
    const bool titles = may_be_cut(cut);
    const char *together = cut->unit == QCTX_HOLDOUT_QUESTION ? ""
                           : titles ? "those with an equal answer or title stay together, and "
                                    : "those with an equal answer stay together, and ";
    int64_t count = 0;

    for (int64_t i = 0; i < cut->count; i++)
        count += cut->groups[i].questions > 0;
    qctx_fail(error, QCTX_ERR_DATA,
              "the hold-out leaves no question for '%s' of %lld group%s of questions: %sequal questions are one", empty,
              (long long)count, qctx_plural(count), together);
    if (titles)
        return qctx_hint(error, "cut --by context or --by question, or give larger shares");
    if (count >= cut->collection->split_count)
        return qctx_hint(error, "give larger shares");
    if (cut->unit == QCTX_HOLDOUT_QUESTION)
        return qctx_hint(error, "%lld splits need that many different questions",
                         (long long)cut->collection->split_count);
    return qctx_hint(error,
                     "%lld splits need questions with that many different answers: cut --by question, or give files to "
                     "splits yourself: --split train FILE",
                     (long long)cut->collection->split_count);
}

/* Gives every question its side and names the splits that are wanted. */
static qctx_status apply(hold_out *cut, const int64_t targets[SIDES], qctx_error *error)
{
    import_collection *collection = cut->collection;
    int *sides = qctx_alloc(cut->count, sizeof *sides, "the hold-out", error);
    int64_t questions[SIDES] = {0};
    int splits[SIDES];

    if (sides == NULL)
        return QCTX_ERR_MEMORY;
    collection->split_count = 0;
    for (int side = TRAIN; side < SIDES; side++)
        splits[side] = side == TRAIN || targets[side] > 0 ? import_split(collection, side_names[side]) : -1;
    for (int64_t i = 0; i < cut->count; i++)
        sides[cut->groups[i].root] = cut->groups[i].side;
    for (int64_t i = 0; i < collection->question_count; i++) {
        int side = sides[root_of_question(cut, i)];

        collection->questions[i].split = splits[side];
        questions[side]++;
    }
    free(sides);
    for (int side = TRAIN; side < SIDES; side++)
        if (splits[side] >= 0 && questions[side] == 0)
            return refuse_empty(cut, side_names[side], error);
    return QCTX_OK;
}

qctx_status import_hold_out(import_collection *collection, const qctx_import_job *job, qctx_error *error)
{
    const double total = (double)collection->question_count;
    /* A share above 0 asks for at least one question. */
    const int64_t targets[SIDES] = {0, (int64_t)ceil(job->dev_share * total), (int64_t)ceil(job->test_share * total)};
    hold_out cut = {.collection = collection,
                    .unit = job->unit,
                    .count =
                        job->unit == QCTX_HOLDOUT_QUESTION ? collection->question_count : collection->context_count};
    qctx_status status = QCTX_ERR_MEMORY;

    cut.parents = qctx_alloc(cut.count, sizeof *cut.parents, "the hold-out", error);
    cut.groups = qctx_alloc(cut.count, sizeof *cut.groups, "the hold-out", error);
    if (cut.parents == NULL || cut.groups == NULL)
        goto out;
    for (int64_t i = 0; i < cut.count; i++)
        cut.parents[i] = i;
    status = cut.unit == QCTX_HOLDOUT_QUESTION ? join_questions(&cut, error) : join_contexts(&cut, error);
    if (status != QCTX_OK)
        goto out;
    fill_groups(&cut, job->seed);
    draw(cut.groups, cut.count, targets);
    status = apply(&cut, targets, error);
out:
    free(cut.parents);
    free(cut.groups);
    return status;
}
