/*
 * The encoder "pretrained": a transformer with its tokenizer, from a model folder (transformer/model_folder).
 *
 * Settings, as a JSON object:
 *   model            the folder; required
 *   context_model    another folder for contexts; "" (the default): the same
 *   precision        "float32" (default), "bfloat16" or "auto", which is resolved at creation: bfloat16 where the CPU
 *                    has instructions for it
 *   dim              first coordinates kept, before normalising (matryoshka); 0 (default): all
 *   pooling          "mean", "cls+max" …; "" (default): as the folder says
 *   question_prompt, context_prompt    put before each text; null or absent: the folder's own
 *   hash             16 hexadecimal digits of the folders' content: absent at first; a saved one must fit
 *
 * It learns nothing. A folder that is not where it was is looked for beside the run that is open, then in the folders
 * of QCTX_MODELS (separated by ':'): by the last part of its name, or one model by its hash, under any name. What is
 * found must have the same hash. Its identity has no paths in it.
 *
 * A text that gives no token at all (an empty one, with a tokenizer that adds no special tokens) or a vector of zeros
 * becomes the first unit vector, so that a store can hold it; a vector that is not finite is refused (DATA).
 *
 * Errors of creation: CONFIG (settings; a dim above the model's; two models of different dims), IO (no such folder),
 * FORMAT (its files), MISMATCH (another hash; a tokenizer with more tokens than there are embeddings), MEMORY.
 *
 * Creation reads every file and checks it, but packs no weights: the first text that is encoded does. A run whose
 * vectors are all cached asks for the fingerprint alone.
 *
 * Within a call, texts go longest first into groups of some hundred tokens, dealt to the threads; groups follow from
 * the texts of the call alone.
 */
#ifndef QCTX_ENCODER_PRETRAINED_H
#define QCTX_ENCODER_PRETRAINED_H

#include "qctx/encoder/encoder_class.h"

extern const qctx_encoder_class qctx_pretrained_encoder;

/*
 * From here on models are looked for under this folder of a run and those above it as well; NULL: no longer. Local.
 */
void qctx_pretrained_look_beside(const char *folder);

/*
 * Whether a path of the configuration may be followed: that of the run that is open only where base/trust allows it.
 * Local.
 */
bool qctx_pretrained_may_follow(const char *path);

/* Refuses one that may not, and says how to allow it. Local. Errors: IO. */
qctx_status qctx_pretrained_refuse(const char *path, qctx_error *error);

/*
 * The model folder beside the run, or in one of the folders of QCTX_MODELS that is called as `path` is at its end,
 * freshly allocated, or NULL where there is none. Local. Errors: MEMORY.
 */
qctx_status qctx_pretrained_search(const char *path, char **found, qctx_error *error);

#endif
