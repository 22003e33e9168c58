#include "qctx/data/document.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/base/fileio.h"
#include "qctx/base/log.h"
#include "qctx/base/mem.h"
#include "qctx/data/input.h"
#include "qctx/text/foreign.h"
#include "qctx/text/json.h"
#include "qctx/text/text.h"

/* Among so many bytes there is no NUL in text, but in UTF-16 without a mark, or what is no text at all. */
enum { BYTES_A_NUL = 16 };

/* Contexts in the making. */
typedef struct {
    qctx_text *tools;
    qctx_spans sentences, spans; /* of a paragraph; of what is cut off in turn */
    char **texts;
    int64_t count, capacity;
} cutter;

static qctx_status refuse_foreign(const char *path, const char *head, size_t bytes, qctx_error *error)
{
    qctx_foreign found;

    if (!qctx_foreign_find(head, bytes, &found))
        return QCTX_OK;
    qctx_fail(error, QCTX_ERR_FORMAT, "%s: the file is %s, expected text in UTF-8", path, found.what);
    return qctx_hint(error, "%s", found.as_text);
}

/* Text files that programs wrote hold NUL characters here and there, for blanks. */
static qctx_status blank_nuls(const char *path, char *text, size_t bytes, qctx_error *error)
{
    int64_t nuls = 0;

    for (size_t i = 0; i < bytes; i++)
        if (text[i] == '\0') {
            text[i] = ' ';
            nuls++;
        }
    if (nuls > (int64_t)(bytes / BYTES_A_NUL)) {
        qctx_fail(error, QCTX_ERR_FORMAT, "%s: %" PRId64 " of %zu bytes are NUL characters, expected text in UTF-8",
                  path, nuls, bytes);
        return qctx_hint(error, "it may be binary, or UTF-16 without its mark: iconv -f UTF-16LE -t UTF-8");
    }
    if (nuls > 0)
        qctx_warn("%s: %" PRId64 " NUL characters are read as blanks", path, nuls);
    return QCTX_OK;
}

/* Records of a corpus, or of what import reads, are text as well, but hardly what is meant. */
static void warn_of_records(const char *path, const char *text)
{
    qctx_error ignored = {0};
    json_t *record = NULL;

    if (qctx_json_parse(text, strcspn(text, "\n"), path, &record, &ignored) == QCTX_OK && json_is_object(record))
        qctx_warn("%s: its first line is a JSON object, and is searched as it stands; a corpus is named by its folder, "
                  "--corpus FOLDER, and qctx-dist import makes one of JSON lines",
                  path);
    json_decref(record);
}

static qctx_status check_utf8(const char *path, const char *text, size_t bytes, qctx_error *error)
{
    int64_t line = 1;
    size_t bad;

    if (qctx_text_is_utf8(text, bytes, &bad))
        return QCTX_OK;
    for (size_t i = 0; i < bad; i++)
        line += text[i] == '\n';
    qctx_fail(error, QCTX_ERR_FORMAT, "%s:%lld: the text is not UTF-8", path, (long long)line);
    return qctx_hint(error, "convert it first, for example: iconv -f latin1 -t utf-8");
}

/* The text of a file as it is to be cut. Rank 0 only. */
static qctx_status read_text(const char *path, char **text, size_t *bytes, qctx_error *error)
{
    qctx_input *stream = NULL;
    const char *head;
    size_t head_bytes;
    qctx_status status = qctx_input_open(path, &stream, error);

    if (status == QCTX_ERR_IO && qctx_path_is_folder(path))
        qctx_hint(error, "expected a text file; a corpus is named with --corpus");
    if (status == QCTX_OK)
        status = qctx_input_peek(stream, &head, &head_bytes, error);
    if (status == QCTX_OK)
        status = refuse_foreign(path, head, head_bytes, error);
    if (status == QCTX_OK)
        status = qctx_input_rest(stream, text, bytes, error);
    if (status == QCTX_OK)
        status = blank_nuls(path, *text, *bytes, error);
    if (status == QCTX_OK)
        status = check_utf8(path, *text, *bytes, error);
    if (status == QCTX_OK && *bytes >= 3 && memcmp(*text, "\xEF\xBB\xBF", 3) == 0)
        memset(*text, ' ', 3);
    if (status == QCTX_OK && qctx_text_is_blank(*text, *bytes))
        status = qctx_fail(error, QCTX_ERR_DATA, "%s: there is no text to search: the file %s", path,
                           *bytes == 0 ? "is empty" : "holds blanks alone");
    if (status == QCTX_OK)
        warn_of_records(path, *text);
    qctx_input_close(stream);
    return status;
}

static qctx_status add_text(cutter *c, const char *bytes, size_t length, qctx_error *error)
{
    qctx_status status =
        qctx_grow((void **)&c->texts, &c->capacity, c->count + 1, sizeof *c->texts, "the parts of a text", error);

    if (status != QCTX_OK)
        return status;
    c->texts[c->count] = qctx_text_squeeze(bytes, length, error);
    if (c->texts[c->count] == NULL)
        return QCTX_ERR_MEMORY;
    if (c->texts[c->count][0] != '\0')
        c->count++;
    else
        free(c->texts[c->count]);
    return QCTX_OK;
}

