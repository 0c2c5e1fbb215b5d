"""Made-up words that are not ASCII. A seeded generator makes the same ones in all versions of Python.

The generator calls only `random()`, which gives the same numbers in all versions.
"""

from __future__ import annotations

import random
from itertools import chain

# Letters roughly by their frequency, so that words share their beginnings and ends as real ones do.
CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёіїє"
ACCENTED = "eaintrsoülédáömkčızşğięóßçłąxêřåộàñ"  # noqa: RUF001
HANGUL = "".join(map(chr, range(0xAC00, 0xD7A4, 28)))  # the syllables that end in a vowel
CJK = "".join(map(chr, range(0x4E00, 0x5E00)))
SCRIPTS = {"Cyrillic": CYRILLIC, "accented": ACCENTED, "Hangul": HANGUL, "CJK": CJK}


def pick(of: str | list[str], generator: random.Random) -> str:
    """Return one of a sequence: the first ones are frequent, and the frequency is 1 / rank, by Zipf's law."""
    return of[int(len(of) ** generator.random()) - 1]


def different_words(script: str, number: int, generator: random.Random) -> list[str]:
    """Return words of a script, all different: 2 to 4 characters of CJK or Hangul, 3 to 11 letters of others.

    Example:
        >>> words = different_words("Cyrillic", 100, random.Random(0))
        >>> len(set(words)), any(map(str.isascii, words))
        (100, False)
    """
    letters = SCRIPTS[script]
    fewest, more = (2, 3) if script in ("CJK", "Hangul") else (3, 9)
    words: dict[str, None] = {}
    while len(words) < number:
        length = fewest + int(more * generator.random())
        if script in ("CJK", "Hangul"):
            word = "".join(letters[int(len(letters) * generator.random())] for _ in range(length))
        else:
            word = "".join(letters[int(len(letters) * generator.random() ** 2)] for _ in range(length))
        if not word.isascii():
            words[word] = None
    return list(words)


def texts_of_frequent_words(number: int, generator: random.Random) -> list[str]:
    """Return texts of 8 to 19 words in one script each; a few words are frequent, and most are rare."""
    by_script = [different_words(script, 2000, generator) for script in SCRIPTS]

    def text(words: list[str]) -> str:
        chosen = [pick(words, generator) for _ in range(8 + int(12 * generator.random()))]
        # CJK has no spaces.
        return ("" if words is by_script[-1] else " ").join(chosen).capitalize() + "."

    return [text(by_script[place % len(by_script)]) for place in range(number)]


def texts_of_different_words(number: int, generator: random.Random) -> list[str]:
    """Return texts of 13 words in Cyrillic, Hangul or CJK, in which no word occurs twice."""
    scripts = ("Cyrillic", "Hangul", "CJK")
    of_each = -(-number // len(scripts))
    texts = [
        [" ".join(words[start : start + 13]) for start in range(0, len(words), 13)]
        for words in (different_words(script, 13 * of_each, generator) for script in scripts)
    ]
    return list(chain.from_iterable(zip(*texts, strict=True)))[:number]
