/* Those who read fuzzed files, through the public headers; and what they share. */
#ifndef QCTX_TESTS_USE_H
#define QCTX_TESTS_USE_H

#include <sys/types.h>

#include "qctx/base/status.h"
#include "qctx/platform/comm.h"
#include "targets.h"

/* The input that is under way. */
typedef struct {
    int64_t seed, index;
    const fuzz_target *target;
    pid_t process;
} fuzz_input_mark;

extern fuzz_input_mark fuzz_running;
extern qctx_error fuzz_error;
extern qctx_comm *fuzz_alone; /* of this rank alone */

/* Says which input it was, and how it is made again. */
void fuzz_report(const char *what);

/* Whether it is good; what is not has a message in fuzz_error, of the same code. */
bool fuzz_opened(qctx_status status);

/* Asserts what must hold of all that is taken; reports the input where it does not. */
#define fuzz_holds(condition) fuzz_hold((condition), #condition, __FILE__, __LINE__)
void fuzz_hold(bool holds, const char *condition, const char *file, int line);

/* Which files of a model's folder who reads. */
bool fuzz_is_of_tokenizer(const char *name);
bool fuzz_is_of_model(const char *name);

/* As fuzz_kind has it. */
bool fuzz_use_model(const fuzz_target *target, uint64_t draw);
bool fuzz_use_tokenizer(const fuzz_target *target, uint64_t draw);
bool fuzz_use_import(const fuzz_target *target, uint64_t draw);
bool fuzz_use_corpus(const fuzz_target *target, uint64_t draw);
bool fuzz_use_scores(const fuzz_target *target, uint64_t draw);
bool fuzz_use_negatives(const fuzz_target *target, uint64_t draw);
bool fuzz_use_document(const fuzz_target *target, uint64_t draw);
bool fuzz_use_config(const fuzz_target *target, uint64_t draw);
bool fuzz_use_sweep(const fuzz_target *target, uint64_t draw);
bool fuzz_use_ledger(const fuzz_target *target, uint64_t draw);
bool fuzz_use_checkpoint(const fuzz_target *target, uint64_t draw);
bool fuzz_use_store(const fuzz_target *target, uint64_t draw);
bool fuzz_use_partial(const fuzz_target *target, uint64_t draw);
bool fuzz_use_run(const fuzz_target *target, uint64_t draw);

#endif
