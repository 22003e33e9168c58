/* ranks: 1 3 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qctx/data/document.h"
#include "qctx/text/text.h"

static qctx_error error;

static void write_bytes(const char *path, const char *bytes, size_t count)
{
    FILE *file;

    if (qctx_comm_rank(test_comm) == 0) {
        file = fopen(path, "wb");
        assert_int_equal(fwrite(bytes, 1, count, file), count);
        fclose(file);
    }
    qctx_comm_barrier(test_comm);
}

/* Asserts that the contexts of a file with these bytes, joined by '|', read as `expected`. */
static void assert_cut(const char *bytes, size_t count, bool passages, const char *expected)
{
    qctx_corpus *corpus = NULL;
    char joined[512] = "", id[32];

    write_bytes(test_path("notes.txt"), bytes, count);
    assert_status(qctx_document_open(test_comm, test_path("notes.txt"), passages, &corpus, &error), QCTX_OK, &error);
    for (int64_t i = 0; i < corpus->context_count; i++) {
        strcat(joined, i > 0 ? "|" : "");
        strcat(joined, corpus->contexts[i].text);
        snprintf(id, sizeof id, "%lld", (long long)i + 1);
        assert_string_equal(corpus->contexts[i].id, id);
        assert_string_equal(corpus->contexts[i].title, "");
    }
    assert_string_equal(joined, expected);
    assert_int_equal(corpus->question_count, 0);
    qctx_corpus_destroy(corpus);
}

#define ASSERT_CUT(bytes, passages, expected) assert_cut(bytes, sizeof(bytes) - 1, passages, expected)

static void cuts_sentences(void **state)
{
    (void)state;
    ASSERT_CUT("The tower was built in 1889. Who designed   it?\n\nNotes on lines\n of their own\n", false,
               "The tower was built in 1889.|Who designed it?|Notes on lines|of their own");
    ASSERT_CUT("Dr. Smith arrived.\tHe left.", false, "Dr. Smith arrived.|He left.");
    /* A byte order mark, NUL characters. */
    ASSERT_CUT("\xEF\xBB\xBFOne\0 is here and it is long enough. Two.", false,
               "One is here and it is long enough.|Two.");
}

static void cuts_passages(void **state)
{
    (void)state;
    ASSERT_CUT("\n\nOne. Two\nlines.\n \t\nThree.\r\n\r\nFour\rmore.\n\n\n", true, "One. Two lines.|Three.|Four more.");
    ASSERT_CUT("no end", true, "no end");
}

static void cuts_what_is_too_long_where_it_makes_sense(void **state)
{
    enum { SENTENCES = 100, WORD = 2500 };
    char *text = calloc(SENTENCES, 64);
    qctx_corpus *corpus = NULL;
    int64_t sentences = 0, letters = 0;

    (void)state;
    for (int i = 0; i < SENTENCES; i++)
        sprintf(text + strlen(text), "Sentence %d is one that has\nforty letters. ", i);
    write_bytes(test_path("long.txt"), text, strlen(text));
    assert_status(qctx_document_open(test_comm, test_path("long.txt"), true, &corpus, &error), QCTX_OK, &error);
    for (int64_t i = 0; i < corpus->context_count; i++) {
        const char *context = corpus->contexts[i].text;

        assert_in_range(qctx_text_codepoints(context, strlen(context)), 900, QCTX_DOCUMENT_MOST);
        assert_true(strncmp(context, "Sentence ", 9) == 0 && context[strlen(context) - 1] == '.');
        for (const char *at = context; (at = strchr(at, '.')) != NULL; at++)
            sentences++;
        if (i == corpus->context_count - 2)
            break;
    }
    assert_in_range(sentences, SENTENCES - 25, SENTENCES);
    qctx_corpus_destroy(corpus);

    /* A word without an end is cut all the same, between letters of two bytes. */
    text[0] = '\0';
    for (int i = 0; i < WORD; i++)
        strcat(text, "\xC3\xA9");
    write_bytes(test_path("word.txt"), text, strlen(text));
    for (int passages = 0; passages < 2; passages++) {
        letters = 0;
        assert_status(qctx_document_open(test_comm, test_path("word.txt"), passages, &corpus, &error), QCTX_OK, &error);
        assert_int_equal(corpus->context_count, 3);
        for (int64_t i = 0; i < 3; i++)
            letters += qctx_text_codepoints(corpus->contexts[i].text, strlen(corpus->contexts[i].text));
        assert_int_equal(letters, WORD);
        qctx_corpus_destroy(corpus);
    }
    free(text);
}

