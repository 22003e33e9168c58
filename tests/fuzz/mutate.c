#include "mutate.h"

#include <stdlib.h>
#include <string.h>

#include "mutate_internal.h"

/* splitmix64 (Steele et al. 2014). */
uint64_t fuzz_next(fuzz_random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

size_t fuzz_below(fuzz_random *random, size_t count)
{
    return count == 0 ? 0 : (size_t)(fuzz_next(random) % count);
}

void fuzz_replace(fuzz_input *input, size_t first, size_t gone, const void *bytes, size_t count)
{
    unsigned char *copy;

    if (input->size - gone + count > input->capacity)
        return;
    copy = malloc(count + 1);
    memcpy(copy, bytes, count);
    memmove(input->bytes + first + count, input->bytes + first + gone, input->size - first - gone);
    memcpy(input->bytes + first, copy, count);
    input->size += count - gone;
    free(copy);
}

/* A range of `input`, mostly short. */
static void fuzz_range(fuzz_random *random, const fuzz_input *input, size_t *first, size_t *count)
{
    size_t most = fuzz_below(random, 4) == 0 ? input->size : 32;

    *first = fuzz_below(random, input->size + 1);
    *count = fuzz_below(random, most + 1);
    if (*count > input->size - *first)
        *count = input->size - *first;
}

void fuzz_mutate_bytes(fuzz_random *random, fuzz_input *input)
{
    static const unsigned char odd[] = {0, 1, 0x7f, 0x80, 0xc0, 0xed, 0xff, '"', '\\', '\n', '{', '[', ' ', '-'};
    unsigned char byte = odd[fuzz_below(random, sizeof odd)], block[16];
    size_t first, count, other = fuzz_below(random, input->size + 1);

    fuzz_range(random, input, &first, &count);
    switch (fuzz_below(random, 7)) {
    case 0:
        if (first < input->size)
            input->bytes[first] ^= (unsigned char)(1u << fuzz_below(random, 8));
        break;
    case 1:
        if (first < input->size)
            input->bytes[first] = byte;
        break;
    case 2:
        fuzz_replace(input, first, count, "", 0);
        break;
    case 3:
        fuzz_replace(input, other, 0, input->bytes + first, count);
        break;
    case 4:
        input->size = first;
        break;
    case 5:
        for (size_t i = 0; i < sizeof block; i++)
            block[i] = (unsigned char)fuzz_next(random);
        fuzz_replace(input, first, 0, block, fuzz_below(random, sizeof block + 1));
        break;
    default:
        fuzz_replace(input, first, 0, &byte, 1);
    }
}

/* A part of another file, in the place of one of this. */
static void fuzz_splice(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input)
{
    const fuzz_input donor = {(unsigned char *)grammar->donor, grammar->donor_size, 0};
    size_t first, count, from, given;

    fuzz_range(random, input, &first, &count);
    fuzz_range(random, &donor, &from, &given);
    fuzz_replace(input, first, fuzz_below(random, 2) ? count : 0, grammar->donor + from, given);
}

/* Of sixteen mutations those of tokens, of lines, and parts of other files; the rest is of bytes. */
static const unsigned char fuzz_shares[][3] = {
    [FUZZ_BYTES] = {0, 0, 1}, [FUZZ_TEXT] = {5, 0, 1},        [FUZZ_JSON] = {13, 0, 1},
    [FUZZ_LINES] = {6, 6, 1}, [FUZZ_SAFETENSORS] = {0, 0, 1},
};

static void fuzz_mutate_once(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input)
{
    const unsigned char *shares = fuzz_shares[grammar->form];
    size_t chance = fuzz_below(random, 16);

    if (chance < shares[0])
        fuzz_mutate_tokens(random, grammar, input);
    else if (chance < (size_t)shares[0] + shares[1])
        fuzz_mutate_lines(random, grammar, input);
    else if (chance < (size_t)shares[0] + shares[1] + shares[2])
        fuzz_splice(random, grammar, input);
    else
        fuzz_mutate_bytes(random, input);
}

/* The header as JSON, with its length put right most of the time; the data, if at all, cut or lengthened. */
static void fuzz_mutate_safetensors(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input)
{
    const fuzz_grammar json = {FUZZ_JSON, grammar->words, grammar->donor, grammar->donor_size};
    uint64_t length = 0;
    fuzz_input header;

    if (input->size < 8)
        return;
    for (int i = 0; i < 8; i++)
        length |= (uint64_t)input->bytes[i] << (8 * i);
    if (length > input->size - 8 || fuzz_below(random, 8) == 0) {
        fuzz_mutate_bytes(random, input);
        return;
    }
    header = (fuzz_input){malloc((size_t)length + 1024), (size_t)length, (size_t)length + 1024};
    memcpy(header.bytes, input->bytes + 8, header.size);
    fuzz_mutate_once(random, &json, &header);
    fuzz_replace(input, 8, (size_t)length, header.bytes, header.size);
    if (fuzz_below(random, 16) > 0) {
        for (int i = 0; i < 8; i++)
            input->bytes[i] = (unsigned char)(header.size >> (8 * i));
    }
    free(header.bytes);
}

void fuzz_mutate(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input)
{
    size_t times = 1 + fuzz_below(random, 3) * fuzz_below(random, 3);

    if (grammar->form >= FUZZ_HDF5) {
        fuzz_mutate_hdf5(random, grammar, times, input);
        return;
    }
    while (times-- > 0) {
        if (grammar->form == FUZZ_SAFETENSORS)
            fuzz_mutate_safetensors(random, grammar, input);
        else
            fuzz_mutate_once(random, grammar, input);
    }
}
