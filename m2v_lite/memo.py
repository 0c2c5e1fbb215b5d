"""Words -> flat token ids, each word being divided once: the memo.

A word has a code: the token id of a word of one piece, else where the word's pieces lie in one flat array.
The short words of a batch are looked up all at once, in tables of keys; long words, and those of a single
text, in a dictionary. All of a batch is expanded from codes to ids at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from m2v_lite.flat_ids import FlatIds, flatten
from m2v_lite.key_table import MISSING, MOST_CHARACTERS, Keys, KeyTable, one_of_each, word_keys
from m2v_lite.spans import SEPARATOR, Spans

# Bits of a code that hold the number of pieces; the bits above hold where they begin.
LENGTH_BITS = 20
LENGTH_MASK = (1 << LENGTH_BITS) - 1

# What one entry of the dictionary takes at most: the word, a str of at most REMEMBERED_CHARACTERS, the code,
# an int, and its place in a dictionary that may just have grown.
ENTRY_BYTES = 240
REMEMBERED_CHARACTERS = 30
FIRST_PIECES = 1 << 8

# The code of what is no word but marks the end of a text: it has no pieces.
END_OF_TEXT = ~0


class Memo(dict[str, int]):
    """The codes of the words that have been seen, filled as words are looked up.

    Safe under threads: what an entry says never changes, and each word's pieces have a place of their own.

    Args:
        find_whole: finds the token id of a word of one piece, or None.
        pieces: divides any word into token ids.
        known: codes of words that are none: `END_OF_TEXT` for what marks the end of a text, or an id.
        memory: the bytes that it may take, about; a memo that takes more `is_full`.
        words_at: returns the words that lie somewhere, as `find_whole` and `pieces` want them.
        pieces_of_many: divides short ASCII words, if they are many; else returns None.

    Example:
        >>> from m2v_lite.spans import AsciiDivider
        >>> from m2v_lite.words import WordSplitter
        >>> letters = lambda word: [ord(letter) for letter in word]
        >>> memo = Memo({"c": 99}.get, letters, {SEPARATOR: END_OF_TEXT}, memory=1 << 20)
        >>> spans = AsciiDivider(WordSplitter()).divide(["ab c", "", "ab"])
        >>> ids, bounds = memo.expand(memo.codes_at(spans))
        >>> ids.tolist(), bounds.tolist()
        ([97, 98, 99, 97, 98], [0, 3, 3, 5])
        >>> memo.token_ids_of_one(["c", "ab"])
        [99, 97, 98]
    """

    def __init__(
        self,
        find_whole: Callable[[str], int | None],
        pieces: Callable[[str], Sequence[int]],
        known: Mapping[str, int],
        memory: int,
        words_at: Callable[[Spans], list[str]] = Spans.words,
        pieces_of_many: Callable[[Spans], FlatIds | None] = lambda _: None,
    ) -> None:
        super().__init__(known)
        self._known = known
        self._find_whole = find_whole
        self._pieces = pieces
        self._words_at = words_at
        self._pieces_of_many = pieces_of_many
        self._memory = memory
        self._has_no_room = False
        self._narrow, self._wide = KeyTable(columns=2), KeyTable(columns=4)
        self._flat = np.empty(FIRST_PIECES, np.int32)
        self._used = 0
        self._pending: list[Sequence[int] | NDArray[np.intp]] = []  # the last, not in the array yet
        self._lock = threading.Lock()
        if SEPARATOR in known:
            self._narrow.insert(np.array([[ord(SEPARATOR)], [0]], np.uint64), np.array([known[SEPARATOR]]))

    def is_full(self) -> bool:
        """Say whether it takes the memory that it may take."""
        return self._has_no_room or self._nbytes() >= self._memory

    def _nbytes(self) -> int:
        entries = len(self) - len(self._known)
        return entries * ENTRY_BYTES + self._narrow.nbytes + self._wide.nbytes + self._flat.nbytes

    def __missing__(self, word: str) -> int:
        code = self._code(word)
        if len(word) <= REMEMBERED_CHARACTERS:
            self[word] = code
        return code

    def _code(self, word: str) -> int:
        code = self._find_whole(word)
        if code is None:
            ids = self._pieces(word)
            code = ~(self._append(ids) << LENGTH_BITS | len(ids))
        return code

    def _append(self, ids: Sequence[int] | NDArray[np.intp]) -> int:
        """Add pieces of words that have several, and return where they begin."""
        with self._lock:
            start = self._used
            self._used = start + len(ids)
            self._pending.append(ids)
            return start

    def _all_pieces(self) -> NDArray[np.int32]:
        """Return the flat array, with all pieces of words that have been looked up."""
        with self._lock:
            if self._pending:
                pending = np.concatenate(self._pending)
                before = self._used - len(pending)
                if self._used > len(self._flat):
                    grown = np.empty(2 * self._used, np.int32)
                    grown[:before] = self._flat[:before]
                    self._flat = grown
                self._flat[before : self._used] = pending
                self._pending = []
            return self._flat

    def codes_at(self, spans: Spans) -> NDArray[np.int64]:
        """Return a code for each word of texts where it lies, and for each separator between texts."""
        if spans.units.itemsize == 1:
            return self._codes_at(spans, self._narrow)
        codes = np.empty(len(spans.starts), np.int64)
        codes[spans.is_wide] = self._codes_at(spans.chosen(spans.is_wide), self._wide)
        narrow = spans.chosen(~spans.is_wide).narrow()
        codes[~spans.is_wide] = self._codes_at(narrow, self._narrow)
        return codes

    def _codes_at(self, spans: Spans, table: KeyTable) -> NDArray[np.int64]:
        keys = word_keys(spans)
        with self._lock:
            codes = table.find(keys)
        missing = np.flatnonzero(codes == MISSING)
        if len(missing):
            chosen, place_of = one_of_each(keys[:, missing])
            chosen_words = missing[chosen]
            new = self._codes_of_new(spans.chosen(chosen_words))
            codes[missing] = new[place_of]
            with self._lock:
                self._remember(table, keys[:, chosen_words], new)
        return codes

    def _remember(self, table: KeyTable, keys: Keys, codes: NDArray[np.int64]) -> None:
        slots = table.slots_for(len(codes))
        if self._nbytes() + table.nbytes_of(slots) - table.nbytes > self._memory:
            self._has_no_room = True
            return
        if table.nbytes_of(slots) > table.nbytes:
            table.resize(slots)
        table.insert(keys, codes)

    def _codes_of_new(self, spans: Spans) -> NDArray[np.int64]:
        """Return codes for different words that no table has."""
        codes = np.empty(len(spans.starts), np.int64)
        is_long = spans.lengths > MOST_CHARACTERS
        codes[is_long] = [self[word] for word in self._words_at(spans.chosen(is_long))]
        short = spans.chosen(~is_long)
        pieces = self._pieces_of_many(short) if spans.units.itemsize == 1 else None
        # What a table will remember, the dictionary need not.
        ids, bounds = pieces or flatten([self._pieces(word) for word in self._words_at(short)])
        codes[~is_long] = self._codes_of_pieces(ids, bounds)
        return codes

    def _codes_of_pieces(self, ids: NDArray[np.intp], bounds: NDArray[np.intp]) -> NDArray[np.int64]:
        lengths = np.diff(bounds).astype(np.int64)
        is_several = lengths != 1
        several = np.repeat(is_several, lengths)
        starts = np.cumsum(lengths * is_several) - lengths + self._append(ids[several])
        first = np.minimum(bounds[:-1], len(ids) - 1)
        return np.where(is_several, ~(starts << LENGTH_BITS | lengths), ids[first])

    def expand(self, codes: NDArray[np.int64]) -> FlatIds:
        """Return the ids of all texts one after the other, and their bounds."""
        several = np.flatnonzero(codes < 0)
        codes_of_several = codes[several]
        places = ~codes_of_several
        lengths = (places & LENGTH_MASK).astype(np.intp)
        counts = np.ones(len(codes), np.intp)
        counts[several] = lengths
        ends = np.cumsum(counts)
        bounds = np.concatenate([[0], ends[several[codes_of_several == END_OF_TEXT]]])
        ids = np.repeat(codes, counts).astype(np.intp, copy=False)
        # The k-th piece of a word belongs k places after its first.
        steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        targets = np.repeat(ends[several] - lengths, lengths) + steps
        starts = (places >> LENGTH_BITS).astype(np.intp)
        ids[targets] = self._all_pieces()[np.repeat(starts, lengths) + steps]
        return ids, bounds

    def token_ids_of_one(self, words: Sequence[str]) -> list[int]:
        """Return the ids of one short text."""
        whole = [*map(self._find_whole, words)]
        if None not in whole:
            return cast(list[int], whole)
        ids: list[int] = []
        for word, token_id in zip(words, whole, strict=True):
            if token_id is not None:
                ids.append(token_id)
            elif (code := self[word]) >= 0:
                ids.append(code)
            else:
                start, length = ~code >> LENGTH_BITS, ~code & LENGTH_MASK
                ids += self._all_pieces()[start : start + length].tolist()
        return ids