/* The fingerprint is of the texts: how they were cut counts, where they are from does not. */
static void tells_texts_apart(void **state)
{
    uint64_t fingerprints[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        const char *path = test_path(i == 1 ? "copy.txt" : "same.txt");
        const char *text = i == 3 ? "One. Three." : "One. Two.";
        qctx_corpus *corpus = NULL;

        write_bytes(path, text, strlen(text));
        assert_status(qctx_document_open(test_comm, path, i == 2, &corpus, &error), QCTX_OK, &error);
        fingerprints[i] = corpus->fingerprint;
        qctx_corpus_destroy(corpus);
    }
    assert_true(fingerprints[0] == fingerprints[1]);
    assert_true(fingerprints[0] != fingerprints[2] && fingerprints[0] != fingerprints[3]);
}

static void assert_refused(const char *bytes, size_t count, qctx_status status, const char *message, const char *hint)
{
    qctx_corpus *corpus = NULL;

    write_bytes(test_path("bad.txt"), bytes, count);
    assert_status(qctx_document_open(test_comm, test_path("bad.txt"), false, &corpus, &error), status, &error);
    assert_null(corpus);
    assert_contains(error.message, "bad.txt");
    assert_contains(error.message, message);
    assert_contains(error.hint, hint);
}

#define ASSERT_REFUSED(bytes, status, message, hint) assert_refused(bytes, sizeof(bytes) - 1, status, message, hint)

static void refuses_what_is_no_text(void **state)
{
    qctx_corpus *corpus = NULL;

    (void)state;
    ASSERT_REFUSED("One.\nTwo.\nCaf\xe9.\n", QCTX_ERR_FORMAT, ":3: the text is not UTF-8", "iconv");
    ASSERT_REFUSED("", QCTX_ERR_DATA, "the file is empty", "");
    ASSERT_REFUSED(" \n\t\n", QCTX_ERR_DATA, "blanks alone", "");
    ASSERT_REFUSED("\xEF\xBB\xBF\n", QCTX_ERR_DATA, "blanks alone", "");
    ASSERT_REFUSED("%PDF-1.7\n1 0 obj", QCTX_ERR_FORMAT, "the file is a PDF", "pdftotext");
    ASSERT_REFUSED("PK\x03\x04rest", QCTX_ERR_FORMAT, "a zip archive", "pandoc");
    ASSERT_REFUSED("\xFF\xFEO\0n\0", QCTX_ERR_FORMAT, "UTF-16", "iconv -f UTF-16");
    ASSERT_REFUSED("\xFF\xFE\0\0O\0\0\0", QCTX_ERR_FORMAT, "UTF-32", "iconv -f UTF-32");
    ASSERT_REFUSED("O\0n\0e\0", QCTX_ERR_FORMAT, "3 of 6 bytes are NUL", "UTF-16");
    assert_status(qctx_document_open(test_comm, test_path("none.txt"), false, &corpus, &error), QCTX_ERR_IO, &error);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(cuts_sentences),
    cmocka_unit_test(cuts_passages),
    cmocka_unit_test(cuts_what_is_too_long_where_it_makes_sense),
    cmocka_unit_test(tells_texts_apart),
    cmocka_unit_test(refuses_what_is_no_text),
};
TEST_MAIN(tests)
