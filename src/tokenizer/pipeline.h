/*
 * The stages of a pipeline beside its model, read from tokenizer.json, or from an object of the same shape that was
 * made from older files. `place` begins messages: the file, and the key that held the value. A stage is in the files of
 * its name: normalizer*.c with bert_*.c, pretokenizer*.c with split_*.c, added*.c, frame.c, wordpiece.c; what all of
 * them use, in pipeline.c.
 */
#ifndef QCTX_TOKENIZER_PIPELINE_H
#define QCTX_TOKENIZER_PIPELINE_H

#include "stages.h"

/* A growing text; free(text->bytes) when done. Start from {0}. Not NUL-terminated. */
typedef struct {
    char *bytes;
    int64_t length;
    int64_t capacity;
} tokenizer_text;

/* Replaces or extends the contents. Local. Errors: MEMORY. */
qctx_status tokenizer_text_set(tokenizer_text *text, const char *bytes, int64_t length, qctx_error *error);
qctx_status tokenizer_text_append(tokenizer_text *text, const char *bytes, int64_t length, qctx_error *error);

/* Room for `more` bytes behind the contents, which the caller counts in. Local. Errors: MEMORY. */
qctx_status tokenizer_text_reserve(tokenizer_text *text, int64_t more, qctx_error *error);

/* The byte behind the white space that begins at `at`, and the first byte of that which ends at `end`. Local. */
int64_t tokenizer_spaces_end(const char *text, int64_t length, int64_t at);
int64_t tokenizer_spaces_begin(const char *text, int64_t end);

/*
 * The "type" of a stage, as the place among the names that are known. Local. Errors: FORMAT (none), CONFIG (one that is
 * not known, with those that are).
 */
qctx_status tokenizer_get_type(const json_t *stage, const char *const *known, const char *place, int *type,
                               qctx_error *error);

/*
 * The list under `key` of a stage of the type "Sequence", which stands inside `depth` others. Local. Errors: FORMAT
 * (none, or more levels than anybody needs).
 */
qctx_status tokenizer_get_sequence(const json_t *stage, const char *key, int depth, const char *place, json_t **list,
                                   qctx_error *error);

/* The normaliser: steps that change the text. */
typedef struct tokenizer_normalizer tokenizer_normalizer;

/*
 * From null or an object as in tokenizer.json. Local. The caller destroys it (NULL-safe). Errors: MEMORY, FORMAT,
 * CONFIG (not supported).
 */
qctx_status tokenizer_normalizer_create(const json_t *stage, const char *place, tokenizer_normalizer **created,
                                        qctx_error *error);
void tokenizer_normalizer_destroy(tokenizer_normalizer *normalizer);

/* Replaces the contents of `text` by what the steps make of it, with `spare` for what lies between. Local. Errors:
 * MEMORY, INTERNAL. */
qctx_status tokenizer_normalizer_run(const tokenizer_normalizer *normalizer, tokenizer_text *text,
                                     tokenizer_text *spare, qctx_error *error);

/* BertNormalizer, and the sets of characters that it and BertPreTokenizer know. */
typedef struct {
    bool clean_text;           /* control characters away, white space to spaces */
    bool handle_chinese_chars; /* spaces around CJK ideographs */
    bool strip_accents;
    bool lowercase;
} tokenizer_bert_settings;

qctx_status tokenizer_bert_normalize(const tokenizer_bert_settings *settings, const tokenizer_text *text,
                                     tokenizer_text *result, qctx_error *error);
bool tokenizer_bert_is_control(uint32_t point);
bool tokenizer_bert_is_punctuation(uint32_t point);
bool tokenizer_bert_is_chinese(uint32_t point);
bool tokenizer_bert_is_accent(uint32_t point);

/* The pre-tokeniser: stages that divide a text into pieces. */
typedef struct tokenizer_pretokenizer tokenizer_pretokenizer;

/* Pieces of a text: spans of `bytes`, which is the text itself or, where spaces were put in, `made`. */
typedef struct {
    const char *bytes;
    qctx_spans spans, spare;
    tokenizer_text made;
} tokenizer_pieces;

void tokenizer_pieces_free(tokenizer_pieces *pieces);

/* The expression of CLIP's pieces as its files spell it, and that of newer ones with its special tokens. */
#define TOKENIZER_CLIP_WORDS  "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"
#define TOKENIZER_CLIP_PIECES "<\\|startoftext\\|>|<\\|endoftext\\|>|" TOKENIZER_CLIP_WORDS

/*
 * From null or an object as in tokenizer.json. Local. The caller destroys it (NULL-safe). Errors: MEMORY, FORMAT,
 * CONFIG (not supported).
 */
