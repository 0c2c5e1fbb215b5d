"""Stores a vocabulary in arrays: the bytes of its tokens and their ids."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Places = NDArray[np.signedinteger[Any]]

# Eight bytes may be read at any byte, so as many must follow the last one.
PADDING = 8
PADDING_BYTES = np.full(PADDING, ord(" "), np.uint8)
# How many bytes are worked on at once: fresh memory costs more than the work.
BLOCK = 1 << 15
MOST_IDS = 1 << 31  # ids are kept in 32 bits


# Plain classes: to define a NamedTuple takes 0.2 ms, which every start would pay.
class Vocabulary:
    """The tokens of a vocabulary and their ids.

    Attributes:
        units: (bytes,) uint8, tokens in UTF-8, with anything but NULs between them, and `PADDING` bytes more.
        starts: (tokens,) where each token begins in `units`, ascending.
        lengths: (tokens,) how many bytes it has.
        ids: (tokens,) its id.

    Examples:
        >>> vocabulary = vocabulary_of({"[UNK]": 0, "né": 2})
        >>> vocabulary.lengths.tolist(), vocabulary.characters().tolist(), vocabulary.ids.tolist()
        ([5, 3], [5, 2], [0, 2])
    """

    def __init__(
        self, units: NDArray[np.uint8], starts: Places, lengths: Places, ids: NDArray[np.int32]
    ) -> None:
        self.units, self.starts, self.lengths, self.ids = units, starts, lengths, ids

    def characters(self) -> NDArray[np.intp]:
        """Return (tokens,) how many characters each token has."""
        # All bytes of a character but the first begin with the bits 10.
        continuing = np.concatenate(
            [
                np.flatnonzero((self.units[start : start + BLOCK] & 0xC0) == 0x80) + start
                for start in range(0, len(self.units), BLOCK)
            ]
        )
        tokens = np.searchsorted(self.starts, continuing, side="right") - 1
        is_inside = continuing < self.starts.take(tokens) + self.lengths.take(tokens)
        return self.lengths - np.bincount(tokens[is_inside & (tokens >= 0)], minlength=len(self.lengths))

    def is_dense(self) -> bool:
        """Return whether the ids are 0, 1, 2 and so on, in any order."""
        return bool((np.sort(self.ids) == np.arange(len(self.ids))).all())


class ScoredVocabulary:
    """The pieces of a Unigram model and their scores.

    Attributes:
        vocabulary: the pieces; their ids are their places.
        scores: (pieces,) float64.
    """

    def __init__(self, vocabulary: Vocabulary, scores: NDArray[np.float64]) -> None:
        self.vocabulary, self.scores = vocabulary, scores


def in_order(ids: Mapping[str, int]) -> tuple[str, ...]:
    """Return the tokens of a vocabulary in the order of their ids. If two share an id, both are in it.

    Examples:
        >>> in_order({"b": 1, "c": 0, "a": 1})
        ('c', 'a', 'b')
    """
    # Without the second key, the order of two tokens with one id would change from start to start.
    return tuple(sorted(ids, key=lambda token: (ids[token], token)))


def windows(units: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return a view of the eight bytes that begin at each byte.

    Args:
        units: bytes, with `PADDING` more at the end.
    """
    return np.ndarray(len(units) - PADDING + 1, "<u8", units, strides=(1,))


def vocabulary_of(ids: Mapping[Any, Any]) -> Vocabulary:
    """Return a vocabulary in arrays.

    Args:
        ids: tokens and their ids.

    Raises:
        ValueError: a token is not Unicode, an id is not an int from 0 to 2**31 - 1, or there are no tokens.
    """
    if set(map(type, ids.values())) != {int} or min(ids.values()) < 0 or max(ids.values()) >= MOST_IDS:
        raise ValueError("the ids are not ints from 0 to 2**31 - 1")
    return _vocabulary(ids, np.fromiter(ids.values(), np.int32))


def scored_vocabulary_of(pieces: Sequence[Any]) -> ScoredVocabulary:
    """Return the pieces of a Unigram model in arrays.

    Args:
        pieces: pairs of a piece and its score. A piece may occur more than once.

    Raises:
        ValueError: a pair is something else, a piece is not Unicode, or there are no pieces.

    Examples:
        >>> scored_vocabulary_of([["<unk>", 0], ["a", -1.5]]).scores.tolist()
        [0.0, -1.5]
    """
    for pair in pieces:
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise ValueError(f"{pair!r:.60} is not a piece and its score")
        if type(pair[1]) not in (int, float) or not isfinite(pair[1]):
            raise ValueError(f"the score of {pair[0]!r:.60} is not a number")
    if not pieces:
        raise ValueError("there are no pieces")
    ids = np.arange(len(pieces), dtype=np.int32)
    return ScoredVocabulary(
        _vocabulary([piece for piece, _ in pieces], ids), np.array([float(score) for _, score in pieces])
    )


def _vocabulary(tokens: Iterable[str], ids: NDArray[np.int32]) -> Vocabulary:
    encoded = [token.encode() for token in tokens]
    lengths = np.fromiter(map(len, encoded), np.intp, len(encoded))
    units = np.append(np.frombuffer(b"".join(encoded), np.uint8), PADDING_BYTES)
    return Vocabulary(units, np.cumsum(lengths) - lengths, lengths, ids)
