#include "mutate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64 (Steele et al. 2014). */
static uint64_t fuzz_next(fuzz_random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t fuzz_below(fuzz_random *random, size_t count)
{
    return count == 0 ? 0 : (size_t)(fuzz_next(random) % count);
}

/* Replaces bytes first … first + gone − 1 by `count` others, which may lie in the input itself; what is too much is
 * left out. */
static void fuzz_replace(fuzz_input *input, size_t first, size_t gone, const void *bytes, size_t count)
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

static void fuzz_mutate_bytes(fuzz_random *random, fuzz_input *input)
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

/* A token of JSON, or of any text alike: a string with its quotes, a number, a word. */
typedef struct {
    size_t first, end;
} fuzz_token;

enum { FUZZ_TOKENS_MAX = 8192 };

static bool fuzz_is_word(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' ||
           c == '.' || c == '_';
}

static size_t fuzz_tokens(const fuzz_input *input, fuzz_token *tokens)
{
    size_t count = 0;

    for (size_t i = 0; i < input->size && count < FUZZ_TOKENS_MAX;) {
        size_t first = i;

        if (input->bytes[i] == '"') {
            for (i++; i < input->size && input->bytes[i] != '"'; i++)
                i += input->bytes[i] == '\\';
            i = i < input->size ? i + 1 : input->size;
        } else if (fuzz_is_word(input->bytes[i])) {
            while (i < input->size && fuzz_is_word(input->bytes[i]))
                i++;
        } else {
            i++;
            continue;
        }
        tokens[count++] = (fuzz_token){first, i};
    }
    return count;
}

/* Values where code is wrong that is nearly right, and words that the formats know. */
static const char *const fuzz_values[] = {
    "0",
    "1",
    "2",
    "3",
    "-1",
    "255",
    "256",
    "65535",
    "65536",
    "2147483646",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "1000000000000000019884624838656",
    "0.5",
    "1e308",
    "1e-320",
    "1e999",
    "-0.0",
    "1.0",
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[[]]",
    "[1]",
    "{\"a\":1}",
    "\"\"",
    "\" \"",
    "\"a\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\u00e9\"",
    "\"/\"",
    "\"..\"",
    "\"__metadata__\"",
    "\"F32\"",
    "\"BF16\"",
    "\"F16\"",
    "\"I64\"",
    "\"BOOL\"",
    "\"F4\"",
    "\"bert\"",
    "\"distilbert\"",
    "\"roberta\"",
    "\"mpnet\"",
    "\"clip\"",
    "\"clip_text_model\"",
    "\"gelu\"",
    "\"relu\"",
    "\"quick_gelu\"",
    "\"absolute\"",
    "\"cls\"",
    "\"mean\"",
    "\"max\"",
    "\"lasttoken\"",
    "\"argmax\"",
    "\"eos\"",
    "\"Sequence\"",
    "\"Lowercase\"",
    "\"BertNormalizer\"",
    "\"NFC\"",
    "\"NFD\"",
    "\"NFKC\"",
    "\"StripAccents\"",
    "\"Replace\"",
    "\"Prepend\"",
    "\"Strip\"",
    "\"Precompiled\"",
    "\"ByteLevel\"",
    "\"BertPreTokenizer\"",
    "\"Whitespace\"",
    "\"WhitespaceSplit\"",
    "\"Split\"",
    "\"Punctuation\"",
    "\"Isolated\"",
    "\"Removed\"",
    "\"TemplateProcessing\"",
    "\"BertProcessing\"",
    "\"RobertaProcessing\"",
    "\"WordPiece\"",
    "\"BPE\"",
    "\"Unigram\"",
    "\"WordLevel\"",
    "\"[UNK]\"",
    "\"##\"",
    "\"</w>\"",
    "\"Ġ\"",
    "\"<|endoftext|>\"",
    "\"single\"",
    "\"special\"",
    "\"normalized\"",
    "\"lstrip\"",
    "\"rstrip\"",
    "\"single_word\"",
    "\"content\"",
    "\"Regex\"",
    "\"String\"",
    "\"(a|a)*b\"",
    "\"\\\\s+\"",
    "\"\\\\p{L}\"",
};

static void fuzz_mutate_tokens(fuzz_random *random, fuzz_input *input)
{
    static fuzz_token tokens[FUZZ_TOKENS_MAX];
    size_t count = fuzz_tokens(input, tokens);
    const fuzz_token *one = &tokens[fuzz_below(random, count)], *other = &tokens[fuzz_below(random, count)];
    const char *value = fuzz_values[fuzz_below(random, sizeof fuzz_values / sizeof fuzz_values[0])];
    char number[32], deep[512];
    long long near;

    if (count == 0)
        return;
    switch (fuzz_below(random, 7)) {
    case 0:
    case 1:
        fuzz_replace(input, one->first, one->end - one->first, value, strlen(value));
        break;
    case 2:
        fuzz_replace(input, one->first, one->end - one->first, input->bytes + other->first, other->end - other->first);
        break;
    case 3:
        /* A whole run of tokens with what separates them, elsewhere or nowhere. */
        if (other->first < one->first)
            fuzz_replace(input, other->first, one->first - other->first, "", 0);
        else
            fuzz_replace(input, one->first, 0, input->bytes + one->first, other->first - one->first);
        break;
    case 4:
        memcpy(number, input->bytes + one->first, one->end - one->first < 20 ? one->end - one->first : 20);
        number[one->end - one->first < 20 ? one->end - one->first : 20] = '\0';
        near = (long long)((unsigned long long)strtoll(number, NULL, 10) + fuzz_below(random, 5) - 2);
        snprintf(number, sizeof number, "%lld", near);
        fuzz_replace(input, one->first, one->end - one->first, number, strlen(number));
        break;
    case 5:
        memset(deep, fuzz_below(random, 2) == 0 ? '[' : '{', sizeof deep);
        fuzz_replace(input, one->first, fuzz_below(random, 2) == 0 ? 0 : one->end - one->first, deep,
                     fuzz_below(random, sizeof deep));
        break;
    default:
        fuzz_replace(input, one->first, 0, value, strlen(value));
    }
}

static void fuzz_mutate_once(fuzz_random *random, fuzz_form form, fuzz_input *input)
{
    if (form == FUZZ_JSON ? fuzz_below(random, 8) > 0 : fuzz_below(random, 3) == 0)
        fuzz_mutate_tokens(random, input);
    else
        fuzz_mutate_bytes(random, input);
}

/* The header as JSON, with its length put right most of the time; the data, if at all, cut or lengthened. */
static void fuzz_mutate_safetensors(fuzz_random *random, fuzz_input *input)
{
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
    fuzz_mutate_once(random, FUZZ_JSON, &header);
    fuzz_replace(input, 8, (size_t)length, header.bytes, header.size);
    if (fuzz_below(random, 16) > 0) {
        for (int i = 0; i < 8; i++)
            input->bytes[i] = (unsigned char)(header.size >> (8 * i));
    }
    free(header.bytes);
}

void fuzz_mutate(fuzz_random *random, fuzz_form form, fuzz_input *input)
{
    for (size_t left = 1 + fuzz_below(random, 3) * fuzz_below(random, 3); left > 0; left--) {
        if (form == FUZZ_SAFETENSORS)
            fuzz_mutate_safetensors(random, input);
        else
            fuzz_mutate_once(random, form, input);
    }
}