qctx_status tokenizer_pretokenizer_create(const json_t *stage, const char *place, tokenizer_pretokenizer **created,
                                          qctx_error *error);
void tokenizer_pretokenizer_destroy(tokenizer_pretokenizer *pretokenizer);

/* Whether the pieces are to be spelt in GPT-2's printable characters. Local. */
bool tokenizer_pretokenizer_is_byte_level(const tokenizer_pretokenizer *pretokenizer);

/* The pieces of a text, valid until the text or they change. Local. Errors: MEMORY. */
qctx_status tokenizer_pretokenizer_run(const tokenizer_pretokenizer *pretokenizer, const char *text, int64_t length,
                                       tokenizer_pieces *pieces, qctx_error *error);

/* Splitters beside those of stages.h: at white space; by \w+|[^\w\s]+. Local. Errors: MEMORY. */
qctx_status tokenizer_split_spaces(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error);
qctx_status tokenizer_split_words(const char *text, int64_t length, qctx_spans *pieces, qctx_error *error);

/* Added tokens: texts that are tokens wherever they stand, before the model is asked. */
typedef struct tokenizer_added tokenizer_added;

/*
 * From null or an array as in tokenizer.json. The vocabulary is borrowed, the normaliser is asked how tokens look in
 * normalised texts; `split_special`: special tokens in a text are text. Local. The caller destroys it (NULL-safe).
 * Errors: MEMORY, INTERNAL, FORMAT (wrong types, an id that contradicts the vocabulary, a token or an id given twice).
 */
qctx_status tokenizer_added_create(const json_t *list, const tokenizer_vocabulary *vocabulary,
                                   const tokenizer_normalizer *normalizer, bool split_special, const char *place,
                                   tokenizer_added **created, qctx_error *error);
void tokenizer_added_destroy(tokenizer_added *added);

/* The token of an id, an added one or one of the vocabulary, or NULL; one more than the highest id of both. Local. */
const char *tokenizer_added_token(const tokenizer_added *added, int32_t id);
int64_t tokenizer_added_size(const tokenizer_added *added);

/* A part of a text: an added token with its id, or what lies between two of them, with −1. */
typedef struct {
    int64_t first, end;
    int32_t id;
} tokenizer_part;

typedef struct {
    tokenizer_part *items;
    int64_t count, capacity;
} tokenizer_parts;

/*
 * Divides a text into added tokens and the rest, none empty; `normalized`: by those that are looked for in normalised
 * texts, else by the others. Replaces the contents of `parts`. Local. Errors: MEMORY.
 */
qctx_status tokenizer_added_cut(const tokenizer_added *added, bool normalized, const char *text, int64_t length,
                                tokenizer_parts *parts, qctx_error *error);

/* The post-processor: ids before and behind those of a single text. */
typedef struct {
    qctx_ids before, behind;
} tokenizer_frame;

void tokenizer_frame_free(tokenizer_frame *frame);

/* From null or an object as in tokenizer.json. Start from {0}. Local. Errors: MEMORY, FORMAT, CONFIG. */
qctx_status tokenizer_frame_read(const json_t *stage, const tokenizer_added *added, const char *place,
                                 tokenizer_frame *frame, qctx_error *error);

/* Appends to a list of ids. Local. Errors: MEMORY. */
qctx_status tokenizer_ids_append(qctx_ids *ids, const int32_t *items, int64_t count, qctx_error *error);

/* WordPiece: the longest token first, from the left. */
typedef struct tokenizer_wordpiece tokenizer_wordpiece;

typedef struct {
    const char *unknown;           /* the token of a word that cannot be spelt */
    const char *continuing_prefix; /* of tokens within a word: "##" */
    int64_t longest_word;          /* in characters; a longer one is unknown */
} tokenizer_wordpiece_settings;

/* The vocabulary is borrowed. Local. The caller destroys it (NULL-safe). Errors: MEMORY, FORMAT (no unknown token). */
qctx_status tokenizer_wordpiece_create(const tokenizer_vocabulary *vocabulary,
                                       const tokenizer_wordpiece_settings *settings, const char *place,
                                       tokenizer_wordpiece **created, qctx_error *error);
void tokenizer_wordpiece_destroy(tokenizer_wordpiece *wordpiece);

/* Appends the ids of one piece, with `word` as working space. Local. Errors: MEMORY. */
qctx_status tokenizer_wordpiece_encode(const tokenizer_wordpiece *wordpiece, tokenizer_text *word, const char *piece,
                                       int64_t length, qctx_ids *ids, qctx_error *error);

#endif
