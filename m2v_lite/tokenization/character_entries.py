"""Converts texts to one array of normalized characters, with a class for each character.

An entry has a class in its upper byte and a code point in its 21 lowest bits. The entries of the first 65,536
characters are in a table. All others are computed when their character first occurs, and a few thousand of
them are remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.character_translation import CHARACTERS_KEPT
from m2v_lite.tokenization.code_points import code_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.uint32]
    Entries = NDArray[np.uint32]

# A mark is a word by itself. A removed character leaves no trace. One character may become several, and an
# odd one depends on its neighbours. The class of what is not worked out yet is 0.
SPACE, WORD, MARK, REMOVED, SEVERAL, ODD = range(1, 7)
CLASS_SHIFT = np.uint32(24)
CODE_MASK = np.uint32((1 << 21) - 1)

FIRST_PLANE = 1 << 16
SURROGATES = slice(0xD800, 0xE000)
# Stands after each text, as a mark. No text given here holds one.
END = "\0"


def entry(character_class: int, code: int) -> int:
    """Return an entry.

    Examples:
        >>> f"{entry(MARK, ord('!')):#x}"
        '0x3000021'
    """
    return character_class << int(CLASS_SHIFT) | code


class CharacterEntries:
    """The entries of characters: the base of a class for each normalizer.

    Safe under threads: an entry never changes once it is made, and is written in one go.
    """

    def __init__(self) -> None:
        self._higher: dict[int, int] = {}
        self._parts: dict[int, list[int]] = {}

    @property
    def _plane(self) -> Entries:
        """The entries of the first 65,536 characters; 0 where one is not known yet."""
        raise NotImplementedError

    def _becomes(self, character: str) -> list[int] | None:
        """Return the entries of what one character becomes; None if it depends on its neighbours."""
        raise NotImplementedError

    def _is_odd(self, codes: Codes, entries: Entries, classes: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        """Return which characters cannot be normalized by themselves; None if there are none."""
        is_odd = classes == ODD
        return is_odd if is_odd.any() else None

    def normalized(self, joined: str, texts: int) -> tuple[Entries, NDArray[np.intp]]:
        """Return the entries of what texts become, with a NUL after each, and the texts that are left out.

        A text is left out, as if it were empty, if it holds a character that cannot be done by itself.

        Args:
            joined: the texts, with a NUL after each.
            texts: their number.
        """
        codes = code_points(joined).view(np.uint32)
        entries = self.entries(codes)
        left_out = np.zeros(0, np.intp)
        classes = classes_of(entries)
        is_odd = self._is_odd(codes, entries, classes)
        if is_odd is not None:
            is_end = codes == ord(END)
            text_of = np.cumsum(is_end) - is_end
            is_left_out = np.zeros(texts, bool)
            is_left_out[text_of[is_odd]] = True
            left_out = np.flatnonzero(is_left_out)
            classes[is_left_out[text_of] & ~is_end] = REMOVED
        if classes.max(initial=0) >= REMOVED:
            entries = entries[classes != REMOVED]
            if (classes == SEVERAL).any():
                entries = self.expanded(entries)
        return entries, left_out

    def entries(self, codes: Codes) -> Entries:
        """Return the entry of each code point."""
        indexes = codes.view(np.int32)  # on a 32-bit processor, numpy takes no unsigned indexes
        if len(codes) and int(codes.max()) >= FIRST_PLANE:
            entries = self._plane.take(np.minimum(indexes, FIRST_PLANE - 1))
            places = np.flatnonzero(indexes >= FIRST_PLANE)
            distinct = sorted(set(codes[places].tolist()))
            known = np.array([*map(self._higher_entry, distinct)], np.uint32)
            entries[places] = known[np.searchsorted(np.array(distinct, np.uint32), codes[places])]
        else:
            entries = self._plane.take(indexes)
        unknown = entries == 0
        if unknown.any():
            for code in set(codes[unknown].tolist()):
                self._plane[code] = self._entry(code)
            entries[unknown] = self._plane.take(indexes[unknown])
        return entries

    def expanded(self, entries: Entries) -> Entries:
        """Return entries with the parts of each character that becomes several in its place."""
        places = np.flatnonzero(classes_of(entries) == SEVERAL)
        parts = self._parts_of(entries[places] & CODE_MASK)
        parts_of = np.count_nonzero(parts, axis=1)
        counts = np.ones(len(entries), np.intp)
        counts[places] = parts_of
        result = np.repeat(entries, counts)
        firsts = (np.cumsum(counts) - counts)[places]
        for number in range(parts.shape[1]):
            has = parts_of > number
            result[firsts[has] + number] = parts[has, number]
        return result

    def _parts_of(self, codes: Codes) -> Entries:
        """Return (characters, most parts) the parts of characters that become several, and zeros."""
        lists = [self._parts.get(code) or self._becomes(chr(code)) or [] for code in codes.tolist()]
        parts = np.zeros((len(lists), max(map(len, lists), default=0)), np.uint32)
        for row, own in zip(parts, lists, strict=True):
            row[: len(own)] = own
        return parts

    def _higher_entry(self, code: int) -> int:
        known = self._higher.get(code)
        if known is None:
            _make_room(self._higher)
            known = self._higher[code] = self._entry(code)
        return known

    def _entry(self, code: int) -> int:
        parts = self._becomes(chr(code))
        if parts is None:
            return entry(ODD, 0)
        if not parts:
            return entry(REMOVED, 0)
        if len(parts) == 1:
            return parts[0]
        _make_room(self._parts)
        self._parts[code] = parts
        return entry(SEVERAL, code)


def _make_room(known: dict[int, Any]) -> None:
    """Forget all characters, if they are too many."""
    if len(known) >= CHARACTERS_KEPT:
        known.clear()


def classes_of(entries: Entries) -> NDArray[np.uint8]:
    """Return the class of each entry."""
    return (entries >> CLASS_SHIFT).astype(np.uint8)


def words_at(classes: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where words and marks begin, and their lengths. The last character must be a mark.

    Examples:
        >>> starts, lengths = words_at(np.array([WORD, WORD, SPACE, MARK, MARK], np.uint8))
        >>> starts.tolist(), lengths.tolist()
        ([0, 3, 4], [2, 1, 1])
    """
    in_word = classes == WORD
    begins = classes == MARK
    ends = begins.copy()
    begins[:1] |= in_word[:1]
    begins[1:] |= in_word[1:] > in_word[:-1]
    ends[:-1] |= in_word[:-1] > in_word[1:]
    starts = np.flatnonzero(begins)
    return starts, np.flatnonzero(ends) - starts + 1
