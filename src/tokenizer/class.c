/* The stages that a class makes, in the shape of tokenizer.json. */
#include <stdlib.h>
#include <string.h>

#include "class_internal.h"
#include "qctx/base/fileio.h"

static const struct {
    const char *class, *model_type;
    class_kind kind;
} kinds[] = {
    {"BertTokenizer", "bert", CLASS_BERT},
    {"DistilBertTokenizer", "distilbert", CLASS_BERT},
    {"MPNetTokenizer", "mpnet", CLASS_MPNET},
    {"RobertaTokenizer", "roberta", CLASS_ROBERTA},
    {"CLIPTokenizer", "clip", CLASS_CLIP},
    /* Other names of the same classes. */
    {"ElectraTokenizer", NULL, CLASS_BERT},
    {"MobileBertTokenizer", NULL, CLASS_BERT},
    {"SqueezeBertTokenizer", NULL, CLASS_BERT},
    {"LayoutLMTokenizer", NULL, CLASS_BERT},
    {"LxmertTokenizer", NULL, CLASS_BERT},
    {"DPRQuestionEncoderTokenizer", NULL, CLASS_BERT},
    {"DPRContextEncoderTokenizer", NULL, CLASS_BERT},
    {"BartTokenizer", NULL, CLASS_ROBERTA},
    {"LongformerTokenizer", NULL, CLASS_ROBERTA},
};

/* Classes that have nothing of their own. */
static const char *const plain_classes[] = {"PreTrainedTokenizer", "TokenizersBackend", "PythonBackend"};

/* Whether the class has this name, or this name with Fast behind it: the same in other clothes. */
static bool is_class(const char *class, const char *name)
{
    size_t length = strlen(name);

    return strncmp(class, name, length) == 0 && (class[length] == '\0' || strcmp(class + length, "Fast") == 0);
}

/* The kind of a class, or of a model's type where `class` is NULL. */
static bool find_kind(const char *class, const char *model_type, class_kind *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *type = kinds[i].model_type;

        *kind = kinds[i].kind;
        if (class != NULL ? is_class(class, kinds[i].class)
                          : model_type != NULL && type != NULL && strcmp(type, model_type) == 0)
            return true;
    }
    return false;
}

static qctx_status refuse_class(const char *class, const char *folder, qctx_error *error)
{
    qctx_fail(error, QCTX_ERR_CONFIG,
              "%s: the tokenizer_class '%.100s' is not supported, expected that of Bert, DistilBert, MPNet, Roberta, "
              "CLIP, or PreTrainedTokenizerFast",
              folder, class);
    return qctx_hint(error, "with PreTrainedTokenizerFast as the tokenizer_class of tokenizer_config.json, "
                            "tokenizer.json is followed as it is: compare some ids with the original's then");
}

