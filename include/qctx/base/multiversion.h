/*
 * One binary for a mixed cluster: a loop marked QCTX_MULTIVERSION is compiled
 * for several generations of x86-64 and the fitting one chosen when the program
 * starts. Elsewhere (arm64, clang) the mark is empty and the loop is plain C.
 *
 * The mark belongs on functions without OpenMP pragmas: a parallel region is cut
 * out of its function before the versions are made. All versions give the same
 * bits, since the Makefile's flags forbid the compiler to fuse or reorder float sums.
 */
#ifndef QCTX_BASE_MULTIVERSION_H
#define QCTX_BASE_MULTIVERSION_H

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define QCTX_MULTIVERSION __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define QCTX_MULTIVERSION
#endif

#endif
