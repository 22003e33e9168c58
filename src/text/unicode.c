#include "qctx/text/unicode.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucasemap.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uset.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include "qctx/base/mem.h"

int64_t qctx_unicode_next(const char *bytes, int64_t length, int64_t at, uint32_t *point)
{
    const uint8_t *text = (const uint8_t *)bytes;
    UChar32 found;

    U8_NEXT_OR_FFFD(text, at, length, found);
    *point = (uint32_t)found;
    return at;
}

int qctx_unicode_put(uint32_t point, char *bytes)
{
    uint8_t *text = (uint8_t *)bytes;
    int written = 0;

    U8_APPEND_UNSAFE(text, written, point);
    return written;
}

int64_t qctx_unicode_before(const char *bytes, int64_t end, uint32_t *point)
{
    int64_t at = end - 1;

    while (at > 0 && !qctx_unicode_begins(bytes[at]))
        at--;
    qctx_unicode_next(bytes, end, at, point);
    return at;
}

/* Letters, marks and digits that came with Unicode 15.1 and 16, ascending: ICU knows them from release 76 on. */
static const struct {
    uint32_t first, last, category;
} late[] = {
    {0x897, 0x897, U_GC_MN_MASK},     {0x1C89, 0x1C8A, U_GC_LO_MASK},   {0xA7CB, 0xA7CD, U_GC_LO_MASK},
    {0xA7DA, 0xA7DC, U_GC_LO_MASK},   {0x105C0, 0x105F3, U_GC_LO_MASK}, {0x10D40, 0x10D49, U_GC_ND_MASK},
    {0x10D4A, 0x10D65, U_GC_LO_MASK}, {0x10D69, 0x10D6D, U_GC_MN_MASK}, {0x10D6F, 0x10D85, U_GC_LO_MASK},
    {0x10EC2, 0x10EC4, U_GC_LO_MASK}, {0x10EFC, 0x10EFC, U_GC_MN_MASK}, {0x11380, 0x11389, U_GC_LO_MASK},
    {0x1138B, 0x1138B, U_GC_LO_MASK}, {0x1138E, 0x1138E, U_GC_LO_MASK}, {0x11390, 0x113B5, U_GC_LO_MASK},
    {0x113B7, 0x113B7, U_GC_LO_MASK}, {0x113B8, 0x113C0, U_GC_MN_MASK}, {0x113C2, 0x113C2, U_GC_MN_MASK},
    {0x113C5, 0x113C5, U_GC_MN_MASK}, {0x113C7, 0x113CA, U_GC_MN_MASK}, {0x113CC, 0x113D0, U_GC_MN_MASK},
    {0x113D1, 0x113D1, U_GC_LO_MASK}, {0x113D2, 0x113D2, U_GC_MN_MASK}, {0x113D3, 0x113D3, U_GC_LO_MASK},
    {0x113E1, 0x113E2, U_GC_MN_MASK}, {0x116D0, 0x116E3, U_GC_ND_MASK}, {0x11BC0, 0x11BE0, U_GC_LO_MASK},
    {0x11BF0, 0x11BF9, U_GC_ND_MASK}, {0x11F5A, 0x11F5A, U_GC_MN_MASK}, {0x13460, 0x143FA, U_GC_LO_MASK},
    {0x16100, 0x1611D, U_GC_LO_MASK}, {0x1611E, 0x1612F, U_GC_MN_MASK}, {0x16130, 0x16139, U_GC_ND_MASK},
    {0x16D40, 0x16D6C, U_GC_LO_MASK}, {0x16D70, 0x16D79, U_GC_ND_MASK}, {0x18CFF, 0x18CFF, U_GC_LO_MASK},
    {0x1CCF0, 0x1CCF9, U_GC_ND_MASK}, {0x1E5D0, 0x1E5ED, U_GC_LO_MASK}, {0x1E5EE, 0x1E5EF, U_GC_MN_MASK},
    {0x1E5F0, 0x1E5F0, U_GC_LO_MASK}, {0x1E5F1, 0x1E5FA, U_GC_ND_MASK}, {0x2EBF0, 0x2EE5D, U_GC_LO_MASK},
};

static uint32_t categories_of(uint32_t point)
{
    const uint32_t known = U_MASK(u_charType((UChar32)point));

    if (known != U_GC_CN_MASK)
        return known;
    for (size_t i = 0; i < sizeof late / sizeof *late && point >= late[i].first; i++)
        if (point <= late[i].last)
            return late[i].category;
    return known;
}

bool qctx_unicode_is_letter(uint32_t point)
{
    return (categories_of(point) & U_GC_L_MASK) != 0;
}

bool qctx_unicode_is_number(uint32_t point)
{
    return (categories_of(point) & U_GC_N_MASK) != 0;
}

bool qctx_unicode_is_mark(uint32_t point)
{
    return u_charType((UChar32)point) == U_NON_SPACING_MARK;
}

bool qctx_unicode_is_punctuation(uint32_t point)
{
    return (U_MASK(u_charType((UChar32)point)) & U_GC_P_MASK) != 0;
}

