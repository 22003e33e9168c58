/* The tables that synthetic corpora are made from; include/qctx/data/synth.h says how. */
#ifndef QCTX_DATA_SYNTH_INTERNAL_H
#define QCTX_DATA_SYNTH_INTERNAL_H

/* How the value of a fact is made. */
typedef enum {
    SYNTH_PERSON,
    SYNTH_TOWN,
    SYNTH_YEAR,
    SYNTH_METRES,
    SYNTH_COUNT,
    SYNTH_PRICE,
    SYNTH_WORDS, /* one of the relation's own */
} synth_value;

/* Lists end with NULL. */
enum { SYNTH_PHRASES = 5, SYNTH_VALUES = 13, SYNTH_RELATIONS_OF_KIND = 7 };

/* One relation in the words of questions and of contexts: "{e}" is the entity, "{v}" the value. */
typedef struct {
    synth_value value;
    const char *questions[SYNTH_PHRASES];
    const char *contexts[SYNTH_PHRASES]; /* sharing no word with the questions */
    const char *alike;                   /* a context that shares words with some of them */
    const char *values[SYNTH_VALUES];
} synth_relation;

/* A kind of entity: what it is called, what else, and what is known about it. */
typedef struct {
    const char *noun;
    const char *other_noun;
    int relations[SYNTH_RELATIONS_OF_KIND];
} synth_kind;

enum { SYNTH_KINDS = 6 };

extern const synth_relation synth_relations[];
extern const synth_kind synth_kinds[SYNTH_KINDS];
extern const char *const synth_first_names[];
extern const char *const synth_openings[]; /* sentences that may stand before a fact */
extern const char *const synth_tails[];    /* clauses that may stand behind one */

#endif
