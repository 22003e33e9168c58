/*
 * Work on files of unknown origin in a child process with limits: a library that crashes, hangs or takes gigabytes
 * there ends the child alone, and this process with a message.
 *
 * The child is a fork without exec. It has one thread, speaks neither to MPI nor to the terminal, starts no threads
 * (no OpenMP), and ends by _exit: nothing of its parent is flushed, closed or finished twice. It dies with its parent.
 */
#ifndef QCTX_PLATFORM_CAGE_H
#define QCTX_PLATFORM_CAGE_H

#include <stddef.h>
#include <stdint.h>

#include "qctx/base/status.h"

typedef struct {
    int64_t
        memory; /* bytes of address space beyond what this process has; 0: any. Not followed by sanitizers' builds */
    int64_t output; /* bytes of a file that is written; 0: any */
    int64_t input;  /* bytes to be read: what they may take is added to `seconds` */
    int copy;       /* the file that is written, whose size counts as `input` does; −1: none */
    double seconds; /* of processor time; of waiting, for a disk or another process, many times as much */
} qctx_cage_limits;

/* The work: fills `result` in the child, or `error`. */
typedef qctx_status (*qctx_cage_work)(void *context, void *result, qctx_error *error);

/*
 * Runs `work` in a child and waits for it; `result` [bytes] then holds what it left there, plain data. `path` is the
 * file that it reads, and `reader` the library, both for messages. While it waits, this rank answers those who ask
 * whether it is alive, and a request to stop ends child and waiting. Local. Errors: those of `work`; FORMAT (it
 * crashed, or passed a limit), STOPPED, IO and MEMORY (no process can be started, or the system killed it).
 */
qctx_status qctx_cage_run(const char *path, const char *reader, const qctx_cage_limits *limits, qctx_cage_work work,
                          void *context, void *result, size_t bytes, qctx_error *error);

#endif
