/* What the files of dataset/embed share: which texts are encoded together, and by which rank. */
#ifndef QCTX_DATASET_EMBED_INTERNAL_H
#define QCTX_DATASET_EMBED_INTERNAL_H

#include "qctx/base/arena.h"
#include "qctx/data/context_texts.h"
#include "qctx/dataset/embed.h"
#include "qctx/encoder/joined.h"
#include "qctx/store/store_writer.h"

/*
 * The batches of a corpus: its distinct texts, those of the questions and those of the contexts apart, longest first
 * (in bytes; equal ones in the order of their first row), cut where a batch would hold too many texts or bytes. All of
 * it follows from the texts alone. Vector v of `store` is that of the text texts[v].
 *
 * Where contexts have several fields, the text that stands for one is made of them all. These are in the order of their
 * rows: sentences of one paragraph meet in a batch, where their encoder (encoder/joined) takes it once.
 */
typedef struct {
    qctx_store_batches store;
    int64_t text_count; /* distinct ones */
    int64_t longest;    /* texts of the batch with the most */
    const char **texts; /* [text_count], the corpus's or those of `contexts` */
    int64_t field_count;
    qctx_context_texts fields[QCTX_JOINED_MAX]; /* [field_count] */
    const char **contexts;                      /* [context_count] what stands for each */
    qctx_arena made;                            /* of several fields */
    double *costs;                              /* [batches], in any unit: what encoding a batch is expected to take */
} qctx_embed_batches;

/*
 * Makes the batches of a corpus, of whose contexts fields [field_count] are taken, which were checked; freed in any
 * case with qctx_embed_batches_free. Local. Errors: MEMORY, and those of reading fields.
 */
qctx_status qctx_embed_batches_make(const qctx_corpus *corpus, const char *const *fields, int64_t field_count,
                                    qctx_embed_batches *batches, qctx_error *error);
void qctx_embed_batches_free(qctx_embed_batches *batches);

/*
 * Deals the batches that are not done to `ranks` ranks, the costliest first, each to the rank with the least so far
 * (longest processing time first, Graham 1969). own [batches] = those of `rank`, in that order; returns how many.
 * Local. Errors: MEMORY: −1.
 */
int64_t qctx_embed_deal(const qctx_embed_batches *batches, const bool *done, int rank, int ranks, int64_t *own,
                        qctx_error *error);

#endif
