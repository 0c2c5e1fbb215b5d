"""Character -> what BertNormalizer and BertPreTokenizer make of it: classes from tables of `tokenizers`.

Python's own `unicodedata` would give other answers: its Unicode version differs from that of `tokenizers`,
and from one Python to the next. The tables are read when the first character beyond ASCII comes.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLES = os.path.join(os.path.dirname(__file__), "character_tables.json")


class Ranges:
    """A set of code points, as sorted runs.

    Args:
        runs: [first, last] of each run, or [first, last, value].
    """

    def __init__(self, runs: list[list[int]]) -> None:
        self._firsts = [run[0] for run in runs]
        self._runs = runs

    def members(self, most: int) -> NDArray[np.bool_]:
        """Return (most,) which of the first code points are in the set."""
        change = np.zeros(most + 1, np.int8)
        firsts = np.array([run[0] for run in self._runs if run[0] < most])
        change[firsts] += 1
        change[[min(run[1] + 1, most) for run in self._runs[: len(firsts)]]] -= 1
        return np.cumsum(change[:most], dtype=np.int8).view(bool)

    def __contains__(self, code: int) -> bool:
        return self.value(code) is not None

    def value(self, code: int) -> int | None:
        """Return the value of the run that holds `code`: True if the run has no value, None without a run."""
        run = bisect_right(self._firsts, code) - 1
        if run < 0 or code > self._runs[run][1]:
            return None
        return self._runs[run][2] if len(self._runs[run]) > 2 else True


class CharacterTables:
    """The classes of characters; scripts/make_character_tables.py defines each class."""

    def __init__(self, tables: dict[str, Any]) -> None:
        self._tables = tables
        self.removed = Ranges(tables["removed"])
        self.cleaned_space = Ranges(tables["cleaned_space"])
        self.space = Ranges(tables["space"])
        self.punctuation = Ranges(tables["punctuation"])
        self.chinese = Ranges(tables["chinese"])
        self.marks = Ranges(tables["marks"])
        self.stripped = self._mapping("stripped")
        self.lower = self._mapping("lower")

    @cached_property
    def combining(self) -> Ranges:
        """The characters that canonical ordering moves, with their combining classes."""
        return Ranges(self._tables["combining"])

    @cached_property
    def word(self) -> Ranges:
        """The word characters, as regular expressions in Rust define them."""
        return Ranges(self._tables["word"])

    @cached_property
    def moved(self) -> frozenset[str]:
        """The characters that canonical ordering moves and that stripping accents keeps."""
        runs: list[list[int]] = self._tables["combining"]
        codes = (code for first, last, _ in runs for code in range(first, last + 1))
        left = {chr(code) for code in codes if code not in self.marks}
        return frozenset(left | {key for key, value in self.stripped.items() if left & set(value)})

    def strip(self, character: str) -> str:
        """Return the canonical decomposition of a character without its non-spacing marks."""
        if ord(character) in self.marks:
            return ""
        if "\uac00" <= character <= "\ud7a3":
            return hangul_letters(character)
        return self.stripped.get(character, character)

    def _mapping(self, name: str) -> dict[str, str]:
        return dict(zip(self._tables[name]["keys"], self._tables[name]["values"], strict=True))


@cache
def character_tables() -> CharacterTables:
    """Return the tables; the first call reads them."""
    with open(TABLES, encoding="ascii") as file:
        return CharacterTables(json.load(file))


def hangul_letters(syllable: str) -> str:
    """Decompose a Hangul syllable (Unicode standard, section 3.12).

    Example:
        >>> [f"U+{ord(letter):04X}" for letter in hangul_letters("각")]
        ['U+1100', 'U+1161', 'U+11A8']
    """
    index = ord(syllable) - 0xAC00
    letters = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
    if index % 28:
        letters.append(0x11A7 + index % 28)
    return "".join(map(chr, letters))
