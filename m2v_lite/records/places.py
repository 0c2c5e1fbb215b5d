"""Keeps where records were read, for error messages and for the columns that show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Lines(Protocol):
    """Some lines of a file, which can tell where each of them is."""

    @property
    def lines(self) -> range: ...

    def place(self, number: int) -> str: ...


class Places(NamedTuple):
    """Where the records of a batch were read.

    Attributes:
        path: the file, or the name of another source.
        unit: what is counted there: "line", "row", "item" or "text".
        numbers: the number of each record, from 1 up.
        blocks: the text that the records were read from, if it counts lines.
    """

    path: str
    unit: str
    numbers: Sequence[int]
    blocks: Sequence[Lines] = ()

    def described(self, index: int) -> str:
        """Return the place of a record, for a message."""
        number = self.numbers[index]
        for block in self.blocks:
            if number in block.lines:
                return block.place(number)
        return place_of(self.path, self.unit, number)


def place_of(path: str, unit: str, number: int) -> str:
    """Return a place for a message.

    Examples:
        >>> place_of("notes.txt", "line", 3)
        'notes.txt, line 3'
    """
    return f"{path}, {unit} {number}" if path else f"{unit} {number}"
