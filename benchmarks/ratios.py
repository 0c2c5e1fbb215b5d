"""How many times as fast one library is as another, round by round."""

from __future__ import annotations

import statistics
from collections.abc import Mapping


def ratios(seconds: Mapping[str, list[float]], theirs: str, ours: str) -> list[float]:
    """Return their time divided by ours, for each round.

    >>> ratios({"a": [4.0, 9.0], "b": [2.0, 3.0]}, "a", "b")
    [2.0, 3.0]
    """
    return [their / our for their, our in zip(seconds[theirs], seconds[ours], strict=True)]


def median_ratio(seconds: Mapping[str, list[float]], theirs: str, ours: str) -> float:
    """Return the median of the ratios of all rounds."""
    return statistics.median(ratios(seconds, theirs, ours))


def rounded_down(ratio: float) -> str:
    """Return a ratio as the tables of the pages have it: the last of two decimals left out.

    >>> rounded_down(8.15), rounded_down(0.99)
    ('8.1', '0.9')
    """
    return f"{ratio:.2f}"[:-1]
