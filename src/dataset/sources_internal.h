/*
 * What the files of dataset/sources share: sources.c (from a configuration to opened sources), sources_locations.c
 * (what the sources name), sources_find.c (where a run's sources are now), sources_encoders.c (by what corpora are
 * embedded), sources_cache.c (stores made on demand), sources_join.c (of several encoders) and sources_tune.c (their
 * weights).
 */
#ifndef QCTX_DATASET_SOURCES_INTERNAL_H
#define QCTX_DATASET_SOURCES_INTERNAL_H

#include "qctx/base/lockfile.h"
#include "qctx/data/corpus.h"
#include "qctx/dataset/encoders.h"
#include "qctx/dataset/sources.h"
#include "qctx/encoder/encoder.h"

/* What sources name, a corpus folder or a store's file, each once. */
typedef struct {
    const char *named; /* borrowed from the config */
    const char *path;  /* that, or `moved` */
    bool is_corpus;
    bool as_named;                     /* by the user, not by a run's configuration */
    bool may_lack;                     /* a field that the encoder takes: the texts stand for it then */
    const qctx_origin_location *known; /* what it was when the run was trained, or NULL; borrowed */
    char *moved;                       /* where the corpus is found now, or NULL */
    char *found_store;                 /* where the store is found now, or NULL before that, "" for nowhere */
    bool external;                     /* the store may name other files */
    qctx_corpus *corpus;               /* until its store is open */
    qctx_store *store;
    char *joined_path;                  /* of a corpus whose encoder is joined */
    qctx_store *parts[QCTX_JOINED_MAX]; /* what that is joined from, while it is needed */
} resolver_location;

/* One encoder of the run, or one field of one: the only one, or one of those that are joined. */
typedef struct {
    const qctx_encoder_recipe *recipe; /* NULL: that of the reference */
    qctx_encoder *encoder;             /* made when it is needed */
    uint64_t key;                      /* hash of what decides the bytes of its stores, but for the corpus */
    int64_t field_count;               /* of contexts that it names; 0: it takes one text, as data.titles says */
    const char *fields[QCTX_JOINED_MAX];
} resolver_encoder;

/* The way from a configuration to opened sources. */
typedef struct {
    qctx_comm *comm;
    const qctx_config *config;
    const qctx_origin *origin; /* of a run's sources, or NULL */
    int64_t count;
    resolver_location *locations; /* [count] */
    qctx_store *reference; /* the store whose encoder the run uses, or NULL; borrowed unless named by data.encoder */
    qctx_store *named_by_encoder;
    qctx_encoders specified; /* where there is no reference */
    char *reference_fields[QCTX_JOINED_MAX];
    int64_t encoder_count;
    resolver_encoder encoders[QCTX_JOINED_MAX];
    bool weights_known;
    double weights[QCTX_JOINED_MAX]; /* of the encoders that are joined */
} source_resolver;

/* Lists what the sources name. Local. Errors: MEMORY. */
qctx_status resolver_collect(source_resolver *resolver, qctx_error *error);

/* The folder in which stores are made: data.cache, or what stands in its place for a run. Local. */
const char *resolver_cache(const source_resolver *resolver);

/* The location of a source. Local. */
resolver_location *resolver_find(const source_resolver *resolver, const qctx_source *source);

/* A source as it is opened: a split of a store, which is borrowed. Local. Errors: DATA (there is no such split). */
qctx_status resolver_take_source(const qctx_config *config, const qctx_source *source, qctx_store *store,
                                 qctx_opened_source *taken, qctx_error *error);

/*
 * Sets where the store of a location is now, by what is known of it: "" where it is nowhere, which is refused if
 * `must`. Collective. Errors: IO (not found), MISMATCH (another one is found), with where it was looked for; MEMORY.
 */
qctx_status resolver_find_store(source_resolver *resolver, resolver_location *location, bool must, qctx_error *error);

/* Refuses a path of a run at which something stands that may not be followed (base/trust). Collective. Errors: IO. */
qctx_status resolver_refuse_untrusted(const source_resolver *resolver, const char *path, qctx_error *error);

/*
 * Opens the corpus of a location, as it is named or beside the run; it stays NULL where there is none. Collective.
 * Errors: those of qctx_corpus_open.
 */
qctx_status resolver_find_corpus(source_resolver *resolver, resolver_location *location, qctx_error *error);

/* Opens the stores that the corpora of a run had when it was trained, where they are found. Collective. */
qctx_status resolver_restore(source_resolver *resolver, qctx_error *error);

/* Finds out by what corpora are embedded: the encoder of a store, or those that data.encoder describes. Collective. */
qctx_status resolver_find_encoders(source_resolver *resolver, qctx_error *error);

/*
 * The key of an encoder, which is known before it is fitted: its fingerprint, and what it is fitted on if it learns.
 * Collective.
 */
qctx_status resolver_find_key(source_resolver *resolver, resolver_encoder *encoder, qctx_error *error);

/* Makes an encoder of the run ready to encode, once. Collective. */
qctx_status resolver_need_encoder(source_resolver *resolver, resolver_encoder *encoder, qctx_error *error);

/* Opens the cached store of a corpus made by one of the encoders, or embeds the corpus into it. Collective. */
qctx_status resolver_open_part(source_resolver *resolver, resolver_location *location, int64_t encoder,
                               qctx_store **store, qctx_error *error);

/* A hash of what all encoders of the run are given of a corpus. Local. */
uint64_t resolver_seen(const source_resolver *resolver, const qctx_corpus *corpus);

/*
 * "<cache>/<corpus>-<hash of what is seen of it under key>.h5", freshly allocated. Local.
 */
char *resolver_cache_path(const source_resolver *resolver, const resolver_location *location, uint64_t seen,
                          uint64_t key, qctx_error *error);

/* Whether a cached store stands there, for any rank. Collective. */
bool resolver_is_cached(const source_resolver *resolver, const char *path);

/* qctx_turn_take, where stores are cached. Collective. */
qctx_status resolver_take_turn(const source_resolver *resolver, const char *path, qctx_lockfile **turn,
                               qctx_error *error);

/* Opens a cached store; one that cannot be used says how to get rid of it. Collective. */
qctx_status resolver_reuse(const source_resolver *resolver, const resolver_location *location, const char *path,
                           qctx_store **store, qctx_error *error);

/* Opens the joined stores of all corpora, joining those that are missing from the stores of their parts. Collective. */
qctx_status resolver_join(source_resolver *resolver, qctx_error *error);

/* Chooses the weights on held-out training questions; the parts of all training corpora are open. Collective. */
qctx_status resolver_tune(source_resolver *resolver, qctx_error *error);

#endif
