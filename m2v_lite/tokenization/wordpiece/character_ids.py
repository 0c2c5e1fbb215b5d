"""Turns the words of a batch into flat token ids, character by character where that is possible.

Beyond ASCII, a vocabulary may have hardly any token but single characters. A longer token can begin only with
its first two characters. So a word is taken apart into characters, two look-ups give all ids, and the places
that have such a pair are looked at again. `word_ids` divides the words that begin in ASCII, which has longer
tokens for almost every pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.character_entries import FIRST_PLANE
from m2v_lite.tokenization.code_points import utf8, utf8_offsets
from m2v_lite.tokenization.flat_ids import bounds_at
from m2v_lite.tokenization.runs import positions
from m2v_lite.tokenization.vocabulary import windows
from m2v_lite.tokenization.wordpiece.character_tokens import ASCII

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.flat_ids import FlatIds, Ids
    from m2v_lite.tokenization.wordpiece.batch_words import WordsOfCodes
    from m2v_lite.tokenization.wordpiece.character_tokens import CharacterTokens
    from m2v_lite.tokenization.wordpiece.pieces import WordPiece
    from m2v_lite.tokenization.wordpiece.token_tables import TokenTables


class CharacterIds:
    """The ids of words that are divided character by character; other words are left.

    Args:
        characters: the tokens of one character.
        words: the words of some texts, with a NUL after each text; at least one.
        model: divides words.

    Attributes:
        left: the words that are left.
    """

    def __init__(self, characters: CharacterTokens, words: WordsOfCodes, model: WordPiece) -> None:
        firsts = words.firsts()
        is_left = (firsts < ASCII) & (words.lengths > 1)
        is_done = ~is_left
        self._is_end = firsts == 0
        self._ids, counts, is_odd = _divided(characters, words.chosen(is_done), model)
        self._counts = np.zeros(len(firsts), np.intp)
        self._counts[is_done] = counts
        is_left[is_done] = is_odd
        self._is_left, self.left = is_left, words.chosen(is_left)

    def completed(self, ids: Ids, stops: Ids) -> FlatIds:
        """Return the ids of all texts, and their bounds.

        Args:
            ids: those of the words that are left, one word after the other.
            stops: (words left,) where the ids of each word end.
        """
        flat, counts, is_left = self._ids, self._counts, self._is_left
        if len(stops):
            counts[is_left] = np.diff(stops, prepend=0)
            is_of_left = np.repeat(is_left, counts)
            flat = np.empty(len(is_of_left), np.intp)
            flat[is_of_left], flat[~is_of_left] = ids, self._ids
        return flat, bounds_at(np.cumsum(counts), self._is_end)


def _divided(
    characters: CharacterTokens, words: WordsOfCodes, model: WordPiece
) -> tuple[Ids, Ids, NDArray[np.bool_]]:
    """Return the ids of words, the number of each word's ids, and which words must be left.

    Args:
        characters, words, model: as for `CharacterIds`.
    """
    codes, lengths = words.codes, words.lengths
    stops = np.cumsum(lengths)
    starts = stops - lengths
    firsts = codes.take(starts)
    ids = characters.continuing_ids(codes)
    ids[starts] = characters.first_ids(firsts)
    begins_longer = characters.begin_longer(codes)
    begins_longer[stops - 1] = False  # what comes next is another word
    is_odd = np.zeros(len(lengths), bool)
    if int(codes.max()) >= FIRST_PLANE:
        is_odd = np.logical_or.reduceat(codes >= FIRST_PLANE, starts)
    is_piece, counts = np.ones(len(codes), bool), lengths.copy()
    if begins_longer.any():
        holds_longer = np.logical_or.reduceat(begins_longer, starts)
        if characters.few_are_longer:
            holding = np.flatnonzero(holds_longer & ~is_odd)
            _take_longer(model.tables, words, starts, holding, begins_longer, ids, is_piece, counts)
        else:
            is_odd |= holds_longer
    is_end = firsts == 0
    is_unknown = np.logical_or.reduceat(is_piece & (ids == 0), starts)
    is_unknown |= lengths > model.most_characters
    is_unknown &= ~(is_odd | is_end)
    is_piece &= np.repeat(~(is_odd | is_unknown | is_end), lengths)
    unknown_at = starts[is_unknown]
    is_piece[unknown_at], ids[unknown_at] = True, model.unknown + 1
    counts[is_unknown], counts[is_end] = 1, 0
    pieces = ids[is_piece].astype(np.intp)
    pieces -= 1
    return pieces, counts, is_odd


def _take_longer(
    tables: TokenTables,
    words: WordsOfCodes,
    starts: Ids,
    holding: Ids,
    begins_longer: NDArray[np.bool_],
    ids: NDArray[np.int32],
    is_piece: NDArray[np.bool_],
    counts: Ids,
) -> None:
    """Correct the ids where a token of several characters is a piece.

    Args:
        tables: the vocabulary.
        words: as for `CharacterIds`.
        starts: (words,) where each word begins.
        holding: the indexes of some words, with at least one place where a longer token may begin.
        begins_longer: (characters,) these places.
        ids: (characters,) the ids of the pieces, plus 1; written.
        is_piece: (characters,) whether a piece begins at each character; written.
        counts: (words,) the number of each word's pieces; written.
    """
    lengths = words.lengths[holding]
    # The characters of these words, one word after the other, and where they are among all.
    places = positions(starts[holding], lengths)
    codes = words.codes[places]
    window, offsets = windows(utf8(codes)), utf8_offsets(codes)
    ends = np.cumsum(lengths)
    at = np.flatnonzero(begins_longer[places])
    word_of = np.searchsorted(ends, at, side="right")
    is_first = at == (ends - lengths).take(word_of)
    begin = offsets[at]
    rest = offsets[ends].take(word_of) - begin
    found, taken = np.empty(len(at), np.intp), np.empty(len(at), np.intp)
    for root, some in (
        (tables.first, np.flatnonzero(is_first)),
        (tables.continuing, np.flatnonzero(~is_first)),
    ):
        found[some], taken[some] = tables.longest(window, begin[some], rest[some], root)
    stop = np.searchsorted(offsets, begin + taken)
    is_longer = np.flatnonzero(stop > at + 1)
    at, stop, found, word_of = at[is_longer], stop[is_longer], found[is_longer], word_of[is_longer]
    following = np.searchsorted(at, stop)
    if (following > np.arange(1, len(at) + 1)).any():
        # Some overlap: the first one in each word is taken, and then the next that begins behind it.
        is_taken = np.zeros(len(at) + 1, bool)
        is_taken[-1] = True  # stands for the end
        some = np.flatnonzero(np.diff(word_of, prepend=-1))
        while len(some):
            is_taken[some] = True
            some = following[some]
            some = some[~is_taken[some]]
        chosen = np.flatnonzero(is_taken[:-1])
        at, stop, found, word_of = at[chosen], stop[chosen], found[chosen], word_of[chosen]
    more = stop - at - 1
    ids[places[at]] = found + 1
    is_piece[places[positions(at + 1, more)]] = False
    counts[holding] -= np.bincount(word_of, more, len(holding)).astype(np.intp)
