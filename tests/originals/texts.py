"""Text for the tiny models: what their vocabularies are trained on, and what they are compared on.

The sentences are from works in the public domain: Austen, Carroll, Melville, Jefferson, Lincoln, Darwin, Euclid, Kant,
Hugo, Cervantes, Tolstoy, Homer, Laozi.
"""
import random
import sys

SENTENCES = """
It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife.
However little known the feelings or views of such a man may be on his first entering a neighbourhood, this truth is so
well fixed in the minds of the surrounding families, that he is considered the rightful property of one of them.
Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once or twice
she had peeped into the book her sister was reading, but it had no pictures or conversations in it, "and what is the
use of a book," thought Alice, "without pictures or conversations?" So she was considering in her own mind whether the
pleasure of making a daisy-chain would be worth the trouble of getting up and picking the daisies, when suddenly a
White Rabbit with pink eyes ran close by her. "Oh dear! Oh dear! I shall be late!"
Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and nothing
particular to interest me on shore, I thought I would sail about a little and see the watery part of the world.
When in the Course of human events, it becomes necessary for one people to dissolve the political bands which have
connected them with another, and to assume among the powers of the earth, the separate and equal station to which the
Laws of Nature and of Nature's God entitle them, a decent respect to the opinions of mankind requires that they should
declare the causes which impel them to the separation. We hold these truths to be self-evident, that all men are
created equal, that they are endowed by their Creator with certain unalienable Rights.
Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in Liberty, and
dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war, testing whether
that nation, or any nation so conceived and so dedicated, can long endure.
There is grandeur in this view of life, with its several powers, having been originally breathed into a few forms or
into one; and that, whilst this planet has gone cycling on according to the fixed law of gravity, from so simple a
beginning endless forms most beautiful and most wonderful have been, and are being, evolved.
A point is that which has no part. A line is breadthless length. The extremities of a line are points. In 1776, 1865
and 1905; 12 of 36, 3.14159 and 2,718. What is the angle of a line? Who was it? Where did they go? When can we sail?
Zwei Dinge erfüllen das Gemüt mit immer neuer und zunehmender Bewunderung und Ehrfurcht: der bestirnte Himmel über mir,
und das moralische Gesetz in mir. Il y a des gens qui ont une bibliothèque comme les eunuques ont un harem. Être ou ne
pas être, là où naît la forêt; garçon, élève, œuvre. En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no
ha mucho tiempo que vivía un hidalgo. Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива
по-своему. Μῆνιν ἄειδε θεὰ Πηληϊάδεω Ἀχιλῆος. 道可道，非常道。名可名，非常名。 We don't, they're, I've, he'll, she'd, I'm.
""".strip().splitlines()

ORDINARY = [
    "What is the use of a book without pictures?",
    "A White Rabbit with pink eyes ran close by her.",
    "four score and seven years ago",
    "He said: \"They're late; I've 12 daisies, it's 3.14159 or 2,718.\"",
    "E-mail: someone@example.org (see https://example.org/a?b=c&d=e#f), $5 ~ 100% of it!",
    "THE LAWS OF NATURE ARE CREATED EQUAL",
    "iPhone XIV_snake_case camelCase 1st 2nd 1776AD",
    " ".join(["all men are created equal and endless forms most beautiful have been evolved,"] * 12),
]

NASTY = [
    "",
    "   ",
    "\t tabs\tand\r\nline ends \n\n\n three,  two  spaces ",
    "a",
    "!?...---''\"\"``",
    "Café CAFÉ Cafe\u0301 naïve Ångström A\u030angstro\u0308m façade",
    "İstanbul IĞDIR ısı ẞ ß ǅ ŉ ΑΣ ΣΑΣ ὈΔΥΣΣΕΎΣ",
    "道可道非常道 ひらがな カタカナ ｶﾞ 한국어 \u1112\u1161\u11ab 𠀀𪜶",
    "Все СЕМЬИ й и\u0306 ё — «так»",
    "שָׁלוֹם مَرْحَبًا नमस्ते ไทยภาษา",
    "\u00a0no\u00a0break\u2003em\u3000wide\u200bzero\u200dwidth\ufeffmark\u00adsoft",
    "control\u0001\u0008\u007f\u0085\u009f characters\u2028line\u2029paragraph",
    "😀 👩\u200d👩\u200d👧 🇩🇪 👍🏽 ❤\ufe0f emoji",
    "\ufffd replacement \ue000private \U000e0001tag \u0378unassigned \U0010ffff",
    "ＦＵＬＬ　ｗｉｄｔｈ ﬁre ﬂow Ⅳ ½ ² ㎏ ℃",
    "[CLS] written [MASK] in [SEP] the text [UNK][PAD]",
    "<s> written <mask> in </s> the text <pad><unk>",
    "<|startoftext|> written in <|endoftext|> the text",
    "<start_of_text> written in <end_of_text> the text",
    "Tom &amp; Jerry &lt;b&gt; &#8220;quotes&#8221; &quot;it&#x27;s&quot; &nbsp;&eacute;",
    "“curly” ‘quotes’ – dashes — and … dots",
    "combining: e\u0301\u0302\u0303\u0304 \u0301alone x\u20dd \u0e33",
    "thislongwordhasnoendthislongwordhasnoendthislongwordhasnoendthislongwordhasnoendthislongwordhasnoendthis",
    "12345678901234567890 ٣٤٥ ४५६ ①②③",
]

TEXTS = ORDINARY + NASTY


def every_code_point(per_text=24):
    """Each code point of the planes that have characters, assigned yet or not, and some of the others (no NUL, no
    surrogates), in the context of letters, spaces and its neighbours."""
    points = [chr(p) for p in range(1, sys.maxunicode + 1) if not 0xD800 <= p <= 0xDFFF and
              (p < 0x34000 or 0xE0000 <= p < 0xE0200 or p % 997 == 0)]
    frames = ["{0}", "a{0}b", " {0} ", "A{0}", "{0}1", "the{0}{0}"]
    for first in range(0, len(points), per_text):
        yield "".join(frames[(first // per_text + i) % len(frames)].format(c)
                      for i, c in enumerate(points[first:first + per_text]))


def random_strings(count, seed=1):
    """Strings over all planes, most characters from the ranges that texts are made of."""
    draw = random.Random(seed)
    ranges = [(1, 0x7F), (0x20, 0x7F), (0x80, 0x24F), (0x250, 0x36F), (0x370, 0x52F), (0x590, 0x8FF), (0x900, 0xDFF),
              (0xE00, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2000, 0x2BFF), (0x3000, 0x33FF), (0x4E00, 0x9FFF),
              (0xAC00, 0xD7A3), (0xF900, 0xFFFF), (0x10000, 0x1FFFF), (0x20000, 0x3FFFF), (0xE0000, 0xE01FF),
              (1, 0x10FFFF)]
    for _ in range(count):
        text = []
        for _ in range(draw.randint(1, 40)):
            low, high = draw.choice(ranges)
            point = draw.randint(low, high)
            if not 0xD800 <= point <= 0xDFFF:
                text.append(chr(point))
        yield "".join(text) if text else "a"
