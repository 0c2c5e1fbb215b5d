"""A batch of texts -> its words, in one array of code points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from m2v_lite.tokenization.character_entries import CODE_MASK, END, classes_of, words_at
from m2v_lite.tokenization.unigram.unigram_entries import UnigramEntries

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Words(NamedTuple):
    """The words of some texts, in order, with a NUL after each text.

    Attributes:
        characters: (characters,) code points.
        starts: (words,) where each word begins in `characters`.
        lengths: (words,) how many characters it has.
    """

    characters: NDArray[np.uint32]
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]


class BatchSplitter:
    """Finds the words of texts without NULs.

    Args:
        entries: says what becomes of each character.
        looked_for: added tokens, as they stand in a normalized text.
    """

    def __init__(self, entries: UnigramEntries, looked_for: Sequence[str] = ()) -> None:
        self._entries = entries
        # The first two characters tell enough; a second one may be a space, of which there may be more.
        self._looked_for = [[*map(ord, text[:2].rstrip())] for text in looked_for]

    def any_characters(self, texts: Sequence[str]) -> tuple[Words, NDArray[np.intp]]:
        """Return the words of texts, and the indexes of the texts that are left out, as if they were empty.

        A text is left out if it may hold an added token, or a cluster that is normalized as a whole.
        """
        entries, left_out = self._entries.normalized(texts)
        classes = classes_of(entries)
        characters = entries & CODE_MASK
        holders = self._holders(characters)
        if len(holders):
            left_out = np.union1d(left_out, holders)
            is_end = characters == ord(END)
            text_of = np.cumsum(is_end) - is_end
            kept = is_end | ~np.isin(text_of, holders)
            characters, classes = characters[kept], classes[kept]
        return Words(characters, *words_at(classes)), left_out

    def _holders(self, characters: NDArray[np.uint32]) -> NDArray[np.intp]:
        """Return which texts may hold an added token."""
        found = []
        for codes in self._looked_for:
            places = np.flatnonzero(characters == codes[0])
            if len(codes) > 1:
                # Every text ends with a NUL, so there is a next character.
                places = places[characters[places + 1] == codes[1]]
            found.append(places)
        places = np.concatenate(found) if found else np.zeros(0, np.intp)
        if not len(places):
            return places
        return np.unique(np.searchsorted(np.flatnonzero(characters == ord(END)), places))
