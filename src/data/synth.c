#include "qctx/data/synth.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "qctx/base/rng.h"
#include "qctx/data/corpus_writer.h"
#include "synth_internal.h"

/* A group is about one name: two entities of different kinds, some facts about each. */
enum { ENTITIES_OF_GROUP = 2, FACTS_OF_ENTITY = 4, GROUP = ENTITIES_OF_GROUP * FACTS_OF_ENTITY };

/*
 * Names are three syllables and an ending. A syllable is consonants and one vowel, so a name can be divided in one
 * way only, and no two numbers give the same one.
 */
static const char *const consonants[] = {"b", "d", "f", "g", "k", "l", "m",  "n",
                                         "p", "r", "s", "t", "v", "z", "br", "th"};
static const char vowels[] = {'a', 'e', 'i', 'o', 'u'};
static const char *const endings[] = {"n", "r", "l", "s", "nd", "m"};
enum { CONSONANTS = 16, VOWELS = 5, ENDINGS = 6, SYLLABLES = CONSONANTS * VOWELS, SYLLABLES_OF_NAME = 3 };
enum { NAMES = SYLLABLES * SYLLABLES * SYLLABLES * ENDINGS };
_Static_assert((int64_t)NAMES *GROUP >= QCTX_SYNTH_MOST, "a name for every group");

/* Shares no factor with NAMES (2, 3 and 5), so that multiplying by it permutes the names. */
enum { NAME_STRIDE = 1859107 };

/* What random numbers of a pair or of an entity are for. */
enum {
    DRAW_NAMES,
    DRAW_KIND,
    DRAW_STEP,
    DRAW_FIRST_FACT,
    DRAW_OTHER_NOUN,
    DRAW_QUESTION,
    DRAW_ALIKE,
    DRAW_CONTEXT,
    DRAW_VALUE,
    DRAW_SURNAME,
    DRAW_OPENING,
    DRAW_TAIL,
};

/* The seed and number of what is being made. */
typedef struct {
    uint64_t seed;
    uint64_t index;
} source;

static int64_t draw(source from, int purpose, int64_t bound)
{
    return (int64_t)qctx_rng_below((uint64_t)bound, from.seed, QCTX_STREAM_SYNTH, from.index, (uint64_t)purpose);
}

static int64_t length_of(const char *const *list)
{
    int64_t count = 0;

    while (list[count] != NULL)
        count++;
    return count;
}

static const char *pick(source from, int purpose, const char *const *list)
{
    return list[draw(from, purpose, length_of(list))];
}

/* One of the list in half of the cases, else nothing. */
static const char *pick_or_none(source from, int purpose, const char *const *list)
{
    int64_t count = length_of(list);
    int64_t drawn = draw(from, purpose, 2 * count);

    return drawn < count ? list[drawn] : "";
}

static void write_name(int64_t number, char *out, size_t bytes)
{
    int64_t left = number / ENDINGS;
    size_t used = 0;

    for (int i = 0; i < SYLLABLES_OF_NAME; i++) {
        used += (size_t)snprintf(out + used, bytes - used, "%s%c", consonants[left % CONSONANTS],
                                 vowels[left / CONSONANTS % VOWELS]);
        left /= SYLLABLES;
    }
    snprintf(out + used, bytes - used, "%s", endings[number % ENDINGS]);
    out[0] = (char)toupper((unsigned char)out[0]);
}

static void write_value(source from, const synth_relation *relation, char *out, size_t bytes)
{
    char name[32];

    write_name(draw(from, DRAW_SURNAME, NAMES), name, sizeof name);
    switch (relation->value) {
    case SYNTH_PERSON:
        snprintf(out, bytes, "%s %s", pick(from, DRAW_VALUE, synth_first_names), name);
        break;
    case SYNTH_TOWN:
        snprintf(out, bytes, "%s", name);
        break;
    case SYNTH_YEAR:
        snprintf(out, bytes, "%" PRId64, 1600 + draw(from, DRAW_VALUE, 400));
        break;
    case SYNTH_METRES:
        snprintf(out, bytes, "%" PRId64 " metres", 20 + draw(from, DRAW_VALUE, 480));
        break;
    case SYNTH_COUNT:
        snprintf(out, bytes, "%" PRId64, 40 + draw(from, DRAW_VALUE, 4000));
        break;
    case SYNTH_PRICE:
        snprintf(out, bytes, "%" PRId64 " crowns", 2 + draw(from, DRAW_VALUE, 60));
        break;
    case SYNTH_WORDS:
        snprintf(out, bytes, "%s", pick(from, DRAW_VALUE, relation->values));
        break;
    }
}

/* Appends `text` as far as it fits; returns the new length. */
static size_t append(char *out, size_t bytes, size_t used, const char *text)
{
    used += (size_t)snprintf(out + used, bytes - used, "%s", text);
    return used < bytes ? used : bytes - 1;
}

/* Appends a phrase with "{e}" and "{v}" replaced and its first letter in upper case; returns the new length. */
static size_t append_phrase(char *out, size_t bytes, size_t used, const char *phrase, const char *entity,
                            const char *value)
{
    size_t first = used;

    while (*phrase != '\0') {
        char letter[2] = {*phrase, '\0'};
        bool replaced = strncmp(phrase, "{e}", 3) == 0 || strncmp(phrase, "{v}", 3) == 0;

        used = append(out, bytes, used, !replaced ? letter : phrase[1] == 'e' ? entity : value);
        phrase += replaced ? 3 : 1;
    }
    out[first] = (char)toupper((unsigned char)out[first]);
    return used;
}

