"""Sets the size of batches and cuts lists of texts into them. No other module does.

A batch is a group of texts that is tokenized at once. Its size changes memory and speed, but not the results.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Item = TypeVar("Item")

# A batch is full with this many texts (the default of `encode`), and always with this many characters, so
# that the memory a tokenizer needs stays small.
BATCH_TEXTS = 4096
BATCH_CHARACTERS = 1 << 18


def cut(texts: Sequence[str], characters: int | None) -> list[str]:
    """Cut each text after `characters` characters; None leaves them whole."""
    return [text[:characters] for text in texts]


def are_long(texts: Sequence[str], characters: int | None) -> NDArray[np.bool_]:
    """Return which texts `cut` shortens, (texts,)."""
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    return lengths > (sys.maxsize if characters is None else characters)


def batches(texts: Sequence[str], size: int) -> Iterator[slice]:
    """Yield where each batch of `texts` lies; see `gathered`.

    Examples:
        >>> list(batches(["a", "b", "c"], size=2))
        [slice(0, 2, None), slice(2, 3, None)]
    """
    start = 0
    while start < len(texts):
        stop = start + fitting(texts, start, size)
        yield slice(start, stop)
        start = stop


def fitting(texts: Sequence[str], start: int, size: int, characters: int = BATCH_CHARACTERS) -> int:
    """Return how many texts from `start` on fill a batch.

    Args:
        texts: all texts.
        start: the index of the first text of the batch.
        size: the most texts of a batch.
        characters: with so many characters, a batch is full.

    Examples:
        >>> fitting(["a", "bb", "ccc", "d"], 1, size=10, characters=5)
        2
    """
    part = texts[start : start + size]
    if sum(map(len, part)) < characters:  # mostly, and found much sooner than one by one
        return len(part)
    number = total = 0
    while total < characters:
        total += len(part[number])
        number += 1
    return number


def gathered(
    items: Iterable[Item], length: Callable[[Item], int], size: int = BATCH_TEXTS, grow: bool = False
) -> Iterator[list[Item]]:
    """Yield batches of items, each as soon as it is full: `size` items, or `BATCH_CHARACTERS` characters.

    Args:
        items: texts, or what holds a text; perhaps a stream.
        length: returns the characters of an item.
        size: the most items of a batch.
        grow: whether to begin with one item, and double that with each batch, so that the first come soon.

    Examples:
        >>> list(gathered("abc", len, size=2))
        [['a', 'b'], ['c']]
        >>> list(gathered("abcde", len, grow=True))
        [['a'], ['b', 'c'], ['d', 'e']]
    """
    batch: list[Item] = []
    characters = 0
    most = 1 if grow else size
    for item in items:
        batch.append(item)
        characters += length(item)
        if len(batch) == most or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
            most = min(2 * most, size)
    if batch:
        yield batch
