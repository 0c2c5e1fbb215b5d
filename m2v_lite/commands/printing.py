"""Formats tables, counts and errors for a terminal, and makes texts short and safe to print."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from m2v_lite.errors import M2VLiteError
from m2v_lite.progress import printable

SHOWN_CHARACTERS = 40


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of cells in columns."""
    rows = [[*map(printable, row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def counted(number: int, what: str) -> str:
    """Return a number of things in words.

    Examples:
        >>> counted(1, "file"), counted(2000, "file")
        ('1 file', '2,000 files')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def shortened(text: str) -> str:
    """Return a text as one short line without control characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 1] + "…"


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def message_of(error: Exception) -> str:
    """Return the message of an error, and that of the system without its number."""
    if isinstance(error, M2VLiteError) or not isinstance(error, OSError) or not error.strerror:
        return str(error)
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return ": ".join([*names, error.strerror])
