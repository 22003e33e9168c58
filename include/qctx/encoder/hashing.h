/*
 * The built-in encoder: BM25 (Robertson and Zaragoza 2009) in a dense vector, by signed feature hashing (Weinberger
 * et al. 2009). It needs no download and is the lexical baseline.
 *
 * Features of a text, after NFKC case folding: its words without English stop words, at weight 1, and the character
 * n-grams (3 to 5 code points) of "<word>", marks included, at weight `ngram_weight`. A text of nothing but stop
 * words keeps them. Feature f adds to coordinate h(f) mod (dim − 1), with the sign of h(f)'s highest bit:
 *
 *   question   weight · occurrences · idf(f), scaled to unit length; the last coordinate is 0
 *   context    weight · tf · (k1 + 1) / (tf + k1 · (1 − b + b · length / mean length)), as a whole divided by M;
 *              the last coordinate makes it unit length, √(1 − ‖c‖² / M²)
 *
 * so dot products of rows order contexts as the plain products do. M is the largest norm among the contexts of the
 * fit; a longer context is scaled to unit length with last coordinate 0. Lengths count the words that are features.
 *
 *   idf(f) = √(1 + ln((n + 1) / (df + 1)))        n contexts, df of them with f
 *
 * The root is there because collisions in few dimensions cost the more, the more the weights differ. A feature seen
 * in one context only is not kept: df = 1 holds for it and for unseen ones. A question without a single word is the
 * first unit vector, a context without one the last.
 *
 * Settings, as a JSON object: dim (1024; 16 … 65536), ngram_weight (0.3), k1 (1.2), b (0.75).
 */
#ifndef QCTX_ENCODER_HASHING_H
#define QCTX_ENCODER_HASHING_H

#include "qctx/encoder/encoder_class.h"

extern const qctx_encoder_class qctx_hashing_encoder;

#endif
