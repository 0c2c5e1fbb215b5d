"""Builds the entries of characters under BertNormalizer and BertPreTokenizer.

The entries of the first 65,536 characters are computed together, from the character tables.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.character_entries import (
    CLASS_SHIFT,
    FIRST_PLANE,
    MARK,
    ODD,
    REMOVED,
    SEVERAL,
    SPACE,
    SURROGATES,
    WORD,
    CharacterEntries,
    entry,
)
from m2v_lite.tokenization.characters import character_tables, hangul_letters
from m2v_lite.tokenization.code_points import code_points
from m2v_lite.tokenization.wordpiece.normalizer import MOVED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.character_entries import Entries
    from m2v_lite.tokenization.characters import Ranges, Replacements
    from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter

SYLLABLES = slice(0xAC00, 0xD7A4)


class CharacterClasses(CharacterEntries):
    """The entries of characters under the options of a normalizer.

    Args:
        splitter: says what becomes of each character.

    Examples:
        >>> from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
        >>> classes = CharacterClasses(WordSplitter())
        >>> entries = classes.expanded(classes.entries(np.array([ord("Ä"), ord("각")], np.uint32)))
        >>> [chr(code) for code in (entries & 0x1FFFFF).tolist()] == ["a", "\\u1100", "\\u1161", "\\u11a8"]
        True
    """

    def __init__(self, splitter: WordSplitter) -> None:
        super().__init__()
        self._splitter = splitter

    @cached_property
    def _plane(self) -> Entries:
        return _first_plane(self._splitter)

    def _becomes(self, character: str) -> list[int] | None:
        replaced = self._splitter.word(character)
        return None if MOVED in replaced else _parts(replaced)

    def _parts_of(self, codes: NDArray[np.uint32]) -> Entries:
        is_syllable = (codes >= SYLLABLES.start) & (codes < SYLLABLES.stop)
        others = super()._parts_of(codes[~is_syllable])
        parts = np.zeros((len(codes), max(3, others.shape[1])), np.uint32)
        parts[is_syllable, :3] = _letters(codes[is_syllable] - np.uint32(SYLLABLES.start))
        parts[~is_syllable, : others.shape[1]] = others
        return parts


def _parts(replaced: str) -> list[int]:
    """Return the entries of the characters that one becomes; a space on both sides makes a mark.

    Examples:
        >>> _parts(" ! ") == [entry(MARK, ord("!"))]
        True
    """
    if not replaced.strip(" "):
        return [] if not replaced else [entry(SPACE, ord(" "))]
    parts: list[int] = []
    for number, word in enumerate(replaced.split(" ")):
        if number and parts and parts[-1] >> int(CLASS_SHIFT) == WORD and word:
            parts.append(entry(SPACE, ord(" ")))
        if len(word) == 1 and " " in replaced:
            parts.append(entry(MARK, ord(word)))
        else:
            parts += [entry(WORD, ord(part)) for part in word]
    return parts


def _letters(syllables: Entries) -> Entries:
    """Return (syllables, 3) the entries of the letters of Hangul syllables; see `hangul_letters`.

    Args:
        syllables: their numbers, from 0.
    """
    first, vowel, last = map(ord, hangul_letters(chr(SYLLABLES.start + 1)))
    parts = np.zeros((len(syllables), 3), np.uint32)
    parts[:, 0] = entry(WORD, first) + syllables // 588
    parts[:, 1] = entry(WORD, vowel) + syllables % 588 // 28
    tails = syllables % 28
    parts[:, 2] = np.where(tails > 0, entry(WORD, last - 1) + tails, 0)
    return parts


def _first_plane(splitter: WordSplitter) -> Entries:
    """Return the entries of the first 65,536 characters; 0 where the tables alone do not tell."""
    tables = character_tables()
    every = np.arange(FIRST_PLANE, dtype=np.uint16)
    folded, is_open = every.copy(), np.zeros(FIRST_PLANE, bool)
    if splitter.lowercase:
        replace_first(folded, is_open, tables.lower)
    if splitter.strip_accents:
        replace_first(folded, is_open, tables.stripped)
    classes = np.full(FIRST_PLANE, WORD, np.uint8)
    _write(classes, tables.punctuation, MARK)
    _write(classes, tables.space, SPACE)
    # What a character becomes decides, except where the normalizer comes first.
    changed = np.flatnonzero(folded != every)
    classes[changed] = classes[folded[changed]]
    if splitter.handle_chinese_chars:
        _write(classes, tables.chinese, MARK)
    if splitter.strip_accents:
        _write(classes, tables.marks, REMOVED)
    if splitter.clean_text:
        _write(classes, tables.cleaned_space, SPACE)
        _write(classes, tables.removed, REMOVED)
    entries = classes.astype(np.uint32)
    entries <<= CLASS_SHIFT
    entries |= folded
    entries[is_open & (classes != REMOVED)] = 0
    if splitter.strip_accents:
        entries[SYLLABLES] = entry(SEVERAL, 0) | every[SYLLABLES].astype(np.uint32)
        _write(entries, tables.moved, entry(ODD, 0))
    entries[SURROGATES] = entry(ODD, 0)
    entries[0] = entry(MARK, 0)  # stands between texts
    return entries


def _write(of_codes: NDArray[Any], characters: Ranges, value: int) -> None:
    """Write a value at the code point of each character of a set."""
    for run in characters.slices():
        of_codes[run] = value


def replace_first(folded: NDArray[np.uint16], is_open: NDArray[np.bool_], replacements: Replacements) -> None:
    """Put replacements before those made so far.

    Args:
        folded: what each character becomes so far.
        is_open: which characters become several, or one beyond the first plane.
        replacements: what happens to a character first.
    """
    keys, values = code_points(replacements.keys), code_points(replacements.values)
    several = code_points("".join(replacements.several))
    stays = values < FIRST_PLANE
    is_open[several[several < FIRST_PLANE]] = True
    is_open[keys[~stays & (keys < FIRST_PLANE)]] = True
    stays &= keys < FIRST_PLANE
    keys, values = keys[stays], values[stays]
    folded[keys] = folded[values]
    is_open[keys] |= is_open[values]
