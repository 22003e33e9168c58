/*
 * Watches the memory of one input: bytes that are allocated now, and the most there were at a time. Through the
 * sanitizer's hooks where there is one, else through malloc itself.
 */
#ifndef QCTX_TESTS_MEMORY_H
#define QCTX_TESTS_MEMORY_H

#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define FUZZ_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FUZZ_SANITIZED 1
#endif
#endif

/* Bytes that are allocated now, and the most there were since it was last set. */
extern int64_t fuzz_live, fuzz_peak;

/* Begins to count. */
void fuzz_watch_memory(void);

#endif
