#include "qctx/cli/wrap.h"

#include <stdbool.h>
#include <string.h>

#include "qctx/base/shown.h"

void qctx_wrap_lines(const char *text, int64_t column, int64_t indent, int64_t columns, int64_t lines, FILE *out)
{
    static const char blank[] = " \r\n\t", more[] = " \xE2\x80\xA6";
    bool begun = false;

    for (text += strspn(text, blank); *text != '\0'; text += strspn(text, blank)) {
        size_t bytes = strcspn(text, blank);
        int64_t width = qctx_shown_columns(text, bytes);
        const bool fits = text[bytes + strspn(text + bytes, blank)] == '\0' && column + begun + width <= columns;
        /* The last line has room for the mark that the text goes on. */
        const int64_t margin = columns - (lines == 1 && !fits ? 2 : 0);

        if (width > margin - indent) {
            bytes = qctx_shown_bytes(text, bytes, margin - indent);
            width = qctx_shown_columns(text, bytes);
        }
        /* A word's first character that is wider than a line stands there all the same. */
        if (column + begun + width > margin && (begun || column > indent)) {
            if (lines == 1) {
                fputs(begun || column > indent ? more : more + 1, out);
                break;
            }
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            begun = false;
            lines -= lines > 0;
            continue;
        }
        if (begun)
            fputc(' ', out);
        qctx_show(text, bytes, out);
        column += begun + width;
        begun = true;
        text += bytes;
    }
    fputc('\n', out);
}

void qctx_wrap(const char *text, int64_t column, int64_t indent, int64_t columns, FILE *out)
{
    qctx_wrap_lines(text, column, indent, columns, 0, out);
}
