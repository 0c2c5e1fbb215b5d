"""Prepares texts for the index of words: removes case and marks, and adds spaces where they are missing.

SQLite splits a text at spaces and punctuation. Chinese, Japanese, Thai, Lao, Khmer and Burmese have no spaces
between words. In these scripts, each character becomes a word, and a query searches for each pair of adjacent
characters.
"""

from __future__ import annotations

import re
from unicodedata import normalize

# Marks of Latin, Greek, Cyrillic, Hebrew and Arabic letters, which people often leave out when they search.
MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
# Han, Hiragana and Katakana; then Thai, Lao, Khmer and Burmese letters with the signs that belong to them.
SPACELESS = re.compile(
    "[\u3040-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    "|[\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46][\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]*"
    "|[\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6][\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece]*"
    "|[\u1780-\u17b3][\u17b4-\u17d3]*"
    "|[\u1000-\u102a\u1050-\u1055][\u102b-\u103e\u1056-\u109d]*"
)


def folded(text: str) -> str:
    """Return a text as the index of words gets it.

    Examples:
        >>> folded("Zażółć ΤΈΛΟΣ Straße"), folded("東京 tower")
        ('zazołc τελοσ strasse', ' 東  京  tower')
    """
    if text.isascii():
        return text  # SQLite ignores the case of these
    text = MARKS.sub("", normalize("NFKD", text.casefold()))
    return SPACELESS.sub(r" \g<0> ", normalize("NFC", text))


def is_spaceless(word: str) -> bool:
    """Return whether a word is one character of a script without spaces.

    Examples:
        >>> is_spaceless("東"), is_spaceless("tower")
        (True, False)
    """
    return bool(SPACELESS.fullmatch(word))
