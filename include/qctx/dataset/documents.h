/*
 * What a search looks through: the contexts of corpora, of stores, and of text files, each as an opened store.
 *
 * Corpora and text files are embedded once, into <cache>/<name>-<16 hexadecimal digits>.h5, where the digits are the
 * hash of the texts, with titles where these are embedded, the encoder's fingerprint, and the store's version and type.
 * What stands under such a name is taken only if it says inside that it is of these texts and this encoder. An
 * embedding that was stopped goes on.
 */
#ifndef QCTX_DATASET_DOCUMENTS_H
#define QCTX_DATASET_DOCUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/data/corpus.h"
#include "qctx/encoder/encoder.h"
#include "qctx/platform/comm.h"
#include "qctx/store/store.h"

typedef enum { QCTX_DOCUMENTS_CORPUS, QCTX_DOCUMENTS_STORE, QCTX_DOCUMENTS_TEXT } qctx_documents_kind;

/* One source of documents. All 0 but for kind and path before it is read. */
typedef struct {
    qctx_documents_kind kind;
    const char *path;    /* borrowed */
    qctx_corpus *corpus; /* of a corpus or a text file, between reading and embedding */
    qctx_store *store;   /* of a store as soon as it is read; of the others when they are embedded */
} qctx_documents;

/* Where and how they are kept. */
typedef struct {
    const char *folder;
    qctx_dtype dtype;
    bool titles; /* contexts are embedded with their titles in front, unless the encoder names fields */
} qctx_documents_cache;

/*
 * Reads sources [count]: opens stores, reads corpora and text files, the latter cut into passages, else into sentences
 * (data/document). Nothing is computed yet. Collective. Free them also after a failure. Errors: those of corpus,
 * store and document.
 */
qctx_status qctx_documents_read(qctx_comm *comm, qctx_documents *sources, int64_t count, bool passages,
                                qctx_error *error);
void qctx_documents_free(qctx_documents *sources, int64_t count);

/*
 * Lets an encoder that learns learn from all the texts that were read, with their titles in front if `titles`.
 * Collective. Errors: those of the encoder.
 */
qctx_status qctx_documents_fit(qctx_comm *comm, const qctx_documents *sources, int64_t count, bool titles,
                               qctx_encoder *encoder, qctx_error *error);

/*
 * Refuses stores among them that another encoder made than the one with this fingerprint. Local. Errors: MISMATCH.
 */
qctx_status qctx_documents_check(const qctx_documents *sources, int64_t count, const char *fingerprint,
                                 qctx_error *error);

/*
 * Embeds what is no store yet, or opens it from the cache. Texts stand for fields that the documents lack, which is
 * said. Collective. Errors: those of embedding.
 */
qctx_status qctx_documents_embed(qctx_comm *comm, qctx_documents *sources, int64_t count, qctx_encoder *encoder,
                                 const qctx_documents_cache *cache, qctx_error *error);

#endif
