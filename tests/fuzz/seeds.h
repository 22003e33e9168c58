/*
 * Seeds that are as small as they can be, one folder of a model for each way of reading one: most inputs come from
 * these, since a small one is read some ten times as fast.
 */
#ifndef QCTX_TESTS_SEEDS_H
#define QCTX_TESTS_SEEDS_H

enum { FUZZ_PATH_MAX = 1024 };

/* "FOLDER/NAME" into `path`. */
void fuzz_path(char path[FUZZ_PATH_MAX], const char *folder, const char *name);

/* Rank 0 writes the seeds' folders into `folder`, which all see. Collective. */
void fuzz_write_seeds(const char *folder);

#endif
