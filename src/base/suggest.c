#include "qctx/base/suggest.h"

#include <string.h>

enum { WORD_MAX = 64 };

static int smallest(int a, int b, int c)
{
    int least = a < b ? a : b;

    return least < c ? least : c;
}

/* Optimal string alignment distance; words are at most WORD_MAX letters long. */
static int distance(const char *a, int a_length, const char *b, int b_length)
{
    int rows[3][WORD_MAX + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];

    for (int j = 0; j <= b_length; j++)
        above[j] = j;
    for (int i = 1; i <= a_length; i++) {
        int *recycled = before;

        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        before = above;
        above = row;
        row = recycled;
    }
    return above[b_length];
}

const char *qctx_suggest(const char *word, const char *const *candidates, int64_t count)
{
    size_t length = strlen(word);
    const char *nearest = NULL;
    int least = 4;

    if (length > WORD_MAX)
        return NULL;
    for (int64_t i = 0; i < count; i++) {
        size_t other = strlen(candidates[i]);
        size_t longer = other > length ? other : length;
        int edits;

        if (other > WORD_MAX)
            continue;
        edits = distance(word, (int)length, candidates[i], (int)other);
        if (edits < least && 3 * (size_t)edits <= longer) {
            least = edits;
            nearest = candidates[i];
        }
    }
    return nearest;
}
