#include "qctx/cli/wrap.h"

#include <stdbool.h>
#include <string.h>

#include "qctx/text/text.h"

static void print_clean(const char *text, size_t length, FILE *out)
{
    for (size_t i = 0; i < length; i++)
        fputc((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i], out);
}

void qctx_wrap(const char *text, int64_t column, int64_t indent, int64_t columns, FILE *out)
{
    bool begun = false;

    for (text += strspn(text, " \n\t"); *text != '\0'; text += strspn(text, " \n\t")) {
        size_t bytes = strcspn(text, " \n\t");
        int64_t width = qctx_text_codepoints(text, bytes);

        if (width > columns - indent) {
            width = columns - indent;
            bytes = (size_t)qctx_text_byte_offset(text, bytes, width);
        }
        if (column + begun + width > columns) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            begun = false;
        }
        if (begun)
            fputc(' ', out);
        print_clean(text, bytes, out);
        column += begun + width;
        begun = true;
        text += bytes;
    }
    fputc('\n', out);
}
