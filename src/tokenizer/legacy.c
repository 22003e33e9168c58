/* The files of older releases, brought into the shape of tokenizer.json. */
#include <stdlib.h>
#include <string.h>

#include "legacy_internal.h"
#include "qctx/base/fileio.h"

static const struct {
    const char *class, *model_type;
    legacy_kind kind;
} kinds[] = {
    {"BertTokenizer", "bert", LEGACY_BERT},    {"DistilBertTokenizer", "distilbert", LEGACY_BERT},
    {"MPNetTokenizer", "mpnet", LEGACY_MPNET}, {"RobertaTokenizer", "roberta", LEGACY_ROBERTA},
    {"CLIPTokenizer", "clip", LEGACY_CLIP},    {"CLIPTokenizer", "clip_text_model", LEGACY_CLIP},
};

qctx_status legacy_kind_of(const char *class, const char *model_type, const char *folder, legacy_kind *kind,
                           qctx_error *error)
{
    size_t length = class == NULL ? 0 : strlen(class);

    /* BertTokenizerFast is the same in other clothes. */
    if (length > 4 && strcmp(class + length - 4, "Fast") == 0)
        length -= 4;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        bool found = class != NULL ? strlen(kinds[i].class) == length && strncmp(kinds[i].class, class, length) == 0
                                   : model_type != NULL && strcmp(kinds[i].model_type, model_type) == 0;

        if (found) {
            *kind = kinds[i].kind;
            return QCTX_OK;
        }
    }
    qctx_fail(error, QCTX_ERR_CONFIG,
              "%s: without tokenizer.json, the %s '%.100s' is not supported, expected that of Bert, DistilBert, MPNet, "
              "Roberta or CLIP",
              folder, class != NULL ? "tokenizer_class" : "model_type",
              class != NULL        ? class
              : model_type != NULL ? model_type
                                   : "");
    return qctx_hint(error,
                     "save the tokenizer as tokenizer.json: AutoTokenizer.from_pretrained(…).save_pretrained(…)");
}

qctx_status legacy_read_lines(const char *path, json_t **vocabulary, qctx_error *error)
{
    char *text = NULL, *end;
    size_t bytes, bad;
    json_int_t line = 0;
    qctx_status status = qctx_file_read(path, &text, &bytes, error);

    if (status != QCTX_OK)
        return status;
    if (!qctx_text_is_utf8(text, bytes, &bad) || memchr(text, '\0', bytes) != NULL) {
        status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: found bytes that are no text in UTF-8, expected a token a line",
                           path);
        goto out;
    }
    *vocabulary = json_object();
    for (char *at = text; at < text + bytes && *vocabulary != NULL; at = end + 1, line++) {
        end = memchr(at, '\n', (size_t)(text + bytes - at));
        if (end == NULL)
            end = text + bytes;
        at[tokenizer_spaces_begin(at, end - at)] = '\0';
        /* Of a token that is there twice, the last line counts. */
        if (json_object_set_new_nocheck(*vocabulary, at, json_integer(line)) != 0) {
            json_decref(*vocabulary);
            *vocabulary = NULL;
        }
    }
    if (*vocabulary == NULL)
        status = qctx_fail(error, QCTX_ERR_MEMORY, "%s: out of memory for its tokens", path);
out:
    free(text);
    return status;
}

