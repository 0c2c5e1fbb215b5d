"""Expands runs in an array to the indexes of all their elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def positions(starts: NDArray[Any], lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return (sum of lengths,) the indexes of the elements of runs, one run after the other.

    Args:
        starts: (runs,) the index of each run's first element.
        lengths: (runs,) the number of its elements.

    Examples:
        >>> positions(np.array([10, 50, 20]), np.array([3, 0, 2])).tolist()
        [10, 11, 12, 20, 21]
    """
    ends = np.cumsum(lengths)
    steps: NDArray[np.intp] = np.repeat(starts - (ends - lengths), lengths)
    steps += np.arange(len(steps))
    return steps
