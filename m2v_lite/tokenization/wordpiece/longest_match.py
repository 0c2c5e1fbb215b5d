"""Many short words -> the ids of their pieces, all words at once: WordPiece in arrays.

Each step finds the longest piece that begins the rest of each word. It looks up all beginnings of the rest in
tables of the vocabulary's keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from m2v_lite.tokenization.flat_ids import FlatIds
from m2v_lite.tokenization.wordpiece.hashing import (
    ALL_PROBES,
    KEY_CHARACTERS,
    MISSING,
    KeyTable,
    word_keys,
)
from m2v_lite.tokenization.wordpiece.word_spans import PADDING, Spans

if TYPE_CHECKING:
    from m2v_lite.tokenization.protocols import Vocabulary

# How many words to divide at once. A limit keeps the arrays of a step small.
WORDS_AT_ONCE = 1024


class BulkWordPiece:
    """Divides words of at most `KEY_CHARACTERS` ASCII characters.

    Args:
        vocabulary: the tokens and their ids.
        prefix: stands before pieces that do not begin a word.
        unknown: the id of a word that cannot be divided.

    Example:
        >>> from m2v_lite.tokenization.wordpiece.word_spans import AsciiDivider
        >>> from m2v_lite.tokenization.vocabulary import DictVocabulary
        >>> from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
        >>> words = AsciiDivider(WordSplitter()).divide(["unable", "able un"])
        >>> vocabulary = DictVocabulary({"un": 1, "##able": 3, "able": 4, "\\x01": 5})
        >>> ids, bounds = BulkWordPiece(vocabulary, "##", unknown=0).pieces(words)
        >>> ids.tolist(), bounds.tolist()
        ([1, 3, 5, 4, 1, 5], [0, 2, 3, 4, 5, 6])
    """

    def __init__(self, vocabulary: Vocabulary, prefix: str, unknown: int) -> None:
        text, ends, ids = vocabulary.arrays()
        starts = np.concatenate([[0], ends[:-1]]).astype(np.intp)
        lengths = ends.astype(np.intp) - starts
        others_before = np.concatenate([[0], np.cumsum(text >= 128)])
        is_ascii = others_before[starts + lengths] == others_before[starts]
        units = np.concatenate([text, np.zeros(PADDING, np.uint8)])
        self._first = _table(Spans(units, starts, lengths), ids, is_ascii)
        cut = len(prefix)
        is_next = lengths > cut
        for place, byte in enumerate(prefix.encode()):
            is_next &= units[np.minimum(starts + place, len(text))] == byte
        self._next = _table(Spans(units, starts + cut, lengths - cut), ids, is_ascii & is_next)
        self._unknown = unknown

    def pieces(self, words: Spans) -> FlatIds:
        """Return the ids of the pieces of all words, and the bounds of each word."""
        parts = [
            self._pieces(words.select(slice(start, start + WORDS_AT_ONCE)))
            for start in range(0, len(words.starts), WORDS_AT_ONCE)
        ]
        counts = np.concatenate([counts for _, counts in parts])
        return np.concatenate([ids for ids, _ in parts]), np.concatenate([[0], np.cumsum(counts)])

    def _pieces(self, words: Spans) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """Return the ids of the pieces, and how many pieces each word has."""
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
            rest = rest.select(found)
            goes_on = lengths < rest.lengths
            left = left[goes_on]
            rest = Spans(rest.units, rest.starts + lengths, rest.lengths - lengths).select(goes_on)
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


def _table(tokens: Spans, ids: NDArray[np.int64], chosen: NDArray[np.bool_]) -> KeyTable:
    """Return a table of the chosen tokens, except for long and empty tokens."""
    chosen = chosen & (tokens.lengths > 0) & (tokens.lengths <= KEY_CHARACTERS)
    table = KeyTable(columns=2, probes=ALL_PROBES)
    table.resize(table.slots_for(int(np.count_nonzero(chosen))))
    table.insert(word_keys(tokens.select(chosen)), ids[chosen])
    return table
