#include "mutate_internal.h"

#include <fcntl.h>
#include <unistd.h>

#include "../../src/store/store_internal.h"
#include "harness.h"
#include "qctx/run/checkpoint.h"
#include "targets.h"

enum { FUZZ_CHECKPOINT_FRONT = 512 };

/* Where a store stands while its head is made. */
static const char fuzz_sealed[] = "sealed";

static void fuzz_seal_checkpoint(fuzz_input *input)
{
    qctx_h5_image image = {.front = FUZZ_CHECKPOINT_FRONT};

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

/* The head that it had before it was mutated, made to fit, or nearly. */
static void fuzz_seal_store(fuzz_random *random, qctx_store_head *head, fuzz_input *input)
{
    int file;

    head->bytes = (int64_t)input->size;
    fuzz_write(fuzz_sealed, input->bytes, input->size);
    file = open(fuzz_sealed, O_RDONLY);
    assert_true(file >= 0);
    /* Where the head does not fit any more, as it was. */
    qctx_store_rest_sum(file, fuzz_sealed, head, 0, 1, &head->rest, NULL);
    close(file);
    if (fuzz_below(random, 8) == 0)
        fuzz_mutate_head(random, head);
    qctx_store_head_write(head, (char *)input->bytes);
}

static qctx_store_head fuzz_head_of(const fuzz_input *input)
{
    qctx_store_head head;
    bool there;

    fuzz_write(fuzz_sealed, input->bytes, input->size);
    assert_int_equal(qctx_store_head_read(fuzz_sealed, &head, &there, NULL), QCTX_OK);
    assert_true(there);
    return head;
}

/*
 * Bytes on which HDF5 may crash: of files that a child process reads whole. The texts of a store whose head fits are
 * read in this one.
 */
static void fuzz_damage(fuzz_random *random, fuzz_form form, fuzz_input *input, size_t front)
{
    fuzz_input body = {input->bytes + front, input->size - front, input->capacity - front};

    if (form == FUZZ_STORE || fuzz_below(random, 3) > 0)
        return;
    for (size_t left = 1 + fuzz_below(random, 3); left > 0; left--)
        fuzz_mutate_bytes(random, &body);
    input->size = front + body.size;
}

void fuzz_mutate_hdf5(fuzz_random *random, const fuzz_grammar *grammar, size_t times, fuzz_input *input)
{
    const size_t front = grammar->form == FUZZ_STORE        ? (size_t)QCTX_STORE_FRONT
                         : grammar->form == FUZZ_CHECKPOINT ? (size_t)FUZZ_CHECKPOINT_FRONT
                                                            : 0;
    qctx_store_head head = {0};

    if (grammar->form == FUZZ_STORE)
        head = fuzz_head_of(input);
    while (times-- > 0)
        fuzz_mutate_contents(random, grammar, input, front);
    fuzz_damage(random, grammar->form, input, front);
    if (grammar->form == FUZZ_STORE)
        fuzz_seal_store(random, &head, input);
    else if (grammar->form == FUZZ_CHECKPOINT)
        fuzz_seal_checkpoint(input);
    if (fuzz_below(random, 32) == 0)
        fuzz_mutate_bytes(random, input);
}
