#include "made_tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../src/tokenizer/tokenizer_internal.h"
#include "harness.h"

static qctx_error error;

const char *folder_of(const char *json)
{
    const char *folder = test_path("tokenizer");
    char path[4096];

    mkdir(folder, 0700);
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    test_write(path, json);
    return folder;
}

qctx_tokenizer *opened(const char *json)
{
    qctx_tokenizer *tokenizer = NULL;

    assert_status(qctx_tokenizer_open(folder_of(json), (qctx_tokenizer_settings){0}, &tokenizer, &error), QCTX_OK,
                  &error);
    return tokenizer;
}

void expect_most(const qctx_tokenizer *tokenizer, const char *text, int64_t most, const char *expected,
                 bool expected_truncated)
{
    qctx_tokenizer_scratch *scratch = NULL;
    qctx_ids ids = {0};
    char found[2000] = "";
    size_t used = 0;
    bool truncated = !expected_truncated;

    assert_status(qctx_tokenizer_scratch_create(tokenizer, &scratch, &error), QCTX_OK, &error);
    assert_status(qctx_tokenizer_encode(tokenizer, scratch, text, most, &ids, &truncated, &error), QCTX_OK, &error);
    for (int64_t i = 0; i < ids.count && used < sizeof found; i++)
        used += (size_t)snprintf(found + used, sizeof found - used, "%s%d", i == 0 ? "" : " ", ids.items[i]);
    assert_string_equal(found, expected);
    assert_true(truncated == expected_truncated);
    qctx_tokenizer_scratch_destroy(scratch);
    free(ids.items);
}

void expect_ids(const qctx_tokenizer *tokenizer, const char *text, const char *expected)
{
    expect_most(tokenizer, text, 1000, expected, false);
}

const char *token_of(const qctx_tokenizer *tokenizer, int32_t id)
{
    return tokenizer_added_token(tokenizer->added, id);
}
