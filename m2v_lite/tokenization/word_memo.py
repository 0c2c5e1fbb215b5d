"""Remembers the token ids of words in single texts, so that each word is split only once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from m2v_lite.tokenization.memo_limits import BoundedMemo

ID_BYTES = np.dtype(np.intp).itemsize


class WordMemo(BoundedMemo[bytes]):
    """The token ids of each word seen so far, as the bytes of an array: joined, they are the ids of a text.

    Safe under threads: an entry never changes.

    Args:
        divide: returns the token ids of a word.
        known: the first entries: the mark of each added token, and its id.
        memory: about how many bytes the memo may take before it `is_full`.

    Examples:
        >>> letters = lambda word: [ord(letter) for letter in word]
        >>> joined = WordMemo(letters, {"<x>": 7}, memory=1 << 20).joined(["c", "<x>", "ab"])
        >>> np.frombuffer(joined, np.intp).tolist()
        [99, 7, 97, 98]
    """

    def __init__(self, divide: Callable[[str], list[int]], known: Mapping[str, int], memory: int) -> None:
        first = {word: bytes_of([token_id]) for word, token_id in known.items()}
        super().__init__(first, memory, (divide, known, memory))
        self._divide = divide

    def __missing__(self, word: str) -> bytes:
        ids = bytes_of(self._divide(word))
        self.remember(word, ids)
        return ids

    def joined(self, words: Iterable[str]) -> bytes:
        """Return the ids of all words, one after the other, as the bytes of an array."""
        return b"".join(map(self.__getitem__, words))


def bytes_of(ids: list[int]) -> bytes:
    return b"".join([token_id.to_bytes(ID_BYTES, sys.byteorder) for token_id in ids])
