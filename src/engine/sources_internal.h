/* What the files of engine/sources share. */
#ifndef QCTX_ENGINE_SOURCES_INTERNAL_H
#define QCTX_ENGINE_SOURCES_INTERNAL_H

#include "qctx/data/corpus.h"
#include "qctx/encoder/encoder.h"
#include "qctx/engine/sources.h"

/* One place that sources name, a corpus folder or a store's file, each once. */
typedef struct {
    const char *path; /* borrowed from the config */
    bool is_corpus;
    qctx_corpus *corpus; /* until its store is open */
    qctx_store *store;
} qctx_place;

typedef struct {
    qctx_comm *comm;
    const qctx_config *config;
    int64_t count;
    qctx_place *places;
    qctx_store *reference; /* the store whose encoder the run uses, or NULL; borrowed unless named by data.encoder */
    qctx_store *named_by_encoder;
    qctx_encoder *encoder; /* made when the first corpus has to be embedded */
} qctx_places;

/* Opens the stores of all corpora among the places, embedding those that no cached store serves. Collective. */
qctx_status qctx_places_open_corpora(qctx_places *places, qctx_error *error);

/* The place of a source. */
qctx_place *qctx_places_find(const qctx_places *places, const qctx_source *source);

#endif
