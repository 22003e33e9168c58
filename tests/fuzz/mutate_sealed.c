#include "mutate_internal.h"

#include <fcntl.h>
#include <unistd.h>

#include "../../src/store/store_internal.h"
#include "harness.h"
#include "qctx/run/checkpoint.h"
#include "targets.h"

enum { FUZZ_CHECKPOINT_FRONT = 512 };

/* Of the HDF5 file its contents, or its bytes, on which HDF5 may crash. */
static void fuzz_mutate_checkpoint(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input)
{
    qctx_h5_image image = {.front = FUZZ_CHECKPOINT_FRONT};
    fuzz_input body = {input->bytes + FUZZ_CHECKPOINT_FRONT, input->size - FUZZ_CHECKPOINT_FRONT,
                       input->capacity - FUZZ_CHECKPOINT_FRONT};

    if (fuzz_below(random, 4) == 0) {
        fuzz_mutate_bytes(random, &body);
        input->size = FUZZ_CHECKPOINT_FRONT + body.size;
    } else {
        fuzz_mutate_contents(random, grammar, input, FUZZ_CHECKPOINT_FRONT);
    }
    image.bytes = (char *)input->bytes;
    image.capacity = image.count = (int64_t)input->size;
    qctx_checkpoint_seal(&image);
}

/* One number of the head: where something lies, or how long it is. */
static void fuzz_mutate_head(fuzz_random *random, qctx_store_head *head)
{
    int64_t *const numbers[] = {
        &head->bytes,           &head->digits,          &head->offsets[0],      &head->offsets[1],
        &head->vector_bytes[0], &head->vector_bytes[1], (int64_t *)&head->rest, (int64_t *)&head->checksum};
    int64_t *number = numbers[fuzz_below(random, sizeof numbers / sizeof numbers[0])];

    switch (fuzz_below(random, 4)) {
    case 0:
        *number += (int64_t)fuzz_below(random, 9) - 4;
        break;
    case 1:
        *number = 0;
        break;
    case 2:
        *number = (int64_t)(fuzz_next(random) >> fuzz_below(random, 64));
        break;
    default:
        *number ^= INT64_C(1) << fuzz_below(random, 62);
    }
}

static void fuzz_mutate_store(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input)
{
    static const char path[] = "sealed";
    qctx_store_head head;
    bool there;
    int file;

    fuzz_write(path, input->bytes, input->size);
    if (qctx_store_head_read(path, &head, &there, NULL) != QCTX_OK || !there) {
        fuzz_mutate_bytes(random, input);
        return;
    }
    /* Not its bytes: the texts of a store whose head fits are read by HDF5 in this very process. */
    fuzz_mutate_contents(random, grammar, input, QCTX_STORE_FRONT);
    head.bytes = (int64_t)input->size;
    fuzz_write(path, input->bytes, input->size);
    file = open(path, O_RDONLY);
    assert_true(file >= 0);
    /* Where the head does not fit any more, as it was. */
    qctx_store_rest_sum(file, path, &head, 0, 1, &head.rest, NULL);
    close(file);
    if (fuzz_below(random, 8) == 0)
        fuzz_mutate_head(random, &head);
    qctx_store_head_write(&head, (char *)input->bytes);
}

void fuzz_mutate_sealed(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input)
{
    const size_t front = grammar->form == FUZZ_STORE ? (size_t)QCTX_STORE_FRONT : (size_t)FUZZ_CHECKPOINT_FRONT;

    if (input->size <= front || fuzz_below(random, 32) == 0)
        fuzz_mutate_bytes(random, input);
    else if (grammar->form == FUZZ_STORE)
        fuzz_mutate_store(random, grammar, input);
    else
        fuzz_mutate_checkpoint(random, grammar, input);
}
