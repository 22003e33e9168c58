/* A tokenizer out of an object as in tokenizer.json: its model, and all stages beside it. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tokenizer_internal.h"

/* "file: key", cut where the place ends. */
typedef struct {
    char text[PATH_MAX + 100];
} place_text;

static const char *place_of(place_text *place, const char *path, const char *key)
{
    snprintf(place->text, sizeof place->text, "%s: %s", path, key);
    return place->text;
}

static const char *const types[] = {"WordPiece", "BPE", NULL};
enum { WORDPIECE, BPE };

/* Old files do not say it; what else they hold does. */
static qctx_status model_type(const json_t *model, const char *place, int *type, qctx_error *error)
{
    if (!json_is_object(model))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an object", place, qctx_json_type(model));
    if (json_object_get(model, "type") != NULL)
        return tokenizer_get_type(model, types, place, type, error);
    if (json_object_get(model, "merges") != NULL)
        *type = BPE;
    else if (json_object_get(model, "max_input_chars_per_word") != NULL ||
             json_object_get(model, "continuing_subword_prefix") != NULL)
        *type = WORDPIECE;
    else
        return qctx_fail(error, QCTX_ERR_CONFIG,
                         "%s: the model has no type, merges or prefix, expected WordPiece or "
                         "BPE (Unigram and WordLevel are not supported)",
                         place);
    return QCTX_OK;
}

static qctx_status read_wordpiece(const json_t *model, const char *place, qctx_tokenizer *tokenizer, qctx_error *error)
{
    tokenizer_wordpiece_settings settings;
    qctx_status status = qctx_json_get_string(model, "unk_token", "[UNK]", place, &settings.unknown, error);

    if (status == QCTX_OK)
        status =
            qctx_json_get_string(model, "continuing_subword_prefix", "##", place, &settings.continuing_prefix, error);
    if (status == QCTX_OK)
        status = qctx_json_get_integer(model, "max_input_chars_per_word", 100, 1, INT32_MAX, place,
                                       &settings.longest_word, error);
    if (status == QCTX_OK && tokenizer_pretokenizer_is_byte_level(tokenizer->pretokenizer))
        status = qctx_fail(error, QCTX_ERR_CONFIG,
                           "%s: WordPiece behind a ByteLevel pre-tokeniser is not supported, expected BPE", place);
    if (status == QCTX_OK)
        status = tokenizer_wordpiece_create(tokenizer->vocabulary, &settings, place, &tokenizer->wordpiece, error);
    return status;
}

/* Settings of BPE that only one value is supported of. */
static qctx_status refuse_unknown_bpe(const json_t *model, const char *place, qctx_error *error)
{
    static const char *const flags[] = {"byte_fallback", "ignore_merges"};
    const json_t *dropout = json_object_get(model, "dropout");

    if (dropout != NULL && !json_is_null(dropout) && (!json_is_number(dropout) || json_number_value(dropout) != 0.0))
        return qctx_fail(error, QCTX_ERR_CONFIG, "%s: 'dropout' is %s, expected null or 0", place,
                         json_is_number(dropout) ? "above 0" : qctx_json_type(dropout));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        bool set;
        qctx_status status = qctx_json_get_bool(model, flags[i], false, place, &set, error);

        if (status != QCTX_OK)
            return status;
        if (set)
            return qctx_fail(error, QCTX_ERR_CONFIG, "%s: '%s' is true, which is not supported, expected false", place,
                             flags[i]);
    }
    return QCTX_OK;
}

static qctx_status read_bpe(const json_t *model, const char *place, qctx_tokenizer *tokenizer, qctx_error *error)
{
    tokenizer_bpe_settings settings = {
        .unknown = json_string_value(json_object_get(model, "unk_token")),
        .byte_level = tokenizer_pretokenizer_is_byte_level(tokenizer->pretokenizer),
    };
    json_t *merges;
    const char *unknown;
    qctx_status status = refuse_unknown_bpe(model, place, error);

    if (status == QCTX_OK)
        status = qctx_json_get_string(model, "unk_token", "", place, &unknown, error);
    if (status == QCTX_OK)
        status =
            qctx_json_get_string(model, "continuing_subword_prefix", "", place, &settings.continuing_prefix, error);
    if (status == QCTX_OK)
        status = qctx_json_get_string(model, "end_of_word_suffix", "", place, &settings.end_of_word_suffix, error);
    if (status == QCTX_OK)
        status = qctx_json_get_bool(model, "fuse_unk", false, place, &settings.fuse_unknown, error);
    if (status == QCTX_OK)
        status = qctx_json_get_array(model, "merges", place, &merges, error);
    if (status == QCTX_OK)
        status = tokenizer_bpe_create(tokenizer->vocabulary, merges, &settings, place, &tokenizer->bpe, error);
    return status;
}

/* Which side of a long text is cut. */
static qctx_status read_truncation(const json_t *root, const char *place, bool *keeps_end, qctx_error *error)
{
    const char *direction = json_string_value(json_object_get(json_object_get(root, "truncation"), "direction"));

    *keeps_end = direction != NULL && strcmp(direction, "Left") == 0;
    if (direction != NULL && !*keeps_end && strcmp(direction, "Right") != 0)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: 'direction' is '%.50s', expected 'Left' or 'Right'", place,
                         direction);
    return QCTX_OK;
}

qctx_status tokenizer_read(const json_t *root, const char *path, qctx_tokenizer *tokenizer, qctx_error *error)
{
    const json_t *model = json_object_get(root, "model");
    place_text place = {""};
    int type = WORDPIECE;
    qctx_status status;

    if (!json_is_object(root))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an object", path, qctx_json_type(root));
    status = model_type(model, place_of(&place, path, "model"), &type, error);
    if (status == QCTX_OK)
        status = tokenizer_vocabulary_from_json(json_object_get(model, "vocab"), place_of(&place, path, "model.vocab"),
                                                &tokenizer->vocabulary, error);
    if (status == QCTX_OK)
        status = tokenizer_normalizer_create(json_object_get(root, "normalizer"), place_of(&place, path, "normalizer"),
                                             &tokenizer->normalizer, error);
    if (status == QCTX_OK)
        status =
            tokenizer_pretokenizer_create(json_object_get(root, "pre_tokenizer"),
                                          place_of(&place, path, "pre_tokenizer"), &tokenizer->pretokenizer, error);
    if (status == QCTX_OK)
        status =
            tokenizer_added_create(json_object_get(root, "added_tokens"), tokenizer->vocabulary, tokenizer->normalizer,
                                   json_is_true(json_object_get(root, "split_special_tokens")),
                                   place_of(&place, path, "added_tokens"), &tokenizer->added, error);
    if (status == QCTX_OK)
        status = tokenizer_frame_read(json_object_get(root, "post_processor"), tokenizer->added,
                                      place_of(&place, path, "post_processor"), &tokenizer->frame, error);
    if (status == QCTX_OK)
        status = read_truncation(root, place_of(&place, path, "truncation"), &tokenizer->keeps_end, error);
    if (status != QCTX_OK)
        return status;
    place_of(&place, path, "model");
    return type == BPE ? read_bpe(model, place.text, tokenizer, error)
                       : read_wordpiece(model, place.text, tokenizer, error);
}
