"""Operations on flat ids: one array with the ids of all texts in a batch, and the bounds of each text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from m2v_lite.tokenization.runs import positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = NDArray[np.intp]
    FlatIds = tuple[Ids, Ids]  # ids and bounds


def flatten(lists: Sequence[Sequence[int]]) -> FlatIds:
    """Join lists of ids into one array, and return the array and its bounds.

    Examples:
        >>> ids, bounds = flatten([[5, 1, 6], [], [7]])
        >>> ids.tolist(), bounds.tolist()
        ([5, 1, 6, 7], [0, 3, 3, 4])
    """
    bounds = np.zeros(len(lists) + 1, np.intp)
    np.cumsum(np.fromiter(map(len, lists), np.intp, len(lists)), out=bounds[1:])
    return np.fromiter(chain.from_iterable(lists), np.intp, int(bounds[-1])), bounds


def bounds_at(stops: Ids, is_end: NDArray[np.bool_]) -> Ids:
    """Return the bounds of texts from where the ids of their words stop.

    Args:
        stops: (words,) where the ids of each word end.
        is_end: (words,) which words stand at the end of a text.

    Examples:
        >>> bounds_at(np.array([2, 2, 3, 3]), np.array([False, True, False, True])).tolist()
        [0, 2, 3]
    """
    return np.concatenate([[0], stops[is_end]])


def shorten(ids: Ids, bounds: Ids, max_length: int | None) -> FlatIds:
    """Keep the first `max_length` ids of each text, or all ids if it is None.

    Examples:
        >>> ids, bounds = shorten(np.array([5, 1, 6, 7]), np.array([0, 3, 3, 4]), 2)
        >>> ids.tolist(), bounds.tolist()
        ([5, 1, 7], [0, 2, 2, 3])
    """
    lengths = np.diff(bounds)
    if max_length is None or not len(lengths) or lengths.max() <= max_length:
        return ids, bounds
    long = np.flatnonzero(lengths > max_length)
    # +1 where a text is cut, -1 where the next one begins.
    change = np.zeros(len(ids) + 1, np.int8)
    change[bounds[long] + max_length] = 1
    change[bounds[long + 1]] -= 1
    return _keep(ids, bounds, np.cumsum(change[:-1], dtype=np.int8) == 0)


def drop(ids: Ids, bounds: Ids, token_id: int | None) -> FlatIds:
    """Remove an id wherever it occurs.

    Examples:
        >>> ids, bounds = drop(np.array([5, 1, 6, 1]), np.array([0, 3, 3, 4]), 1)
        >>> ids.tolist(), bounds.tolist()
        ([5, 6], [0, 2, 2, 2])
    """
    if token_id is None:
        return ids, bounds
    kept = ids != token_id
    return (ids, bounds) if kept.all() else _keep(ids, bounds, kept)


def known_ids(ids: Ids, bounds: Ids, max_length: int | None, unknown: int | None) -> FlatIds:
    """Cut each text to `max_length` ids, then remove the id of the unknown token.

    Examples:
        >>> ids, bounds = known_ids(np.array([5, 1, 6, 1]), np.array([0, 3, 4]), 2, 1)
        >>> ids.tolist(), bounds.tolist()
        ([5], [0, 1, 1])
    """
    return drop(*shorten(ids, bounds, max_length), unknown)


def merge(is_first: NDArray[np.bool_], first: FlatIds, second: FlatIds) -> FlatIds:
    """Put the ids of two groups of texts back into the order of the texts.

    Args:
        is_first: (texts,) whether each text belongs to the first group.
        first: ids and bounds of the first group.
        second: ids and bounds of the second group.

    Examples:
        >>> first, second = flatten([[1, 2], [3]]), flatten([[7, 8, 9]])
        >>> ids, bounds = merge(np.array([True, False, True]), first, second)
        >>> ids.tolist(), bounds.tolist()
        ([1, 2, 7, 8, 9, 3], [0, 2, 5, 6])
    """
    starts = np.empty(len(is_first), np.intp)
    starts[is_first], starts[~is_first] = first[1][:-1], second[1][:-1] + len(first[0])
    lengths = np.empty(len(is_first), np.intp)
    lengths[is_first], lengths[~is_first] = np.diff(first[1]), np.diff(second[1])
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    return np.concatenate([first[0], second[0]])[positions(starts, lengths)], bounds


def _keep(ids: Ids, bounds: Ids, kept: NDArray[np.bool_]) -> FlatIds:
    kept_before = np.zeros(len(ids) + 1, np.intp)
    np.cumsum(kept, out=kept_before[1:])
    return ids[kept], kept_before[bounds]


def of_each_text(ids: Ids, bounds: Ids) -> list[Ids]:
    """Divide a flat array into one view per text.

    Examples:
        >>> [part.tolist() for part in of_each_text(np.array([5, 6, 7]), np.array([0, 2, 2, 3]))]
        [[5, 6], [], [7]]
    """
    return [ids[start:end] for start, end in pairwise(bounds.tolist())]
