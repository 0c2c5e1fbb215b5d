"""Turns the words of a batch into flat token ids, with WordPiece in arrays for all words at once.

Most words are tokens themselves. Each distinct other word is split greedily, as in BERT
(https://github.com/google-research/bert, tokenization.py): its first piece is the longest token that begins
it, and the next piece is the longest continuing token that begins the rest, until nothing is left. Each step
finds the next piece of all words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.distinct import one_of_equal
from m2v_lite.tokenization.runs import positions
from m2v_lite.tokenization.vocabulary import windows
from m2v_lite.tokenization.wordpiece.pieces import pieces_of_rest
from m2v_lite.tokenization.wordpiece.token_tables import CHUNK, MASKS

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import Ids
    from m2v_lite.tokenization.wordpiece.batch_words import Words
    from m2v_lite.tokenization.wordpiece.pieces import WordPiece
    from m2v_lite.tokenization.wordpiece.token_tables import Keys

# Words to divide at once: the arrays of a step then fit the cache.
WORDS_AT_ONCE = 4096
# Up to so many words are divided one by one, because a step costs as much for one word as for dozens.
FEW_WORDS = 16
# Odd factors for the hash that finds equal words.
FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)


def ids_of_words(model: WordPiece, words: Words) -> tuple[Ids, Ids]:
    """Return the ids of words.

    Args:
        model: the vocabulary, and which words are unknown.
        words: the words; the NUL after a text has no ids.

    Returns:
        ids, those of all words one after the other; and stops (words,), where the ids of each word end.

    Examples:
        >>> from m2v_lite.tokenization.vocabulary import vocabulary_of
        >>> from m2v_lite.tokenization.wordpiece.batch_words import BatchSplitter
        >>> from m2v_lite.tokenization.wordpiece.normalizer import WordSplitter
        >>> from m2v_lite.tokenization.wordpiece.pieces import WordPiece
        >>> from m2v_lite.tokenization.wordpiece.token_tree import token_tables
        >>> tables = token_tables(vocabulary_of({"un": 5, "##able": 6}), b"##")
        >>> words = BatchSplitter(WordSplitter()).ascii("Unable un\\0\\0able\\0")
        >>> ids, stops = ids_of_words(WordPiece(tables, unknown=0), words)
        >>> ids.tolist(), stops.tolist()
        ([5, 6, 5, 0], [2, 3, 3, 3, 4, 4])
    """
    window = windows(words.units)
    ids, is_missing, chunks = model.tables.whole(window, words.starts, words.lengths)
    is_missing |= words.characters > model.most_characters
    missing = np.flatnonzero(is_missing)
    is_end = words.units.take(words.starts.take(missing)) == 0
    ends, missing = missing[is_end], missing[~is_end]
    counts = np.ones(len(ids), np.intp)
    counts[ends] = 0
    starts, lengths = words.starts.take(missing), words.lengths.take(missing)
    distinct, word_of = one_of_each(window, chunks.take(missing), starts, lengths)
    pieces, pieces_of = divide(model, words.chosen(missing[distinct]))
    counts[missing] = own_counts = pieces_of.take(word_of)
    stops = np.cumsum(counts)
    places = stops - counts
    # One more place than there are ids, for the end of the last text.
    flat = np.empty(int(counts.sum()) + 1, np.intp)
    flat[places] = ids
    sources = np.cumsum(pieces_of) - pieces_of
    flat[positions(places[missing], own_counts)] = pieces.take(positions(sources.take(word_of), own_counts))
    return flat[:-1], stops


def one_of_each(window: Keys, chunks: Keys, starts: Ids, lengths: Ids) -> tuple[Ids, Ids]:
    """Pick one index for each distinct word. Hash clashes, and words of more than two chunks, leave
    duplicates.

    Args:
        window: the eight bytes that begin at each byte.
        chunks: (words,) the first chunk of each word.
        starts, lengths: (words,) where each word begins, and its bytes.

    Returns:
        distinct (distinct,), the indexes; and word_of (words,), where in `distinct` each word is.
    """
    second = np.zeros(len(chunks), np.uint64)
    long = np.flatnonzero(lengths > CHUNK)
    second[long] = window[starts[long] + CHUNK] & MASKS.take(lengths[long] - CHUNK, mode="clip")
    hashes = chunks * FACTORS[0] + second * FACTORS[1]
    return one_of_equal(hashes, (chunks, second), lengths <= 2 * CHUNK)


def divide(model: WordPiece, words: Words) -> tuple[Ids, Ids]:
    """Divide words into pieces.

    Args:
        model: as for `ids_of_words`.
        words: the words.

    Returns:
        pieces (pieces,), the ids of all words one after the other; and counts (words,), the pieces of each
        word.
    """
    parts = [
        _divide(model, words.chosen(slice(first, first + WORDS_AT_ONCE)))
        for first in range(0, len(words.starts), WORDS_AT_ONCE)
    ]
    if not parts:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    pieces, counts = zip(*parts, strict=True)
    return np.concatenate(pieces), np.concatenate(counts)


def _divide(model: WordPiece, all_words: Words) -> tuple[Ids, Ids]:
    tables, units = model.tables, all_words.units
    window = windows(units)
    is_unknown = all_words.characters > model.most_characters
    counts = np.zeros(len(is_unknown), np.intp)
    words = np.flatnonzero(~is_unknown)
    starts, lengths = all_words.starts.take(words), all_words.lengths.take(words)
    steps: list[tuple[Ids, Ids]] = []
    root = tables.first
    while len(words) > FEW_WORDS:
        ids, taken = tables.longest(window, starts, lengths, root)
        steps.append((words, ids))
        counts[words] = len(steps)
        lengths = lengths - taken
        if not taken.all():
            nothing = taken == 0
            is_unknown[words[nothing]] = True
            lengths[nothing] = 0
        left = np.flatnonzero(lengths)
        words, starts, lengths = words.take(left), (starts + taken).take(left), lengths.take(left)
        root = tables.continuing
    rests: list[tuple[int, list[int]]] = []
    for word, start, length in zip(words.tolist(), starts.tolist(), lengths.tolist(), strict=True):
        last = pieces_of_rest(tables, units[start : start + length].tobytes(), root)
        rests.append((word, last))
        counts[word] = len(steps) + len(last)
        is_unknown[word] = not last
    counts[is_unknown] = 1
    places = np.cumsum(counts)
    pieces = np.empty(int(places[-1]), np.intp)
    places -= counts
    for number, (words, ids) in enumerate(steps):
        known = ~is_unknown.take(words)
        pieces[places[words[known]] + number] = ids[known]
    for word, last in rests:
        if last:
            place = places[word] + len(steps)
            pieces[place : place + len(last)] = last
    pieces[places[is_unknown]] = model.unknown
    return pieces, counts
