/* Texts taken apart into features, one by one or on all threads of the rank. */
#include <stdlib.h>
#include <string.h>

#include "hashing_internal.h"
#include "qctx/base/hash.h"
#include "qctx/base/mem.h"

/* Words and n-grams are hashed under different seeds, so that "the" the word is not "the" the n-gram. */
enum { WORD_SEED = 1, NGRAM_SEED = 2 };
enum { SHORTEST_NGRAM = 3, LONGEST_NGRAM = 5 };

/*
 * Sorted by strcmp. Function words and question words only: a longer list was measured to cost more than it gives,
 * since the idf weighs the rest down already.
 */
static const char *const stop_words[] = {
    "a",    "an",   "and",  "are",   "as",    "at",  "be",    "been",  "being", "by",   "did",
    "do",   "does", "for",  "from",  "had",   "has", "have",  "how",   "in",    "is",   "it",
    "its",  "of",   "on",   "or",    "that",  "the", "these", "this",  "those", "to",   "was",
    "were", "what", "when", "where", "which", "who", "whom",  "whose", "why",   "with",
};
enum { STOP_WORD_COUNT = sizeof stop_words / sizeof stop_words[0], LONGEST_STOP_WORD = 5 };

qctx_status hashing_analyser_open(hashing_analyser *analyser, int64_t dim, qctx_error *error)
{
    *analyser = (hashing_analyser){0};
    analyser->row = qctx_alloc(dim, sizeof *analyser->row, "a row of the encoder", error);
    if (analyser->row == NULL)
        return QCTX_ERR_MEMORY;
    return qctx_text_create(&analyser->text, error);
}

void hashing_analyser_close(hashing_analyser *analyser)
{
    qctx_text_destroy(analyser->text);
    free(analyser->words.items);
    free(analyser->features.items);
    free(analyser->row);
    free(analyser->df.items);
}

static int compare_words(const void *key, const void *entry)
{
    return strcmp(key, *(const char *const *)entry);
}

static bool is_stop_word(const char *word, size_t length)
{
    char key[LONGEST_STOP_WORD + 1];

    if (length > LONGEST_STOP_WORD)
        return false;
    memcpy(key, word, length);
    key[length] = '\0';
    return bsearch(key, stop_words, STOP_WORD_COUNT, sizeof stop_words[0], compare_words) != NULL;
}

/* Moves the spans that are no stop words to the front, unless there are none, and returns how many count. */
static int64_t drop_stop_words(const char *folded, qctx_spans *words)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < words->count; i++) {
        qctx_span word = words->items[i];

        if (!is_stop_word(folded + word.first, (size_t)(word.end - word.first)))
            words->items[kept++] = word;
    }
    return kept > 0 ? kept : words->count;
}

/* Adds the n-grams of "<word>". `starts` keeps where the last code points began, so that one pass finds them all. */
static qctx_status add_ngrams(hashing_counts *features, const char *word, size_t length, qctx_error *error)
{
    enum { MARKED_ON_STACK = 256 };
    char on_stack[MARKED_ON_STACK];
    char *marked = on_stack;
    size_t starts[LONGEST_NGRAM];
    int64_t points = 0;
    qctx_status status = QCTX_OK;

    if (length + 2 > sizeof on_stack) {
        marked = qctx_alloc((int64_t)length + 2, 1, "a long word", error);
        if (marked == NULL)
            return QCTX_ERR_MEMORY;
    }
    marked[0] = '<';
    memcpy(marked + 1, word, length);
    marked[length + 1] = '>';
    for (size_t at = 0; at < length + 2 && status == QCTX_OK;) {
        starts[points++ % LONGEST_NGRAM] = at++;
        while (at < length + 2 && ((unsigned char)marked[at] & 0xC0) == 0x80)
            at++;
        for (int64_t n = SHORTEST_NGRAM; n <= LONGEST_NGRAM && n <= points && status == QCTX_OK; n++) {
            size_t first = starts[(points - n) % LONGEST_NGRAM];

            status = hashing_counts_add(features, qctx_hash(marked + first, at - first, NGRAM_SEED), 1, error);
        }
    }
    if (marked != on_stack)
        free(marked);
    return status;
}

qctx_status hashing_analyse(hashing_analyser *analyser, const char *text, qctx_error *error)
{
    hashing_counts *features = &analyser->features;
    const qctx_span *words;
    const char *folded;
    size_t folded_length;
    qctx_status status = qctx_text_fold(analyser->text, text, strlen(text), &folded, &folded_length, error);

    if (status == QCTX_OK)
        status = qctx_text_words(folded, folded_length, &analyser->words, error);
    if (status != QCTX_OK)
        return status;
    analyser->length = drop_stop_words(folded, &analyser->words);
    words = analyser->words.items;

    features->count = 0;
    for (int64_t i = 0; i < analyser->length && status == QCTX_OK; i++) {
        size_t length = (size_t)(words[i].end - words[i].first);

        status = hashing_counts_add(features, qctx_hash(folded + words[i].first, length, WORD_SEED), 1, error);
    }
    hashing_counts_compact(features, 0);
    analyser->word_features = features->count;
    for (int64_t i = 0; i < analyser->length && status == QCTX_OK; i++)
        status = add_ngrams(features, folded + words[i].first, (size_t)(words[i].end - words[i].first), error);
    hashing_counts_compact(features, analyser->word_features);
    return status;
}

typedef struct {
    const hashing_state *state;
    const char *const *texts;
    int64_t count;
    hashing_visit *visit;
    hashing_finish *finish;
    void *argument;
    /* Of the whole team, guarded by the critical section. */
    qctx_status status;
    qctx_error *error;
} team_work;

/* What each thread of the team runs; all of them meet the loop, also one that has failed. */
static void work(team_work *team)
{
    hashing_analyser analyser;
    qctx_error own;
    qctx_status status = hashing_analyser_open(&analyser, team->state->dim, &own);

#pragma omp for schedule(dynamic, 256)
    for (int64_t i = 0; i < team->count; i++) {
        if (status == QCTX_OK)
            status = hashing_analyse(&analyser, team->texts[i], &own);
        if (status == QCTX_OK)
            status = team->visit(team->state, &analyser, i, team->argument, &own);
    }
#pragma omp critical(hashing_team)
    {
        if (status == QCTX_OK && team->finish != NULL)
            status = team->finish(&analyser, team->argument, &own);
        if (status != QCTX_OK && team->status == QCTX_OK) {
            team->status = status;
            if (team->error != NULL)
                *team->error = own;
        }
    }
    hashing_analyser_close(&analyser);
}

qctx_status hashing_for_each(const hashing_state *state, const char *const *texts, int64_t count, hashing_visit *visit,
                             hashing_finish *finish, void *argument, qctx_error *error)
{
    team_work team = {state, texts, count, visit, finish, argument, QCTX_OK, error};

#pragma omp parallel if (count > 1)
    work(&team);
    return team.status;
}
