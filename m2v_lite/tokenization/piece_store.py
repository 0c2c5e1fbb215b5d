"""Finds the token ids of a word from its code. One flat array holds the ids of all multi-piece words.

If a word is one piece, its code is the token id. Otherwise its code says where its pieces are.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.runs import positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.flat_ids import FlatIds

    Codes = NDArray[np.int64]

# The code that marks the end of a text. It has no pieces.
END_CODE = ~0

# The low bits of a code hold the number of pieces; the bits above tell where the pieces begin.
LENGTH_BITS = 20
LENGTH_MASK = (1 << LENGTH_BITS) - 1
FIRST_PIECES = 1 << 8

# Held while pieces are stored; one for all stores, so that a forked process can replace it.
_storing = threading.Lock()


def _replace_lock() -> None:
    """Make a new lock: another thread may have held the old one at the fork, and is not here to release it.

    What that thread has left in a store does no harm: no code tells of it yet.
    """
    global _storing
    _storing = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_replace_lock)


class PieceStore:
    """The pieces of words. Safe under threads: the pieces of a word keep their own place.

    Examples:
        >>> store = PieceStore()
        >>> two, one = store.add(np.array([97, 98, 99]), np.array([0, 2, 3])).tolist()
        >>> ids, bounds = store.expand(np.array([two, one, END_CODE, END_CODE, two, END_CODE]))
        >>> ids.tolist(), bounds.tolist()
        ([97, 98, 99, 97, 98], [0, 3, 3, 5])
        >>> store.token_ids([one, two])
        [99, 97, 98]
    """

    def __init__(self) -> None:
        self._flat = np.empty(FIRST_PIECES, np.int32)
        self._used = 1  # no word begins at 0, so that no word has END_CODE

    @property
    def nbytes(self) -> int:
        return self._flat.nbytes

    def add(self, ids: NDArray[np.intp], bounds: NDArray[np.intp]) -> Codes:
        """Store words, given the ids of all pieces and the bounds of each word; return the codes."""
        lengths = np.diff(bounds).astype(np.int64)
        is_several = lengths != 1
        starts = np.cumsum(lengths * is_several) - lengths
        starts += self._append(ids[np.repeat(is_several, lengths.astype(np.intp))])
        first = np.append(ids, 0)[bounds[:-1]]
        return np.where(is_several, ~(starts << LENGTH_BITS | lengths), first)

    def _append(self, ids: NDArray[np.intp]) -> int:
        with _storing:
            start, end = self._used, self._used + len(ids)
            if end > len(self._flat):
                grown = np.empty(2 * end, np.int32)
                grown[:start] = self._flat[:start]
                self._flat = grown
            self._flat[start:end] = ids
            self._used = end
            return start

    def token_ids(self, codes: Sequence[int]) -> list[int]:
        """Return the ids of a few words, one after the other."""
        ids: list[int] = []
        for code in codes:
            if code >= 0:
                ids.append(code)
            else:
                start = ~code >> LENGTH_BITS
                ids += self._flat[start : start + (~code & LENGTH_MASK)].tolist()
        return ids

    def expand(self, codes: Codes) -> FlatIds:
        """Return the ids of all texts, one after the other, and their bounds, given the codes of their words.

        Args:
            codes: (words,) with `END_CODE` after each text.
        """
        several = np.flatnonzero(codes < 0)
        codes_of_several = codes[several]
        places = ~codes_of_several
        lengths = (places & LENGTH_MASK).astype(np.intp)
        counts = np.ones(len(codes), np.intp)
        counts[several] = lengths
        ends = np.cumsum(counts)
        bounds = np.concatenate([[0], ends[several[codes_of_several == END_CODE]]])
        ids = np.repeat(codes, counts).astype(np.intp, copy=False)
        starts = (places >> LENGTH_BITS).astype(np.intp)
        ids[positions(ends[several] - lengths, lengths)] = self._flat[positions(starts, lengths)]
        return ids, bounds
