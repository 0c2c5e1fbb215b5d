"""The words of one text -> token ids: a dictionary that divides each word once and is quick to look up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from m2v_lite.tokenization.memo_limits import ENTRY_BYTES, REMEMBERED_CHARACTERS, BoundedMemo


class WordMemo(BoundedMemo, dict[str, int | None]):
    """The token id of each word seen so far, or None for a word of several pieces.

    Safe under threads: an entry never changes.

    Args:
        find_whole: finds the token id of a word of one piece, or None.
        divide: divides any other word into token ids.
        known: the first entries: the mark of each added token, and its id.
        memory: about how many bytes the memo may take before it `is_full`.

    Example:
        >>> letters = lambda word: [ord(letter) for letter in word]
        >>> WordMemo({"c": 7}.get, letters, {}, memory=1 << 20).token_ids(["c", "ab", "c"])
        [7, 97, 98, 7]
    """

    def __init__(
        self,
        find_whole: Callable[[str], int | None],
        divide: Callable[[str], list[int]],
        known: Mapping[str, int],
        memory: int,
    ) -> None:
        dict.__init__(self, known)
        BoundedMemo.__init__(self, find_whole, divide, known, memory)
        self._find_whole = find_whole
        self._divide = divide
        self._most = len(known) + memory // ENTRY_BYTES
        self._several: dict[str, list[int]] = {}

    def is_full(self) -> bool:
        """Return whether the memo takes all the memory that it may take."""
        return len(self) >= self._most

    def __missing__(self, word: str) -> int | None:
        token_id = self._find_whole(word)
        if len(word) <= REMEMBERED_CHARACTERS:
            if token_id is None:
                self._several[word] = self._divide(word)
            self[word] = token_id
        return token_id

    def token_ids(self, words: Sequence[str]) -> list[int]:
        """Return the ids of all words, one after the other."""
        ids = [*map(self.__getitem__, words)]
        place = longer = 0
        for _ in range(ids.count(None)):
            place = ids.index(None, place)
            word = words[place - longer]
            pieces = self._several.get(word) or self._divide(word)
            ids[place : place + 1] = pieces
            place += len(pieces)
            longer += len(pieces) - 1
        return cast(list[int], ids)