/* Adds a text that may be too long in pieces: cut at the last blank that is not too far, else between code points. */
static qctx_status add_pieces(cutter *c, const char *bytes, size_t length, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    while (status == QCTX_OK && length > 0) {
        const int64_t most = qctx_text_byte_offset(bytes, length, QCTX_DOCUMENT_MOST);
        size_t cut = most < 0 ? length : (size_t)most;

        while (cut < length && cut > (size_t)most / 2 && bytes[cut] != ' ')
            cut--;
        if (cut < length && bytes[cut] != ' ')
            cut = (size_t)most;
        status = add_text(c, bytes, cut, error);
        bytes += cut;
        length -= cut;
    }
    return status;
}

/* The sentences of a squeezed paragraph that is too long, as many together as fit. */
static qctx_status add_sentences_together(cutter *c, const char *text, qctx_error *error)
{
    const qctx_span *items;
    int64_t first = 0;
    qctx_status status = qctx_text_sentences(c->tools, text, strlen(text), &c->spans, error);

    items = c->spans.items;
    while (status == QCTX_OK && first < c->spans.count) {
        const char *begin = text + items[first].first;
        int64_t next = first + 1;

        while (next < c->spans.count &&
               qctx_text_codepoints(begin, (size_t)(items[next].end - items[first].first)) <= QCTX_DOCUMENT_MOST)
            next++;
        status = add_pieces(c, begin, (size_t)(items[next - 1].end - items[first].first), error);
        first = next;
    }
    return status;
}

static qctx_status add_passage(cutter *c, const char *bytes, size_t length, qctx_error *error)
{
    char *text = qctx_text_squeeze(bytes, length, error);
    qctx_status status = QCTX_OK;

    if (text == NULL)
        return QCTX_ERR_MEMORY;
    if (qctx_text_codepoints(text, strlen(text)) > QCTX_DOCUMENT_MOST)
        status = add_sentences_together(c, text, error);
    else
        status = add_text(c, text, strlen(text), error);
    free(text);
    return status;
}

/* Bytes of the line at `at` with its end, which is LF, CR LF or CR. */
static size_t line_bytes(const char *at, const char *end)
{
    const char *line = at;

    while (line < end && *line != '\n' && *line != '\r')
        line++;
    if (line < end && *line == '\r' && line + 1 < end && line[1] == '\n')
        line++;
    return (size_t)(line - at) + (line < end);
}

static qctx_status cut_passages(cutter *c, const char *text, size_t bytes, qctx_error *error)
{
    const char *const end = text + bytes;
    const char *begin = text, *at = text;
    qctx_status status = QCTX_OK;

    while (status == QCTX_OK && at < end) {
        const size_t length = line_bytes(at, end);
        const bool blank = qctx_text_is_blank(at, length);

        if (blank || at + length == end)
            status = add_passage(c, begin, (size_t)(at + (blank ? 0 : length) - begin), error);
        at += length;
        begin = blank ? at : begin;
    }
    return status;
}

static qctx_status cut_sentences(cutter *c, const char *text, size_t bytes, qctx_error *error)
{
    qctx_status status = qctx_text_sentences(c->tools, text, bytes, &c->sentences, error);

    for (int64_t i = 0; i < c->sentences.count && status == QCTX_OK; i++) {
        const qctx_span *sentence = &c->sentences.items[i];
        char *squeezed = qctx_text_squeeze(text + sentence->first, (size_t)(sentence->end - sentence->first), error);

        status = squeezed == NULL ? QCTX_ERR_MEMORY : add_pieces(c, squeezed, strlen(squeezed), error);
        free(squeezed);
    }
    return status;
}

static qctx_status cut(const char *path, const char *text, size_t bytes, bool passages, qctx_corpus **made,
                       qctx_error *error)
{
    cutter c = {0};
    qctx_status status = qctx_text_create(&c.tools, error);

    if (status == QCTX_OK)
        status = passages ? cut_passages(&c, text, bytes, error) : cut_sentences(&c, text, bytes, error);
    if (status == QCTX_OK)
        status = qctx_corpus_of_texts(path, (const char *const *)c.texts, c.count, made, error);
    for (int64_t i = 0; i < c.count; i++)
        free(c.texts[i]);
    free(c.texts);
    free(c.sentences.items);
    free(c.spans.items);
    qctx_text_destroy(c.tools);
    return status;
}

qctx_status qctx_document_open(qctx_comm *comm, const char *path, bool passages, qctx_corpus **opened,
                               qctx_error *error)
{
    char *text = NULL;
    size_t bytes = 0;
    qctx_status status = qctx_comm_rank(comm) == 0 ? read_text(path, &text, &bytes, error) : QCTX_OK;

    status = qctx_agree(comm, status, error);
    if (status == QCTX_OK)
        status = qctx_comm_broadcast_text(comm, &text, &bytes, 0, error);
    if (status == QCTX_OK)
        status = qctx_agree(comm, cut(path, text, bytes, passages, opened, error), error);
    free(text);
    return status;
}
