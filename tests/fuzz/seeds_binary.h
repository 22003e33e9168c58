/* Seeds that are no text: each writes files of its kind into `folder`, which is there. Local; checkpoints Collective.
 */
#ifndef QCTX_TESTS_SEEDS_BINARY_H
#define QCTX_TESTS_SEEDS_BINARY_H

#include "seeds.h"

void fuzz_write_checkpoints(const char *folder);
void fuzz_write_stores(const char *folder);
void fuzz_write_partials(const char *folder);
void fuzz_write_foreign_stores(const char *folder);

#endif
