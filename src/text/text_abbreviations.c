/*
 * Full stops that end no sentence. The rules of UAX #29 divide behind "Dr." before a name; ICU's own filter for
 * abbreviations (the locale keyword ss=standard) knows no "Dr.", and takes the ends of words for them: it goes on
 * behind "NATO.". So abbreviations are matched here, as whole words, in three kinds by what may follow them; what may
 * as well be an end is one where a word follows that often begins sentences (Kiss and Strunk 2006 weigh the same
 * evidence).
 */
#include <ctype.h>
#include <string.h>

#include "text_internal.h"

enum { WORD_MAX = 12 };

/* A name or a clause always follows. */
static const char *const before_anything[] = {
    "Mr",   "Mrs",  "Ms",   "Mx",  "Dr",   "Prof", "Rev", "Hon",    "Messrs", "Gen",  "Col",  "Maj",
    "Capt", "Cpt",  "Cmdr", "Lt",  "Sgt",  "Adm",  "Gov", "Sen",    "Rep",    "Pres", "Supt", "Msgr",
    "Mme",  "Mlle", "Hr",   "Sra", "Srta", "Dra",  "Sig", "Dott",   "Dipl",   "e.g",  "E.g",  "i.e",
    "I.e",  "cf",   "Cf",   "viz", "vs",   "bzw",  "ca",  "approx", NULL,
};

/* A number follows; before anything else it is a word, as "no" is. */
static const char *const before_numbers[] = {
    "No", "Nos", "no",  "nos", "Nr",  "nr",   "Fig",  "Figs", "fig", "figs", "Vol",  "Vols", "vol", "vols",
    "p",  "pp",  "P",   "Pp",  "Ch",  "ch",   "Chap", "chap", "Sec", "sec",  "Sect", "sect", "Eq",  "Eqs",
    "eq", "eqs", "Art", "art", "Ref", "Refs", "Tab",  "tab",  "Op",  "op",   "Par",  "par",  NULL,
};

/* These end a sentence as often as not; so do capital letters alone and letters with full stops between, "J.", "U.S."
 */
static const char *const before_names[] = {
    "Inc", "Ltd", "Corp", "Co",  "Bros", "Jr",  "Sr",  "St",  "Mt",  "Ft",   "Ave", "Blvd", "Rd",  "Dept", "Univ",
    "al",  "Jan", "Feb",  "Mar", "Apr",  "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov",  "Dec", NULL,
};

/* Words that begin sentences and are hardly ever the second part of a name. */
static const char *const beginnings[] = {
    "a",     "an",      "the",     "he",     "she",      "it",      "its",   "they", "we",   "i",
    "you",   "his",     "her",     "their",  "our",      "my",      "your",  "this", "that", "these",
    "those", "there",   "here",    "in",     "on",       "at",      "by",    "for",  "from", "with",
    "to",    "of",      "as",      "if",     "when",     "while",   "where", "what", "who",  "which",
    "why",   "how",     "after",   "before", "since",    "because", "but",   "and",  "or",   "so",
    "then",  "thus",    "however", "also",   "is",       "are",     "was",   "were", "do",   "does",
    "did",   "not",     "no",      "yes",    "many",     "most",    "some",  "all",  "both", "each",
    "one",   "another", "during",  "until",  "although", "though",  "only",  NULL,
};

static bool is_among(const char *const *list, const char *word)
{
    for (; *list != NULL; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The quotation marks that open, of three bytes in UTF-8: "“", "‘", "„". */
static bool ends_with_quote(const char *bytes, int64_t length)
{
    return length >= 3 && memcmp(bytes + length - 3, "\xE2\x80", 2) == 0 && strchr("\x9C\x98\x9E", bytes[length - 1]);
}

/* The last word of `sentence`, less the full stop behind it; "" where it is longer than any abbreviation. */
static void last_word(const char *bytes, const qctx_span *sentence, char word[WORD_MAX])
{
    const int64_t end = sentence->end - 1;
    int64_t first = end;

    while (first > sentence->first && strchr(" \t\n\r([{\"'/-", bytes[first - 1]) == NULL &&
           !ends_with_quote(bytes + sentence->first, first - sentence->first))
        first--;
    word[0] = '\0';
    if (end - first >= WORD_MAX)
        return;
    memcpy(word, bytes + first, (size_t)(end - first));
    word[end - first] = '\0';
}

/* "U.S", "a.m", "Ph.D": one or two letters between full stops. */
static bool is_acronym(const char *word)
{
    int letters = 0, stops = 0;

    for (; *word != '\0'; word++) {
        if (*word == '.' && letters > 0)
            stops++, letters = 0;
        else if (!is_letter(*word) || ++letters > 2)
            return false;
    }
    return stops > 0 && letters > 0;
}

/* "J": "I" is more often a word or a number. */
static bool is_initial(const char *word)
{
    return word[0] >= 'A' && word[0] <= 'Z' && word[0] != 'I' && word[1] == '\0';
}

/* Whether what begins at `text` can go on a name: a word or a number, and no word that begins sentences. */
static bool goes_on(const char *text, size_t length)
{
    char word[WORD_MAX];
    size_t letters = 0;

    while (letters < length && is_letter(text[letters]))
        letters++;
    if (letters == 0)
        return length > 0 && (is_digit(text[0]) || (unsigned char)text[0] >= 0x80) && !ends_with_quote(text, 3);
    if (letters >= WORD_MAX)
        return true;
    for (size_t i = 0; i < letters; i++)
        word[i] = (char)tolower((unsigned char)text[i]);
    word[letters] = '\0';
    return !is_among(beginnings, word);
}

bool text_ends_in_abbreviation(const char *bytes, size_t length, const qctx_span *sentence, int64_t next)
{
    char word[WORD_MAX];

    if (bytes[sentence->end - 1] != '.' || memchr(bytes + sentence->end, '\n', (size_t)(next - sentence->end)) ||
        memchr(bytes + sentence->end, '\r', (size_t)(next - sentence->end)))
        return false;
    last_word(bytes, sentence, word);
    if (is_among(before_anything, word))
        return true;
    if (is_among(before_numbers, word) && is_digit(bytes[next]))
        return true;
    return (is_among(before_names, word) || is_initial(word) || is_acronym(word)) &&
           goes_on(bytes + next, length - (size_t)next);
}
