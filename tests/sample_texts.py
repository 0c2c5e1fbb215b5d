"""Texts that tokenizers and pooling find hard, and a generator of random ones."""

from __future__ import annotations

import random

SAMPLE_TEXTS = [
    "",
    " ",
    "\n\t \r\n",
    "a",
    "the cat sat on the mat",
    "The CAT Sat, on... the mat!?",
    "hello world",
    "Hello, world! It's raining on the kettles.",
    "unbelievablyunsegmentablewordwithoutanyspaces",
    "x" * 99,
    "x" * 100,
    "x" * 101,
    "x" * 250 + " cat",
    "日本 日本語 のテスト",
    "l'été à Straße, STRASSE and ẞ",
    "e\u0301te\u0301 versus \u00e9t\u00e9",
    "naïve café résumé coöperate",
    "Ελληνικά ΣΑΣ ς σ",
    "Привет, мир",
    "مرحبا بالعالم",
    "שלום עולם",
    "नमस्ते दुनिया",
    "สวัสดีชาวโลก",
    "한국어 텍스트",
    "👩‍👩‍👧‍👦 family 👍🏽 emoji ❤️",
    "[PAD] [UNK] [CLS] [SEP] [MASK]",
    "the [MASK] sat",
    "the[MASK]sat on[UNK]the[PAD]mat",
    "[mask] [Mask] [MASK",
    "[[MASK]]",
    "I live in New York, in new york and NEW  YORK",
    "Sat Saturday aSat Sat. (Sat) sat",
    "a <l> b <l>c  <l>",
    "a <r> b<r>  c <r>",
    "ÉTÉ été ÉTÉS (ÉTÉ)",
    "tab\tseparated\ttext",
    "null\x00byte and bell\x07 and \x1b[0m escape",
    "file\x1cgroup\x1drecord\x1eunit\x1fseparators",
    "next\x85line and vertical\x0btab and form\x0cfeed",
    "no-break\u00a0space, thin\u2009space, zero\u200bwidth, word\u2060joiner",
    "line\u2028separator paragraph\u2029separator ideographic\u3000space",
    "soft\u00adhyphen and byte order\ufeffmark",
    "replacement \ufffd character",
    "private \ue000 use, unassigned \u0378, noncharacter \ufdd0",
    "plane 16 \U0010ffff end",
    "combining \u0301\u0302\u0303 alone",
    "z̷̡̛a̷͓͝l̴̘̈g̵̰̓o̶̘͌",
    "ﬁ ligature, ① circled, Ⅷ roman, ㎏ square, ½ half",
    "İstanbul ı I i",
    "C++ C# .NET a/b a_b a-b a--b don't",
    "$100.00 + 50% = €150 (approx.)",
    "https://example.org/path?query=1&other=2#fragment",
    "user@example.org",
    "192.168.0.1 2001:db8::1",
    "def f(x): return {'a': [1, 2, 3]}",
    "............",
    "!!!???!!!",
    "the " * 30,
    "cat sat " * 300,
    "the cat sat on the mat. " * 120,
    "kettle " * 600 + "end",
    "a" * 5000,
    "日" * 700,
    "! " * 800,
    "[UNK] " * 20 + "cat",
    "[UNK]cat" * 300,
    "x" * 101 + " " + "cat " * 520,
]

_RANGES = [
    (0x20, 0x7E), (0x00, 0x1F), (0x80, 0x24F), (0x250, 0x3FF), (0x400, 0x6FF), (0x900, 0xDFF),
    (0xE00, 0x11FF), (0x1E00, 0x22FF), (0x2300, 0x2FFF), (0x3000, 0x33FF), (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0xF900, 0xFFFD), (0x10000, 0x1FFFF), (0x20000, 0x2FFFF),
    (0xE0000, 0xE01FF), (0x10FF00, 0x10FFFF),
]  # fmt: skip


def random_texts(number: int, seed: int) -> list[str]:
    """Return texts of random words: known ones, runs of one Unicode range, and special tokens."""
    generator = random.Random(seed)
    known = [
        "the",
        "cat",
        "sat",
        "on",
        "mat",
        "hello",
        "world",
        "kettle",
        "raining",
        "été",
        "[MASK]",
        "[UNK]",
        "new",
        "york",
        "<l>",
        "<r>",
        ".",
        ",",
        "-",
    ]

    def word() -> str:
        if generator.random() < 0.5:
            return generator.choice(known)
        low, high = generator.choice(_RANGES)
        return "".join(chr(generator.randint(low, high)) for _ in range(generator.randint(1, 8)))

    def text() -> str:
        words = generator.choice([0, 1, 2, 5, 20, 100])
        return "".join(word() + generator.choice([" ", " ", "", "  ", "\n"]) for _ in range(words))

    return [text() for _ in range(number)]