bool qctx_unicode_is_other(uint32_t point)
{
    return (U_MASK(u_charType((UChar32)point)) & U_GC_C_MASK) != 0;
}

bool qctx_unicode_is_space(uint32_t point)
{
    return u_isUWhiteSpace((UChar32)point);
}

bool qctx_unicode_is_any_mark(uint32_t point)
{
    return (U_MASK(u_charType((UChar32)point)) & U_GC_M_MASK) != 0;
}

bool qctx_unicode_is_word(uint32_t point)
{
    return (categories_of(point) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
           u_hasBinaryProperty((UChar32)point, UCHAR_ALPHABETIC) ||
           u_hasBinaryProperty((UChar32)point, UCHAR_JOIN_CONTROL);
}

int qctx_unicode_age(uint32_t point)
{
    UVersionInfo version;

    /* Noncharacters have an age, but nothing is assigned to them. */
    if (u_charType((UChar32)point) == U_UNASSIGNED)
        return 0;
    u_charAge((UChar32)point, version);
    return version[0];
}

static bool is_ascii(const char *bytes, int64_t length)
{
    unsigned char all = 0;

    for (int64_t i = 0; i < length; i++)
        all |= (unsigned char)bytes[i];
    return all < 0x80;
}

static qctx_status icu_failed(const char *what, UErrorCode code, qctx_error *error)
{
    if (code == U_MEMORY_ALLOCATION_ERROR)
        return qctx_fail(error, QCTX_ERR_MEMORY, "out of memory while %s", what);
    return qctx_fail(error, QCTX_ERR_INTERNAL, "ICU failed while %s: %s", what, u_errorName(code));
}

/* Opened once and kept for the life of the program; a failure is kept, too. */
static struct {
    const UNormalizer2 *forms[5];
    UErrorCode code;
} opened;
static pthread_once_t open_once = PTHREAD_ONCE_INIT;

static void open_normalizers(void)
{
    static const UChar unicode_9[] = u"[:age=9.0:]";
    USet *known = uset_openPattern(unicode_9, -1, &opened.code);
    const UNormalizer2 *whole[] = {
        [QCTX_NFC] = unorm2_getNFCInstance(&opened.code),
        [QCTX_NFD] = unorm2_getNFDInstance(&opened.code),
        [QCTX_NFKC] = unorm2_getNFKCInstance(&opened.code),
        [QCTX_NFKD] = unorm2_getNFKDInstance(&opened.code),
    };

    if (U_SUCCESS(opened.code))
        uset_freeze(known);
    for (int form = QCTX_NFC; form <= QCTX_NFKD; form++)
        opened.forms[form] = unorm2_openFiltered(whole[form], known, &opened.code);
    opened.forms[QCTX_NFC_WHOLE] = whole[QCTX_NFC];
}

/* Normalises UTF-16; `*normal` is allocated large enough and the caller's to free, also on failure. */
static qctx_status normalize_wide(const UNormalizer2 *form, const UChar *wide, int32_t length, UChar **normal,
                                  int32_t *normal_length, qctx_error *error)
{
    int64_t capacity = (int64_t)length + length / 2 + 32;

    for (;;) {
        UErrorCode code = U_ZERO_ERROR;

        *normal = qctx_alloc(capacity, sizeof **normal, "a normal form", error);
        if (*normal == NULL)
            return QCTX_ERR_MEMORY;
        *normal_length = unorm2_normalize(form, wide, length, *normal, (int32_t)capacity, &code);
        if (U_SUCCESS(code))
            return QCTX_OK;
        if (code != U_BUFFER_OVERFLOW_ERROR || *normal_length < capacity)
            return icu_failed("normalising a text", code, error);
        free(*normal);
        capacity = (int64_t)*normal_length + 1;
    }
}

qctx_status qctx_unicode_normalize(qctx_normal_form form, const char *bytes, int64_t length, char **normal,
                                   int64_t *normal_length, qctx_error *error)
{
    UErrorCode code = U_ZERO_ERROR;
    UChar *wide = NULL, *wide_normal = NULL;
    int32_t wide_length, wide_normal_length, out_length;
    qctx_status status = QCTX_OK;

    *normal = NULL;
    pthread_once(&open_once, open_normalizers);
    if (U_FAILURE(opened.code))
        return icu_failed("opening the normal forms", opened.code, error);
    /* One code point grows to 18 UTF-16 units at most, each of 3 bytes at most. */
    if (length > INT32_MAX / 64)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "a text of %lld bytes is too long to be normalised",
                         (long long)length);
    if (is_ascii(bytes, length)) {
        *normal = qctx_alloc(length + 1, 1, "a normal form", error);
        if (*normal == NULL)
            return QCTX_ERR_MEMORY;
        memcpy(*normal, bytes, (size_t)length);
        *normal_length = length;
        return QCTX_OK;
    }
    wide = qctx_alloc(length + 1, sizeof *wide, "a normal form", error);
    if (wide == NULL)
        return QCTX_ERR_MEMORY;
    u_strFromUTF8(wide, (int32_t)length + 1, &wide_length, bytes, (int32_t)length, &code);
    if (U_FAILURE(code)) {
        status = icu_failed("reading a text as UTF-8", code, error);
        goto out;
    }
    status = normalize_wide(opened.forms[form], wide, wide_length, &wide_normal, &wide_normal_length, error);
    if (status != QCTX_OK)
        goto out;
    *normal = qctx_alloc((int64_t)wide_normal_length * 3 + 1, 1, "a normal form", error);
    if (*normal == NULL) {
        status = QCTX_ERR_MEMORY;
        goto out;
    }
    u_strToUTF8(*normal, wide_normal_length * 3 + 1, &out_length, wide_normal, wide_normal_length, &code);
    if (U_FAILURE(code)) {
        status = icu_failed("writing a text as UTF-8", code, error);
        goto out;
    }
    *normal_length = out_length;
out:
    if (status != QCTX_OK) {
        free(*normal);
        *normal = NULL;
    }
    free(wide);
    free(wide_normal);
    return status;
}

