/*
 * The sets of characters that BertNormalizer and BertPreTokenizer of the tokenizers library know: general categories of
 * Unicode 8. Characters that came later are not in them; a few have changed their category since.
 */
#include "pipeline.h"
#include "qctx/text/unicode.h"

static bool is_known(uint32_t point)
{
    int age = qctx_unicode_age(point);

    return age >= 1 && age <= 8;
}

bool tokenizer_bert_is_control(uint32_t point)
{
    if (point < 0x80)
        return (point < 0x20 && point != '\t' && point != '\n' && point != '\r') || point == 0x7F;
    return qctx_unicode_is_other(point) && is_known(point);
}

bool tokenizer_bert_is_punctuation(uint32_t point)
{
    if (point < 0x80)
        return (point >= '!' && point <= '/') || (point >= ':' && point <= '@') || (point >= '[' && point <= '`') ||
               (point >= '{' && point <= '~');
    if (point == 0x166D || point == 0x111C9)
        return true;
    return qctx_unicode_is_punctuation(point) && is_known(point);
}

/* One block's first number is mistaken there, 0x2B920 for 0x2B820. */
bool tokenizer_bert_is_chinese(uint32_t point)
{
    return (point >= 0x4E00 && point <= 0x9FFF) || (point >= 0x3400 && point <= 0x4DBF) ||
           (point >= 0x20000 && point <= 0x2A6DF) || (point >= 0x2A700 && point <= 0x2B81F) ||
           (point >= 0x2B920 && point <= 0x2CEAF) || (point >= 0xF900 && point <= 0xFAFF) ||
           (point >= 0x2F800 && point <= 0x2FA1F);
}

bool tokenizer_bert_is_accent(uint32_t point)
{
    if (point == 0x1734)
        return true;
    if (point == 0x1885 || point == 0x1886 || point == 0xA9BD || point == 0x111C9)
        return false;
    return qctx_unicode_is_mark(point) && is_known(point);
}
