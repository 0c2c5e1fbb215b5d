"""The numbers of chunks -> what the index has of them."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, NamedTuple

from m2v_lite.search.database import selected
from m2v_lite.search.nearest import Found


class Hit(NamedTuple):
    """A text that was found. It is a named tuple.

    Attributes:
        id: what identifies it: what `Index.add` was given or has returned. Of a chunk of a file, a number.
        score: how good it is: of search by vector, the cosine; of search by words, BM25; of hybrid search,
            BM25 plus six times the cosine.
        text: the text.
        metadata: what `Index.add` was given with it; {} for nothing.
        path: the file that it is of, or None if `Index.add` added it.
        first_line: the first line of it in the file, from 1 up, or None.
        last_line: the last line of it in the file, or None.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from m2v_lite.search import Index
        >>> with TemporaryDirectory() as folder, Index(folder + "/notes.db") as index:
        ...     ids = index.add(["The kettle is on."], ids=["tea"], metadata=[{"room": "kitchen"}])
        ...     hit, = index.search("boiling water", mode="vector")
        ...     hit.id, round(hit.score, 2), hit.text, hit.metadata
        ('tea', 0.45, 'The kettle is on.', {'room': 'kitchen'})
    """

    id: int | str
    score: float
    text: str
    metadata: dict[str, Any]
    path: str | None = None
    first_line: int | None = None
    last_line: int | None = None


def hits_of(connection: sqlite3.Connection, found: Found) -> list[Hit]:
    """Return chunks with all that the index has of them."""
    numbers = found.chunks.tolist()
    query = (
        "SELECT chunks.id, name, text, metadata, path, first_line, last_line FROM chunks "
        "LEFT JOIN sources ON sources.id = chunks.source WHERE chunks.id IN ({values})"
    )
    rows = {number: row for number, *row in selected(connection, query, numbers)}
    hits = []
    for number, score in zip(numbers, found.scores.tolist(), strict=True):
        try:
            name, text, metadata, path, first, last = rows[number]
            mapping = json.loads(metadata) if metadata else {}
        except (KeyError, TypeError, ValueError) as error:
            raise sqlite3.DatabaseError(f"chunk {number} or its metadata is missing") from error
        hits.append(Hit(number if name is None else name, score, text, mapping, path, first, last))
    return hits
