"""Splits words into their best pieces: those with the highest sum of scores, as in `tokenizers`.

The Viterbi algorithm reads a word from left to right. At each position, it knows the best split of the text
before. Every piece that begins there can improve the best split up to its end (Kudo, Subword Regularization,
2018, https://arxiv.org/abs/1804.10959). If no piece is one character long, the unknown token takes that
character, with a low score. Scores are added from left to right, and the first of equal sums wins. Each step
here handles one position in all words.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.unigram.double_array import BASE_MASK, NO_PIECE, PARENT_SHIFT, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from m2v_lite.tokenization.flat_ids import FlatIds
    from m2v_lite.tokenization.unigram.double_array import DoubleArray

    Ints = NDArray[np.intp]

# How far the score of the unknown token lies below the lowest score.
PENALTY = 10.0
# Which of two sums is the higher may change if they are closer and added to another sum first. The sum of the
# best division hardly changes by that, so that it counts only where pieces of the best division end.
NEAR = 1e-6


class Viterbi:
    """Divides words into pieces.

    Args:
        pieces: finds the pieces.
        scores: (pieces,) float64, by their ids.
        lowest: the lowest score.
        unknown: the id of the unknown token.
        bytes_of: (256,) the ids that stand for the bytes of unknown characters, if the model has them.

    Examples:
        >>> from m2v_lite.tokenization.unigram.double_array_builder import double_array
        >>> pieces = double_array(["<unk>", "a", "b", "ab"])
        >>> viterbi = Viterbi(pieces, np.array([0.0, -1, -1, -1.5]), lowest=-1.5, unknown=0)
        >>> viterbi.of_one("ab!?a")
        ([3, 0, 1], False)
        >>> words = np.array([ord(character) for character in "ab!?ab"])
        >>> ids, bounds, is_close = viterbi.of_many(words, np.array([0, 5, 6]))
        >>> ids.tolist(), bounds.tolist()
        ([3, 0, 1, 2], [0, 3, 4])
    """

    def __init__(
        self,
        pieces: DoubleArray,
        scores: NDArray[np.float64],
        lowest: float,
        unknown: int,
        bytes_of: Sequence[int] | None = None,
    ) -> None:
        self.pieces, self.scores, self.unknown = pieces, scores, unknown
        self._unknown_score, self._bytes_of = lowest - PENALTY, bytes_of
        self._scores_of_one = scores.data

    def __reduce__(self) -> tuple[type[Viterbi], tuple[object, ...]]:
        """Leave out the memory view."""
        lowest = self._unknown_score + PENALTY
        return Viterbi, (self.pieces, self.scores, lowest, self.unknown, self._bytes_of)

    @property
    def tells_unknown_apart(self) -> bool:
        """Whether the ids of a word tell which characters that are in no piece it has."""
        return self._bytes_of is not None

    def of_many(self, characters: Ints, bounds: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Divide many words, which should not be long.

        Args:
            characters: (characters,) the code points of the words, one word after the other.
            bounds: (words + 1,) where each word begins and ends. No word is empty.

        Returns:
            ids (ids,) of all words, their bounds (words + 1,), and is_close (words,): whether two divisions
            of a word are so close that in a longer word, another one could win.
        """
        number, lengths = len(characters), np.diff(bounds)
        if not number:
            return np.zeros(0, np.intp), bounds, np.zeros(len(lengths), bool)
        starts, lasts, ids, scores, groups = self._edges(characters, bounds, lengths)
        best, way = np.full(number, -np.inf), np.zeros(number, np.intp)
        before, sums_of = starts - 1, scores.copy()
        first = 0
        for step, end in enumerate(groups):
            sums, targets = scores[first:end], lasts[first:end]
            if step:
                sums_of[first:end] = sums = sums + best.take(before[first:end])
            better = np.flatnonzero(sums > best.take(targets))
            targets = targets.take(better)
            best[targets] = sums.take(better)
            better += first
            way[targets] = better
            first = end
        ends_piece = np.zeros(number, bool)
        at, low = bounds[1:] - 1, bounds[:-1]
        while len(at):
            ends_piece[at] = True
            at = before.take(way.take(at))
            goes_on = np.flatnonzero(at >= low)
            at, low = at.take(goes_on), low.take(goes_on)
        edges = way.take(np.flatnonzero(ends_piece))
        piece_bounds = np.concatenate([[0], np.cumsum(ends_piece).take(bounds[1:] - 1)])
        near = np.flatnonzero(best.take(lasts) - sums_of < NEAR)
        near = near[way.take(lasts.take(near)) != near]
        is_near = np.zeros(number, bool)
        is_near[lasts.take(near)] = True
        is_near &= ends_piece
        is_close = np.logical_or.reduceat(is_near, bounds[:-1])
        found = ids.take(edges).astype(np.intp)
        return *self._joined(found, piece_bounds, characters, starts.take(edges), lasts.take(edges)), is_close

    def _edges(
        self, characters: Ints, bounds: Ints, lengths: Ints
    ) -> tuple[Ints, Ints, NDArray[np.int32], NDArray[np.float64], list[int]]:
        """Return all pieces in words, and the unknown characters, in the order of their places in the words.

        Returns:
            starts and lasts (edges,), the first and the last character of each; ids (edges,);
            scores (edges,); and how many edges begin at the first place of a word, at the first two, ...
        """
        number = len(characters)
        matches = self.pieces.matches(self.pieces.codes_of(characters), np.repeat(bounds[1:], lengths))
        is_unknown = np.ones(number, bool)
        is_unknown[matches.starts[matches.lengths == 1]] = False
        unknown = np.flatnonzero(is_unknown)
        starts = np.concatenate([matches.starts, unknown])
        lasts = np.concatenate([matches.starts + matches.lengths - 1, unknown])
        ids = np.concatenate([matches.ids, np.full(len(unknown), self.unknown, np.int32)])
        places = (np.arange(number) - np.repeat(bounds[:-1], lengths)).astype(np.uint16).take(starts)
        order = np.argsort(places, kind="stable")
        scores = np.concatenate(
            [self.scores.take(matches.ids), np.full(len(unknown), self._unknown_score)]
        ).take(order)
        groups = np.cumsum(np.bincount(places)).tolist()
        return starts.take(order), lasts.take(order), ids.take(order), scores, groups

    def _joined(self, ids: Ints, bounds: Ints, characters: Ints, starts: Ints, lasts: Ints) -> FlatIds:
        """Join each run of unknown pieces to one, and return ids and bounds.

        A run may be a piece itself. If not, it is one unknown token, or its bytes.

        Args:
            ids, bounds: the pieces of the words.
            characters: as for `of_many`.
            starts, lasts: (ids,) the first and the last character of each piece.
        """
        is_unknown = ids == self.unknown
        if not is_unknown.any():
            return ids, bounds
        goes_on = is_unknown.copy()
        goes_on[1:] &= is_unknown[:-1]
        goes_on[0] = False
        goes_on[bounds[:-1]] = False
        firsts = np.flatnonzero(is_unknown & ~goes_on)
        # A run ends before the next piece that does not go on.
        stops = np.flatnonzero(np.append(~goes_on, True))
        ends = stops.take(np.searchsorted(stops, firsts, side="right"))
        is_alone = ends - firsts == 1
        counts = np.where(goes_on, 0, 1)
        replaced: dict[int, list[int]] = {}
        looked_at = firsts if self._bytes_of else firsts[~is_alone]
        ends = ends if self._bytes_of else ends[~is_alone]
        for run, end in zip(looked_at.tolist(), ends.tolist(), strict=True):
            text = "".join(map(chr, characters[starts[run] : lasts[end - 1] + 1].tolist()))
            replaced[run] = self.unknown_ids(text)
            counts[run] = len(replaced[run])
        joined = np.repeat(ids, counts)
        places = np.concatenate([[0], np.cumsum(counts)])
        for run, own in replaced.items():
            joined[places[run] : places[run] + len(own)] = own
        return joined, places.take(bounds)

    def unknown_ids(self, text: str) -> list[int]:
        """Return the ids of a run of unknown pieces."""
        token_id = self.pieces.find(text)
        if token_id is not None:
            return [token_id]
        if self._bytes_of:
            return [self._bytes_of[byte] for byte in text.encode()]
        return [self.unknown]

    def of_one(self, word: str) -> tuple[list[int], bool]:
        """Divide one word; return its ids, and whether two divisions are close, as `of_many` does."""
        links, ids, codes = self.pieces.links_of_one, self.pieces.ids_of_one, self.pieces.codes_of_one
        scores, known = self._scores_of_one, len(codes)
        coded = [codes[code_point] if code_point < known else 0 for code_point in map(ord, word)]
        number, root = len(coded), links[ROOT]
        best = [0.0] + [-inf] * number
        # Whether another division up to here is nearly as good as the best one.
        is_near = [False] * (number + 1)
        starts, chosen = [0] * (number + 1), [0] * (number + 1)
        for start in range(number):
            so_far, single = best[start], NO_PIECE
            slot, link, end = ROOT, root, start
            while end < number:
                child = (link & BASE_MASK) + coded[end]
                link = links[child]
                if link >> PARENT_SHIFT != slot:
                    break
                slot, end = child, end + 1
                token_id = ids[slot]
                if token_id != NO_PIECE:
                    total, old = scores[token_id] + so_far, best[end]
                    if total > old - NEAR:
                        is_near[end] = total < old + NEAR
                        if total > old:
                            best[end], starts[end], chosen[end] = total, start, token_id
                    if end == start + 1:
                        single = token_id
            if single == NO_PIECE:
                end, total = start + 1, self._unknown_score + so_far
                old = best[end]
                if total > old - NEAR:
                    is_near[end] = total < old + NEAR
                    if total > old:
                        best[end], starts[end], chosen[end] = total, start, self.unknown
        is_close, end = False, number
        while end:
            is_close = is_close or is_near[end]
            end = starts[end]
        return self._walked_back(word, starts, chosen), is_close

    def _walked_back(self, word: str, starts: list[int], chosen: list[int]) -> list[int]:
        """Return the ids of the best division, with each run of unknown pieces joined."""
        ids: list[int] = []
        end = run_end = len(word)
        while end:
            start = starts[end]
            if chosen[end] != self.unknown:
                if run_end > end:
                    ids += self.unknown_ids(word[end:run_end])[::-1]
                ids.append(chosen[end])
                run_end = start
            end = start
        if run_end:
            ids += self.unknown_ids(word[:run_end])[::-1]
        return ids[::-1]
