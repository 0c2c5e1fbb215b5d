"""Finds the words of a batch of texts, in one array of code points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from m2v_lite.tokenization.batch_routes import joined_texts
from m2v_lite.tokenization.character_entries import CODE_MASK, END, MARK, SPACE, classes_of, words_at
from m2v_lite.tokenization.code_points import code_points
from m2v_lite.tokenization.unigram.unigram_entries import UnigramEntries

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Words(NamedTuple):
    """The words of some texts, in order, with a NUL after each text.

    Attributes:
        characters: (characters,) code points.
        starts: (words,) where each word begins in `characters`.
        lengths: (words,) how many characters it has.
        begins_visibly: (texts,) whether the first character of each text is visible, if that counts.
    """

    characters: NDArray[np.uint32]
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]
    begins_visibly: NDArray[np.bool_] | None = None


class BatchSplitter:
    """Finds the words of texts without NULs.

    Args:
        entries: says what becomes of each character.
        looked_for: added tokens, as they stand in a normalized text.
    """

    def __init__(self, entries: UnigramEntries, looked_for: Sequence[str] = ()) -> None:
        self._entries = entries
        # Without spaces: those around marks are not in the array.
        self._looked_for = [[*map(ord, text.replace(" ", ""))] for text in looked_for]

    def any_characters(self, joined: str, texts: int) -> tuple[Words, NDArray[np.intp]]:
        """Return the words of texts, and the indexes of the texts that are left out, as if they were empty.

        A text is left out if it may hold an added token, or a cluster that is normalized as a whole.

        Args:
            joined: the texts, with a NUL after each.
            texts: their number.
        """
        entries, left_out = self._entries.normalized(joined, texts)
        classes = classes_of(entries)
        characters = entries & CODE_MASK
        holders = self._holders(characters, classes)
        if len(holders):
            left_out = np.union1d(left_out, holders)
            is_end = characters == ord(END)
            text_of = np.cumsum(is_end) - is_end
            kept = is_end | ~np.isin(text_of, holders)
            characters, classes = characters[kept], classes[kept]
        return Words(characters, *words_at(classes)), left_out

    def with_starts(self, texts: Sequence[str]) -> tuple[Words, NDArray[np.intp]]:
        """Return the same, and with the words which texts begin visibly.

        A text is also left out if its first character becomes none or several: more than one word may then
        stem from it.
        """
        firsts = "".join([text[:1] or END for text in texts])
        classes = classes_of(self._entries.entries(code_points(firsts).view(np.uint32)))
        unclear = np.flatnonzero(classes > MARK)
        if len(unclear):
            texts = [*texts]
            for index in unclear.tolist():
                texts[index] = ""
        words, left_out = self.any_characters(joined_texts(texts), len(texts))
        return words._replace(begins_visibly=classes != SPACE), np.union1d(left_out, unclear)

    def _holders(self, characters: NDArray[np.uint32], classes: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Return which texts may hold an added token."""
        found = [np.zeros(0, np.intp)]
        if any((characters == codes[0]).any() for codes in self._looked_for):
            visible = characters[classes != SPACE]
            ends = np.flatnonzero(visible == ord(END))
            for codes in self._looked_for:
                places = np.flatnonzero(visible == codes[0])
                for number, code in enumerate(codes[1:], 1):
                    places = places[visible.take(places + number, mode="clip") == code]
                found.append(np.searchsorted(ends, places))
        return np.unique(np.concatenate(found))
