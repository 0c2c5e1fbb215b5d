"""Character -> its class and its folded form in one number, for arrays of characters.

Such an entry holds a class in its upper byte and a code point below. The entries of the first 65,536
characters are worked out together, from the character tables. All other entries are worked out when their
character first occurs.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.characters import character_tables, code_points, hangul_letters
from m2v_lite.tokenization.wordpiece.normalizer import MOVED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.characters import Replacements
    from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter

    Entries = NDArray[np.uint32]

# A mark is a word by itself. A removed character leaves no trace. One character may become several, and an
# odd one depends on its neighbours. The class of what is not worked out yet is 0.
SPACE, WORD, MARK, REMOVED, SEVERAL, ODD = range(1, 7)
CLASS_SHIFT = np.uint32(24)
CODE_MASK = np.uint32((1 << 24) - 1)

FIRST_PLANE = 1 << 16
SURROGATES = slice(0xD800, 0xE000)
SYLLABLES = slice(0xAC00, 0xD7A4)
# No character becomes more characters than this.
MOST_PARTS = 8


def entry(character_class: int, code: int) -> int:
    """Return an entry.

    Example:
        >>> f"{entry(MARK, ord('!')):#x}"
        '0x3000021'
    """
    return character_class << int(CLASS_SHIFT) | code


class CharacterClasses:
    """The entries of characters under the options of a normalizer.

    Safe under threads: an entry never changes once it is made, and is written in one go.

    Args:
        splitter: says what becomes of each character.

    Example:
        >>> from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
        >>> classes = CharacterClasses(WordSplitter())
        >>> entries = classes.expanded(classes.entries(np.array([ord("Ä"), ord("각")], np.uint32)))
        >>> [chr(code) for code in (entries & CODE_MASK).tolist()] == ["a", "\\u1100", "\\u1161", "\\u11a8"]
        True
    """

    def __init__(self, splitter: WordSplitter) -> None:
        self._splitter = splitter
        self._higher: dict[int, int] = {}
        self._parts: dict[int, list[int]] = {}

    @cached_property
    def _first_plane(self) -> Entries:
        return _first_plane(self._splitter)

    def entries(self, codes: NDArray[np.uint32]) -> Entries:
        """Return the entry of each code point."""
        indexes = codes.view(np.int32)  # on a 32-bit processor, numpy takes no unsigned indexes
        if len(codes) and int(codes.max()) >= FIRST_PLANE:
            entries = self._first_plane.take(np.minimum(indexes, FIRST_PLANE - 1))
            places = np.flatnonzero(indexes >= FIRST_PLANE)
            distinct = sorted(set(codes[places].tolist()))
            known = np.array([*map(self._higher_entry, distinct)], np.uint32)
            entries[places] = known[np.searchsorted(np.array(distinct, np.uint32), codes[places])]
        else:
            entries = self._first_plane.take(indexes)
        unknown = entries == 0
        if unknown.any():
            for code in set(codes[unknown].tolist()):
                self._first_plane[code] = self._entry(code)
            entries[unknown] = self._first_plane.take(indexes[unknown])
        return entries

    def expanded(self, entries: Entries) -> Entries:
        """Return entries with the parts of each character that becomes several in its place."""
        places = np.flatnonzero(entries >> CLASS_SHIFT == SEVERAL)
        codes = entries[places] & CODE_MASK
        parts = np.zeros((len(places), MOST_PARTS), np.uint32)
        is_syllable = (codes >= SYLLABLES.start) & (codes < SYLLABLES.stop)
        parts[is_syllable] = _letters(codes[is_syllable] - np.uint32(SYLLABLES.start))
        for place in np.flatnonzero(~is_syllable).tolist():
            own = self._parts[int(codes[place])]
            parts[place, : len(own)] = own
        parts_of = np.count_nonzero(parts, axis=1)
        counts = np.ones(len(entries), np.intp)
        counts[places] = parts_of
        result = np.repeat(entries, counts)
        firsts = (np.cumsum(counts) - counts)[places]
        for number in range(MOST_PARTS):
            has = parts_of > number
            result[firsts[has] + number] = parts[has, number]
        return result

    def _higher_entry(self, code: int) -> int:
        known = self._higher.get(code)
        if known is None:
            known = self._higher[code] = self._entry(code)
        return known

    def _entry(self, code: int) -> int:
        replaced = self._splitter.word(chr(code))
        if MOVED in replaced:
            return entry(ODD, 0)
        if not replaced:
            return entry(REMOVED, 0)
        parts = _parts(replaced)
        if len(parts) == 1:
            return parts[0]
        self._parts[code] = parts
        return entry(SEVERAL, code)


def _parts(replaced: str) -> list[int]:
    """Return the entries of the characters that one becomes; a space on both sides makes a mark.

    Example:
        >>> _parts(" ! ") == [entry(MARK, ord("!"))]
        True
    """
    if not replaced.strip(" "):
        return [entry(SPACE, ord(" "))]
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
    """Return (syllables, MOST_PARTS) the entries of the letters of Hangul syllables; see `hangul_letters`.

    Args:
        syllables: their numbers, from 0.
    """
    first, vowel, last = map(ord, hangul_letters(chr(SYLLABLES.start + 1)))
    parts = np.zeros((len(syllables), MOST_PARTS), np.uint32)
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
    if splitter.strip_accents:
        _replace(folded, is_open, tables.stripped)
    if splitter.lowercase:
        lower = every.copy()
        _replace(lower, is_open, tables.lower)
        is_open |= is_open.take(folded)
        folded = lower.take(folded)
    classes = np.full(FIRST_PLANE, WORD, np.uint8)
    classes[tables.punctuation.codes(FIRST_PLANE)] = MARK
    classes[tables.space.codes(FIRST_PLANE)] = SPACE
    # What a character becomes decides, except where the normalizer comes first.
    changed = np.flatnonzero(folded != every)
    classes[changed] = classes[folded[changed]]
    if splitter.handle_chinese_chars:
        classes[tables.chinese.codes(FIRST_PLANE)] = MARK
    if splitter.strip_accents:
        classes[tables.marks.codes(FIRST_PLANE)] = REMOVED
    if splitter.clean_text:
        classes[tables.cleaned_space.codes(FIRST_PLANE)] = SPACE
        classes[tables.removed.codes(FIRST_PLANE)] = REMOVED
    entries = classes.astype(np.uint32)
    entries <<= CLASS_SHIFT
    entries |= folded
    entries[is_open & (classes != REMOVED)] = 0
    if splitter.strip_accents:
        entries[SYLLABLES] = entry(SEVERAL, 0) | every[SYLLABLES].astype(np.uint32)
        entries[tables.moved.codes(FIRST_PLANE)] = entry(ODD, 0)
    entries[SURROGATES] = entry(ODD, 0)
    entries[0] = entry(MARK, 0)  # stands between texts
    return entries


def _replace(folded: NDArray[np.uint16], is_open: NDArray[np.bool_], replacements: Replacements) -> None:
    """Write what characters become; note those that become several, or one beyond the first plane."""
    keys, values = code_points(replacements.keys), code_points(replacements.values)
    several = code_points("".join(replacements.several))
    stays = values < FIRST_PLANE
    is_open[several[several < FIRST_PLANE]] = True
    is_open[keys[~stays & (keys < FIRST_PLANE)]] = True
    stays &= keys < FIRST_PLANE
    folded[keys[stays]] = values[stays]
