/*
 * Fast non-cryptographic hashes (XXH3 of the xxHash library), for fingerprints,
 * checksums and hash tables. The values are stable across machines and runs.
 */
#ifndef QCTX_BASE_HASH_H
#define QCTX_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"

/* 64-bit hash of `bytes` bytes under `seed`. Local. Cannot fail. */
uint64_t qctx_hash(const void *data, size_t bytes, uint64_t seed);

/* 64-bit hash of the bytes of a text under `seed`, without the NUL that ends it. Local. Cannot fail. */
uint64_t qctx_hash_text(const char *text, uint64_t seed);

/* Hash of a file's contents under `seed`, read as a stream. Local. Errors: IO. */
qctx_status qctx_hash_file(const char *path, uint64_t seed, uint64_t *hash, qctx_error *error);

#endif
