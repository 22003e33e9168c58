/*
 * The stores behind data.train, data.eval and eval.guard: opens stores as they are, and
 * embeds corpora once, cached under data.cache by fingerprint.
 *
 * One encoder serves all sources of a run: it is that of the first store in data.train, or, where data.encoder is left
 * out, in data.eval; else that of the store that data.encoder names, else it is what data.encoder and encoder.*
 * describe (dataset/encoders); one that learns is fitted on the union of the training corpora's training contexts.
 * Guards decide nothing. Settings that would not be used, and stores of another encoder, are refused.
 *
 * A cached store is <data.cache>/<corpus>-<16 hexadecimal digits>.h5, where the digits are the hash of everything that
 * decides its bytes: the corpus, the store's version and dtype, and the encoder: its fingerprint where it comes from a
 * store or learns nothing, else its settings and the corpora and splits it is fitted on. So the second start need not
 * fit to find it.
 *
 * Several encoders: each has its own cached store of every corpus, as if it were alone, and the joined store is written
 * from the rows of these; its digits are those of the parts with the weights, or with what decides them where
 * encoder.tune chooses them (evaluation/weights) on the held-out questions of the training corpora.
 */
#ifndef QCTX_DATASET_SOURCES_H
#define QCTX_DATASET_SOURCES_H

#include "qctx/base/status.h"
#include "qctx/config/config.h"
#include "qctx/dataset/opened.h"
#include "qctx/dataset/origin.h"
#include "qctx/platform/comm.h"

/*
 * Opens all sources of a config. Stores made on demand are named and their reuse is said in the log. Sources
 * whose dimensions or encoder fingerprints disagree are refused. `origin` says what the sources
 * of a run were, or is NULL: they are then looked for beside the run and in the folders of QCTX_STORES as well, and
 * what is found and is another corpus, store or encoder is refused, before anything is embedded; a store of the run
 * needs neither its corpus nor its model. Collective. The caller closes. Errors: those of corpus, store and encoder; IO
 * (with where it was looked for); MISMATCH.
 */
qctx_status qctx_sources_open(qctx_comm *comm, const qctx_config *config, const qctx_origin *origin,
                              qctx_opened *opened, qctx_error *error);

#endif
