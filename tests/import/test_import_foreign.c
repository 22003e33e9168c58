/* ranks: 1 */
#include "harness.h"

#include <string.h>

#include "import_probe.h"
#include "qctx/base/fileio.h"
#include "qctx/base/outfile.h"

/* A file of these bytes is refused as this. */
static void refuses(const char *bytes, size_t count, const char *what)
{
    qctx_import_job job = probe_job("x", "");

    assert_int_equal(qctx_file_write(job.files[0].path, bytes, count, NULL), QCTX_OK);
    probe_fails(job, QCTX_ERR_FORMAT, what);
}

#define BYTES(text) text, sizeof text - 1

/* The first bytes are those that file(1) goes by. */
static void names_what_a_file_is(void **state)
{
    static const struct {
        const char *begin;
        size_t length;
        const char *what;
    } kinds[] = {
        {BYTES("\xFF\xFEw\0"), "the file is text in UTF-16"},
        {BYTES("\xFE\xFF\0w"), "the file is text in UTF-16"},
        {BYTES("\xFF\xFE\0\0w\0\0\0"), "the file is text in UTF-32"},
        {BYTES("PK\x03\x04rest"), "a zip archive"},
        {BYTES("PK\x03\x04 [Content_Types].xml xl/workbook.xml"), "a workbook of Excel"},
        {BYTES("PK\x03\x04 [Content_Types].xml word/document.xml"), "a document of Word"},
        {BYTES("PAR1\x15\x04\x15"), "Parquet"},
        {BYTES("%PDF-1.7\n"), "a PDF"},
        {BYTES("BZh91AY&SY\x12"), "compressed (bzip2)"},
        {BYTES("SQLite format 3\0\x10"), "a SQLite database"},
        {BYTES("\x7F\x45LF\x02\x01\x01"), "an executable"},
        {BYTES("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), ".xls"},
        {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "a pointer of Git LFS"},
        {BYTES("<!DOCTYPE html>\n<html>"), "a web page"},
        {BYTES("<!doctype html>\n<html>"), "a web page"},
        {BYTES("<HTML><body>\n"), "a web page"},
        {BYTES("<table border=\"1\">\n<tr>"), "a web page"},
        {BYTES("<Meta charset=\"utf-8\">\n<table>"), "a web page"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        refuses(kinds[i].begin, kinds[i].length, kinds[i].what);
}

static void tells_bytes_from_text(void **state)
{
    static const char utf16[] = "q\0u\0e\0s\0t\0i\0o\0n\0\t\0c\0o\0n\0t\0e\0x\0t\0\n\0";
    char noise[4096];
    uint32_t random = 1;

    (void)state;
    refuses(utf16, sizeof utf16 - 1, "text in UTF-16 (without a byte order mark)");
    for (size_t i = 0; i < sizeof noise; i++) {
        random = random * 1664525 + 1013904223;
        noise[i] = (char)(random >> 24);
    }
    refuses(noise, sizeof noise, "the file is binary");
    /* A slip is told with its place. */
    refuses(BYTES("Who?\tx\0y\n"), "x:1: the line holds a NUL character");
    refuses(BYTES("question,context\nWho?,Me.\nIn the caf\xE9?,x\n"), "x:3:11: the byte 0xe9 is not valid UTF-8");
    refuses(BYTES("caf\xE9 au lait\n"), "x:1:4: the byte 0xe9 is not valid UTF-8");
}

/* A question may begin as a web page or a program's file does. */
static void reads_questions_about_files(void **state)
{
    qctx_import_job job = probe_job("a.tsv", "<html> or <body>?\tBoth.\n%PDF?\tA file.\nBZh?\tNo.\n");
    qctx_corpus *corpus = probe_run(&job);

    (void)state;
    assert_int_equal(corpus->question_count, 3);
    assert_string_equal(corpus->questions[0].text, "<html> or <body>?");
    qctx_corpus_destroy(corpus);
}

/* What a terminal would obey is not shown as it is. */
static void shows_no_control_characters(void **state)
{
    qctx_import_job job = probe_job("x", "plain \x1b[31m red\n");
    qctx_error error;

    (void)state;
    job.folder = test_path("none");
    assert_int_equal(qctx_import_run(&job, &probe_report, &error), QCTX_ERR_FORMAT);
    assert_contains(error.message, "'plain \\x1b[31m red'");
}

static void names_line_ends_of_old_macs(void **state)
{
    static const char *const texts[] = {"question\tcontext\ra?\tb\rc?\td\r", "question,context\ra?,b\r",
                                        "a?\tb\rc?\td\r",
                                        "{\"question\": \"a?\", \"context\": \"b\"}\r{\"question\": \"c?\"}\r"};
    qctx_corpus *corpus;
    qctx_import_job job;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        refuses(texts[i], strlen(texts[i]), "x: the lines end in CR alone");
    /* White space like any other to a document. */
    job = probe_job("x.json", "[\r{\"question\": \"a?\",\r\"context\": \"b\"}\r]\r");
    corpus = probe_run(&job);
    assert_int_equal(corpus->question_count, 1);
    qctx_corpus_destroy(corpus);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(names_what_a_file_is),        cmocka_unit_test(tells_bytes_from_text),
    cmocka_unit_test(reads_questions_about_files), cmocka_unit_test(shows_no_control_characters),
    cmocka_unit_test(names_line_ends_of_old_macs),
};
TEST_MAIN(tests)
