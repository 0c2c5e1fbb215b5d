"""Picks one index for each distinct key, using a hash."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.flat_ids import Ids


def one_of_equal(
    hashes: NDArray[np.uint64], keys: Iterable[NDArray[Any]], can_be_equal: NDArray[np.bool_]
) -> tuple[Ids, Ids]:
    """Pick one index for each distinct item. Hash clashes leave duplicates.

    Args:
        hashes: (items,) whose upper bits differ for most different items.
        keys: arrays (items,) in which equal items are equal.
        can_be_equal: (items,) which items these keys describe in full; all others count as distinct. It is
            overwritten.

    Returns:
        distinct (distinct,), the indexes; and item_of (items,), where in `distinct` each item is.

    Examples:
        >>> key = np.array([5, 7, 5], np.uint64)
        >>> hashes = key * np.uint64(0x9E3779B97F4A7C15)
        >>> [array.tolist() for array in one_of_equal(hashes, [key], np.ones(3, bool))]
        [[1, 2], [1, 0, 1]]
    """
    number = len(hashes)
    bits = max(1, (2 * number).bit_length())
    slots = (hashes >> np.uint64(64 - bits)).astype(np.intp)
    every = np.arange(number)
    owners = np.empty(1 << bits, np.intp)
    owners[slots] = every
    owner = owners.take(slots)
    can_be_equal &= can_be_equal.take(owner)
    for key in keys:
        can_be_equal &= key.take(owner) == key
    owner = np.where(can_be_equal, owner, every)
    is_chosen = np.zeros(number, bool)
    is_chosen[owner] = True
    return np.flatnonzero(is_chosen), (np.cumsum(is_chosen) - 1).take(owner)
