#include "mutate_internal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Values where code is wrong that is nearly right. */
static const char *const fuzz_values[] = {"0",
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
                                          "0x10",
                                          "nan",
                                          "-inf",
                                          "1_000",
                                          "~",
                                          "auto",
                                          "a: b",
                                          "\"\\\"\"",
                                          "\"\xe2\x80\xae\xc2\x9b\"",
                                          "\"../../x\"",
                                          "\"a\\nb\\tc\""};

static const char *fuzz_value(fuzz_random *random, const fuzz_grammar *grammar)
{
    size_t words = 0;

    while (grammar->words[words] != NULL)
        words++;
    if (fuzz_below(random, 2) == 0 && words > 0)
        return grammar->words[fuzz_below(random, words)];
    return fuzz_values[fuzz_below(random, sizeof fuzz_values / sizeof fuzz_values[0])];
}

void fuzz_mutate_tokens(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input)
{
    static fuzz_token tokens[FUZZ_TOKENS_MAX];
    size_t count = fuzz_tokens(input, tokens);
    const fuzz_token *one = &tokens[fuzz_below(random, count)], *other = &tokens[fuzz_below(random, count)];
    const char *value = fuzz_value(random, grammar);
    char number[32], deep[4096];
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
