#include "mutate_internal.h"

#include <string.h>

/* A line with its end, or a field without what divides it from the next. */
typedef struct {
    size_t first, end;
} fuzz_piece;

static fuzz_piece fuzz_line(fuzz_random *random, const unsigned char *bytes, size_t size)
{
    fuzz_piece line = {fuzz_below(random, size), 0};

    while (line.first > 0 && bytes[line.first - 1] != '\n')
        line.first--;
    for (line.end = line.first; line.end < size && bytes[line.end] != '\n';)
        line.end++;
    line.end += line.end < size;
    return line;
}

static fuzz_piece fuzz_field(fuzz_random *random, const fuzz_input *input)
{
    static const char dividers[] = "\t,;: \n";
    fuzz_piece field = {fuzz_below(random, input->size), 0};

    while (field.first > 0 && memchr(dividers, input->bytes[field.first - 1], sizeof dividers - 1) == NULL)
        field.first--;
    field.end = field.first;
    while (field.end < input->size && memchr(dividers, input->bytes[field.end], sizeof dividers - 1) == NULL)
        field.end++;
    return field;
}

static void fuzz_take_piece(fuzz_input *input, fuzz_piece to, fuzz_piece from)
{
    fuzz_replace(input, to.first, to.end - to.first, input->bytes + from.first, from.end - from.first);
}

/* What divides fields, ends lines, indents and quotes. */
static void fuzz_mutate_divider(fuzz_random *random, fuzz_input *input)
{
    static const char *const dividers[] = {"\t", ",", ";", ": ", "\n",  "\r\n", "\r",   "\n\n", "  ",  "\n  ",
                                           "\"", "'", "#", "- ", "---", "&a ",  "*a ",  "!!a ", "|\n", "<<: ",
                                           "{",  "}", "[", "]",  " ",   "\\",   "\\\"", "? ",   ">\n", "\xef\xbb\xbf"};
    const char *divider = dividers[fuzz_below(random, sizeof dividers / sizeof dividers[0])];
    size_t at = fuzz_below(random, input->size + 1);

    fuzz_replace(input, at, fuzz_below(random, 2) && at < input->size, divider, strlen(divider));
}

void fuzz_mutate_lines(fuzz_random *random, const fuzz_grammar *grammar, fuzz_input *input)
{
    fuzz_piece one = fuzz_line(random, input->bytes, input->size), other = fuzz_line(random, input->bytes, input->size);
    fuzz_piece field = fuzz_field(random, input), donated = fuzz_line(random, grammar->donor, grammar->donor_size);
    size_t times;

    switch (fuzz_below(random, 8)) {
    case 0:
        fuzz_replace(input, one.first, one.end - one.first, "", 0);
        break;
    case 1:
        for (times = 1 + fuzz_below(random, 4) * fuzz_below(random, 16); times > 0; times--)
            fuzz_take_piece(input, (fuzz_piece){one.first, one.first}, one);
        break;
    case 2:
        fuzz_take_piece(input, (fuzz_piece){other.first, other.first}, one);
        break;
    case 3:
        fuzz_replace(input, one.first, 0, grammar->donor + donated.first, donated.end - donated.first);
        break;
    case 4:
        fuzz_take_piece(input, field, fuzz_field(random, input));
        break;
    case 5:
        fuzz_replace(input, field.first, field.end - field.first, "", 0);
        break;
    default:
        fuzz_mutate_divider(random, input);
    }
}
