"""Many short words -> the ids of their pieces, all words at once: WordPiece in arrays.

At each step the longest piece is found that begins what is left of each word, by looking up all beginnings
of it in tables of the vocabulary's keys.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from m2v_lite.flat_ids import FlatIds
from m2v_lite.key_table import ALL_PROBES, MISSING, MOST_CHARACTERS, KeyTable, word_keys
from m2v_lite.spans import PADDING, Spans

# Words that are divided at once, so that the tables of a step stay small.
WORDS_AT_ONCE = 1024


class BulkWordPiece:
    """Divides words of at most `MOST_CHARACTERS` ASCII characters.

    Args:
        vocabulary: token ids by token.
        prefix: stands before pieces that do not begin a word.
        unknown: the id of a word that cannot be divided.

    Example:
        >>> from m2v_lite.spans import AsciiDivider
        >>> from m2v_lite.words import WordSplitter
        >>> words = AsciiDivider(WordSplitter()).divide(["unable", "able un"])
        >>> model = BulkWordPiece({"un": 1, "##able": 3, "able": 4, "\\x01": 5}, "##", unknown=0)
        >>> ids, bounds = model.pieces(words)
        >>> ids.tolist(), bounds.tolist()
        ([1, 3, 5, 4, 1, 5], [0, 2, 3, 4, 5, 6])
    """

    def __init__(self, vocabulary: Mapping[str, int], prefix: str, unknown: int) -> None:
        self._first = _table(vocabulary)
        cut = len(prefix)
        self._next = _table(
            {token[cut:]: token_id for token, token_id in vocabulary.items() if token.startswith(prefix)}
        )
        self._unknown = unknown

    def pieces(self, words: Spans) -> FlatIds:
        """Return the ids of the pieces of all words, and the bounds of each word's."""
        parts = [
            self._pieces(words.chosen(slice(start, start + WORDS_AT_ONCE)))
            for start in range(0, len(words.starts), WORDS_AT_ONCE)
        ]
        counts = np.concatenate([counts for _, counts in parts])
        return np.concatenate([ids for ids, _ in parts]), np.concatenate([[0], np.cumsum(counts)])

    def _pieces(self, words: Spans) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """Return the ids of pieces, and how many each word has."""
        number = len(words.starts)
        steps: list[tuple[NDArray[np.intp], NDArray[np.int64]]] = []
        is_unknown = np.zeros(number, bool)
        left, rest, table = np.arange(number), words, self._first
        while len(left):
            ids, lengths = _longest(table, rest)
            found = ids != MISSING
            is_unknown[left[~found]] = True
            left, ids, lengths = left[found], ids[found], lengths[found]
            steps.append((left, ids))
            rest = rest.chosen(found)
            goes_on = lengths < rest.lengths
            left = left[goes_on]
            rest = Spans(rest.units, rest.starts + lengths, rest.lengths - lengths).chosen(goes_on)
            table = self._next
        word_of = np.concatenate([indexes for indexes, _ in steps])
        ids = np.concatenate([ids for _, ids in steps])
        known = ~is_unknown[word_of]
        unknown = np.flatnonzero(is_unknown)
        word_of = np.concatenate([word_of[known], unknown])
        ids = np.concatenate([ids[known], np.full(len(unknown), self._unknown)])
        order = np.argsort(word_of, kind="stable")
        return ids[order], np.bincount(word_of, minlength=number)


def _longest(table: KeyTable, words: Spans) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the code of the longest entry that begins each word, or `MISSING`, and its length."""
    number = len(words.starts)
    most = int(words.lengths.max())
    # All beginnings of each word, the longest first.
    lengths = words.lengths[:, None] - np.arange(most)
    is_one = lengths > 0
    starts = np.broadcast_to(words.starts[:, None], lengths.shape)[is_one]
    codes = np.full((number, most), MISSING, np.int64)
    codes[is_one] = table.find(word_keys(Spans(words.units, starts, lengths[is_one])))
    longest = np.argmax(codes != MISSING, axis=1)
    every = np.arange(number)
    return codes[every, longest], lengths[every, longest]


def _table(tokens: Mapping[str, int]) -> KeyTable:
    """Return a table of the tokens that are short and ASCII, and not empty."""
    short = {
        token: token_id
        for token, token_id in tokens.items()
        if token.isascii() and 0 < len(token) <= MOST_CHARACTERS
    }
    lengths = np.fromiter(map(len, short), np.intp, len(short))
    units = np.frombuffer("".join(short).encode("ascii") + bytes(PADDING), np.uint8)
    table = KeyTable(columns=2, probes=ALL_PROBES)
    table.resize(table.slots_for(len(short)))
    table.insert(
        word_keys(Spans(units, np.cumsum(lengths) - lengths, lengths)),
        np.fromiter(short.values(), np.int64, len(short)),
    )
    return table
