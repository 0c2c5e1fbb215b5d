"""Adds chunks with their vectors and words to the tables of an index, and removes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from m2v_lite.search.compact import compacted
from m2v_lite.search.database import selected
from m2v_lite.search.full_text import add_words, drop_words
from m2v_lite.search.vector_blocks import Layout, Rows, append, drop


class Entry(NamedTuple):
    """What an index keeps of a chunk, besides its vector.

    Attributes:
        text: its text.
        name: the identifier that a caller gave it, an int or a text. None for a chunk of a file, and where
            its number is its identifier.
        source: the number of the file that it is of, or None.
        first_line, last_line: where it is in the file.
        metadata: a JSON object, or None.
    """

    text: str
    name: int | str | None = None
    source: int | None = None
    first_line: int | None = None
    last_line: int | None = None
    metadata: str | None = None


def add_entries(
    connection: sqlite3.Connection,
    entries: Sequence[Entry],
    vectors: NDArray[np.float32],
    precision: str,
    has_words: bool,
) -> list[int]:
    """Add chunks, and return their numbers.

    Args:
        connection: one that writes.
        entries: the chunks.
        vectors: (entries, columns), unit vectors.
        precision: how the vectors are kept.
        has_words: whether the index has words.
    """
    if not entries:
        return []
    # Numbers are above all before, and above the integers that are names, for they may be identifiers, too.
    # SQLite keeps the largest number that there ever was.
    (last,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'chunks'"
    ).fetchone()
    last = max(last, *(entry.name for entry in entries if isinstance(entry.name, int)), 0)
    numbers = range(last + 1, last + 1 + len(entries))
    connection.executemany(
        "INSERT INTO chunks (id, text, name, source, first_line, last_line, metadata) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((number, *entry) for number, entry in zip(numbers, entries, strict=True)),
    )
    rows = Rows(*compacted(vectors, precision))
    layout = Layout(rows.numbers.dtype, rows.numbers.shape[1])
    append(connection, layout, np.array(numbers, np.int64), rows)
    if has_words:
        sources = list({entry.source for entry in entries if entry.source is not None})
        paths = dict(selected(connection, "SELECT id, path FROM sources WHERE id IN ({values})", sources))
        add_words(
            connection,
            numbers,
            (entry.text for entry in entries),
            (None if entry.source is None else paths[entry.source] for entry in entries),
        )
    return list(numbers)


def numbers_of(connection: sqlite3.Connection, names: Iterable[int | str]) -> list[int]:
    """Return the numbers of the chunks that have some names, or that have none and these numbers."""
    names = list(dict.fromkeys(names))
    integers = [name for name in names if isinstance(name, int)]
    named = selected(connection, "SELECT id FROM chunks WHERE name IN ({values})", names)
    unnamed = selected(
        connection,
        "SELECT id FROM chunks WHERE id IN ({values}) AND name IS NULL AND source IS NULL",
        integers,
    )
    return [number for (number,) in chain(named, unnamed)]


def drop_entries(connection: sqlite3.Connection, numbers: Sequence[int], has_words: bool) -> None:
    """Take chunks out.

    Args:
        connection: one that writes.
        numbers: the numbers of chunks that are there.
        has_words: whether the index has words.
    """
    numbers = sorted(set(numbers))
    if has_words:
        drop_words(connection, numbers)
    drop(connection, np.array(numbers, np.int64))
    connection.executemany("DELETE FROM chunks WHERE id = ?", ((number,) for number in numbers))
