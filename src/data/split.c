#include "qctx/data/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/order.h"
#include "qctx/base/suggest.h"

/* Splits that an error names. */
enum { NAMED_MOST = 32 };

bool qctx_split_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length < sizeof((qctx_split *)NULL)->name && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == length;
}

static void fail_unknown(const qctx_split *splits, int64_t count, const char *name, const char *place,
                         qctx_error *error)
{
    const char *names[NAMED_MOST], *nearest;
    char known[512] = "";
    size_t used = 0;

    count = qctx_smaller(count, NAMED_MOST);
    for (int64_t i = 0; i < count; i++) {
        names[i] = splits[i].name;
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    qctx_fail(error, QCTX_ERR_DATA, "%s: there is no split '%s'; it has %s", place, name, known);
    nearest = qctx_suggest(name, names, count);
    if (nearest != NULL)
        qctx_hint(error, "did you mean '%s'?", nearest);
}

static void fail_unusable(const qctx_split *split, const char *place, qctx_error *error)
{
    qctx_fail(
        error, QCTX_ERR_DATA,
        "%s: the split '%s' has no question with an answer: of %lld judgements, %lld are of unknown questions and "
        "%lld of unknown contexts",
        place, split->name, (long long)split->judged.lines, (long long)split->judged.unknown_questions,
        (long long)split->judged.unknown_contexts);
    qctx_hint(error,
              "known are the ids of queries.jsonl and corpus.jsonl; a score of 0 or less is no answer; columns in "
              "another order need a header that names them");
}

const qctx_split *qctx_splits_find(const qctx_split *splits, int64_t count, const char *name, const char *place,
                                   qctx_error *error)
{
    for (int64_t i = 0; i < count; i++)
        if (strcmp(splits[i].name, name) == 0) {
            if (splits[i].count > 0)
                return &splits[i];
            fail_unusable(&splits[i], place, error);
            return NULL;
        }
    fail_unknown(splits, count, name, place, error);
    return NULL;
}

int64_t qctx_distinct_contexts(int64_t *rows, int64_t count)
{
    count = qctx_sort_unique(rows, count);
    if (count == 0 || rows[0] != QCTX_ABSENT)
        return count;
    memmove(rows, rows + 1, (size_t)(count - 1) * sizeof *rows);
    return count - 1;
}

void qctx_splits_free(qctx_split *splits, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        free(splits[i].questions);
        free(splits[i].offsets);
        free(splits[i].contexts);
        free(splits[i].grades);
    }
    free(splits);
}
