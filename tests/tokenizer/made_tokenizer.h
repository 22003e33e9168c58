/* Tokenizers of a few tokens, written as tokenizer.json into the test's folder. */
#ifndef QCTX_TESTS_MADE_TOKENIZER_H
#define QCTX_TESTS_MADE_TOKENIZER_H

#include "qctx/tokenizer/tokenizer.h"

/* Writes tokenizer.json into a folder of its own and returns that folder. */
const char *folder_of(const char *json);

/* The tokenizer of this file. The caller destroys it. */
qctx_tokenizer *opened(const char *json);

/* The ids of a text, cut at `most` of them or at many, are these numbers. */
void expect_most(const qctx_tokenizer *tokenizer, const char *text, int64_t most, const char *expected,
                 bool expected_truncated);
void expect_ids(const qctx_tokenizer *tokenizer, const char *text, const char *expected);

/* The token of an id, or NULL. */
const char *token_of(const qctx_tokenizer *tokenizer, int32_t id);

/* Parts of tokenizer.json. */
#define FLAGS(special, normalized)                                                                                     \
    "\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":" #normalized ",\"special\":" #special
#define ADDED                                                                                                          \
    "\"added_tokens\":[{\"id\":0,\"content\":\"[UNK]\"," FLAGS(                                                        \
        true, false) "},"                                                                                              \
                     "{\"id\":1,\"content\":\"[CLS]\"," FLAGS(true, false) "},{\"id\":2,\"content\":\"[SEP]\"," FLAGS( \
                         true, false) "}]"
#define FRAME                                                                                                          \
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[CLS]\"}},"           \
    "{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"[SEP]\"}}],\"special_tokens\":{"                        \
    "\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[1]},\"[SEP]\":{\"id\":\"[SEP]\",\"ids\":[2]}}}"
#define BERT "\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"
#define VOCAB                                                                                                          \
    "{\"[UNK]\":0,\"[CLS]\":1,\"[SEP]\":2,\"un\":3,\"##aff\":4,\"##able\":5,\"the\":6,\",\":7,\"cafe\":8,\"##s\":9,"   \
    "\"\u4E2D\":10,\"##\u6587\":11,\"\u6587\":12,\"i\":13,\"ss\":14,\"\u00DF\":15,\"##the\":16,\"caf\u00E9\":17,"      \
    "\"The\":18,\"[\":19,\"]\":20,\"sep\":21,\"\u1112\":22,\"##\u1161\":23,\"s\":24,\"-\":25,\"\u0131\":26}"
#define MODEL(vocab) "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"vocab\":" vocab "}"
#define PLAIN        "{" ADDED "," FRAME "," BERT "," MODEL(VOCAB) "}"

#define NORMALIZED(normalizer)                                                                                         \
    "{\"normalizer\":" normalizer ",\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}," MODEL(VOCAB) "}"

#define FRAMED(processor) "{" ADDED ",\"post_processor\":" processor "," MODEL(VOCAB) "}"

#endif