qctx_status class_kind_of(const char *class, const char *model_type, bool whole, const char *folder, class_kind *kind,
                          qctx_error *error)
{
    if (find_kind(class, model_type, kind))
        return QCTX_OK;
    if (class == NULL && model_type != NULL && strcmp(model_type, "clip_text_model") == 0) {
        *kind = whole ? CLASS_FILE : CLASS_CLIP;
        return QCTX_OK;
    }
    if (whole) {
        *kind = CLASS_FILE;
        for (size_t i = 0; class != NULL && i < sizeof plain_classes / sizeof *plain_classes; i++)
            if (is_class(class, plain_classes[i]))
                return QCTX_OK;
        return class == NULL ? QCTX_OK : refuse_class(class, folder, error);
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

qctx_status class_read_lines(const char *path, json_t **vocabulary, qctx_error *error)
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
static qctx_status make_normalizer(const class_files *files, json_t **normalizer, qctx_error *error)
{
    bool lowercase, chinese, strip;
    const json_t *given = json_object_get(files->config, "strip_accents");
    qctx_status status;

    if (files->kind == CLASS_ROBERTA) {
        *normalizer = json_null();
        return QCTX_OK;
    }
    if (files->kind == CLASS_CLIP) {
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

static qctx_status make_pretokenizer(const class_files *files, json_t **pretokenizer, qctx_error *error)
{
    bool prefix_space = false;
    qctx_status status = QCTX_OK;

    if (files->kind == CLASS_ROBERTA) {
        status = qctx_json_get_bool(files->config, "add_prefix_space", false, files->path, &prefix_space, error);
        *pretokenizer =
            json_pack("{s:s, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", prefix_space, "use_regex", 1);
    } else if (files->kind == CLASS_CLIP)
        *pretokenizer =
            json_pack("{s:s, s:[{s:s, s:{s:s}, s:s, s:b}, {s:s, s:b, s:b}]}", "type", "Sequence", "pretokenizers",
                      "type", "Split", "pattern", "Regex", TOKENIZER_CLIP_PIECES, "behavior", "Removed", "invert", 1,
                      "type", "ByteLevel", "add_prefix_space", 0, "use_regex", 1);
    else
        *pretokenizer = json_pack("{s:s}", "type", "BertPreTokenizer");
    return status;
}

static json_t *make_model(const class_files *files, const char *unknown)
{
    if (files->kind == CLASS_BERT || files->kind == CLASS_MPNET)
        return json_pack("{s:s, s:s, s:s, s:i, s:O}", "type", "WordPiece", "unk_token", unknown,
                         "continuing_subword_prefix", "##", "max_input_chars_per_word", 100, "vocab",
                         files->vocabulary);
    return json_pack("{s:s, s:s?, s:s, s:s, s:n, s:b, s:b, s:b, s:O, s:O}", "type", "BPE", "unk_token",
                     files->kind == CLASS_CLIP ? unknown : NULL, "continuing_subword_prefix", "", "end_of_word_suffix",
                     files->kind == CLASS_CLIP ? "</w>" : "", "dropout", "fuse_unk", 0, "byte_fallback", 0,
                     "ignore_merges", 0, "vocab", files->vocabulary, "merges", files->merges);
}

/* The names that the stages cannot do without. */
static qctx_status check_names(const class_files *files, const class_tokens *tokens, qctx_error *error)
{
    static const struct {
        int name;
        const char *key;
    } needed[] = {{CLASS_BOS, "bos_token"},
                  {CLASS_EOS, "eos_token"},
                  {CLASS_CLS, "cls_token"},
                  {CLASS_SEP, "sep_token"},
                  {CLASS_UNK, "unk_token"}};
    bool clip = files->kind == CLASS_CLIP;

    for (int i = clip ? 0 : 2; i < 5; i++) {
        if (clip && (needed[i].name == CLASS_CLS || needed[i].name == CLASS_SEP))
            continue;
        if (needed[i].name == CLASS_UNK && files->kind == CLASS_ROBERTA)
            continue;
        if (tokens->names[needed[i].name] == NULL)
            return qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%s' is null, expected a token: the class cannot do without",
                             files->path, needed[i].key);
    }
    return QCTX_OK;
}

qctx_status class_make(const class_files *files, json_t **root, qctx_error *error)
{
    bool clip = files->kind == CLASS_CLIP;
    class_tokens tokens = {0};
    json_t *normalizer = NULL, *pretokenizer = NULL;
    const char *first, *last;
    qctx_status status = class_tokens_make(files, &tokens, error);

    *root = NULL;
    if (status == QCTX_OK)
        status = check_names(files, &tokens, error);
    if (status == QCTX_OK)
        status = make_normalizer(files, &normalizer, error);
    if (status == QCTX_OK)
        status = make_pretokenizer(files, &pretokenizer, error);
    if (status != QCTX_OK)
        goto out;
    first = tokens.names[clip ? CLASS_BOS : CLASS_CLS];
    last = tokens.names[clip ? CLASS_EOS : CLASS_SEP];
    *root = json_pack("{s:O, s:O, s:O, s:{s:s, s:[s, I], s:[s, I]}, s:o}", "added_tokens", tokens.list, "normalizer",
                      normalizer, "pre_tokenizer", pretokenizer, "post_processor", "type", "BertProcessing", "sep",
                      last, (json_int_t)class_tokens_id(files, &tokens, last), "cls", first,
                      (json_int_t)class_tokens_id(files, &tokens, first), "model",
                      make_model(files, tokens.names[CLASS_UNK]));
    if (*root == NULL)
        status = qctx_fail(error, QCTX_ERR_MEMORY, "out of memory for the stages of a tokenizer");
out:
    class_tokens_free(&tokens);
    json_decref(normalizer);
    json_decref(pretokenizer);
    return status;
}
