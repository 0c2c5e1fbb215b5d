"""Builds the entries of characters under a charsmap."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from m2v_lite.tokenization.characters import character_tables
from m2v_lite.tokenization.code_points import utf8_offsets
from m2v_lite.tokenization.unigram.charsmap import MOST_BYTES, NOWHERE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.character_entries import Codes, Entries
    from m2v_lite.tokenization.unigram.normalizer import Normalizer

# Flags between the class and the code point: whether a key begins with the character, so that it may change
# together with those behind it; and whether it joins the grapheme cluster of the character before it.
BEGINS_KEY, ATTACHED = 1 << 22, 1 << 23


class UnigramEntries(CharacterEntries):
    """The entries of characters under a normalizer.

    Args:
        normalizer: says what becomes of each character.
        plane: the entries of the first 65,536 characters, from `plane_of`.
    """

    def __init__(self, normalizer: Normalizer, plane: Entries) -> None:
        super().__init__()
        self._normalizer, self.plane = normalizer, plane
        self._clusters = character_tables().clusters

    @property
    def _plane(self) -> Entries:
        return self.plane

    def _becomes(self, character: str) -> list[int] | None:
        if character in self._clusters["prepended"]:
            return None
        parts = _parts(self._normalizer, character)
        if len(parts) == 1 and character in self._clusters["attached"]:
            parts[0] |= ATTACHED
        return parts

    def _is_odd(self, codes: Codes, entries: Entries, classes: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        """Return which characters begin a cluster that the charsmap may look up as a whole, or are odd."""
        is_odd = super()._is_odd(codes, entries, classes)
        attached = np.flatnonzero(entries[1:] & np.uint32(ATTACHED))
        attached = attached[entries[attached] & np.uint32(BEGINS_KEY) != 0]
        if not len(attached):
            return is_odd
        # In front of each mark stands a character with which a key begins.
        before, mark = codes[attached].astype(np.intp), codes[attached + 1].astype(np.intp)
        short = np.diff(utf8_offsets(before)) + np.diff(utf8_offsets(mark)) <= MOST_BYTES
        attached, before, mark = attached[short], before[short], mark[short]
        charsmap = self._normalizer.charsmap
        nodes, values = charsmap.walk(before, charsmap.root(len(before)))
        nodes, values_of_both = charsmap.walk(mark, nodes)
        changes = (values != NOWHERE) | (values_of_both != NOWHERE) | (nodes != NOWHERE)
        if not changes.any():
            return is_odd
        is_odd = np.zeros(len(codes), bool) if is_odd is None else is_odd
        is_odd[attached[changes]] = True
        return is_odd


def plane_of(normalizer: Normalizer) -> Entries:
    """Return the entries of the first 65,536 characters under a normalizer."""
    charsmap, tables = normalizer.charsmap, character_tables()
    every = np.arange(FIRST_PLANE)
    nodes, values = charsmap.walk(every, charsmap.root(FIRST_PLANE))
    classes = np.full(FIRST_PLANE, WORD, np.uint32)
    for run in tables.space.slices():
        classes[run] = SPACE
    spaced = np.array([*map(ord, normalizer.spaced)], np.intp)
    classes[spaced[spaced < FIRST_PLANE]] = MARK
    entries = classes << CLASS_SHIFT | every.astype(np.uint32)
    entries[nodes != NOWHERE] |= np.uint32(BEGINS_KEY)
    for run in tables.clusters["control"].slices():
        entries[run] &= ~np.uint32(BEGINS_KEY)
    for run in tables.clusters["attached"].slices():
        entries[run] |= np.uint32(ATTACHED)
    flags = entries & np.uint32(BEGINS_KEY | ATTACHED)
    for code in np.flatnonzero(values != NOWHERE).tolist():
        parts = _parts(normalizer, chr(code))
        made = parts[0] if len(parts) == 1 else entry(SEVERAL if parts else REMOVED, code)
        entries[code] = np.uint32(made) | flags[code]
    for run in tables.clusters["prepended"].slices():
        entries[run] = entry(ODD, 0)
    entries[SURROGATES] = entry(ODD, 0)
    entries[0] = entry(MARK, 0)  # stands between texts
    return entries


def _parts(normalizer: Normalizer, character: str) -> list[int]:
    """Return the entries of the characters that one becomes, without flags."""
    replaced = normalizer.of_character(character)
    if len(replaced) == 3 and replaced[1] in normalizer.spaced:
        return [entry(MARK, ord(replaced[1]))]
    return [entry(SPACE if part == " " else WORD, ord(part)) for part in replaced]