/* Capitals that came with Unicode 16 and 17, which older ICUs do not know: their lower case is so much behind them. */
static const struct {
    uint32_t first, last;
    int32_t step;
} late_capitals[] = {
    {0x1C89, 0x1C89, 1},      {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
    {0xA7CC, 0xA7CC, 1},      {0xA7CE, 0xA7CE, 1},
    {0xA7D2, 0xA7D2, 1},      {0xA7D4, 0xA7D4, 1},
    {0xA7DA, 0xA7DA, 1},      {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
    {0x10D50, 0x10D65, 0x20}, {0x16EA0, 0x16EB8, 0x1B},
};

static uint32_t lower_late(uint32_t point)
{
    for (size_t i = 0; i < sizeof late_capitals / sizeof *late_capitals; i++)
        if (point >= late_capitals[i].first && point <= late_capitals[i].last)
            return (uint32_t)((int32_t)point + late_capitals[i].step);
    return point;
}

/* The lower case of one character; returns the number of code points it became, 1 or 2. */
static int lower_point(uint32_t point, uint32_t lower[2])
{
    /* The one character whose lower case is two, whatever the context and the language: I with a dot (SpecialCasing).
     */
    if (point == 0x130) {
        lower[0] = 'i';
        lower[1] = 0x307;
        return 2;
    }
    lower[0] = (uint32_t)u_tolower((UChar32)point);
    if (lower[0] == point && point >= late_capitals[0].first)
        lower[0] = lower_late(point);
    return 1;
}

qctx_status qctx_unicode_lower(const char *bytes, int64_t length, char **lower, int64_t *lower_length,
                               qctx_error *error)
{
    /* Two bytes become three at most, and three or four never grow. */
    char *out = qctx_alloc(length + length / 2 + 4, 1, "a text in lower case", error);
    int64_t at = 0, written = 0;

    *lower = out;
    if (out == NULL)
        return QCTX_ERR_MEMORY;
    while (at < length) {
        uint32_t point, points[2];
        int count;

        at = qctx_unicode_next(bytes, length, at, &point);
        count = lower_point(point, points);
        for (int i = 0; i < count; i++)
            written += qctx_unicode_put(points[i], out + written);
    }
    *lower_length = written;
    return QCTX_OK;
}

qctx_status qctx_unicode_lower_whole(const char *bytes, int64_t length, char **lower, int64_t *lower_length,
                                     qctx_error *error)
{
    UErrorCode code = U_ZERO_ERROR;
    int64_t capacity = length + length / 2 + 4;
    UCaseMap *map = NULL;

    *lower = NULL;
    if (capacity > INT32_MAX)
        return qctx_fail(error, QCTX_ERR_INTERNAL, "a text of %lld bytes is too long to be put in lower case",
                         (long long)length);
    *lower = qctx_alloc(capacity, 1, "a text in lower case", error);
    if (*lower == NULL)
        return QCTX_ERR_MEMORY;
    map = ucasemap_open("", 0, &code);
    *lower_length = ucasemap_utf8ToLower(map, *lower, (int32_t)capacity, bytes, (int32_t)length, &code);
    ucasemap_close(map);
    if (U_SUCCESS(code))
        return QCTX_OK;
    free(*lower);
    *lower = NULL;
    return icu_failed("putting a text in lower case", code, error);
}

uint32_t qctx_unicode_upper_point(uint32_t point)
{
    return (uint32_t)u_toupper((UChar32)point);
}

qctx_status qctx_unicode_repair(const char *bytes, int64_t length, char **repaired, int64_t *repaired_length,
                                qctx_error *error)
{
    /* A bad byte becomes three. */
    char *out = qctx_alloc(3 * length + 1, 1, "a repaired text", error);
    int64_t at = 0, written = 0;

    *repaired = out;
    if (out == NULL)
        return QCTX_ERR_MEMORY;
    while (at < length) {
        uint32_t point;

        at = qctx_unicode_next(bytes, length, at, &point);
        written += qctx_unicode_put(point, out + written);
    }
    *repaired_length = written;
    return QCTX_OK;
}
