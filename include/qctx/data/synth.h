/*
 * Synthetic corpora of any size: readable English about places that do not exist, to try the whole job without data
 * and to show a head at work.
 *
 * Questions and contexts mostly say the same relation in different words ("who founded" / "was established by"), and
 * several facts about one entity stand next to each other as contexts of their own, so its name does not tell which
 * of them answers: a head can learn what word overlap does not give. Some pairs do share their words. Two entities
 * in a row share a name and differ in kind ("the Velmora Tower", "the Velmora Bridge"), and a question may call a
 * kind by another word ("the Velmora Spire"). Pairs come in groups about one name; no name is on two sides of the
 * split, of which train has the first 80% of the groups, dev and test 10% each.
 *
 * Every pair is a pure function of (seed, index), so memory does not grow and equal seeds give equal bytes.
 */
#ifndef QCTX_DATA_SYNTH_H
#define QCTX_DATA_SYNTH_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"

/* Bounds of the number of questions: a group for each split, and all the names there are. */
enum { QCTX_SYNTH_LEAST = 30, QCTX_SYNTH_MOST = 20000000 };

/* One question, the context that answers it, and the name of what they are about. */
typedef struct {
    char title[96];
    char question[256];
    char context[512];
} qctx_synth_pair;

/* Pair `index` of the corpus of a seed. index < QCTX_SYNTH_MOST. Local. Cannot fail. */
qctx_synth_pair qctx_synth_make(uint64_t seed, int64_t index);

/* Questions, and as many contexts, of each split. */
typedef struct {
    int64_t train;
    int64_t dev;
    int64_t test;
} qctx_synth_sizes;

/* How `questions` (QCTX_SYNTH_LEAST … QCTX_SYNTH_MOST) are divided. Local. Cannot fail. */
qctx_synth_sizes qctx_synth_divide(int64_t questions);

/* Writes a corpus folder. Local: one rank writes. Errors: EXISTS (unless `force`), IO, MEMORY, STOPPED. */
qctx_status qctx_synth_write(const char *folder, int64_t questions, uint64_t seed, bool force, qctx_error *error);

#endif
