/* Added tokens as they are read, and the sorted patterns that texts are searched for. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "added_internal.h"
#include "qctx/base/textmap.h"

/*
 * The id that the tokenizers library gives a token, whatever the file says: the vocabulary's, else it counts on from
 * the last added token, at least from the end of the vocabulary.
 */
static int64_t expected_id(const tokenizer_added *added, const char *content)
{
    int32_t known = tokenizer_vocabulary_find(added->vocabulary, content, (int64_t)strlen(content));
    int64_t count = tokenizer_vocabulary_count(added->vocabulary);

    if (known >= 0)
        return known;
    return added->last >= count ? added->last + 1 : count;
}

static qctx_status check_id(tokenizer_added *added, const added_token *token, const char *place, qctx_error *error)
{
    int64_t expected = expected_id(added, token->content);
    const char *other = tokenizer_vocabulary_token(added->vocabulary, token->id);

    if (token->id != expected)
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: the id of '%.100s' is %" PRId32 ", expected %" PRId64, place,
                         token->content, token->id, expected);
    if (other != NULL && strcmp(other, token->content) != 0)
        return qctx_fail(error, QCTX_ERR_FORMAT,
                         "%s: the id of '%.100s' is %" PRId32 ", which is that of '%.100s' in the vocabulary, expected "
                         "an id of its own",
                         place, token->content, token->id, other);
    if (token->id > added->last)
        added->last = token->id;
    return QCTX_OK;
}

static qctx_status read_token(tokenizer_added *added, const json_t *item, const char *place, added_token *token,
                              qctx_error *error)
{
    int64_t id;
    qctx_status status = qctx_json_get_string(item, "content", NULL, place, &token->content, error);

    if (status == QCTX_OK)
        status = qctx_json_get_integer(item, "id", -1, 0, INT32_MAX - 1, place, &id, error);
    if (status == QCTX_OK && id < 0)
        status =
            qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%.100s' has no 'id', expected an integer", place, token->content);
    if (status == QCTX_OK)
        status = qctx_json_get_bool(item, "special", false, place, &token->special, error);
    if (status == QCTX_OK)
        status = qctx_json_get_bool(item, "single_word", false, place, &token->single_word, error);
    if (status == QCTX_OK)
        status = qctx_json_get_bool(item, "lstrip", false, place, &token->lstrip, error);
    if (status == QCTX_OK)
        status = qctx_json_get_bool(item, "rstrip", false, place, &token->rstrip, error);
    if (status == QCTX_OK)
        status = qctx_json_get_bool(item, "normalized", !token->special, place, &token->normalized, error);
    /* The original leaves out empty tokens, too. */
    if (status != QCTX_OK || token->content[0] == '\0')
        return status;
    token->id = (int32_t)id;
    token->content = qctx_arena_text(&added->texts, token->content, strlen(token->content), error);
    return token->content == NULL ? QCTX_ERR_MEMORY : check_id(added, token, place, error);
}

static int by_id(const void *a, const void *b)
{
    const added_token *left = a, *right = b;

    return (left->id > right->id) - (left->id < right->id);
}

static qctx_status check_unique(const tokenizer_added *added, const char *place, qctx_error *error)
{
    qctx_textmap contents = {0};
    qctx_status status = QCTX_OK;

    for (int64_t i = 0; i < added->count && status == QCTX_OK; i++) {
        int64_t kept;

        if (i > 0 && added->tokens[i].id == added->tokens[i - 1].id) {
            status = qctx_fail(error, QCTX_ERR_FORMAT,
                               "%s: '%.100s' and '%.100s' have the same id %" PRId32 ", expected an id for each", place,
                               added->tokens[i - 1].content, added->tokens[i].content, added->tokens[i].id);
            break;
        }
        status = qctx_textmap_add(&contents, added->tokens[i].content, i, &kept, error);
        if (status == QCTX_OK && kept != i)
            status = qctx_fail(error, QCTX_ERR_FORMAT, "%s: '%.100s' is given twice, expected once", place,
                               added->tokens[i].content);
    }
    qctx_textmap_free(&contents);
    return status;
}