/* The settings that a class takes from tokenizer_config.json. */
static qctx_status make_normalizer(const legacy_files *files, json_t **normalizer, qctx_error *error)
{
    bool lowercase, chinese, strip;
    const json_t *given = json_object_get(files->config, "strip_accents");
    qctx_status status;

    if (files->kind == LEGACY_ROBERTA) {
        *normalizer = json_null();
        return QCTX_OK;
    }
    if (files->kind == LEGACY_CLIP) {
        *normalizer =
            json_pack("{s:s, s:[{s:s}, {s:s, s:{s:s}, s:s}, {s:s}]}", "type", "Sequence", "normalizers", "type", "NFC",
                      "type", "Replace", "pattern", "Regex", "\\s+", "content", " ", "type", "Lowercase");
        return QCTX_OK;
    }
    status = qctx_json_get_bool(files->config, "do_lower_case", true, files->path, &lowercase, error);
    if (status == QCTX_OK)
        status = qctx_json_get_bool(files->config, "tokenize_chinese_chars", true, files->path, &chinese, error);
    if (status == QCTX_OK)
        status = qctx_json_get_bool(files->config, "strip_accents", false, files->path, &strip, error);
    if (status == QCTX_OK)
        *normalizer = json_pack("{s:s, s:b, s:b, s:o, s:b}", "type", "BertNormalizer", "clean_text", 1,
                                "handle_chinese_chars", chinese, "strip_accents",
                                json_is_boolean(given) ? json_boolean(strip) : json_null(), "lowercase", lowercase);
    return status;
}

static qctx_status make_pretokenizer(const legacy_files *files, json_t **pretokenizer, qctx_error *error)
{
    bool prefix_space = false;
    qctx_status status = QCTX_OK;

    if (files->kind == LEGACY_ROBERTA) {
        status = qctx_json_get_bool(files->config, "add_prefix_space", false, files->path, &prefix_space, error);
        *pretokenizer = json_pack("{s:s, s:b}", "type", "ByteLevel", "add_prefix_space", prefix_space);
    } else if (files->kind == LEGACY_CLIP)
        *pretokenizer = json_pack("{s:s, s:[{s:s, s:{s:s}, s:s, s:b}, {s:s, s:b}]}", "type", "Sequence",
                                  "pretokenizers", "type", "Split", "pattern", "Regex", TOKENIZER_CLIP_PIECES,
                                  "behavior", "Removed", "invert", 1, "type", "ByteLevel", "add_prefix_space", 0);
    else
        *pretokenizer = json_pack("{s:s}", "type", "BertPreTokenizer");
    return status;
}

static json_t *make_model(const legacy_files *files, const char *unknown)
{
    if (files->kind == LEGACY_BERT || files->kind == LEGACY_MPNET)
        return json_pack("{s:s, s:s, s:O}", "type", "WordPiece", "unk_token", unknown, "vocab", files->vocabulary);
    return json_pack("{s:s, s:s?, s:s, s:O, s:O}", "type", "BPE", "unk_token",
                     files->kind == LEGACY_CLIP ? unknown : NULL, "end_of_word_suffix",
                     files->kind == LEGACY_CLIP ? "</w>" : "", "vocab", files->vocabulary, "merges", files->merges);
}

qctx_status legacy_make(const legacy_files *files, json_t **root, qctx_error *error)
{
    bool clip = files->kind == LEGACY_CLIP;
    legacy_tokens tokens = {0};
    json_t *normalizer = NULL, *pretokenizer = NULL;
    const char *first, *last;
    qctx_status status = legacy_tokens_make(files, &tokens, error);

    *root = NULL;
    if (status == QCTX_OK)
        status = make_normalizer(files, &normalizer, error);
    if (status == QCTX_OK)
        status = make_pretokenizer(files, &pretokenizer, error);
    if (status != QCTX_OK)
        goto out;
    first = tokens.names[clip ? LEGACY_BOS : LEGACY_CLS];
    last = tokens.names[clip ? LEGACY_EOS : LEGACY_SEP];
    *root = json_pack("{s:O, s:O, s:O, s:{s:s, s:[s, I], s:[s, I]}, s:o}", "added_tokens", tokens.list, "normalizer",
                      normalizer, "pre_tokenizer", pretokenizer, "post_processor", "type", "BertProcessing", "sep",
                      last, (json_int_t)legacy_tokens_id(files, &tokens, last), "cls", first,
                      (json_int_t)legacy_tokens_id(files, &tokens, first), "model",
                      make_model(files, tokens.names[LEGACY_UNK]));
    if (*root == NULL)
        status = qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for the stages of a tokenizer");
out:
    legacy_tokens_free(&tokens);
    json_decref(normalizer);
    json_decref(pretokenizer);
    return status;
}
