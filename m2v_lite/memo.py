"""Words -> flat token ids, each word being divided once: the memo.

Words are looked up by C loops, in a dictionary whose values are codes: the token id of a word of one piece,
else where the word's pieces lie in one flat array. All of a batch is expanded from codes to ids at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from m2v_lite.flat_ids import FlatIds

# Bits of a code that hold the number of pieces; the bits above hold where they begin.
LENGTH_BITS = 20
LENGTH_MASK = (1 << LENGTH_BITS) - 1

# What one entry takes at most: the word, a str of at most REMEMBERED_CHARACTERS, the code, an int, its place
# in a dictionary that may just have grown, and eight pieces.
ENTRY_BYTES = 272
PIECES_PER_ENTRY = 8
REMEMBERED_CHARACTERS = 30
FIRST_PIECES = 1 << 12

# The code of what is no word but marks the end of a text: it has no pieces.
END_OF_TEXT = ~0
# The code of a word that has no pieces either.
NOTHING = ~(1 << LENGTH_BITS)


class Memo(dict[str, int]):
    """The codes of the words that have been seen, filled as words are looked up.

    Safe under threads: what an entry says never changes, and each word's pieces have a place of their own.

    Args:
        find_whole: finds the token id of a word of one piece, or None.
        pieces: divides any other word into token ids.
        known: codes of words that are none: `END_OF_TEXT` for what marks the end of a text, or an id.
        memory: the bytes that it may take, about; a memo that takes more `is_full`.

    Example:
        >>> letters = lambda word: [ord(letter) for letter in word]
        >>> memo = Memo({"c": 99}.get, letters, {"|": END_OF_TEXT}, memory=1 << 20)
        >>> ids, bounds = memo.expand(memo.codes(["ab", "c", "|", "|", "ab", "|"]))
        >>> ids.tolist(), bounds.tolist()
        ([97, 98, 99, 97, 98], [0, 3, 3, 5])
    """

    def __init__(
        self,
        find_whole: Callable[[str], int | None],
        pieces: Callable[[str], Sequence[int]],
        known: Mapping[str, int],
        memory: int,
    ) -> None:
        super().__init__(known)
        self._find_whole = find_whole
        self._pieces = pieces
        self._most_entries = len(known) + memory // ENTRY_BYTES
        self._flat = np.empty(FIRST_PIECES, np.int32)
        self._used = 0
        self._pending: list[int] = []  # the last of them, which are not in the array yet
        self._lock = threading.Lock()

    def is_full(self) -> bool:
        """Say whether it takes the memory that it may take."""
        return len(self) >= self._most_entries or self._used >= self._most_entries * PIECES_PER_ENTRY

    def __missing__(self, word: str) -> int:
        code = self._find_whole(word)
        if code is None:
            ids = self._pieces(word)
            number = len(ids)
            with self._lock:
                start = self._used
                self._used = start + number
                self._pending += ids
            code = ~(start << LENGTH_BITS | number)
        if len(word) <= REMEMBERED_CHARACTERS:
            self[word] = code
        return code

    def learn(self, words: Sequence[str], lists: Sequence[Sequence[int]]) -> list[int]:
        """Take the pieces of words that others have divided, and return a code for each."""
        codes = []
        with self._lock:
            for ids in lists:
                number = len(ids)
                if number > 1:
                    codes.append(~(self._used << LENGTH_BITS | number))
                    self._used += number
                    self._pending += ids
                else:
                    codes.append(ids[0] if ids else NOTHING)
        for word, code in zip(words, codes, strict=True):
            self.remember(word, code)
        return codes

    def remember(self, word: str, code: int) -> None:
        """Keep the code of a word, unless the word is long."""
        if len(word) <= REMEMBERED_CHARACTERS:
            self[word] = code

    def _all_pieces(self) -> NDArray[np.int32]:
        """Return the flat array, with all pieces of words that have been looked up."""
        with self._lock:
            if self._pending:
                before = self._used - len(self._pending)
                if self._used > len(self._flat):
                    grown = np.empty(2 * self._used, np.int32)
                    grown[:before] = self._flat[:before]
                    self._flat = grown
                self._flat[before : self._used] = self._pending
                self._pending = []
            return self._flat

    def codes(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return a code for each word."""
        return np.fromiter(map(self.__getitem__, words), np.int64, len(words))

    def expand(self, codes: NDArray[np.int64]) -> FlatIds:
        """Return the ids of all texts one after the other, and their bounds."""
        several = np.flatnonzero(codes < 0)
        codes_of_several = codes[several]
        places = ~codes_of_several
        lengths = places & LENGTH_MASK
        counts = np.ones(len(codes), np.intp)
        counts[several] = lengths
        ends = np.cumsum(counts)
        bounds = np.concatenate([[0], ends[several[codes_of_several == END_OF_TEXT]]])
        ids = np.repeat(codes, counts).astype(np.intp, copy=False)
        # The k-th piece of a word belongs k places after its first.
        steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        targets = np.repeat(ends[several] - lengths, lengths) + steps
        ids[targets] = self._all_pieces()[np.repeat(places >> LENGTH_BITS, lengths) + steps]
        return ids, bounds

    def token_ids_of_one(self, words: Sequence[str]) -> list[int]:
        """Return the ids of one short text, without its end mark."""
        codes = list(map(self.__getitem__, words))
        if not codes or min(codes) >= 0:
            return codes
        ids: list[int] = []
        flat = self._all_pieces()
        for code in codes:
            if code >= 0:
                ids.append(code)
            else:
                start, length = ~code >> LENGTH_BITS, ~code & LENGTH_MASK
                ids += flat[start : start + length].tolist()
        return ids
