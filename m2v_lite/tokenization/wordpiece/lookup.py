"""The words of a batch -> flat token ids. All words are looked up together, and each word is divided once.

Short words are looked up in tables of keys. Only new words and long words are made into a str.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from m2v_lite.tokenization.flat_ids import FlatIds
from m2v_lite.tokenization.memo_limits import ENTRY_BYTES, REMEMBERED_CHARACTERS, BoundedMemo
from m2v_lite.tokenization.piece_store import END_CODE, Codes, PieceStore
from m2v_lite.tokenization.wordpiece.hashing import (
    KEY_CHARACTERS,
    MISSING,
    Keys,
    KeyTable,
    one_of_each,
    word_keys,
)
from m2v_lite.tokenization.wordpiece.word_spans import END_CHARACTER, Spans


class BatchMemo(BoundedMemo):
    """The codes of words seen in batches.

    Safe under threads: the pieces of a word never change, and a lock guards the tables.

    Args:
        pieces: divides a word into token ids.
        pieces_of_many: divides many short ASCII words at once, or returns None if they are few.
        words_at: returns the words at some spans, as `pieces` expects them.
        memory: about how many bytes the memo may take before it `is_full`.

    Example:
        >>> from m2v_lite.tokenization.wordpiece.word_spans import AsciiDivider
        >>> from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
        >>> letters = lambda word: [ord(letter) for letter in word]
        >>> memo = BatchMemo(letters, lambda words: None, Spans.words, memory=1 << 20)
        >>> ids, bounds = memo.token_ids(AsciiDivider(WordSplitter()).divide(["ab c", "", "ab"]))
        >>> ids.tolist(), bounds.tolist()
        ([97, 98, 99, 97, 98], [0, 3, 3, 5])
    """

    def __init__(
        self,
        pieces: Callable[[str], list[int]],
        pieces_of_many: Callable[[Spans], FlatIds | None],
        words_at: Callable[[Spans], list[str]],
        memory: int,
    ) -> None:
        super().__init__(pieces, pieces_of_many, words_at, memory)
        self._divide = pieces
        self._divide_many = pieces_of_many
        self._words_at = words_at
        self._memory = memory
        self._has_no_room = False
        self._store = PieceStore()
        self._narrow_table, self._wide_table = KeyTable(columns=2), KeyTable(columns=4)
        self._long: dict[str, int] = {}
        self._lock = threading.Lock()
        self._narrow_table.insert(np.array([[ord(END_CHARACTER)], [0]], np.uint64), np.array([END_CODE]))

    def is_full(self) -> bool:
        """Return whether the memo takes all the memory that it may take."""
        return self._has_no_room or self._nbytes() >= self._memory

    def _nbytes(self) -> int:
        tables = self._narrow_table.nbytes + self._wide_table.nbytes
        return tables + self._store.nbytes + len(self._long) * ENTRY_BYTES

    def token_ids(self, spans: Spans) -> FlatIds:
        """Return the ids of all texts, and their bounds. A text ends at each separator."""
        return self._store.expand(self._codes(spans))

    def _codes(self, spans: Spans) -> Codes:
        if spans.units.itemsize == 1:
            return self._codes_by(self._narrow_table, spans)
        codes = np.empty(len(spans.starts), np.int64)
        is_wide = spans.is_wide
        codes[is_wide] = self._codes_by(self._wide_table, spans.select(is_wide))
        codes[~is_wide] = self._codes_by(self._narrow_table, spans.select(~is_wide).narrow())
        return codes

    def _codes_by(self, table: KeyTable, spans: Spans) -> Codes:
        keys = word_keys(spans)
        with self._lock:
            codes = table.find(keys)
        missing = np.flatnonzero(codes == MISSING)
        if len(missing):
            chosen, place_of = one_of_each(keys[:, missing])
            new = missing[chosen]
            new_codes = self._new_codes(spans.select(new))
            codes[missing] = new_codes[place_of]
            with self._lock:
                self._remember(table, keys[:, new], new_codes)
        return codes

    def _remember(self, table: KeyTable, keys: Keys, codes: Codes) -> None:
        slots = table.slots_for(len(codes))
        more = table.nbytes_of(slots) - table.nbytes
        if self._nbytes() + more > self._memory:
            self._has_no_room = True
            return
        if more:
            table.resize(slots)
        table.insert(keys, codes)

    def _new_codes(self, spans: Spans) -> Codes:
        """Return codes for words that are in no table."""
        codes = np.empty(len(spans.starts), np.int64)
        is_long = spans.lengths > KEY_CHARACTERS
        codes[is_long] = [self._code_of_long(word) for word in self._words_at(spans.select(is_long))]
        short = spans.select(~is_long)
        pieces = self._divide_many(short) if spans.units.itemsize == 1 else None
        codes[~is_long] = self._store.add(*(pieces or self._pieces_of(self._words_at(short))))
        return codes

    def _code_of_long(self, word: str) -> int:
        code = self._long.get(word)
        if code is None:
            code = int(self._store.add(*self._pieces_of([word]))[0])
            if len(word) <= REMEMBERED_CHARACTERS:
                self._long[word] = code
        return code

    def _pieces_of(self, words: list[str]) -> FlatIds:
        ids: list[int] = []  # one list: thousands of lists would set off Python's garbage collector
        bounds = [0]
        for word in words:
            ids += self._divide(word)
            bounds.append(len(ids))
        return np.array(ids, np.intp), np.array(bounds, np.intp)
