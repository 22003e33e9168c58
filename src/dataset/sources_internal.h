/* What the files of dataset/sources share. */
#ifndef QCTX_DATASET_SOURCES_INTERNAL_H
#define QCTX_DATASET_SOURCES_INTERNAL_H

#include "qctx/data/corpus.h"
#include "qctx/dataset/encoders.h"
#include "qctx/dataset/sources.h"
#include "qctx/encoder/encoder.h"

/* One place that sources name, a corpus folder or a store's file, each once. */
typedef struct {
    const char *path; /* borrowed from the config */
    bool is_corpus;
    qctx_corpus *corpus; /* until its store is open */
    qctx_store *store;
    char *joined_path;                  /* of a corpus whose encoder is joined */
    qctx_store *parts[QCTX_JOINED_MAX]; /* what that is joined from, while it is needed */
} qctx_place;

/* One encoder of the run: the only one, or one of those that are joined. */
typedef struct {
    const qctx_encoder_recipe *recipe; /* NULL: that of the reference */
    qctx_encoder *encoder;             /* made when it is needed */
    uint64_t key;                      /* hash of what decides the bytes of its stores, but for the corpus */
} qctx_place_encoder;

typedef struct {
    qctx_comm *comm;
    const qctx_config *config;
    const char *trained_on; /* the fingerprint that the run's encoder must have, or NULL */
    int64_t count;
    qctx_place *places;
    qctx_store *reference; /* the store whose encoder the run uses, or NULL; borrowed unless named by data.encoder */
    qctx_store *named_by_encoder;
    qctx_encoders specified; /* where there is no reference */
    int64_t encoder_count;
    qctx_place_encoder encoders[QCTX_JOINED_MAX];
    bool weights_known;
    double weights[QCTX_JOINED_MAX]; /* of the encoders that are joined */
} qctx_places;

/* Opens the stores of all corpora among the places, embedding those that no cached store serves. Collective. */
qctx_status qctx_places_open_corpora(qctx_places *places, qctx_error *error);

/*
 * Opens the cached store of a corpus made by one of the encoders, or embeds the corpus into it. Collective.
 */
qctx_status qctx_places_open_part(qctx_places *places, qctx_place *place, int64_t encoder, qctx_store **store,
                                  qctx_error *error);

/* "<cache>/<corpus>-<hash of the corpus under key>.h5", freshly allocated. Local. */
char *qctx_places_cache_path(const qctx_places *places, const qctx_place *place, uint64_t key, qctx_error *error);

/* Whether a cached store stands there, for any rank. Collective. */
bool qctx_places_cached(const qctx_places *places, const char *path);

/* Opens a cached store; one that cannot be used says how to get rid of it. Collective. */
qctx_status qctx_places_reuse(const qctx_places *places, const qctx_place *place, const char *path, qctx_store **store,
                              qctx_error *error);

/* Opens the joined stores of all corpora, joining those that are missing from the stores of their parts. Collective. */
qctx_status qctx_places_join(qctx_places *places, qctx_error *error);

/* Chooses the weights on held-out training questions; the parts of all training corpora are open. Collective. */
qctx_status qctx_places_tune(qctx_places *places, qctx_error *error);

/* The place of a source. */
qctx_place *qctx_places_find(const qctx_places *places, const qctx_source *source);

/* A source as it is opened: a split of a store, which is borrowed. Local. Errors: DATA (there is no such split). */
qctx_status qctx_places_take_source(const qctx_source *source, qctx_store *store, qctx_opened_source *taken,
                                    qctx_error *error);

#endif