static qctx_status read_tokens(tokenizer_added *added, const json_t *list, const char *place, qctx_error *error)
{
    qctx_status status = QCTX_OK;

    if (list == NULL || json_is_null(list))
        return QCTX_OK;
    if (!json_is_array(list))
        return qctx_fail(error, QCTX_ERR_FORMAT, "%s: found %s, expected an array", place, qctx_json_type(list));
    added->tokens = qctx_alloc((int64_t)json_array_size(list), sizeof *added->tokens, "added tokens", error);
    if (added->tokens == NULL)
        return QCTX_ERR_MEMORY;
    for (size_t i = 0; i < json_array_size(list) && status == QCTX_OK; i++) {
        added_token *token = &added->tokens[added->count];

        status = read_token(added, json_array_get(list, i), place, token, error);
        if (status == QCTX_OK && token->content[0] != '\0')
            added->count++;
    }
    qsort(added->tokens, (size_t)added->count, sizeof *added->tokens, by_id);
    return status == QCTX_OK ? check_unique(added, place, error) : status;
}

/* What stands for the token in the texts that are searched for it: itself, or what normalising makes of it. */
static qctx_status make_pattern(tokenizer_added *added, int64_t number, const tokenizer_normalizer *normalizer,
                                added_pattern *pattern, qctx_error *error)
{
    const added_token *token = &added->tokens[number];
    tokenizer_text text = {0}, spare = {0};
    qctx_status status = tokenizer_text_set(&text, token->content, (int64_t)strlen(token->content), error);

    if (status == QCTX_OK && token->normalized)
        status = tokenizer_normalizer_run(normalizer, &text, &spare, error);
    if (status == QCTX_OK) {
        pattern->text = qctx_arena_text(&added->texts, text.bytes, (size_t)text.length, error);
        pattern->length = text.length;
        pattern->token = number;
        status = pattern->text == NULL ? QCTX_ERR_MEMORY : QCTX_OK;
    }
    free(text.bytes);
    free(spare.bytes);
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    const added_pattern *left = a, *right = b;
    int64_t common = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->text, right->text, (size_t)common);

    return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

/* Of equal patterns the original looks for any; here the lowest id. */
static void drop_equal(added_matcher *matcher)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < matcher->count; i++)
        if (kept == 0 || by_bytes(&matcher->patterns[kept - 1], &matcher->patterns[i]) != 0)
            matcher->patterns[kept++] = matcher->patterns[i];
        else if (matcher->patterns[i].token < matcher->patterns[kept - 1].token)
            matcher->patterns[kept - 1] = matcher->patterns[i];
    matcher->count = kept;
}

static qctx_status make_matcher(tokenizer_added *added, bool normalized, const tokenizer_normalizer *normalizer,
                                added_matcher *matcher, qctx_error *error)
{
    qctx_status status = QCTX_OK;
    int64_t at = 0;

    matcher->patterns = qctx_alloc(added->count, sizeof *matcher->patterns, "added tokens", error);
    if (matcher->patterns == NULL)
        return QCTX_ERR_MEMORY;
    for (int64_t i = 0; i < added->count && status == QCTX_OK; i++)
        if (added->tokens[i].normalized == normalized) {
            status = make_pattern(added, i, normalizer, &matcher->patterns[matcher->count], error);
            /* What the normaliser leaves nothing of stands in no text. */
            matcher->count += matcher->patterns[matcher->count].length > 0;
        }
    if (status != QCTX_OK)
        return status;
    qsort(matcher->patterns, (size_t)matcher->count, sizeof *matcher->patterns, by_bytes);
    drop_equal(matcher);
    for (int byte = 0; byte <= 256; byte++) {
        while (at < matcher->count && (unsigned char)matcher->patterns[at].text[0] < byte)
            at++;
        matcher->begin[byte] = at;
    }
    return QCTX_OK;
}

qctx_status tokenizer_added_create(const json_t *list, const tokenizer_vocabulary *vocabulary,
                                   const tokenizer_normalizer *normalizer, bool split_special, const char *place,
                                   tokenizer_added **created, qctx_error *error)
{
    tokenizer_added *added = qctx_alloc(1, sizeof *added, "added tokens", error);
    qctx_status status;

    *created = NULL;
    if (added == NULL)
        return QCTX_ERR_MEMORY;
    added->vocabulary = vocabulary;
    added->last = -1;
    added->split_special = split_special;
    status = read_tokens(added, list, place, error);
    if (status == QCTX_OK)
        status = make_matcher(added, false, normalizer, &added->raw, error);
    if (status == QCTX_OK)
        status = make_matcher(added, true, normalizer, &added->normalized, error);
    if (status == QCTX_OK)
        *created = added;
    else
        tokenizer_added_destroy(added);
    return status;
}