/* The statement, with an opening sentence before it and a clause behind it or without. */
static void write_context(source from, const char *phrase, const char *entity, const char *value, char *out,
                          size_t bytes)
{
    const char *opening = pick_or_none(from, DRAW_OPENING, synth_openings);
    size_t used = append(out, bytes, 0, opening);

    if (used > 0)
        used = append(out, bytes, used, " ");
    used = append_phrase(out, bytes, used, phrase, entity, value);
    used = append(out, bytes, used, pick_or_none(from, DRAW_TAIL, synth_tails));
    append(out, bytes, used, ".");
}

/* What pair `index` of a seed is about. */
typedef struct {
    char name[32];
    const synth_kind *kind;
    const synth_relation *relation;
} subject;

static subject choose_subject(uint64_t seed, int64_t index)
{
    int64_t group = index / GROUP;
    /* Numbered from the other end, apart from the pairs. */
    source of_group = {seed, UINT64_MAX - (uint64_t)group};
    source of_all = {seed, UINT64_MAX / 2};
    int64_t entity = index % GROUP / FACTS_OF_ENTITY;
    int64_t kind = draw(of_group, DRAW_KIND, SYNTH_KINDS) + entity * (1 + draw(of_group, DRAW_STEP, SYNTH_KINDS - 1));
    int64_t fact = draw(of_group, DRAW_FIRST_FACT, SYNTH_RELATIONS_OF_KIND) + index % FACTS_OF_ENTITY;
    subject chosen = {.kind = &synth_kinds[kind % SYNTH_KINDS]};

    chosen.relation = &synth_relations[chosen.kind->relations[fact % SYNTH_RELATIONS_OF_KIND]];
    write_name((group * NAME_STRIDE + draw(of_all, DRAW_NAMES, NAMES)) % NAMES, chosen.name, sizeof chosen.name);
    return chosen;
}

qctx_synth_pair qctx_synth_make(uint64_t seed, int64_t index)
{
    source from = {seed, (uint64_t)index};
    subject about = choose_subject(seed, index);
    const synth_relation *relation = about.relation;
    const char *noun = about.kind->noun;
    const char *asked_noun = draw(from, DRAW_OTHER_NOUN, 5) == 0 ? about.kind->other_noun : noun;
    const char *question = pick(from, DRAW_QUESTION, relation->questions);
    const char *context =
        draw(from, DRAW_ALIKE, 5) < 3 ? relation->alike : pick(from, DRAW_CONTEXT, relation->contexts);
    char entity[80], value[64];
    qctx_synth_pair pair;

    snprintf(pair.title, sizeof pair.title, "%s %s", about.name, noun);
    snprintf(entity, sizeof entity, "the %s %s", about.name, asked_noun);
    append_phrase(pair.question, sizeof pair.question, 0, question, entity, "");
    snprintf(entity, sizeof entity, "the %s %s", about.name, noun);
    write_value(from, relation, value, sizeof value);
    write_context(from, context, entity, value, pair.context, sizeof pair.context);
    return pair;
}

qctx_synth_sizes qctx_synth_divide(int64_t questions)
{
    int64_t groups = (questions + GROUP - 1) / GROUP;
    int64_t held_out = groups < 10 ? 1 : (groups + 5) / 10;
    qctx_synth_sizes sizes;

    sizes.train = (groups - 2 * held_out) * GROUP;
    sizes.dev = held_out * GROUP;
    sizes.test = questions - sizes.train - sizes.dev;
    return sizes;
}

static const char *split_of(const qctx_synth_sizes *sizes, int64_t index)
{
    if (index < sizes->train)
        return "train";
    return index < sizes->train + sizes->dev ? "dev" : "test";
}

static qctx_status write_pair(qctx_corpus_writer *writer, uint64_t seed, int64_t index, const char *split,
                              qctx_error *error)
{
    qctx_synth_pair pair = qctx_synth_make(seed, index);
    char context_id[32], question_id[32];
    qctx_status status;

    snprintf(context_id, sizeof context_id, "c%" PRId64, index);
    snprintf(question_id, sizeof question_id, "q%" PRId64, index);
    status = qctx_corpus_writer_context(writer, context_id, pair.title, pair.context, NULL, 0, error);
    if (status == QCTX_OK)
        status = qctx_corpus_writer_question(writer, question_id, pair.question, error);
    if (status == QCTX_OK)
        status = qctx_corpus_writer_answer(writer, split, question_id, context_id, error);
    return status;
}

qctx_status qctx_synth_write(const char *folder, int64_t questions, uint64_t seed, bool force, qctx_error *error)
{
    qctx_synth_sizes sizes = qctx_synth_divide(questions);
    qctx_corpus_writer *writer = NULL;
    qctx_status status = qctx_corpus_writer_open(folder, force, &writer, error);

    for (int64_t i = 0; i < questions && status == QCTX_OK; i++)
        status = write_pair(writer, seed, i, split_of(&sizes, i), error);
    if (status == QCTX_OK)
        return qctx_corpus_writer_commit(writer, error);
    qctx_corpus_writer_discard(writer);
    return status;
}
