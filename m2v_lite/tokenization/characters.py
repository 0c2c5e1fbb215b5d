"""Looks up how the normalizers of `tokenizers` treat a character, in tables made with that library.

Python's own `unicodedata` would give different answers: its Unicode version differs from that of `tokenizers`
and between Python versions. The tables are read when the first character beyond ASCII occurs.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TABLES = os.path.join(os.path.dirname(__file__), "character_tables.json")


class Ranges:
    """A set of characters, as sorted runs.

    Args:
        firsts, lasts: the first and the last character of each run.
        values: a number for each run, if the runs have values.

    Examples:
        >>> digits = Ranges("0a", "9f", [1, 2])
        >>> "5" in digits, "x" in digits, digits.value("c")
        (True, False, 2)
        >>> digits.slices()
        [slice(48, 58, None), slice(97, 103, None)]
    """

    def __init__(self, firsts: str, lasts: str, values: Sequence[int] = ()) -> None:
        self._firsts, self._lasts, self._values = firsts, lasts, values

    def slices(self) -> list[slice]:
        """Return the runs as slices of an array with a place for each code point."""
        return [
            slice(ord(first), ord(last) + 1) for first, last in zip(self._firsts, self._lasts, strict=True)
        ]

    def pattern(self) -> str:
        """Return the set as the inside of a character class of a regular expression."""
        # The characters themselves, as `re` is slow at reading escapes.
        pairs = zip(self._firsts, self._lasts, strict=True)
        return "".join(f"{re.escape(first)}-{re.escape(last)}" for first, last in pairs)

    def __contains__(self, character: str) -> bool:
        return self._run(character) is not None

    def value(self, character: str) -> int | None:
        """Return the value of the run that holds a character; None if no run does."""
        run = self._run(character)
        return None if run is None else self._values[run]

    def _run(self, character: str) -> int | None:
        from bisect import bisect_right  # a compiled module, which batches do without

        run = bisect_right(self._firsts, character) - 1
        return run if run >= 0 and character <= self._lasts[run] else None


class Replacements:
    """What some characters become.

    Args:
        keys, values: characters that become one other character each, sorted by the keys.
        several: characters that become several.

    Examples:
        >>> lower = Replacements("AB", "ab", {"İ": "i̇"})
        >>> lower.of("B"), lower.of("b"), len(lower.of("İ"))
        ('b', 'b', 2)
    """

    def __init__(self, keys: str, values: str, several: Mapping[str, str]) -> None:
        self.keys, self.values, self.several = keys, values, several

    def of(self, character: str) -> str:
        """Return what a character becomes; most characters stay as they are."""
        from bisect import bisect_left

        place = bisect_left(self.keys, character)
        if self.keys[place : place + 1] == character:
            return self.values[place]
        return self.several.get(character, character)


class CharacterTables:
    """The classes of characters; scripts/make_character_tables.py defines each class."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self.removed = Ranges(*tables["removed"])
        self.cleaned_space = Ranges(*tables["cleaned_space"])
        self.space = Ranges(*tables["space"])
        self.punctuation = Ranges(*tables["punctuation"])
        self.chinese = Ranges(*tables["chinese"])
        self.marks = Ranges(*tables["marks"])
        self.moved = Ranges(*tables["moved"])
        self.combining = Ranges(*tables["combining"])
        self.word = Ranges(*tables["word"])
        self.stripped = Replacements(*tables["stripped"])
        self.lower = Replacements(*tables["lower"])
        self.clusters = {name: Ranges(*ranges) for name, ranges in tables["clusters"].items()}

    def strip(self, character: str) -> str:
        """Return the canonical decomposition of a character without its non-spacing marks."""
        if character in self.marks:
            return ""
        if "\uac00" <= character <= "\ud7a3":
            return hangul_letters(character)
        return self.stripped.of(character)


@cache
def character_tables() -> CharacterTables:
    """Return the tables; the first call reads them."""
    with open(TABLES, encoding="utf-8") as file:
        return CharacterTables(json.load(file))


def hangul_letters(syllable: str) -> str:
    """Decompose a Hangul syllable (Unicode standard, section 3.12).

    Examples:
        >>> [f"U+{ord(letter):04X}" for letter in hangul_letters("각")]
        ['U+1100', 'U+1161', 'U+11A8']
    """
    index = ord(syllable) - 0xAC00
    letters = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
    if index % 28:
        letters.append(0x11A7 + index % 28)
    return "".join(map(chr, letters))
