/*
 * Checkpoints: one file with everything a run needs to go on, or a search to use the head; published whole (temporary,
 * fsync, rename, fsync of the folder), and verified to the last byte before it is used.
 *
 * The first 512 bytes are a line of text, "qctx-checkpoint 2 bytes N xxh3 H", filled up with zeros: N bytes follow,
 * and their 64-bit XXH3 hash (seed 0, as `xxhsum -H3` prints it) is H, in 16 hexadecimal digits. They are a whole HDF5
 * file, which HDF5's tools and h5py find behind a block of this size (the user block of the HDF5 file format, section
 * II.A). So a file is its own manifest: what was torn, cut or changed anywhere is seen, wherever the file is copied to.
 * Equal states make equal bytes.
 *
 * Attributes: schema = "qctx-checkpoint", version = 2; the run's progress (qctx_progress): epoch, step, evaluated,
 * seconds, loss_sum, accuracy_sum, summed, loss_start, loss_now, best_metric, best_epoch, best_step, best_strength,
 * best_mrr, unguarded_metric, unguarded_mrr, unguarded_epoch, unguarded_strength, limited_by; widened; trained_on;
 * optimizer_steps, strength, encoder_fingerprint, config (resolved YAML), ranks, threads, seed, sources
 * (dataset/origin); the head's shape: head_form ("residual"), head_sides ("both"), head_activation ("gelu"),
 * head_layers, head_input, head_hidden, head_output, head_dropout; how the steps were taken: similarity ("rows"),
 * precision ("float32"). The first files of this version hold the head's three names as numbers, and none of best_mrr,
 * unguarded_*, limited_by, widened, trained_on and sources; they are read as well.
 *
 *   parameters/  one dataset per tensor: question/0/weight [out, in], …
 *
 *                logit_scale [1] (its logarithm); of the sigmoid loss also logit_bias [1]
 *
 *   optimizer/   first, second [count] (absent in a best.h5, which only serves)
 *
 *   best         [count] parameters of the best epoch so far (absent before the first evaluation, and in a best.h5)
 *
 *   mined        [count] parameters that the negatives of the next step were mined with (absent where none were,
 *                where they are mined anew before it, and in a best.h5)
 */
#ifndef QCTX_RUN_CHECKPOINT_H
#define QCTX_RUN_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "qctx/base/status.h"
#include "qctx/model/head.h"
#include "qctx/model/loss.h"
#include "qctx/model/optimizer.h"
#include "qctx/platform/comm.h"
#include "qctx/platform/h5.h"
#include "qctx/run/progress.h"

#define QCTX_CHECKPOINT_VERSION 2

/* A scheme of earlier versions: its runs can be read and used, but nobody here takes their next step. */
#define QCTX_CHECKPOINT_RETIRED_SCHEME "rows_columns"

/* What a checkpoint holds. When read, the caller owns the arrays and texts: qctx_checkpoint_free. */
typedef struct {
    qctx_progress progress; /* of the run; in a best.h5 epoch and step are those of the best epoch */
    double strength;        /* α chosen on held-out pairs; 1 before that */
    int64_t ranks;          /* that took the steps, with so many threads each */
    int64_t threads;
    char *config; /* resolved YAML */
    char *encoder_fingerprint;
    char *sources; /* what was trained with, as dataset/origin writes it; NULL where the file does not tell */
    qctx_head_config head;
    int64_t trained_on;         /* qctx_examples_fingerprint; 0 where the file does not tell */
    int64_t widened;            /* 1: all contexts of the corpus are candidates of the choice, instead of pools */
    qctx_similarity similarity; /* what the run's plan took, so that a resumed one takes it again; AUTO: retired */
    qctx_precision precision;
    int64_t scalar_count; /* learned numbers behind the head's: the logarithm of the logit scale, and with 2 the bias */
    float *parameters;    /* [qctx_head_parameter_count + scalar_count] */
    float *best;          /* of the best epoch, as `parameters`; NULL before the first evaluation, and in a best.h5 */
    float *mined;         /* that the next step's negatives were mined with, as `parameters`; NULL where absent */
    qctx_optimizer_state optimizer; /* count 0 where absent */
} qctx_checkpoint;

/*
 * The file's bytes in `image`, whose memory is used again if it holds an older one; all of it 0 to begin with. They
 * become a checkpoint by qctx_checkpoint_seal, which hashes them: a background thread may do that and write them, for
 * it needs neither HDF5 nor MPI. The caller frees image->bytes. Local. Errors: MEMORY, INTERNAL.
 */
qctx_status qctx_checkpoint_encode(const qctx_checkpoint *checkpoint, qctx_h5_image *image, qctx_error *error);
void qctx_checkpoint_seal(qctx_h5_image *image);

/*
 * Reads: rank 0 the file, all the bytes that it passes on, which a child process of each tries first (platform/cage):
 * somebody may have changed them and hashed them again. Collective. Errors: IO, MEMORY, FORMAT (not a checkpoint,
 * unknown version, wrong shapes, tensors that its head does not have, progress that no run can have made), DATA (torn,
 * cut or changed: with what was found and expected; values that are not finite).
 */
qctx_status qctx_checkpoint_read(qctx_comm *comm, const char *path, qctx_checkpoint *checkpoint, qctx_error *error);
void qctx_checkpoint_free(qctx_checkpoint *checkpoint);

/* A hash of the parameters and the optimiser's state: two runs that did the same, bit for bit, have the same. Local. */
uint64_t qctx_checkpoint_checksum(const qctx_checkpoint *checkpoint);

/* Whether the file begins as a checkpoint does; it may still be damaged. Local. */
bool qctx_checkpoint_is(const char *path);

#endif
